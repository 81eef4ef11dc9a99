"""A sprint directory with an executor and the smallest engine: it lets everything go that is ready.

Everything started here carries a run id of its own; `survivors` finds what is left of it, whatever it has become.
"""

import os
import select
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fsm.effects import Attach, Effect, Go, Spawn, Stop
from fsm.events import Adopted, Ended, Event, Ready
from fsm_sprint.agents.ending import judged
from fsm_sprint.clock import SystemClock
from fsm_sprint.executors.job import Job
from fsm_sprint.executors.local import LocalExecutor
from fsm_sprint.paths import SprintPaths

PATIENCE = 20.0
"""Seconds after which a test that waits has failed."""


class Hands:
    """One sprint directory; `executor` may be dropped and made anew, as a new supervisor would."""

    def __init__(self, directory: Path, run: str) -> None:
        directory.mkdir(exist_ok=True)
        self.paths = SprintPaths(directory)
        self.paths.prepare()
        self.run = run
        self.clock = SystemClock()
        self.jobs: dict[str, Job] = {}
        self.seen: list[Event] = []
        self.pids: dict[str, dict[str, str]] = {}
        self.executor = self.supervisor()

    def supervisor(self) -> LocalExecutor:
        return LocalExecutor(self.paths, lambda unit, _: self.jobs[unit], self.verdict, self.clock, self.run)

    @staticmethod
    def verdict(
        unit: str, attempt: int, ended: dict[str, str], log: Path, errors: Path | None
    ) -> tuple[str, dict[str, Any]]:
        return judged(ended)

    def job(self, *argv: str, **more: Any) -> Job:
        defaults: dict[str, Any] = {"env": dict(os.environ), "cwd": str(self.paths.directory)}
        return Job(argv=argv, **{**defaults, **more})

    def shell(self, script: str, **more: Any) -> Job:
        return self.job("/bin/sh", "-c", script, **more)

    def python(self, program: str, **more: Any) -> Job:
        return self.job(sys.executable, "-I", "-S", "-c", program, **more)

    def spawn(self, job: Job, unit: str = "task", attempt: int = 1) -> None:
        self.jobs[unit] = job
        self.perform(Spawn(unit, attempt, unit, self.log_name(unit, attempt)))

    def log_name(self, unit: str, attempt: int = 1) -> str:
        return f"logs/{unit}.log" if attempt == 1 else f"logs/{unit}.{attempt}.log"

    def perform(self, *effects: Effect) -> None:
        self.executor.perform(effects)

    def go(self, unit: str = "task", attempt: int = 1) -> None:
        self.perform(Go(unit, attempt))

    def until(self, reached: Callable[[Event], bool], *, release: bool = True) -> Event:
        """Waits for an event, letting go of what is ready on the way."""
        end = self.clock.monotonic() + PATIENCE
        while self.clock.monotonic() < end:
            for event in self.step(0.5, release=release):
                if reached(event):
                    return event
        raise AssertionError(f"it did not come; seen: {self.seen}")

    def step(self, timeout: float, *, release: bool = True) -> Sequence[Event]:
        found = self.executor.wait(timeout)
        self.seen += found
        for event in found:
            if isinstance(event, Ready):
                self.pids[event.unit] = event.identity
                if release:
                    self.go(event.unit, event.attempt)
        return found

    def ready(self, unit: str = "task") -> dict[str, str]:
        found = self.until(lambda event: isinstance(event, Ready) and event.unit == unit, release=False)
        assert isinstance(found, Ready)
        return found.identity

    def ended(self, unit: str = "task", *, release: bool = True) -> Ended:
        found = self.until(lambda event: isinstance(event, Ended) and event.unit == unit, release=release)
        assert isinstance(found, Ended)
        return found

    def adopted(self, unit: str = "task") -> None:
        self.until(lambda event: isinstance(event, Adopted) and event.unit == unit)

    def ran(self, job: Job, unit: str = "task", attempt: int = 1) -> Ended:
        self.spawn(job, unit, attempt)
        return self.ended(unit)

    def released(self, job: Job, says: str = "up", unit: str = "task") -> dict[str, str]:
        """Spawned, let go, and so far that its log holds `says`; returns the identity of its shim."""
        self.spawn(job, unit)
        identity = self.ready(unit)
        self.go(unit)
        self.says(says, unit)
        return identity

    def says(self, text: str, unit: str = "task", *, turning: bool = True) -> None:
        end = self.clock.monotonic() + PATIENCE
        while text not in self.log(unit):
            assert self.clock.monotonic() < end, f"{unit} never said {text!r}: {self.log(unit)!r} {self.seen}"
            assert not any(isinstance(event, Ended) and event.unit == unit for event in self.seen), self.seen
            self.step(0.01) if turning else os.sched_yield()

    def log(self, unit: str = "task") -> str:
        path = self.paths.logs / f"{unit}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self, unit: str = "task", within: float = 5.0) -> None:
        self.perform(Stop(unit, 1, self.clock.now() + int(within * 1000)))

    def attach(self, identity: dict[str, str], unit: str = "task", attempt: int = 1) -> None:
        self.perform(Attach(unit, attempt, unit, self.log_name(unit, attempt), identity))

    def drop(self) -> None:
        """What is left of the executor when its process is killed: nothing but closed descriptors."""
        self.executor.close()
        self.executor = self.supervisor()


def survivors(run: str, directory: Path) -> list[tuple[int, str]]:
    """Processes other than this one that carry the run's mark or hold anything of its directory open."""
    mark, found = f"FSM_SPRINT_RUN={run}".encode(), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            marked = mark in (entry / "environ").read_bytes().split(b"\0")
            opened = any(str(fd.readlink()).startswith(str(directory)) for fd in (entry / "fd").iterdir())
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if (marked or opened) and state not in "ZX":
            found.append((int(entry.name), command))
    return found


def gone(identity: dict[str, str]) -> None:
    """Waits until a shim has left."""
    try:
        fd = os.pidfd_open(int(identity["pid"]))
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(PATIENCE * 1000)
    os.close(fd)
