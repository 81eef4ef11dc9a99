"""Rehearsals put together: which journal, which seeds, and whether crashes change an end. Starts nothing of the user's.

Rule: the sprint's directory is only read. What a rehearsal keeps, it keeps where it is told to; else in memory.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from fsm.errors import SprintError
from fsm.outcomes import Cast
from fsm.rehearsal import Mortal, Rehearsal, Rehearsed, differences, standing, started, story
from fsm.scripted import BEGIN
from fsm.world import Violation
from fsm_sprint.paths import SprintPaths
from journal.memory import MemoryJournal, Rows


class Broken(SprintError):
    """A rehearsal that did not go as it has to."""

    def __init__(self, seed: int, what: str, steps: list[str], *, hint: str) -> None:
        super().__init__(f"seed {seed}: {what}", hint=hint)
        self.steps = steps
        """The last that happened before."""


def today() -> date:
    """The day on which rehearsals take place."""
    return datetime.fromtimestamp(BEGIN / 1000, UTC).date()


def run_name(seed: int) -> str:
    """The id of a rehearsed run: as those of real ones, with the seed in place of what makes them unique."""
    return f"{datetime.fromtimestamp(BEGIN / 1000, UTC):%Y%m%d-%H%M%S}-{seed:06x}"


def rehearse(
    cast: Cast, seed: int, connect: Callable[[], Mortal], *, limit: int, every_row: bool = False
) -> Rehearsed:
    """One rehearsal, and with `every_row` a quiet one beside it, to whose end it has to come.

    Raises Broken when something does not hold.
    """
    played = Rehearsal(cast, seed, run_name(seed), connect, limit=limit, every_row=every_row)
    try:
        rehearsed = played.play()
        if not every_row:
            return rehearsed
        quiet = Rehearsal(cast, seed, run_name(seed), in_memory(), limit=limit).play()
    except (Violation, AssertionError) as error:
        raise Broken(seed, str(error), story(played), hint=_FAULT) from error
    found = differences(standing(quiet.sprint), standing(rehearsed.sprint))
    if found:
        same = started(quiet) == started(rehearsed)
        what = f"with crashes it came to another end: {'; '.join(found)}"
        raise Broken(seed, what, story(played), hint=_FAULT if same else _ORDER)
    return rehearsed


_FAULT = "this is a fault of fsm-sprint: report it with the sprint, the script and the seed"
_ORDER = (
    "the tasks were started in another order, as may be where they exclude each other or wait for a slot; then a"
    " failure, or what somebody asks for, meets others of them"
)


def in_memory() -> Callable[[], Mortal]:
    """Connections to a journal that is gone when nobody holds it any more."""
    rows = Rows()
    return lambda: MemoryJournal(rows)


def kept_in(keep: Path) -> tuple[Callable[[], Mortal], SprintPaths]:
    """Connections to a journal on disk, in an empty directory or one that is made for it; and its places."""
    from journal.store import SqliteJournal

    class Stored(SqliteJournal):
        """One process's connection that can be killed."""

        def kill(self) -> None:
            """Closes it; what was not committed is gone."""
            self.close()

    def connect() -> Mortal:
        journal = Stored.open(paths.journal, primed=0)
        assert isinstance(journal, Stored), "`open` makes what it is called on"
        return journal

    keep.mkdir(parents=True, exist_ok=True)
    paths = SprintPaths(keep)
    paths.prepare()
    return connect, paths


def keep_progress(paths: SprintPaths, rehearsed: Rehearsed) -> None:
    """Writes the PROGRESS.yaml of a rehearsal that stays."""
    from journal.progress import render

    paths.progress.write_text(render(rehearsed.sprint), encoding="utf-8")
