"""Sides measured in turn, round after round, and what comes of it: rows of the one table.

Rule: a figure is never compared with one from another run. Sides alternate (A B B A), a ratio is taken within its
round, and the median over the rounds is shown with its extremes: absolute times move by three on shared machines.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.disk import FAST, Disk
from bench.process import inside
from bench.scratch import Scratch

Figures = dict[str, float]
"""What one side gave in one round: names and numbers, in seconds, bytes, counts."""
Side = Callable[[Path], Figures]
"""Measures once, in an empty directory of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A median with its extremes."""

    middle: float
    least: float
    most: float

    def times(self, factor: float) -> "Spread":
        """The same in another unit."""
        return Spread(middle=self.middle * factor, least=self.least * factor, most=self.most * factor)


def spread(values: list[float]) -> Spread:
    """The spread of at least one value."""
    return Spread(middle=median(values), least=min(values), most=max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    measure: str
    """`task`, `flat`, …: the name by which `python -m bench` takes it."""
    what: str
    ours: str
    against: str = ""
    """Floor or peer, with its own figure."""
    ratio: Spread | None = None
    target: str = ""
    met: bool | None = None
    """None where no target applies, or nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Figures of several sides, round by round."""

    found: list[dict[str, Figures]]
    synced: list[float]
    """Seconds of an fdatasync after each side, where that was asked."""
    sound: bool
    """No side of these rounds met a disk that had been worn out by those before it."""

    @property
    def sides(self) -> list[str]:
        """Their names, in the order in which they were given."""
        return list(self.found[0])

    @property
    def fast(self) -> bool:
        """Whether the disk was fast enough to hold us to absolute figures, and to peers that sync nothing."""
        return self.sound and median(self.synced) < FAST

    def of(self, side: str, figure: str) -> Spread:
        """One figure of one side."""
        return spread(self.values(side, figure))

    def values(self, side: str, figure: str) -> list[float]:
        """The same, round by round."""
        return [sides[side][figure] for sides in self.found]

    def ratio(self, ours: str, other: str, figure: str) -> Spread:
        """How many times the other's figure ours is, within each round."""
        pairs = zip(self.values(ours, figure), self.values(other, figure), strict=True)
        return spread([mine / theirs for mine, theirs in pairs if theirs > 0] or [float("nan")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every measurement is given."""

    scratch: Scratch
    disk: Disk
    quick: bool
    """Small numbers, one round, and no verdict that would need large ones."""
    say: Callable[[str], None]
    """Tells what is being measured."""

    def pick(self, full: int, quick: int) -> int:
        """A number of tasks or rows for this run."""
        return quick if self.quick else full

    def alternate(
        self, sides: Mapping[str, Side], *, rounds: int, seconds: float, disk: bool = False
    ) -> Rounds:
        """Measures every side once per round, each in a fresh directory tree; every other round goes backwards.

        No round begins after `seconds`, so that a busy machine gives fewer rounds instead of taking longer. With
        `disk`, that is let rest before each side, and rounds in which it was worn out all the same count only if there
        are no others.
        """
        end = time.monotonic() + seconds
        names = list(sides)
        found: list[tuple[dict[str, Figures], list[float]]] = []
        while len(found) < (1 if self.quick else rounds) and (not found or time.monotonic() < end):
            names.reverse()
            figures: dict[str, Figures] = {}
            synced = []
            for name in names:
                if disk:
                    self.disk.rest()
                figures[name] = sides[name](self.scratch.fresh())
                if disk:
                    synced.append(self.disk.now())
            found.append(({name: figures[name] for name in sides}, synced))
        good = [one for one in found if all(map(self.disk.well, one[1]))]
        kept = good or found
        return Rounds(
            found=[figures for figures, _ in kept],
            synced=[seconds for _, synced in kept for seconds in synced],
            sound=bool(good),
        )

    def inside(self, measure: str, **arguments: Any) -> Figures:
        """Runs `bench.<measure>.inside(…)` in a process of its own."""
        return inside(measure, arguments)

    def side(self, measure: str, **arguments: Any) -> Side:
        """The same as a side: `inside` gets its directory as `folder`."""
        return lambda folder: inside(measure, {"folder": str(folder), **arguments})


def at_most(ratio: Spread, limit: float) -> bool:
    """Whether a median keeps a limit, to the precision that is shown."""
    return round(ratio.middle, 2) <= limit


def ms(seconds: Spread) -> str:
    """Milliseconds for people."""
    return f"{number(seconds.middle * 1e3)} ms"


def number(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    if value != value:  # noqa: PLR0124  # not a number
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
