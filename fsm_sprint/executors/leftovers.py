"""Attempts that are over, while something of them may still live. Nothing of their units starts until it does not.

Rule: what leaves by itself is given time to; then whoever holds the attempt's locks is killed, and all that bears its
marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fsm.ports import Clock
from fsm_sprint.executors import trees
from fsm_sprint.executors.files import RECORD, SHIM_LOCK, TREE_LOCK, held

_PAUSE = 0.02
"""Seconds between two looks."""


@dataclass(slots=True, kw_only=True)
class _Leftover:
    folder: Path
    marks: frozenset[bytes]
    due: float
    patience: float
    """Until when it may leave by itself, in monotonic seconds."""


class Leftovers:
    """What is left of attempts that are over, at most one of a unit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._units: dict[str, _Leftover] = {}

    def add(self, unit: str, folder: Path, marks: frozenset[bytes], *, patience: float) -> bool:
        """Whether something is left of an attempt, which is then seen to; `patience` in seconds."""
        if unit in self._units:
            return True
        if not _alive(folder):
            return False
        now = self._clock.monotonic()
        self._units[unit] = _Leftover(folder=folder, marks=marks, due=now, patience=now + patience)
        return True

    def dues(self) -> list[float]:
        """When they have to be looked at, in monotonic seconds."""
        return [found.due for found in self._units.values()]

    def tick(self, now: float) -> list[str]:
        """Sees to them; returns the units of which nothing is left any more."""
        gone: list[str] = []
        for unit, found in list(self._units.items()):
            if found.due > now:
                continue
            if not _alive(found.folder):
                del self._units[unit]
                gone.append(unit)
                continue
            if now >= found.patience:
                trees.kill(trees.members(found.folder, {}, found.marks))
                trees.kill(trees.holders(found.folder / TREE_LOCK))
                # A shim leads its session; what else may have its lock open has only come to look.
                shims = trees.holders(found.folder / SHIM_LOCK)
                trees.kill([row for row in shims if row.session == row.pid])
            found.due = self._clock.monotonic() + _PAUSE
        return gone


def not_buried(attempts: Sequence[tuple[int, Path]]) -> Sequence[tuple[int, Path]]:
    """Of the earlier attempts of a unit, those of which something may still begin or live, the first one first.

    They are buried in this order: where there is an attempt file, there is one in every attempt before it.
    """
    rank = len(attempts) - 1
    while rank > 0 and not (attempts[rank][1] / RECORD).exists():
        rank -= 1
    return attempts[max(0, rank) :]


def _alive(folder: Path) -> bool:
    return any(held(str(folder / lock)) for lock in (TREE_LOCK, SHIM_LOCK))
