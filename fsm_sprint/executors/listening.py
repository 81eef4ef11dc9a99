"""What agents print, read from their logs while they print it, so that a session and its cost are known before its end.

Rule: nothing of this decides anything but that an attempt may as well be ended now. The verdict is made of the whole
log when it is over, so it does not matter whether anybody listened.
"""

import math
from collections.abc import Callable
from pathlib import Path

from fsm.transition import Facts
from fsm_sprint.agents.contract import Driver
from fsm_sprint.executors.watch import Key

Drivers = Callable[[str, int], Driver | None]
"""(unit, attempt) → what understands its output; None for what is not an agent's."""

_EVERY = 1.0
"""Seconds between two looks at a log."""
_MOST = 8 << 20
"""Bytes that are read of one log at one look: a flood must not keep the others waiting."""
_BLOCK = 256 * 1024


class _Ear:
    """One log, and how far it has been read."""

    def __init__(self, driver: Driver, log: Path, due: float) -> None:
        self.driver = driver
        self.log = log
        self.due = due
        self.place = 0

    def news(self) -> Facts:
        """What the bytes since the last look have told. OSError when they cannot be read."""
        if self.log.stat().st_size <= self.place:
            return {}
        found: Facts = {}
        with self.log.open("rb", buffering=0) as file:
            end = file.seek(self.place) + _MOST
            while self.place < end and (block := file.read(_BLOCK)):
                self.place += len(block)
                found |= self.driver.feed(block)
        return found


class Listening:
    """The ears of one executor."""

    def __init__(self, drivers: Drivers | None) -> None:
        self._drivers = drivers
        self._ears: dict[Key, _Ear] = {}

    def begin(self, key: Key, log: Path, now: float) -> None:
        """From now on, if it is an agent's."""
        driver = self._drivers(*key) if self._drivers is not None else None
        if driver is not None:
            self._ears[key] = _Ear(driver, log, now + _EVERY)

    def end(self, key: Key) -> None:
        """It is over."""
        self._ears.pop(key, None)

    def due(self) -> float:
        """When to look next, in monotonic seconds."""
        return min((ear.due for ear in self._ears.values()), default=math.inf)

    def tick(self, now: float) -> list[tuple[Key, Facts]]:
        """Looks at what is due; what was learnt, by attempt."""
        found: list[tuple[Key, Facts]] = []
        for key, ear in self._ears.items():
            if ear.due > now:
                continue
            ear.due = now + _EVERY
            try:
                news = ear.news()
            except OSError:
                continue  # it is not there yet, or not any more
            if news:
                found.append((key, news))
        return found
