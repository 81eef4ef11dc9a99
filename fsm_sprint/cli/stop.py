"""`stop`: end what runs, from any terminal, whether its supervisor lives or not."""

from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.request import request


def stop(
    sprint: options.Place = None,
    unit: Annotated[str | None, options.unit("everything that runs, and the sprint is paused")] = None,
    *,
    cancel: Annotated[bool, typer.Option("--cancel", help="Give the sprint up for good.")] = False,
    why: options.Why = "by hand",
    json: options.Json = False,
) -> None:
    """End the running tasks with all their processes; the sprint is paused and can be run again."""
    request("cancel" if cancel else "stop", sprint, unit, why=why, json=json, needed=False)
