"""`resume`: what rests goes on where it stood."""

from fsm_sprint.cli import options
from fsm_sprint.cli.request import request


def resume(sprint: options.Place = None, *, why: options.Why = "by hand", json: options.Json = False) -> None:
    """Take a paused, blocked or cancelled sprint up again. Where nobody supervises it, `run` then goes on with it."""
    request("resume", sprint, None, why=why, json=json, needed=False)
