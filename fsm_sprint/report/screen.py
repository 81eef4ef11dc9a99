"""What a supervisor shows of its run: PROGRESS.yaml first, then the terminal."""

from fsm.ports import Clock
from fsm.sprint import Sprint
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.console import Console
from fsm_sprint.report.publishers import Publishers
from journal.progress import Progress
from journal.publish import PublishedFile, Publisher


class Screen(Publishers):
    """The publishers of one run."""

    def __init__(self, file: Publisher, console: Console) -> None:
        super().__init__(file, console)
        self.console = console


def screen(
    paths: SprintPaths,
    sprint: Sprint,
    clock: Clock,
    *,
    live: bool | None = None,
    quiet: bool = False,
) -> Screen:
    """The publishers for a run of which `sprint` is the fold; `live` and `quiet` are the console's.

    Raises SprintError where PROGRESS.yaml must not be replaced: it is a link, or a directory.
    """
    console = Console(sprint, clock, paths.directory, live=live, quiet=quiet)
    file = PublishedFile(paths.progress, console.say)
    file.prepare()
    return Screen(Publisher(Progress(sprint), file, clock.monotonic, console.say), console)
