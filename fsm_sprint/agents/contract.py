"""What a driver of an agent has to be: how to start it, and what its output and its end amount to.

Rule: a driver belongs to one attempt and touches neither disk nor processes. It tolerates whatever an agent prints.
Verdicts: ok, failed, needs-human, timeout, idle, killed, crashed here; drivers of particular agents know more.
"""

from collections.abc import Mapping
from typing import Protocol

from fsm.transition import Facts

TAIL = 64 * 1024
"""Bytes at the end of an agent's stdout that are read once it has ended."""


class Driver(Protocol):
    """One attempt of one agent."""

    def argv(self) -> tuple[str, ...]:
        """The program and its arguments. Never the prompt: arguments are short, and everybody can read them."""
        ...

    def env(self) -> dict[str, str]:
        """Variables that this agent needs beyond the user's."""
        ...

    def stdin(self) -> bytes:
        """What it reads."""
        ...

    def feed(self, raw: bytes) -> Facts:
        """Takes the next piece of stdout, in order and of any size; returns what was learnt from it."""
        ...

    def finish(self, ended: Mapping[str, str]) -> tuple[str, Facts]:
        """The verdict and the facts for the row, from the fields of the exit record and all that was fed."""
        ...
