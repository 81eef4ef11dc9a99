"""A sprint's directory made by hand for tests: every row, every time and every log as the test wants them."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fsm.engine import seeds
from fsm.machine import destination
from fsm.plan import Leaf, Node, Plan, dump
from fsm.sprint import Sprint
from fsm.transition import SPRINT_UNIT, Facts, Transition, encode_facts
from fsm_sprint.executors.files import SHIM_LOCK, TREE_LOCK
from fsm_sprint.paths import SprintPaths
from journal.lease import Lease
from journal.progress import render
from journal.store import SqliteJournal

NOON = 1_705_579_200_000
"""2024-01-18T12:00:00Z, when every scene begins."""


def leaf(path: str, **more: Any) -> Leaf:
    """A leaf that runs `true`."""
    return Leaf(id=path.rpartition("/")[2], path=path, **({"run": "true"} | more))


class Scene:
    """A journal that is written row by row, in a directory as a run leaves it. Leaving the context closes it."""

    def __init__(self, directory: Path, *phases: Node, run: str = "run-1", **plan: Any) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.paths = SprintPaths(directory)
        self.paths.prepare()
        self.paths.sprint.write_text("workflow: none\n")
        self.journal = SqliteJournal.open(self.paths.journal, primed=0)
        self.plan = Plan(**({"sprint_id": "boat", "phases": phases} | plan))
        self.at = NOON
        self.epoch = 0
        self.batch: list[Transition] = []
        self.held: list[int] = []
        self.sprint = Sprint(run, self.journal.text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        self.journal.close()
        for fd in self.held:
            os.close(fd)

    def begin(self, *, pid: int = 4711) -> "Scene":
        """The plan, the first supervisor, and the start of the sprint."""
        self.unstarted(pid=pid)
        self.move(SPRINT_UNIT, "start")
        return self

    def unstarted(self, *, pid: int = 4711) -> "Scene":
        """The plan and the first supervisor."""
        self.move(SPRINT_UNIT, "amend", {"plan": self.journal.keep(dump(self.plan))})
        self.journal.seed(self.sprint.run, seeds(self.sprint))
        self.lease(pid=pid)
        return self

    def lease(self, *, pid: int = 4711, passing: bool = False) -> None:
        """A supervisor takes over under the next epoch; `passing`: only to do what is asked."""
        self.epoch += 1
        passes: Facts = {"passing": True} if passing else {}
        self.move(SPRINT_UNIT, "lease", {"pid": pid, "host": "here"} | passes)

    def move(
        self, unit: str, trigger: str, facts: Facts | None = None, *, attempt: int = 0, after: int = 1000
    ) -> Transition:
        """One row, `after` ms after the last one."""
        found = self.sprint.unit(unit)
        self.at += after
        row = self.journal.append(
            Transition(
                seq=self.journal.head[0] + 1,
                run=self.sprint.run,
                epoch=max(1, self.epoch),
                at=self.at,
                unit=unit,
                machine=str(found.machine),
                trigger=trigger,
                source=str(found.state),
                dest=destination(found.machine, trigger, found.state, unit),
                attempt=attempt,
                facts=encode_facts(facts or {}),
            )
        )
        self.sprint.apply(row)
        self.batch.append(row)
        return row

    def spawn(
        self, unit: str, output: str | bytes = "", *, attempt: int = 1, task: str | None = None
    ) -> Path:
        """The rows of an attempt up to its start, its directory and its log. Returns the log."""
        name = unit.replace("/", ".").replace("#", "+")
        stem = task or name
        log = f"logs/{stem}.log" if attempt == 1 else f"logs/{stem}.{attempt}.log"
        facts: Facts = {"name": name, "log": log} | ({} if task is None else {"task": task})
        self.move(unit, "spawn", facts, attempt=attempt)
        self.move(unit, "start", {"pid": "7", "start": "1", "boot": "b"}, attempt=attempt)
        self.paths.attempt(name, attempt).mkdir(exist_ok=True)
        path = self.paths.directory / log
        path.write_bytes(output.encode() if isinstance(output, str) else output)
        return path

    def succeed(self, unit: str, *, attempt: int = 1, **facts: Any) -> None:
        """It ends well."""
        self.move(unit, "succeed", {"code": 0, "elapsed-ms": 1000} | facts, attempt=attempt)

    def fail(self, unit: str, *, attempt: int = 1, verdict: str = "failed", **facts: Any) -> None:
        """It ends badly."""
        told = {"code": 3, "error": "exit code 3", "elapsed-ms": 1000} if verdict == "failed" else {}
        self.move(unit, "fail", {"verdict": verdict} | told | facts, attempt=attempt)

    def live(self, unit: str, *, attempt: int = 1) -> None:
        """Holds the locks of an attempt, as its shim would, until the scene is left."""
        name = unit.replace("/", ".").replace("#", "+")
        for lock in (SHIM_LOCK, TREE_LOCK):
            fd = os.open(self.paths.attempt(name, attempt) / lock, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX)
            self.held.append(fd)

    def supervise(self) -> Lease:
        """Takes the lease, as a supervisor would."""
        return Lease.take(self.paths.lock, {"pid": 4711, "host": "here", "started": "2024-01-18T12:00:00Z"})

    def commit(self) -> Sequence[Transition]:
        """Makes the rows durable; returns those since the last commit."""
        self.journal.commit()
        batch, self.batch = self.batch, []
        return batch

    def publish(self) -> None:
        """PROGRESS.yaml as a supervisor leaves it."""
        self.paths.progress.write_text(render(self.sprint))


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1000
