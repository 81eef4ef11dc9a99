"""`pause`: nothing new starts; what runs goes on to its end."""

from fsm_sprint.cli import options
from fsm_sprint.cli.request import request


def pause(sprint: options.Place = None, *, why: options.Why = "by hand", json: options.Json = False) -> None:
    """Start nothing new; what runs goes on to its end, and then `run` ends with 10."""
    request("pause", sprint, None, why=why, json=json, needed=False)
