"""What is to be known of an agent before anything is asked of it: its program, how one gets it, how one logs in."""

from typing import NamedTuple


class About(NamedTuple):
    """One agent."""

    program: str
    install: str
    """A command, or a place to read."""
    variables: tuple[str, ...]
    """Names in the environment any of which is a login."""
    files: tuple[str, ...]
    """Files any of which holds a login; `~` and `$NAME` as a shell has them, passed over where NAME is not set."""
    login: str
    """What to do without one."""
