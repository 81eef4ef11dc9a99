"""A run as somebody sees it who only looks: the journal's rows as they come, and the logs beside it.

Rule: nothing is written, no lock is held, and no transaction is kept open between two looks.
"""

from collections.abc import Callable
from typing import Protocol

from fsm.sprint import Sprint, fold
from fsm.states import TaskState
from fsm.transition import Facts, Transition
from fsm_sprint.executors.files import SHIM_LOCK, TREE_LOCK, held
from fsm_sprint.paths import SprintPaths
from journal.lease import holder
from journal.reader import Reader

_LOOK = 20
"""Rounds between two looks at who is alive."""


class View(Protocol):
    """One way to show it."""

    def begin(self) -> None:
        """Shows where the run stands."""
        ...

    def show(self, rows: list[Transition]) -> None:
        """Shows what has happened, which the fold has taken in, and what is being done."""
        ...

    def end(self, why: str | None) -> None:
        """Shows how it stands in the end; `why` says it when it has not come to rest."""
        ...


class Watcher:
    """One run that is looked at."""

    def __init__(self, paths: SprintPaths, reader: Reader, run: str) -> None:
        self._paths = paths
        self._reader = reader
        self._run = run
        self.sprint: Sprint = fold(reader.rows(run), run, reader.text)
        self.supervisor: Facts | None = None
        """Who supervises: as the lease has it; None when nobody does."""
        self.alive = 0
        """Tasks that live although nobody supervises."""
        self._meet()

    def watch(self, view: View, wait: Callable[[], bool]) -> None:
        """Shows it until the run is over, or nobody is left who could go on with it.

        `wait` pauses for a moment, and says whether anybody still looks.
        """
        view.begin()
        version, rounds = self._reader.version(), 0
        while not (self.sprint.at_rest and not self.sprint.live):
            if rounds % _LOOK == 0:
                self._meet()
            rounds += 1
            if self.supervisor is None and not self.alive:
                rows = self._read()  # what the last one has written before it ended
                if not rows:
                    view.end("its supervisor is dead, and nothing of it runs")
                    return
                view.show(rows)
                continue
            if not wait():
                return
            now = self._reader.version()
            rows = self._read() if now != version else []
            version = now
            view.show(rows)
        self._meet()
        view.end(None)

    def _read(self) -> list[Transition]:
        """What has been written since the last look; the fold has it then."""
        rows = self._reader.rows(self._run, self.sprint.seq)
        for row in rows:
            self.sprint.apply(row)
        return rows

    def _meet(self) -> None:
        self.supervisor = holder(self._paths.lock)
        self.alive = 0 if self.supervisor is not None else sum(map(self._lives, self.sprint.live))

    def _lives(self, path: str) -> bool:
        """Whether something of an attempt runs: its locks say so."""
        unit = self.sprint.unit(path)
        facts = unit.spawned.decoded() if unit.spawned is not None else {}
        if unit.state not in (TaskState.RUNNING, TaskState.STOPPING) or not facts.get("name"):
            return False
        folder = self._paths.attempt(str(facts["name"]), unit.attempt)
        return any(bool(held(str(folder / lock))) for lock in (SHIM_LOCK, TREE_LOCK))
