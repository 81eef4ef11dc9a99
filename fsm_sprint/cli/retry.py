"""`retry`: something that has ended, or waits, runs again."""

from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.request import request


def retry(
    sprint: options.Place = None,
    unit: Annotated[str | None, options.unit("what has failed")] = None,
    *,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Run what came after it again as well.")
    ] = False,
    why: options.Why = "by hand",
    json: options.Json = False,
) -> None:
    """Run a task, or all in a step or phase, again with fresh tries; what only waits, waits no longer."""
    wanted = {"downstream": True} if downstream else None
    request("retry", sprint, unit, why=why, json=json, options=wanted, needed=downstream)
