"""What a driver of an agent has to be: how to start it, and what its output and its end amount to.

Rule: a driver belongs to one attempt and touches neither disk nor processes. It tolerates whatever an agent prints, and
what it concludes follows from the bytes, the stderr and the exit record alone: however the bytes were cut up, and
whether somebody listened while they came or reads them afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fsm import verdicts
from fsm.plan import Agent
from fsm.transition import Facts
from fsm_sprint.agents.vocabulary import Tokens

TAIL = 64 * 1024
"""Bytes at the end of an agent's stderr, or of its text, that are looked at once it has ended."""

VERDICTS = {
    "ok": "the agent has answered, and nothing speaks against it",
    **{name: of.meaning for name, of in verdicts.VERDICTS.items() if name not in ("interrupted", "gate")},
}
"""Every verdict that a driver can give, with what it means. What follows from each stands in `fsm.verdicts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What one attempt asks of an agent."""

    agent: Agent
    prompt: str = ""
    model: str | None = None
    resume: str | None = None
    """Session to go on in; None for a new one."""
    budget: float | None = None
    """US dollars that it may cost; None for no bound."""
    spent: Tokens = field(default_factory=dict)
    """What the session that is resumed had used before."""


class Driver(Protocol):
    """One attempt of one agent."""

    def argv(self) -> tuple[str, ...]:
        """The program and its arguments. Never the prompt: arguments are short, and everybody can read them."""
        ...

    def env(self) -> dict[str, str]:
        """Variables that this agent is given where the user has not set them."""
        ...

    def stdin(self) -> bytes:
        """What it reads."""
        ...

    def feed(self, raw: bytes) -> Facts:
        """Takes the next piece of stdout, in order and of any size; returns what was learnt from it.

        Those are facts of `vocabulary.LIVE`, and `end`: a verdict for which the attempt is to be ended at once.
        """
        ...

    def finish(self, ended: Mapping[str, str], errors: bytes = b"") -> tuple[str, Facts]:
        """The verdict and the facts for the row: from the exit record, the end of stderr and all that was fed."""
        ...
