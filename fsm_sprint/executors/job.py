"""What an attempt runs: everything that the shim needs to know, and nothing that it has to look up."""

import os
from dataclasses import dataclass
from functools import lru_cache

from fsm_sprint.executors import wire

GRACE = 10.0
"""Seconds between TERM and KILL where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One program to run."""

    argv: tuple[str, ...]
    """Its first item is looked up along the PATH of `env` unless it holds a slash."""
    env: dict[str, str]
    """The whole environment; the executor adds what marks the attempt."""
    cwd: str
    """Absolute."""
    stdin: bytes | None = None
    """What it reads, of any size; None for nothing."""
    split: bool = False
    """stderr goes to a file of its own beside the log."""
    timeout: float | None = None
    """Seconds; None for no bound."""
    idle_timeout: float | None = None
    """Seconds without a byte of output; None for no bound."""
    first_output: float | None = None
    """Seconds until the first byte of output; None for no bound."""
    grace: float = GRACE
    """Seconds between TERM and KILL."""
    announce: bool = False
    """The pid of the program itself is worth a report."""

    def order(self) -> "wire.Order":
        """The job as the launcher takes it: texts as the bytes of the file system's encoding."""
        return {
            "argv": [_bytes(part) for part in self.argv],
            "env": {_bytes(name): _bytes(value) for name, value in self.env.items()},
            "cwd": _bytes(self.cwd),
            "prompt": self.stdin is not None,
            "timeout": self.timeout,
            "idle_timeout": self.idle_timeout,
            "first_output": self.first_output,
            "grace": self.grace,
            "announce": self.announce,
        }


@lru_cache(maxsize=4096)
def _bytes(text: str) -> bytes:
    """Kept for the next task, whose environment is nearly the same."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:  # half a surrogate pair, which no file system and no program can mean
        return text.encode("utf-8", "replace")
