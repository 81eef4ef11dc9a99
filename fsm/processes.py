"""The processes of the simulated world, each of which takes one step at a time.

The shims run `fsm.shim`, the very generator that ships; what is made up here is only what it stands on.
"""

from collections import deque
from random import Random
from typing import Any, Protocol

from fsm import attempt as records
from fsm import shim as ops
from fsm.disk import Directory, Pipe
from fsm.effects import Spawn

HANG = -1
"""The outcome of a process that does not end by itself."""
TERM, USR1, KILL = 15, 10, 9
GRACE_MS = 10_000
"""What a shim leaves its task between TERM and KILL."""
_AGAIN = object()
"""An operation that is not done yet."""


class Kernel(Protocol):
    """The world as its processes see it."""

    random: Random
    boot: int
    uptime: int
    """Milliseconds on the monotonic clock."""

    def born(self, process: "Process") -> None:
        """A process begins: it gets a pid and a start time."""
        ...

    def kill(self, process: "Process") -> None:
        """A process is over; the kernel lets go of what it held."""
        ...

    def slain(self, process: "Process") -> None:
        """A process is ended from outside."""
        ...

    def locked(self, shim: "Shim") -> None:
        """A shim is about to take its locks."""
        ...

    def executed(self, child: "Child") -> None:
        """A child has exec'd."""
        ...

    def ended(self, child: "Child") -> None:
        """A child is over; its shim will know with what wait status."""
        ...

    def recorded(self, shim: "Shim") -> None:
        """A shim believes that its exit record is durable."""
        ...

    def child(self, shim: "Shim") -> "Child":
        """The process that a shim forks."""
        ...

    def outcome(self, unit: str, attempt: int) -> int:
        """The wait status with which an attempt ends by itself."""
        ...

    def bound(self, unit: str) -> int | None:
        """Milliseconds that an attempt may take; None for no bound."""
        ...

    def disk_fails(self) -> bool:
        """Whether what is to be written or synced now fails."""
        ...

    def reachable(self, directory: Directory) -> bool:
        """Whether a directory has not been deleted."""
        ...

    def pass_time(self, ms: int) -> None:
        """Something took so long."""
        ...


class Process:
    """Something with a pid. `world` is set, and pid and start are given, when it is born."""

    kind = "process"
    alive = True
    frozen = 0
    """The tick until which it is stopped (SIGSTOP)."""
    pid = start = 0
    directory: Directory | None = None
    """Where it may hold locks."""
    world: Kernel

    def step(self, world: Kernel) -> None:
        raise NotImplementedError  # every kind of process says what a step of it is

    def runnable(self) -> bool:
        return self.alive

    def due(self) -> int | None:
        """When it will be runnable though nothing happens, by the world's uptime."""
        return None

    def heard(self, number: int) -> None:  # noqa: ARG002  # most end, whatever the signal
        """A signal reaches it."""
        self.world.slain(self)


class Stranger(Process):
    """Somebody else's process, which happens to have a pid."""

    kind = "stranger"

    def runnable(self) -> bool:
        return False


class Launcher(Process):
    """Forks a shim for every job in its socket; leaves at end of file."""

    kind = "launcher"

    def __init__(self) -> None:
        self.jobs: deque[tuple[Spawn, Directory, Pipe]] = deque()
        self.hung_up = False

    def runnable(self) -> bool:
        return self.alive and (bool(self.jobs) or self.hung_up)

    def step(self, world: Kernel) -> None:
        if not self.jobs:
            world.kill(self)
            return
        job, directory, pipe = self.jobs.popleft()
        shim = Shim(job, directory, pipe)
        pipe.writer = shim
        world.born(shim)

    def die(self) -> None:
        """Its unread jobs, and the descriptors in them, go with it."""
        while self.jobs:
            _, _, pipe = self.jobs.popleft()
            pipe.writer = None


