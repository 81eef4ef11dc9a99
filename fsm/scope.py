"""What may happen while a plan is explored, in which words it is told, and the decisions that are held to the laws.

Rule: what is not named here cannot happen in an exploration, so this is what its completeness is relative to.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from fsm.decide import proceed, react, recover
from fsm.effects import Effect
from fsm.owed import owed
from fsm.resume import resume
from fsm.sprint import Sprint
from fsm.transition import Move
from fsm.verdicts import BOUNDS, ELSEWHERE, VERDICTS


class Broken(Exception):
    """A property does not hold; `law` is its name in `fsm.check.LAWS`."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(what)
        self.law = law


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides. The shipped functions, unless a test puts a broken one in a place."""

    react: Callable[..., Iterable[Move]] = react
    recover: Callable[..., Iterable[Move]] = recover
    proceed: Callable[..., Iterable[Move]] = proceed
    resume: Callable[..., Iterable[Move]] = resume
    owed: Callable[[Sprint], list[Effect]] = owed


RULES = Rules()


class Kind(StrEnum):
    """What sort of step it is: some proofs may not rely on some of them."""

    EVENT = "event"
    """The supervisor takes notice of something, or ends its turn."""
    END = "end"
    """A process ends by itself."""
    TOLD = "told"
    """A process ends because it was signalled: KILL leaves it no choice."""
    FAULT = "fault"
    TIME = "time"
    RUN = "run"
    """Somebody types `run`."""
    STOP = "stop"
    """Somebody types `stop`, or presses Ctrl-C."""
    CANCEL = "cancel"
    AGAIN = "again"
    """Somebody cancels what is cancelled: that is refused, but a supervisor sees to what still runs."""
    PAUSE = "pause"
    SKIP = "skip"
    ANSWER = "answer"
    """Somebody approves or rejects what has to be approved."""


class Owner(StrEnum):
    """The supervisor."""

    GONE = "gone"
    RUNNING = "running"
    CLOSING = "closing"
    """It watches what lives to its end and starts nothing."""


class Process(NamedTuple):
    """What there is of a unit's newest attempt outside of the journal."""

    where: str
    """`gate`: a shim waits for GO; `runs`; `told`: it has been signalled; `over`."""
    outcome: str = ""
    verdict: str = ""


class Scope(NamedTuple):
    """What may happen at all: bounds of an exploration."""

    verdicts: tuple[str, ...]
    limit: int = 2
    faults: bool = True
    """Deaths of supervisors, and of shims whose task has started."""
    aborts: bool = False
    """Deaths of shims whose task has not: they are counted, so there are many more moments."""
    people: frozenset[Kind] = frozenset({Kind.STOP, Kind.CANCEL, Kind.PAUSE, Kind.SKIP})


def verdicts() -> tuple[str, ...]:
    """`ok`, and one verdict for each way in which `fsm.verdicts` tells them apart."""
    found: dict[tuple[object, ...], str] = {}
    for name, one in VERDICTS.items():
        if name not in _INSIDE:
            found.setdefault((one.kind, one.counts, name in BOUNDS, name in ELSEWHERE, name in _NAMED), name)
    return ("ok", *found.values())


_INSIDE = frozenset({"interrupted", "gate", "lost"})
"""Verdicts that the decisions give themselves, or that have a step of their own."""

_NAMED = frozenset({"needs-human"})
"""Verdicts that the decisions call by name."""
