"""`skip`: the main line goes on without something that failed, waits, or has not begun."""

from fsm_sprint.cli import options
from fsm_sprint.cli.request import request


def skip(
    sprint: options.Place = None,
    unit: options.Unit = None,
    *,
    why: options.Why = "by hand",
    json: options.Json = False,
) -> None:
    """Leave out a task, step or phase that has failed, waits or has not begun; the next `run` goes on without it."""
    request("skip", sprint, unit, why=why, json=json)
