"""Which command to type next. Rule: every command that is named here exists, with the options that are named."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from fsm.states import SprintState
from fsm_sprint.report.terminal import plain


def command(verb: str, directory: Path, *words: str) -> str:
    """`fsm-sprint VERB`, with the sprint's directory where it is not the current one."""
    return plain(shlex.join(["fsm-sprint", verb, *_named(directory), *words]))


def advice(
    state: str,
    directory: Path,
    *,
    supervised: bool = False,
    alive: bool = False,
    failed: str | None = None,
    asked: Sequence[tuple[str, str]] = (),
    limited: str | None = None,
    rejected: str | None = None,
    spent: tuple[str, str] | None = None,
    failing: bool = True,
) -> list[tuple[str, str]]:
    """(command, what it does), the most useful first, for a sprint in `state`.

    `supervised`: a supervisor runs; `alive`: some task does; `failed`: a unit whose output may say why; `asked`: what
    answers the questions that are open; `limited`: a unit that waits for a usage limit; `rejected`: the one by whose
    rejection it was blocked; `spent`: whose budget is used up, '' being the sprint's, and which of its bounds;
    `failing`: something has failed and is not left out.
    """
    again = command("run", directory)
    now = [(command("retry", directory, limited), "asks its agent now")] if limited else []
    if supervised:
        return [
            *asked,
            *now,
            (command("logs", directory, "-f"), "shows what is printed"),
            (command("stop", directory), "ends it"),
        ]
    if alive and state == SprintState.CANCELLED:
        return [(command("stop", directory), "ends what still runs")]
    if alive:
        return [
            (again, "takes over what runs, and goes on"),
            (command("stop", directory), "ends what runs"),
        ]
    look = [*asked]
    look += [(command("logs", directory, failed), "shows what it printed")] if failed else []
    if asked and state not in (SprintState.BLOCKED, SprintState.COMPLETED, SprintState.CANCELLED):
        return [*look, (again, "goes on as far as it can without")]
    if limited and state in (SprintState.PAUSED, SprintState.IN_PROGRESS):
        return [(again, "waits for the usage limit, and goes on"), *now]
    if state == SprintState.COMPLETED:
        return [*look, (command("replay", directory), "tells what happened")]
    if state == SprintState.CANCELLED:
        return [
            (command("run", directory, "--new"), "begins another run"),
            (command("resume", directory), "takes this one up again; then `run` goes on"),
        ]
    if state == SprintState.BLOCKED and rejected:
        without = (command("skip", directory, rejected), "leaves it out; then `run` goes on")
        return [*look, without, (again, "asks once more")]
    if state == SprintState.BLOCKED and spent:
        unit, bound = spent
        more = command("resume", directory, *([unit] if unit else []), "--budget", f"{bound}=N")
        return [*look, (more, "allows more in all; then `run` goes on")]
    if state == SprintState.BLOCKED and failing:
        return [*look, (again, "tries again what has failed")]
    if state == SprintState.NOT_STARTED:
        return [(again, "begins")]
    return [*look, (again, "goes on")]


def _named(directory: Path) -> list[str]:
    here = Path.cwd()
    if directory == here:
        return []
    relative = os.path.relpath(directory, here)
    if relative.startswith("-"):
        relative = os.path.join(os.curdir, relative)  # noqa: PTH118  # a Path would drop the `./` that says it is no option
    return [str(directory) if relative.startswith(os.pardir + os.sep + os.pardir) else relative]
