"""A simulated machine: disk, locks, pipes, launcher, shims and children, in one thread, driven by one random source.

The shims run `fsm.shim`, the very generator that ships; what is made up here is only what it stands on. Rule: nothing
here decides what the product decides.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fsm import attempt as records
from fsm import shim as ops
from fsm.effects import Spawn
from fsm.events import Asked
from fsm.transition import Facts


class Killed(BaseException):
    """The supervisor is gone at this point. Not an Exception, so that nothing it runs can catch it."""


class PowerCut(Killed):
    """The whole machine is."""


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True, eq=False)
class Directory:
    """An attempt's directory: what programs see, what a power cut leaves, and who holds its locks."""

    durable: bool = False
    file: bytes | None = None
    on_disk: bytes | None = None
    shim: "Shim | None" = None
    tree: "dict[Process, None]" = field(default_factory=dict)
    """Holders of `tree.lock`, in the order in which they came: a set's order would differ from run to run."""


@dataclass(slots=True, eq=False)
class Pipe:
    """Status and gate of one attempt, with who holds the far ends."""

    messages: "deque[dict[str, str]]" = field(default_factory=deque)
    writer: object | None = None
    """Holder of the status pipe's write end: the message to the launcher, then the shim."""
    go: bool = False
    closed: bool = False
    """The supervisor's end of the gate is closed."""


class Process:
    """Something with a pid that takes one step at a time."""

    alive = True

    def step(self, world: "World") -> None:
        raise NotImplementedError  # every kind of process says what a step of it is

    def runnable(self) -> bool:
        return self.alive


class Launcher(Process):
    """Forks a shim for every job in its socket; leaves at end of file."""

    def __init__(self) -> None:
        self.jobs: deque[tuple[Spawn, Directory, Pipe]] = deque()
        self.hung_up = False

    def runnable(self) -> bool:
        return self.alive and (bool(self.jobs) or self.hung_up)

    def step(self, world: "World") -> None:
        if not self.jobs:
            self.alive = False
            return
        job, directory, pipe = self.jobs.popleft()
        shim = Shim(job, directory, pipe)
        pipe.writer = shim
        world.processes.append(shim)

    def die(self) -> None:
        """Its unread jobs, and the descriptors in them, go with it."""
        self.alive = False
        while self.jobs:
            _, _, pipe = self.jobs.popleft()
            pipe.writer = None


class Shim(Process):
    """Interprets `fsm.shim` against the simulated disk, one half of an operation at a time."""

    def __init__(self, job: Spawn, directory: Directory, pipe: Pipe) -> None:
        self.job, self.directory, self.pipe = job, directory, pipe
        self.pid = job.attempt
        self.life = ops.shim()
        self.operation, self.fields = next(self.life)
        self.half = False
        self.child: Child | None = None
        self.asked_to_end = False

    def runnable(self) -> bool:
        if not self.alive:
            return False
        if self.operation == ops.GATE:
            return self.pipe.go or self.pipe.closed
        if self.operation == ops.WAIT:
            assert self.child is not None, "it waits for what it forked"
            return not self.child.alive or self.asked_to_end
        return True

    def step(self, world: "World") -> None:
        done, result = self._perform(world)
        if not done:
            return
        try:
            self.operation, self.fields = self.life.send(result)
        except StopIteration:
            world.kill(self)

    def _perform(self, world: "World") -> tuple[bool, Any]:
        """One half of the operation at hand: (whether it is done, its result)."""
        directory = self.directory
        if self.operation == ops.CREATE:
            if not self._second(directory.__setattr__, "file", records.EMPTY):
                return False, None
            directory.on_disk = directory.file
        elif self.operation == ops.LOCK:
            if directory.shim is not None:
                raise Violation(f"two shims want {self.job.name}.{self.job.attempt}")
            directory.shim = self
            directory.tree[self] = None
        elif self.operation == ops.READY:
            self.pipe.messages.append({"pid": str(self.pid), "boot": str(world.boot)})
        elif self.operation == ops.GATE:
            return True, self.pipe.go
        elif self.operation in (ops.STARTED, ops.EXIT):
            return self._write(world), None
        elif self.operation == ops.SWEEP:
            for process in [found for found in directory.tree if found is not self]:
                world.kill(process)
        else:
            return self._tend(world)
        return True, None

    def _tend(self, world: "World") -> tuple[bool, Any]:
        """What has to do with the child."""
        if self.operation == ops.FORK:
            self.child = world.child(self)
            self.directory.tree[self.child] = None
            world.processes.append(self.child)
            return True, {"pid": 7}
        assert self.child is not None, "it has forked"
        if self.operation == ops.RELEASE:
            self.child.released = True
            return True, None
        if self.child.alive:  # WAIT, and somebody asked for its end
            self.child.end(world, 15)
            return False, None
        return True, {"status": self.child.status}

    def _second(self, first_half: Callable[..., None], *arguments: Any) -> bool:
        """Does the volatile half at the first call; True at the second, when the sync takes effect."""
        if not self.half:
            first_half(*arguments)
            self.half = True
            return False
        self.half = False
        return True

    def _write(self, world: "World") -> bool:
        exit_record = self.operation == ops.EXIT
        directory = self.directory
        if not self._second(lambda: None):
            old = directory.file or records.EMPTY
            raw = records.sector("exit" if exit_record else "started", self.fields)
            directory.file = raw + old[512:] if exit_record else old[:512] + raw
            return False
        directory.on_disk = directory.file
        if exit_record:
            world.recorded(self)
        return True


