"""What the executor remembers of one attempt that it looks after."""

from dataclasses import dataclass, field
from pathlib import Path

from fsm.transition import Facts

Key = tuple[str, int]
"""Unit path and attempt number."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """An attempt between its spawn, or its adoption, and its end."""

    unit: str
    number: int
    folder: Path
    log: Path
    marks: frozenset[bytes]
    """What only its processes have in their environment."""
    identity: dict[str, str] = field(default_factory=dict)
    """Of its shim; empty until that is ready."""
    allowed: bool = False
    """GO may have been sent: by us, or as its `start` row says, by somebody before us."""
    gate: int = -1
    """Write end of its gate, while it is neither opened nor closed for good."""
    status: int = -1
    """Read end of its status pipe, while its shim lives."""
    end: int = -1
    """pidfd of a shim that we have no pipe to."""
    heard: bytes = b""
    """From the status pipe, as far as it is not understood yet."""
    learnt: Facts = field(default_factory=dict)
    """All that has been told of it while it runs."""
    found: bool = False
    """Of an earlier supervisor, and not reported as adopted yet."""
    due: float | None = None
    """When to look at it again, in monotonic seconds; None while a descriptor will tell."""
    pause: float = 0.05
    """Seconds before the look after that."""
    patience: float | None = None
    """Until when what is leaving by itself is left alone."""
    quiet: int = 0
    """Passes in a row that found nothing of its tree."""

    @property
    def key(self) -> Key:
        """What effects and events call it."""
        return self.unit, self.number
