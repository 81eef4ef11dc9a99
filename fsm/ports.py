"""What the engine needs from outside, as Protocols. The engine is handed them; it knows nothing behind them.

Rule: a port's methods say what is durable when they return, because the order of record and act hangs on it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from fsm.effects import Effect
from fsm.events import Event
from fsm.transition import Transition


class Seed(NamedTuple):
    """A unit as the quick-read table `units` first shows it."""

    path: str
    machine: str
    state: str
    parent: str
    position: int
    """Rank in plan order, over the whole plan."""
    label: str
    """What a person calls it: its id."""
    background: bool


class Journal(Protocol):
    """The append-only record. One writer; every method raises `JournalFault` (and only that) when the disk fails."""

    @property
    def head(self) -> tuple[int, str]:
        """(seq, hash) of the last row appended, committed or not; (0, '') when there is none."""
        ...

    def append(self, transition: Transition) -> Transition:
        """Puts the row into the open transaction (opening one) and returns it with its hash; seq must be head + 1."""
        ...

    def keep(self, text: str) -> str:
        """Stores a large text in the open transaction; returns its digest. Known texts are not stored twice."""
        ...

    def text(self, digest: str) -> str:
        """A text by its digest, committed or not. KeyError when unknown."""
        ...

    def seed(self, run: str, units: Iterable[Seed]) -> None:
        """Makes the rows of `units` for a plan, in the open transaction; units already there keep their state."""
        ...

    def commit(self) -> None:
        """Makes all since the last commit durable, with one sync; no transaction open is no work."""
        ...

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Transition]:
        """Committed rows in order, of one run or of all, with seq > after."""
        ...


class Executor(Protocol):
    """What runs attempts. Every effect is idempotent per (unit, attempt): it is owed again each turn until it shows."""

    def perform(self, effects: Sequence[Effect]) -> None:
        """Starts what is asked for; never blocks on a task."""
        ...

    def wait(self, timeout: float | None) -> Sequence[Event]:
        """What has happened; waits up to `timeout` seconds for the first event (None: until there is one)."""
        ...


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> int:
        """Wall time in ms since the epoch; may jump, orders nothing."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; time during which the machine slept does not count."""
        ...


class Publisher(Protocol):
    """Shows the fold to people, after it is on disk."""

    def publish(self, changed: Sequence[Transition], *, resting: bool) -> float | None:
        """Told after every commit what was committed; `resting` is true when the sprint comes to rest or ends.

        Returns the seconds after which it wants to be called again although nothing happens, or None.
        """
        ...
