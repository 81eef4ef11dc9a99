"""`status`: where a sprint stands, at a glance."""

import sys
from typing import Annotated, Any

import typer

from fsm_sprint.cli import options, record
from fsm_sprint.cli.exits import ExitCode, at_rest
from fsm_sprint.clock import SystemClock


def status(
    sprint: options.Sprint = None,
    *,
    json: options.Json = False,
    every: Annotated[bool, typer.Option("--all", help="Every unit and every failure.")] = False,
    exit_status: Annotated[
        bool,
        typer.Option(
            "--exit-status", help="End with the code that `run` would give; with 10 while it has not ended."
        ),
    ] = False,
) -> None:
    """Show where a sprint stands: what runs, what waits, what failed, whether its supervisor lives. Changes nothing."""
    from fsm_sprint.report.status import status as look

    paths = options.paths(sprint)
    clock = SystemClock()
    if record.there(paths):
        with record.reading(paths.journal) as reader:
            document = look(paths, reader, clock, every=every)
    else:
        document = look(paths, None, clock)
    if json:
        from fsm_sprint.report.document import printed

        print(printed(document))
    else:
        _show(document, clock.now())
    raise typer.Exit(_code(document) if exit_status else ExitCode.DONE)


def _show(document: dict[str, Any], now: int) -> None:
    from fsm_sprint.report.glance import lines
    from fsm_sprint.report.terminal import Ink, blocks, coloured, columns

    out = sys.stdout
    ink = Ink(wanted=coloured(out))
    for line in lines(document, now, columns(out), ink, ascii_only=not blocks(out.encoding)):
        print(line)


def _code(document: dict[str, Any]) -> ExitCode:
    state = document["state"]
    if state in ("not-started", "in-progress"):
        return ExitCode.WAITING
    return at_rest(state, failures=bool(document["tolerated"]), kind=document["kind"])