class Child(Process):
    """The user's process: waits at the inner gate, execs, works, ends with the code that the world's script says."""

    def __init__(self, shim: Shim, world: "World") -> None:
        self.shim = shim
        self.unit, self.attempt = shim.job.unit, shim.job.attempt
        self.released = False
        self.running = False
        self.work = world.random.randint(1, 6)
        self.status = 0
        self.daemon = world.random.random() < 0.25

    def runnable(self) -> bool:
        return self.alive and (self.released or not self.shim.alive)

    def step(self, world: "World") -> None:
        if not self.released:
            world.kill(self)  # end of file at the inner gate
        elif not self.running:
            self.running = True
            world.executed(self)
        elif self.work:
            self.work -= 1
            world.pass_time(world.random.randint(1, 50))
        else:
            if self.daemon:
                stray = Stray(self.shim.directory)
                self.shim.directory.tree[stray] = None
                world.processes.append(stray)
            self.end(world, world.outcome(self.unit, self.attempt))

    def end(self, world: "World", status: int) -> None:
        """Leaves with a wait status."""
        self.status = status
        world.kill(self)
        world.ended(self)


class Stray(Process):
    """A descendant that outlives its task and holds the tree lock."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def runnable(self) -> bool:
        return False


class World:
    """Everything outside the supervisor. Its clock moves only when something happens."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.time = 1_700_000_000_000
        self.boot = 1
        self.directories: dict[tuple[str, int], Directory] = {}
        self.processes: list[Process] = []
        self.launcher: Launcher | None = None
        self.faults = 0
        self.story: list[str] = []
        self.requests: deque[Asked] = deque()

    # what the simulation overrides to watch and to script

    def executed(self, child: Child) -> None:
        """A child has exec'd."""

    def ended(self, child: Child) -> None:
        """A child that had exec'd is over."""

    def recorded(self, shim: Shim) -> None:
        """A shim believes that its exit record is durable."""

    def outcome(self, unit: str, attempt: int) -> int:
        """The wait status with which an attempt ends by itself."""
        raise NotImplementedError  # a world without a script has no outcomes

    def child(self, shim: Shim) -> Child:
        """The process that a shim forks."""
        return Child(shim, self)

    def verdict(self, unit: str, attempt: int, status: int) -> tuple[str, Facts]:  # noqa: ARG002  # for scripts
        """What a driver makes of an attempt with that wait status, and the facts for its row."""
        facts: Facts = {"signal": status & 0x7F} if status & 0x7F else {"code": status >> 8}
        return "ok" if status == 0 else "failed", facts

    # time and chance

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / 1000

    def pass_time(self, ms: int) -> None:
        self.time += ms

    def tell(self, what: str) -> None:
        self.story.append(what)

    def point(self, where: str) -> None:
        """A place where the supervisor can be interrupted: others go on, and something may break."""
        while self.random.random() < 0.4 and self.step():
            pass
        if self.faults and self.random.random() < 0.03:
            self.faults -= 1
            self.fault(where)

    def fault(self, where: str) -> None:
        kind = self.random.choice(("supervisor", "supervisor", "power", "launcher", "shim", "child"))
        self.tell(f"fault: {kind} at {where}")
        if kind == "supervisor":
            raise Killed
        if kind == "power":
            raise PowerCut
        if kind == "launcher":
            if self.launcher is not None:
                self.launcher.die()
            return
        victims = [p for p in self.processes if isinstance(p, Shim if kind == "shim" else Child) and p.alive]
        if victims:
            victim = self.random.choice(victims)
            if isinstance(victim, Child):
                victim.end(self, 9)
            else:
                self.kill(victim)

    def step(self) -> bool:
        """Lets one process take one step; False when none can."""
        able = [process for process in self.processes if process.runnable()]
        if self.launcher is not None and self.launcher.runnable():
            able.append(self.launcher)
        if not able:
            return False
        self.random.choice(able).step(self)
        self.time += 1
        if len(self.processes) > 50:
            self.processes = [process for process in self.processes if process.alive]
        return True

    def kill(self, process: Process) -> None:
        """The process is over; the kernel lets go of what it held."""
        process.alive = False
        for directory in self.directories.values():
            directory.tree.pop(process, None)
            if directory.shim is process:
                directory.shim = None
        if isinstance(process, Shim):
            process.pipe.writer = None

    def supervisor_died(self) -> None:
        """Its ends of every gate are closed, and the launcher sees the end of its socket."""
        if self.launcher is not None:
            self.launcher.hung_up = True
        for process in self.processes:
            if isinstance(process, Shim):
                process.pipe.closed = not process.pipe.go
        for _, _, pipe in self.launcher.jobs if self.launcher is not None else ():
            pipe.closed = not pipe.go

    def power_cut(self) -> None:
        """Every process is gone; of what was not synced, any part may be on disk."""
        for process in self.processes:
            if isinstance(process, Child) and process.alive and process.running:
                process.status = 9
                self.ended(process)
            process.alive = False
        self.processes.clear()
        self.launcher = None
        self.boot += 1
        for key, directory in list(self.directories.items()):
            directory.shim = None
            directory.tree.clear()
            if not directory.durable and self.random.random() < 0.5:
                del self.directories[key]
                continue
            directory.file = directory.on_disk = self._left(directory)

    def _left(self, directory: Directory) -> bytes | None:
        new, old = directory.file, directory.on_disk
        if new is None or new == old:
            return old
        if old is None:
            return self.random.choice((None, new))
        halves = [self.random.choice((new[at : at + 512], old[at : at + 512])) for at in (0, 512)]
        if self.random.random() < 0.2:
            torn = self.random.randrange(2)
            cut = self.random.randrange(512)
            halves[torn] = new[torn * 512 : torn * 512 + cut] + old[torn * 512 + cut : torn * 512 + 512]
        return b"".join(halves)
