"""The executor of the simulated world: one supervisor's hands in it.

It obeys `fsm.judge`, the very table that ships; every place where the real executor could be interrupted is a `point`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fsm import attempt as records
from fsm.effects import Answer, Attach, Effect, Go, Spawn, Stop
from fsm.events import Adopted, Ended, Event, Ready
from fsm.judge import Finding, Sight, judge
from fsm.world import Child, Directory, Launcher, Pipe, Violation, World


@dataclass(slots=True, eq=False)
class Handle:
    """What the executor holds for an attempt."""

    unit: str
    attempt: int
    directory: Directory | None
    pipe: Pipe | None
    allowed: bool
    rebooted: bool = False
    over: bool = False


class SimulatedExecutor:
    """`ports.Executor` over a world: one supervisor's hands."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.handles: dict[tuple[str, int], Handle] = {}
        self.queue: list[Event] = []

    def perform(self, effects: Sequence[Effect]) -> None:
        world = self.world
        for effect in effects:
            world.point(type(effect).__name__)
            if isinstance(effect, Answer):
                continue
            key = (effect.unit, effect.attempt)
            if isinstance(effect, Spawn) and key not in self.handles:
                self._spawn(effect)
            elif isinstance(effect, Go) and not self._pipe(key).go:
                self.handles[key].allowed = True
                self._pipe(key).go = True
            elif isinstance(effect, Attach) and key not in self.handles:
                self._attach(effect)
            elif isinstance(effect, Stop) and key in self.handles:
                self._stop(self.handles[key])

    def _pipe(self, key: tuple[str, int]) -> Pipe:
        pipe = self.handles[key].pipe
        if pipe is None:
            raise Violation(f"GO for {key}, which was adopted")
        return pipe

    def _spawn(self, effect: Spawn) -> None:
        world = self.world
        self._clear((effect.unit, effect.attempt - 1))
        key = (effect.unit, effect.attempt)
        if key in world.directories:
            raise Violation(f"the directory of {key} exists already")
        directory = world.directories[key] = Directory()
        world.point("mkdir")
        directory.durable = True
        world.point("sync of attempts/")
        if world.launcher is None or not world.launcher.alive:
            world.launcher = Launcher()
        pipe = Pipe()
        job = (effect, directory, pipe)
        pipe.writer = job
        world.launcher.jobs.append(job)
        self.handles[key] = Handle(effect.unit, effect.attempt, directory, pipe, allowed=False)

    def _clear(self, key: tuple[str, int]) -> None:
        """Waits until nothing of an earlier attempt holds its tree lock; in the end kills what does."""
        directory = self.world.directories.get(key)
        patience = 200
        while directory is not None and directory.tree:
            patience -= 1
            if not self.world.step() or not patience:
                for process in list(directory.tree):
                    self.world.kill(process)

    def _attach(self, effect: Attach) -> None:
        key = (effect.unit, effect.attempt)
        directory = self.world.directories.get(key)
        rebooted = effect.identity.get("boot", str(self.world.boot)) != str(self.world.boot)
        handle = Handle(
            effect.unit, effect.attempt, directory, None, allowed=bool(effect.identity), rebooted=rebooted
        )
        self.handles[key] = handle
        if judge(self.sight(handle), allowed=handle.allowed) is Finding.ALIVE:
            self.queue.append(Adopted(effect.unit, effect.attempt))

    def _stop(self, handle: Handle) -> None:
        if handle.pipe is not None and not handle.pipe.go:
            handle.pipe.closed = True
        if handle.directory is not None and handle.directory.shim is not None:
            handle.directory.shim.asked_to_end = True

    def sight(self, handle: Handle) -> Sight:
        """What can be seen of an attempt: locks first, the file after."""
        directory = handle.directory
        if directory is None:
            return Sight(False, False, False, None, None, handle.rebooted)
        shim, tree = directory.shim is not None, bool(directory.tree)
        if shim:
            return Sight(shim, tree, directory.file is not None, None, None, handle.rebooted)
        self.world.point("between lock and file")
        found, started = records.read(directory.file or b"")
        return Sight(shim, tree, directory.file is not None, found, started, handle.rebooted)

    def wait(self, timeout: float | None) -> Sequence[Event]:
        world = self.world
        deadline = None if timeout is None else world.monotonic() + timeout
        idle = 0
        while True:
            world.point("wait")
            events = self._collect()
            if events:
                return events
            if deadline is not None and world.monotonic() >= deadline:
                return []
            if world.step():
                idle = 0
            elif deadline is not None:
                world.time = int(deadline * 1000) + 1
            else:
                idle += 1
                if idle > 20:
                    raise Violation("the supervisor waits and nothing can happen any more")

    def _collect(self) -> list[Event]:
        events, self.queue = self.queue, []
        if self.world.requests:
            events.append(self.world.requests.popleft())
        for handle in self.handles.values():
            if handle.over:
                continue
            if handle.pipe is not None:
                while handle.pipe.messages:
                    events.append(Ready(handle.unit, handle.attempt, handle.pipe.messages.popleft()))
                if handle.pipe.writer is not None:
                    continue
            events += self._conclude(handle)
        return events

    def _conclude(self, handle: Handle) -> list[Event]:
        found = self.sight(handle)
        finding = judge(found, allowed=handle.allowed)
        if finding is Finding.ALIVE or finding is Finding.LEAVING:
            return []
        if finding is Finding.ORPHANED:
            assert handle.directory is not None, "only a directory has a tree lock"
            for process in list(handle.directory.tree):
                if isinstance(process, Child):
                    process.end(self.world, 9)
                else:
                    self.world.kill(process)
            return []
        handle.over = True
        if finding is Finding.EXITED:
            assert found.exit is not None, "exited means an exit record"
            status = int(found.exit["status"])
            verdict, facts = self.world.verdict(handle.unit, handle.attempt, status)
            return [Ended(handle.unit, handle.attempt, "exit", verdict, facts)]
        outcome = "never-ran" if finding is Finding.NEVER_RAN else "lost"
        return [Ended(handle.unit, handle.attempt, outcome, "lost", {})]
