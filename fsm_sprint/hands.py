"""The engine's one view of the world outside: the executor's events, people's requests, what became of notices, and
this process's signals.

Ctrl-C once drains, twice (or SIGTERM) stops what runs, three times leaves at once with everything adoptable. SIGHUP
goes on without a screen.
Rule: what attempts have told passes through the concealment here, so no secret of the environment reaches the journal.
"""

import math
import os
import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Self

from fsm.effects import Effect, Notify
from fsm.events import Asked, Ended, Event, Learnt, Notified
from fsm_sprint.clock import SystemClock
from fsm_sprint.concealment import Concealment
from fsm_sprint.executors.local import LocalExecutor
from fsm_sprint.executors.messenger import Messenger
from fsm_sprint.inbox import Inbox

_LOOK = 0.2
"""Seconds between two looks into the inbox; an attempt's end is heard at once and never waits for this."""


class Left(BaseException):
    """The person wants out now. What runs goes on and is adopted by the next `run`."""


class Hands:
    """`ports.Executor` over the local executor, the messenger, the inbox and the signals."""

    def __init__(
        self,
        executor: LocalExecutor,
        messenger: Messenger,
        inbox: Inbox,
        clock: SystemClock,
        *,
        look: Callable[[], None],
        concealment: Concealment,
    ) -> None:
        """`look` raises when the journal was taken away: a run that only waits commits nothing that would find out."""
        self._executor = executor
        self._messenger = messenger
        executor.wake_on(messenger.reports, messenger.hear)
        self._inbox = inbox
        self._clock = clock
        self._look = look
        self._concealment = concealment
        self._first: list[Event] = list(inbox.collect())

    def perform(self, effects: Sequence[Effect]) -> None:
        """As the executor does; answers go to the inbox through it, notices to the messenger."""
        self._executor.perform([effect for effect in effects if not isinstance(effect, Notify)])
        for effect in effects:
            if isinstance(effect, Notify):
                self._messenger.perform(effect)

    def wait(self, timeout: float | None) -> Sequence[Event]:
        """As the executor does, and looks into the inbox now and then."""
        found, self._first = self._first, []
        end = None if timeout is None else self._clock.monotonic() + timeout
        while not found:
            now = self._clock.monotonic()
            if end is not None and end < now:
                break
            left = min(now + _LOOK, math.inf if end is None else end, self._messenger.due()) - now
            told = self._messenger.tick()
            heard = self._executor.wait(0.0 if told else max(0.0, left))
            found = [*map(self._told, (*told, *heard)), *self._inbox.collect()]
            if not found:
                self._look()
        return found

    def _told(self, event: Event) -> Event:
        """What an attempt tells, without secrets. What people ask and answer is theirs, and stays as they wrote it."""
        if isinstance(event, Ended | Learnt):
            return event._replace(facts=self._concealment.facts(event.facts))
        if isinstance(event, Notified):
            return event._replace(error=self._concealment.facts({"error": event.error})["error"])
        return event


class Signals:
    """Turns signals of this process into requests; a context, so that what was there before comes back."""

    def __init__(
        self, executor: LocalExecutor, on_hangup: Callable[[], None], on_leave: Callable[[], None]
    ) -> None:
        """`on_leave` is told of every wish to end, before it is a request."""
        self._executor = executor
        self._on_hangup = on_hangup
        self._on_leave = on_leave
        self._interrupts = 0
        self._before: dict[int, object] = {}
        self.last: int | None = None
        """The signal that ended the run, if one did."""

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup` ignores SIGHUP for us; that stays so.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, _noted)
        self._executor.wake_on(self._read, self._heard)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what `signal` itself gave

    def _heard(self) -> Sequence[Event]:
        return [event for number in os.read(self._read, 512) for event in self._meant(number)]

    def _meant(self, number: int) -> list[Event]:
        if number == signal.SIGHUP:
            self._on_hangup()
            return []
        self.last = number
        self._on_leave()
        if number == signal.SIGINT:
            self._interrupts += 1
            if self._interrupts == 1:
                return [Asked("", "pause", "", "terminal", "Ctrl-C")]
            if self._interrupts > 2:
                raise Left
        return [Asked("", "stop", "", "terminal", signal.Signals(number).name)]


def _noted(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor has told already; a handler must exist for that."""
