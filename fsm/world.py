"""A simulated machine: disk, locks, pids, signals and clocks, in one thread, driven by one random source.

Rule: nothing here decides what the product decides.
"""

from collections import deque
from random import Random
from typing import Any

from fsm.disk import Directory
from fsm.effects import Answer, Notify
from fsm.events import Asked
from fsm.processes import Child, Launcher, Process, Shim, Stranger
from fsm.transition import Facts

__all__ = ["Child", "Killed", "Launcher", "PowerCut", "Process", "Shim", "Violation", "World"]


class Killed(BaseException):
    """The supervisor is gone at this point. Not an Exception, so that nothing it runs can catch it."""


class PowerCut(Killed):
    """The whole machine is."""


class Violation(AssertionError):
    """An invariant does not hold."""

    def __init__(self, invariant: str, what: str = "", units: tuple[str, ...] = ()) -> None:
        """`units` are those it is about, for the story."""
        super().__init__(f"{invariant}: {what}" if what else invariant)
        self.invariant = invariant
        self.units = units


PIDS = 16
"""So many pids are given out in turn before the first comes again."""
YEAR = 31_557_600_000


class World:
    """Everything outside the supervisors. Its clock moves only when something happens."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._draw = random.random
        self.time = 1_700_000_000_000
        """Wall time in ms, as the machine shows it: it may jump."""
        self.uptime = 0
        """Monotonic time in ms: it stands still while the machine is suspended."""
        self.boot = 1
        self.tick = 0
        """Steps taken by anybody."""
        self.directories: dict[tuple[str, int], Directory] = {}
        """What is to be found under `attempts/`."""
        self.processes: list[Process] = []
        self.pids: dict[int, Process] = {}
        self.story: list[tuple[Any, ...]] = []
        """What happened: (wall ms, kind, what belongs to it)."""
        self.requests: deque[Asked] = deque()
        """The inbox: requests whose answer has not been put down."""
        self._bad_until = 0
        """The tick until which the disk fails."""
        self._pid = 1
        self._births = 0

    # what the simulation overrides to watch and to script

    def executed(self, child: Child) -> None:
        """A child has exec'd."""

    def ended(self, child: Child) -> None:
        """A child is over; its shim will know with what wait status."""

    def recorded(self, shim: Shim) -> None:
        """A shim believes that its exit record is durable."""

    def harmed(self, process: Process) -> None:
        """A process was ended from outside, or with the machine."""

    def signalled(self, process: Process, key: tuple[str, int], number: int) -> None:
        """A supervisor signals a process, which it takes for one of the attempt `key`."""

    def answered(self, answer: Answer) -> None:
        """An answer was put down for whoever asked."""

    def notified(self, effect: Notify) -> bool:  # noqa: ARG002  # for the simulation
        """Somebody outside is told something; whether it was taken."""
        return True

    def waits(self) -> None:
        """A supervisor has done what it owed, and waits."""

    def text(self, digest: str) -> str:
        """A text that the journal keeps."""
        raise NotImplementedError  # a world without a journal keeps none

    def outcome(self, unit: str, attempt: int) -> int:
        """The wait status with which an attempt ends by itself, or HANG."""
        raise NotImplementedError  # a world without a script has no outcomes

    def bound(self, unit: str) -> int | None:  # noqa: ARG002  # for scripts
        """Milliseconds that an attempt may take; None for no bound."""
        return None

    def child(self, shim: Shim) -> Child:
        """The process that a shim forks."""
        return Child(shim, self)

    def verdict(self, unit: str, attempt: int, status: int) -> tuple[str, Facts]:  # noqa: ARG002  # for scripts
        """What a driver makes of an attempt with that wait status, and the facts for its row."""
        facts: Facts = {"signal": status & 0x7F} if status & 0x7F else {"code": status >> 8}
        return "ok" if status == 0 else "failed", facts

    def point(self, where: str) -> None:  # noqa: ARG002  # for the simulation
        """A place where a supervisor can be interrupted: others go on."""
        draw = self._draw
        while draw() < 0.4 and self.step():
            pass

    def stuck(self) -> None:
        """A supervisor waits, and nothing can happen any more."""
        raise Violation("I10", "the supervisor waits and nothing can happen any more")

    # time

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.uptime / 1000

    def pass_time(self, ms: int) -> None:
        """Something took so long."""
        self.time += ms
        self.uptime += ms

    def tell(self, kind: str, *what: Any) -> None:
        """Notes what happened; made into a sentence only if somebody asks."""
        self.story.append((self.time, kind, *what))

    def step(self) -> bool:
        """Lets one process take one step; False when none can."""
        tick = self.tick
        able = [found for found in self.processes if found.frozen <= tick and found.runnable()]
        if not able:
            return False
        (able[0] if len(able) == 1 else able[int(self._draw() * len(able))]).step(self)
        self.tick = tick + 1
        self.time += 1
        self.uptime += 1
        return True

    def idle(self, until: int | None) -> bool:
        """Nothing can take a step: time passes until something can, or until `until` (uptime in ms); else False."""
        if self._bad_until > self.tick:
            self._bad_until = 0
            return True
        thawed = False
        for process in self.processes:
            thawed = thawed or process.frozen > self.tick
            process.frozen = 0
        if thawed:
            return True
        dues = [due for process in self.processes if (due := process.due()) is not None]
        if until is not None:
            dues.append(until)
        if not dues:
            return False
        self.pass_time(max(0, min(dues) - self.uptime))
        return True

    # processes

    def born(self, process: Process) -> None:
        """A process begins: it gets the next free pid, and a start time that is counted from the boot."""
        pid = self._pid
        while True:
            pid = pid + 1 if pid <= PIDS else 2
            if pid not in self.pids:
                break
            if len(self.pids) >= PIDS:
                pid = max(self.pids) + 1
                break
        self._pid = min(pid, PIDS + 1)
        self._births += 1
        process.pid, process.start, process.world = pid, self._births, self
        self.pids[pid] = process
        self.processes.append(process)

    def kill(self, process: Process) -> None:
        """A process is over; the kernel lets go of what it held."""
        if not process.alive:
            return
        process.alive = False
        self.processes.remove(process)
        self.pids.pop(process.pid, None)
        directory = process.directory
        if directory is not None:
            directory.tree.pop(process, None)
            if directory.shim is process:
                directory.shim = None
        if isinstance(process, Shim):
            process.pipe.writer = None
            if self._draw() < 0.2:
                self._reuse(process.pid)
        elif isinstance(process, Launcher):
            process.die()

    def _reuse(self, pid: int) -> None:
        """Somebody else gets a pid at once."""
        others = [found for found in self.processes if isinstance(found, Stranger)]
        if len(others) > 4:
            self.kill(others[0])
        self._pid = pid - 1
        self.born(Stranger())

    def slain(self, process: Process) -> None:
        """A process is ended from outside."""
        self.harmed(process)
        if isinstance(process, Child):
            process.end(self, 9)
        else:
            self.kill(process)

    def locked(self, shim: Shim) -> None:
        """A shim is about to take its locks."""
        if shim.directory.shim is not None:
            raise Violation("I1", f"two shims want {shim.unit}.{shim.attempt}", (shim.unit,))

    def signal(self, process: Process, key: tuple[str, int], number: int) -> None:
        """A supervisor signals a process that it takes for one of the attempt `key`."""
        self.signalled(process, key, number)
        self.tick += 1
        process.frozen = 0  # with CONT, or it could not act
        process.heard(number)

    # disk

    def disk_fails(self) -> bool:
        """Whether what is to be written or synced now fails."""
        return self._bad_until > self.tick

    def break_disk(self, ticks: int) -> None:
        """The disk is full, or fails, until so many steps have been taken or nothing else can happen."""
        self._bad_until = self.tick + ticks

    def reachable(self, directory: Directory) -> bool:
        """Whether a directory has not been deleted."""
        return self.directories.get(directory.key) is directory

    def power_cut(self) -> None:
        """Every process is gone; of what was not synced, any part may be on disk."""
        for process in self.processes:
            self.harmed(process)
            process.alive = False
            if process.directory is not None:
                process.directory.tree.clear()
                process.directory.shim = None
            if isinstance(process, Child) and process.running:
                process.status = 9
                self.ended(process)
        self.processes.clear()
        self.pids.clear()
        self.boot += 1
        self._births, self._pid, self._bad_until = 0, 1, 0
        for key, directory in list(self.directories.items()):
            directory.cut(self.random)
            if not directory.durable and self._draw() < 0.5:
                del self.directories[key]
            directory.durable = True
        self.strangers(int(self._draw() * 6))

    def strangers(self, count: int) -> None:
        """Other people's processes begin, and take the next pids; older ones end."""
        for process in [found for found in self.processes if isinstance(found, Stranger)]:
            self.kill(process)
        for _ in range(count):
            self.born(Stranger())
