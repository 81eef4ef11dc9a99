"""`skip`: the main line goes on without something that failed, waits, or has not begun."""

from typing import Annotated

import typer

from fsm_sprint.cli import options, record
from fsm_sprint.cli.exits import UsageError
from fsm_sprint.cli.request import request


def skip(
    sprint: Annotated[
        str | None,
        typer.Argument(
            metavar="[SPRINT]", help="The sprint's directory; the current one by default.", show_default=False
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Argument(
            metavar="UNIT",
            help="A task, step or phase: its path, the end of it, or the id of a ParallelTask.",
            show_default=False,
        ),
    ] = None,
    *,
    reason: options.Reason = "by hand",
) -> None:
    """Leave out a task, step or phase that has failed, waits or has not begun; the next `run` goes on without it."""
    from fsm_sprint.report.lookup import lookup

    paths, wanted = record.named(sprint, unit)
    if wanted is None:
        raise UsageError("skip needs a UNIT", hint="`fsm-sprint status --all` lists them")
    if not paths.journal.exists():
        raise UsageError("nothing was ever run here", hint="`fsm-sprint run` begins")
    with record.reading(paths.journal) as reader:
        run = reader.latest_run()
        if run is None:
            raise UsageError("nothing was ever run here", hint="`fsm-sprint run` begins")
        path = lookup(reader, run, wanted).path
    request(paths, "skip", path, reason)