class Shim(Process):
    """Interprets `fsm.shim` against the simulated disk, one half of an operation at a time."""

    kind = "shim"
    directory: Directory

    def __init__(self, job: Spawn, directory: Directory, pipe: Pipe) -> None:
        self.job, self.directory, self.pipe = job, directory, pipe
        self.unit, self.attempt = job.unit, job.attempt
        self.life = ops.shim()
        self.operation, self.fields = next(self.life)
        self.half = False
        """The first half of the operation at hand has been done."""
        self.child: Child | None = None
        self.term = self.usr1 = False
        self.why = "exit"
        self.deadline: int | None = None
        """When its task has run long enough, or has to be killed, by the world's uptime."""

    def runnable(self) -> bool:
        if self.operation == ops.GATE:
            return self.pipe.go or self.pipe.closed
        if self.operation == ops.WAIT:
            assert self.child is not None, "it waits for what it forked"
            return (
                not self.child.alive
                or (self.term and self.why == "exit")
                or self.usr1
                or (self.deadline is not None and self.world.uptime >= self.deadline)
            )
        return True

    def due(self) -> int | None:
        return self.deadline if self.operation == ops.WAIT else None

    def heard(self, number: int) -> None:
        if number == KILL:
            self.world.slain(self)
        elif number == TERM:
            self.term = True
        else:
            self.usr1 = True

    def step(self, world: Kernel) -> None:
        result = _OPERATIONS[self.operation](self, world)
        if result is _AGAIN or not self.alive:
            return
        try:
            self.operation, self.fields = self.life.send(result)
        except StopIteration:
            world.kill(self)

    def create(self, world: Kernel) -> Any:
        if not self.half:
            if world.disk_fails() or not world.reachable(self.directory) or not self.directory.create():
                self.pipe.messages.append({"error": "its attempt file cannot be made"})
                world.kill(self)
            self.half = True
            return _AGAIN
        self.half = False
        self.directory.sync()
        return None

    def lock(self, world: Kernel) -> Any:
        world.locked(self)
        self.directory.shim = self
        return None

    def tree(self, world: Kernel) -> Any:  # noqa: ARG002  # one operation like the others
        self.directory.tree[self] = None
        return None

    def ready(self, world: Kernel) -> Any:
        self.pipe.messages.append({"pid": str(self.pid), "start": str(self.start), "boot": str(world.boot)})
        return None

    def gate(self, world: Kernel) -> Any:  # noqa: ARG002  # one operation like the others
        return self.pipe.go

    def fork(self, world: Kernel) -> Any:
        self.child = world.child(self)
        self.directory.tree[self.child] = None
        world.born(self.child)
        return {"pid": self.child.pid}

    def started(self, world: Kernel) -> Any:
        return self.write(world, "started", records.STARTED_OFFSET)

    def release(self, world: Kernel) -> Any:
        assert self.child is not None, "it has forked"
        self.child.released = True
        bound = world.bound(self.unit)
        self.deadline = None if bound is None else world.uptime + bound
        return None

    def wait(self, world: Kernel) -> Any:
        child = self.child
        assert child is not None, "it has forked"
        if not child.alive:
            return {"status": child.status, "why": self.why}
        late = self.deadline is not None and world.uptime >= self.deadline
        if self.why == "exit" and (self.term or late):
            self.why = "stopped" if self.term else "timeout"
            self.deadline = world.uptime + GRACE_MS
            child.heard(TERM)
        elif self.usr1 or late:
            child.heard(KILL)
        self.usr1 = False
        return _AGAIN

    def exit(self, world: Kernel) -> Any:
        result = self.write(world, "exit", records.EXIT_OFFSET)
        if result is not _AGAIN:
            world.recorded(self)
            self.pipe.ended = {name: str(value) for name, value in self.fields.items()}
        return result

    def sweep(self, world: Kernel) -> Any:
        for process in [found for found in self.directory.tree if found is not self]:
            world.slain(process)
        return None

    def write(self, world: Kernel, kind: str, offset: int) -> Any:
        """Tried for ever on a disk that fails; what a failed sync was for is written anew."""
        if not self.half:
            if not world.disk_fails():
                self.directory.write(offset, records.sector(kind, self.fields))
                self.half = True
            return _AGAIN
        self.half = False
        if world.disk_fails():
            self.directory.sync(fails=True)
            return _AGAIN
        self.directory.sync()
        return None


_OPERATIONS = {
    ops.CREATE: Shim.create,
    ops.LOCK: Shim.lock,
    ops.TREE: Shim.tree,
    ops.READY: Shim.ready,
    ops.GATE: Shim.gate,
    ops.FORK: Shim.fork,
    ops.STARTED: Shim.started,
    ops.RELEASE: Shim.release,
    ops.WAIT: Shim.wait,
    ops.EXIT: Shim.exit,
    ops.SWEEP: Shim.sweep,
}


class Child(Process):
    """The user's process: waits at the inner gate, execs, works, ends with the code that the world's script says."""

    kind = "child"
    directory: Directory

    def __init__(self, shim: Shim, world: Kernel) -> None:
        self.shim, self.directory = shim, shim.directory
        self.unit, self.attempt = shim.unit, shim.attempt
        self.released = self.running = self.hung = False
        chance = world.random.random()
        self.work = 1 + int(chance * 600) % 6
        """Steps until its end."""
        self.status = 0
        self.daemon = chance < 0.25
        """It leaves something behind that goes on."""
        self.deaf = chance > 0.8
        """It ignores TERM."""

    def runnable(self) -> bool:
        return not self.hung if self.running else self.released or not self.shim.alive

    def step(self, world: Kernel) -> None:
        if not self.released:
            world.kill(self)  # end of file at the inner gate
        elif not self.running:
            self.running = True
            world.executed(self)
        elif self.work:
            self.work -= 1
            world.pass_time(1 + int(world.random.random() * 50))
        else:
            status = world.outcome(self.unit, self.attempt)
            if status == HANG:
                self.hung = True
                return
            if self.daemon:
                stray = Stray(self.unit, self.attempt, self.directory)
                self.directory.tree[stray] = None
                world.born(stray)
            self.end(world, status)

    def heard(self, number: int) -> None:
        if number == KILL or not self.deaf or not self.running:
            self.end(self.world, number)

    def end(self, world: Kernel, status: int) -> None:
        """Leaves with a wait status."""
        self.status = status
        world.kill(self)
        world.ended(self)


class Stray(Process):
    """A descendant that outlives its task and holds the tree lock."""

    kind = "stray"
    directory: Directory

    def __init__(self, unit: str, attempt: int, directory: Directory) -> None:
        self.unit, self.attempt = unit, attempt
        self.directory = directory

    def runnable(self) -> bool:
        return False
