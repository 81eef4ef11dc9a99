"""`doctor`: whether everything is here that a run needs, and what could go wrong."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.exits import ExitCode
from fsm_sprint.paths import SprintPaths


def doctor(
    sprint: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SPRINT]", help="The sprint's directory; the current one by default.", show_default=False
        ),
    ] = None,
    *,
    json: options.Json = False,
) -> None:
    """Look at Python, packages, disk, agents, terminal and surroundings; say what to do.

    Executes nothing but `--version` of agents.
    """
    from fsm_sprint.doctor.examination import count, examine, page
    from fsm_sprint.doctor.finding import Mark
    from fsm_sprint.report.document import printed
    from fsm_sprint.report.terminal import Ink, coloured, plain

    found = examine(SprintPaths(sprint or Path()))
    well = count(found, Mark.BAD) == 0
    if json:
        checks = [{"group": group, **one._asdict()} for group, findings in found for one in findings]
        print(printed({"version": 1, "ok": well, "checks": checks}))
    else:
        ink = Ink(wanted=coloured(sys.stdout))
        colours = {"  ok ": "green", "  warn": "yellow", "  x ": "red"}
        for line in map(plain, page(found)):
            colour = next((name for mark, name in colours.items() if line.startswith(mark)), None)
            print(ink(line[:6], colour) + line[6:] if colour else line)
    raise typer.Exit(ExitCode.DONE if well else ExitCode.ENVIRONMENT)
