"""Engines as the application wires them, without its screen: over real processes, and over instantaneous ones."""

import os
from collections.abc import Sequence
from pathlib import Path

from fsm.effects import Attach, Effect, Go, Spawn
from fsm.engine import Engine
from fsm.events import Asked, Ended, Event, Ready
from fsm.plan import Plan
from fsm.ports import Executor, Journal
from fsm.sprint import Sprint
from fsm.transition import Transition
from fsm_sprint.clock import SystemClock
from fsm_sprint.executors.local import LocalExecutor
from fsm_sprint.paths import SprintPaths
from fsm_sprint.work import Work
from journal.lease import Lease
from journal.store import SqliteJournal

_IDENTITY = {
    "boot": "00000000-0000-0000-0000-000000000000",
    "namespace": "pid:[1]",
    "pid": "4242",
    "start": "123456",
}


class Silent:
    """A publisher that shows nothing."""

    def publish(self, changed: Sequence[Transition], *, resting: bool) -> float | None:
        """Nothing is shown."""
        return None


class Scripted:
    """An executor whose tasks are ready at once, and have ended well as soon as they may go."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def perform(self, effects: Sequence[Effect]) -> None:
        """Answers each effect with the event that a real one would bring about."""
        for effect in effects:
            if isinstance(effect, Spawn):
                self._events.append(Ready(effect.unit, effect.attempt, _IDENTITY))
            elif isinstance(effect, Go):
                self._events.append(
                    Ended(effect.unit, effect.attempt, "exit", "ok", {"elapsed-ms": 1, "status": 0})
                )
            assert not isinstance(effect, Attach), "nothing is adopted here"

    def wait(self, timeout: float | None) -> Sequence[Event]:
        """Everything that has been brought about."""
        found, self._events = self._events, []
        return found


class Until:
    """An executor that asks for a pause once so many tasks have ended."""

    def __init__(self, executor: Executor, count: int) -> None:
        self._executor = executor
        self._left = count

    def perform(self, effects: Sequence[Effect]) -> None:
        """As the executor does."""
        self._executor.perform(effects)

    def wait(self, timeout: float | None) -> Sequence[Event]:
        """As the executor does, with the request at the end."""
        found = list(self._executor.wait(timeout))
        ended = sum(isinstance(event, Ended) for event in found)
        if ended and 0 < self._left <= ended:
            found.insert(0, Asked("", "pause", "", "bench", "enough"))
        self._left -= ended
        return found


class Local:
    """The engine over the journal on disk and real processes, up to its first turn."""

    def __init__(self, folder: Path, jobs: int, what: Plan, *, until: int | None = None) -> None:
        folder.mkdir(exist_ok=True)
        paths = SprintPaths(folder)
        paths.prepare()
        self._lease = Lease.take(paths.lock, {"pid": os.getpid()})
        self._journal = SqliteJournal.open(paths.journal, watch=[paths.lock])
        self.sprint = Sprint("bench", self._journal.text)
        clock = SystemClock()
        work = Work(self.sprint, paths)
        self._executor = LocalExecutor(paths, work.job, work.verdict, clock, "bench")
        hands: Executor = self._executor if until is None else Until(self._executor, until)
        self.engine = Engine(self.sprint, self._journal, hands, clock, Silent(), limit=jobs)
        self._executor.start()
        self.engine.take_over(dict(_IDENTITY), plan=what)

    def close(self) -> None:
        """Lets the launcher go, and the journal."""
        self._executor.close()
        self._journal.close()
        self._lease.release()


def scripted(
    journal: Journal, what: Plan, *, run: str = "bench", jobs: int = 2, until: int | None = None
) -> Engine:
    """An engine over the instantaneous executor, up to its first turn."""
    executor: Executor = Scripted() if until is None else Until(Scripted(), until)
    engine = Engine(Sprint(run, journal.text), journal, executor, SystemClock(), Silent(), limit=jobs)
    engine.take_over(dict(_IDENTITY), plan=what)
    return engine
