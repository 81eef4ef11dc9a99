"""`stop`: end what runs, from any terminal, whether its supervisor lives or not."""

from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.request import request


def stop(
    sprint: options.Sprint = None,
    *,
    cancel: Annotated[bool, typer.Option("--cancel", help="Give the sprint up for good.")] = False,
    reason: options.Reason = "by hand",
) -> None:
    """End the running tasks with all their processes; the sprint is paused and can be run again."""
    request(options.paths(sprint), "cancel" if cancel else "stop", "", reason)
