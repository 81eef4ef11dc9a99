"""What goes wrong in a simulated world, and when: drawn ahead, so that any of it can be left out and the rest stays.

Rule: faults come from a random stream of their own, and each carries the chances that it needs. To leave one out is to
put its number into the mask.
"""

from enum import StrEnum
from random import Random
from typing import NamedTuple


class Kind(StrEnum):
    """Everything that may happen at a point of a supervisor."""

    SUPERVISOR = "kill supervisor"
    POWER = "power cut"
    LAUNCHER = "kill launcher"
    SHIM = "kill shim"
    CHILD = "kill child"
    FREEZE = "stop a process"
    DISK = "the disk fails"
    COMMIT = "a commit fails"
    BUSY = "the database is busy"
    CLOCK = "the clock jumps"
    SUSPEND = "suspend"
    SECOND = "a second supervisor"
    UNLOCKED = "locks keep nobody out"
    LOCK = "the lock file is deleted"
    ATTEMPTS = "attempts/ is deleted"
    JOURNAL = "the journal is deleted"
    STRANGERS = "other processes begin"
    OPERATOR = "an operator asks"
    KEY = "a key is pressed"
    COMMAND = "a command finds no supervisor"
    REPLAY = "a request is met again"


class Fault(NamedTuple):
    """One thing that goes wrong."""

    number: int
    gap: int
    """Points of supervisors between the one before and this one."""
    kind: Kind
    chance: float
    """In [0, 1): decides whom it strikes, or how."""
    size: float
    """In [0, 1): how long, or how far."""


_OFTEN = {
    Kind.SUPERVISOR: 4,
    Kind.POWER: 3,
    Kind.SHIM: 2,
    Kind.OPERATOR: 2,
    Kind.SECOND: 2,
    Kind.DISK: 2,
    Kind.KEY: 2,
}
"""How many times as often as the others."""
_RARE = frozenset({Kind.UNLOCKED, Kind.ATTEMPTS, Kind.JOURNAL, Kind.LOCK})
"""What leaves little to be seen afterwards."""
HARMLESS = frozenset({Kind.SUPERVISOR, Kind.LAUNCHER, Kind.FREEZE, Kind.BUSY, Kind.COMMIT})
"""Crashes that may change nothing about the end (I15)."""

_ALL = [kind for kind in Kind for _ in range(_OFTEN.get(kind, 1) * (1 if kind in _RARE else 4))]
_CRASHES = [kind for kind in _ALL if kind in HARMLESS]
_PEOPLE = [*[Kind.OPERATOR] * 5, *[Kind.COMMAND] * 2, Kind.KEY, Kind.REPLAY, Kind.SUPERVISOR, Kind.POWER]


def schedule(random: Random) -> list[Fault]:
    """What goes wrong in one world: everything, some kinds, only crashes, or people; often, seldom or never."""
    count = random.choice((0, 1, 2, 3, 4, 6, 8, 12))
    style = random.random()
    kinds = _ALL if style < 0.5 else _CRASHES
    if style >= 0.92:
        kinds = _PEOPLE
    elif style >= 0.65:
        kinds = [random.choice(_ALL) for _ in range(3)]
    mean = random.choice((4, 15, 40))
    draw = random.random
    return [
        Fault(number, int(random.expovariate(1 / mean)), kinds[int(draw() * len(kinds))], draw(), draw())
        for number in range(count)
    ]
