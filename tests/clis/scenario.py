"""What a provider does, turn by turn: the model's part of a conversation, or how it goes wrong.

Rule: a request of the conversation takes the next turn; the last one is repeated as often as it is asked for.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Say:
    """The model answers."""

    text: str
    cut: int | None = None
    """Bytes of the stream after which the connection is dropped; None for all of it."""


@dataclass(frozen=True, slots=True)
class Write:
    """The model wants a file written, in the way that the agent's own tools offer."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Do:
    """The model wants a command run."""

    command: str


@dataclass(frozen=True, slots=True)
class Structured:
    """The model answers with an object, in the way in which the agent asks for one."""

    value: dict[str, object]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The provider answers with an HTTP status instead."""

    status: int
    resets: int | None = None
    """Of a 429: seconds since 1970 at which the limit ends, said as the provider says it."""


@dataclass(frozen=True, slots=True)
class Hang:
    """The provider takes the request and says nothing, until the agent hangs up."""


@dataclass(frozen=True, slots=True)
class Held:
    """The provider waits for the test, and then answers."""

    text: str


@dataclass(frozen=True, slots=True)
class Till:
    """The provider refuses every request that does not hold these words."""

    words: str
    refusal: Refuse


Turn = Say | Write | Do | Structured | Refuse | Hang | Held | Till


@dataclass(slots=True)
class Scenario:
    """The turns of one test, and what has been asked."""

    turns: tuple[Turn, ...]
    asked: list[str] = field(default_factory=list)
    """The bodies of the requests that took a turn."""
    _at: int = 0

    def next(self, body: str) -> Turn:
        """The turn that a request takes."""
        self.asked.append(body)
        turn = self.turns[self._at]
        if isinstance(turn, Till):
            if turn.words not in body:
                return turn.refusal
            self._at += 1
            turn = self.turns[self._at]
        if self._at + 1 < len(self.turns):
            self._at += 1
        return turn
