"""What a simulated executor remembers of the attempts that it looks after."""

from dataclasses import dataclass, field

from fsm.disk import Directory, Pipe
from fsm.errors import SprintError


class Trouble(SprintError):
    """The world refuses something; the supervisor says so and ends."""


@dataclass(slots=True, eq=False)
class Handle:
    """What the executor holds for an attempt."""

    unit: str
    attempt: int
    directory: Directory | None
    pipe: Pipe | None
    allowed: bool
    identity: dict[str, str] = field(default_factory=dict)
    over: bool = False
    adopted: bool = False
    patience: int | None = None
    """Until when what is leaving may do so by itself, by the uptime."""

    @property
    def key(self) -> tuple[str, int]:
        return self.unit, self.attempt


@dataclass(slots=True, eq=False)
class Ending:
    """How far the ending of one attempt has come."""

    handle: Handle
    due: int
    """When the next step is taken, by the uptime."""
    told: bool = False
    step: int = 0
