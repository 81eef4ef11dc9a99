"""The shim: guards one attempt, outlives everyone, and writes down how it ended.

It interprets the operations of `fsm.shim` with system calls; the order is proved there. Forked by the launcher, never
exec'd. It keeps the deadline and the idle bound on the monotonic clock, so that they hold while no supervisor lives.
SIGTERM asks it to end its task (TERM, after the grace KILL), SIGUSR1 to kill it at once; all else it ignores.
Nothing heavy is imported here, not even contextlib: every shim pays for it in memory.
"""

# ruff: noqa: SIM105

from __future__ import annotations

import errno
import os
import resource  # noqa: F401  # os.wait4 needs it; loaded here, it is not loaded again in every shim
import select
import time
from fcntl import F_DUPFD_CLOEXEC, fcntl
from os import _exit as leave

from fsm import attempt
from fsm import shim as life
from fsm_sprint.executors import child, platform, wire
from fsm_sprint.executors.family import members
from fsm_sprint.executors.files import RECORD, SHIM_LOCK, TREE_LOCK, take
from fsm_sprint.executors.platform import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resource import struct_rusage
    from typing import NoReturn

    from fsm_sprint.executors.errand import Errand

_OUT_OF_THE_WAY = 97
"""Scripts use small descriptors for themselves; the tree lock is put above them."""
_LEFTOVERS = 0.2
"""Seconds that what a finished task left behind has between TERM and KILL."""
_UNKILLABLE = 5.0
"""Seconds after which a shim gives up waiting for a process that does not die of KILL (a hanging disk)."""
_AGAIN = 0.05
"""Seconds between two KILLs to a tree: what forks faster than one pass is met by the next."""


def guard(errand: Errand) -> NoReturn:
    """Is the shim, in a fork of the launcher, to its end."""
    try:
        os.setsid()
        platform.become_subreaper()
        platform.call_me(b"fsm-shim")
        _Shim(errand).live()
    except BaseException as error:  # noqa: BLE001  # the supervisor says it to the user
        try:
            os.write(errand.status, wire.failed(f"{type(error).__name__}: {error}"))
        except OSError:
            pass
        leave(1)
    os.close(errand.status)  # leaving would, but only after 0.3 ms of giving memory back
    leave(0)


class _Shim:
    """One attempt, from its empty attempt file to its exit record; a method for each operation."""

    def __init__(self, errand: Errand) -> None:
        self.errand = errand
        self.record = self.tree = self.shim_lock = -1
        self.inner = self.report = -1
        self.pid = 0
        self.released = 0.0
        self.signals, wake = os.pipe()
        for fd in (self.signals, wake):
            os.set_blocking(fd, False)
        self.wake = wake
        signals.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def live(self) -> None:
        """Goes through the operations of `fsm.shim` until they end."""
        table = {
            life.LOCK: self.lock,
            life.CREATE: self.create,
            life.TREE: self.take_tree,
            life.READY: self.ready,
            life.GATE: self.wait_for_go,
            life.FORK: self.fork,
            life.STARTED: self.started,
            life.RELEASE: self.release,
            life.WAIT: self.wait,
            life.EXIT: self.exit,
            life.SWEEP: self.sweep,
        }
        steps = life.shim()
        result: object = None
        try:
            while True:
                operation, fields = steps.send(result)
                result = table[operation](fields)
        except StopIteration:
            return
        except _NotForked as error:
            self.exit({"why": "exit", "ended": time.time_ns() // 1_000_000, "error": str(error)})

    def lock(self, _: life.Fields) -> None:
        self.shim_lock = take(self.errand.folder, SHIM_LOCK)

    def create(self, _: life.Fields) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self.record = os.open(RECORD, flags, 0o600, dir_fd=self.errand.folder)
        if os.write(self.record, attempt.EMPTY) < attempt.SIZE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        platform.sync(self.record)
        platform.sync(self.errand.folder)

    def take_tree(self, _: life.Fields) -> None:
        low = take(self.errand.folder, TREE_LOCK)
        try:
            self.tree = fcntl(low, F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
        except OSError:
            self.tree = low  # the user's limit on open files is lower than that
            return
        try:
            os.close(low)
        except OSError:
            pass  # it is closed, whatever the disk has to say about it

    def ready(self, _: life.Fields) -> None:
        pid = os.getpid()
        identity = {"pid": str(pid), "start": platform.start_time(pid) or "", **self.errand.birth}
        try:
            os.write(self.errand.status, wire.ready(identity))
        except BrokenPipeError:
            pass  # nobody is there any more; the gate will tell

    def wait_for_go(self, _: life.Fields) -> bool:
        word = os.read(self.errand.gate, 1)
        os.close(self.errand.gate)
        return word == wire.GO

    def fork(self, _: life.Fields) -> life.Fields:
        inner, self.inner = os.pipe()
        self.report, report = os.pipe()
        signals.pthread_sigmask(signals.SIG_BLOCK, child.CAUGHT)
        self.pid = _fork()
        if self.pid == 0:
            ours = (
                self.inner,
                self.report,
                self.errand.status,
                self.shim_lock,
                self.signals,
                self.wake,
                self.record,
            )
            child.become(self.errand, inner, report, self.tree, shims=ours)
        signals.pthread_sigmask(signals.SIG_UNBLOCK, child.CAUGHT)
        os.close(inner)
        os.close(report)
        start = platform.start_time(self.pid) or ""
        return {"pid": self.pid, "start": start, "at": time.time_ns() // 1_000_000}

    def started(self, fields: life.Fields) -> None:
        self.write(attempt.STARTED_OFFSET, attempt.sector("started", fields))

    def release(self, _: life.Fields) -> None:
        self.released = time.monotonic()
        try:
            os.write(self.inner, wire.GO)
        except BrokenPipeError:
            pass  # somebody has killed it already; WAIT will tell
        os.close(self.inner)
        if self.errand.order["announce"]:
            try:
                os.write(self.errand.status, wire.task(self.pid))
            except OSError:
                pass  # worth telling, not worth failing for

    def wait(self, _: life.Fields) -> life.Fields:
        order = self.errand.order
        watch = _Watch(self.released, order, (self.errand.out, self.errand.err))
        poll = select.poll()
        poll.register(self.signals, select.POLLIN)
        why, kill_at = "exit", None
        while True:
            now = time.monotonic()
            left = watch.left(now) if kill_at is None else kill_at - now
            poll.poll(max(0.0, left) * 1000 + 1)
            asked = self.asked()
            ended = self.reap()
            if ended is not None:
                return self.fields(why, *ended)
            now = time.monotonic()
            if why == "exit":
                why = "stopped" if asked else watch.over(now)
                if why != "exit":
                    self.signal_tree(signals.SIGTERM)
                    self.signal_tree(signals.SIGCONT)
                    kill_at = now + order["grace"]
            if signals.SIGUSR1 in asked:
                kill_at = now
            if kill_at is not None and now >= kill_at:
                self.signal_tree(signals.SIGKILL)
                kill_at = now + _AGAIN

    def asked(self) -> set[int]:
        """The requests that have come in since last asked."""
        try:
            return set(os.read(self.signals, 4096)) & {signals.SIGTERM, signals.SIGUSR1}
        except BlockingIOError:
            return set()

    def reap(self) -> tuple[int, struct_rusage] | None:
        """Collects everything that has ended; (wait status, usage) once it was the child."""
        found = None
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return found
            if pid == 0:
                return found
            if pid == self.pid:
                found = status, usage

    def fields(self, why: str, status: int, usage: struct_rusage) -> life.Fields:
        found: life.Fields = {
            "status": status,
            "why": why,
            "elapsed-ms": round((time.monotonic() - self.released) * 1000),
            "ended": time.time_ns() // 1_000_000,
            "user-ms": round(usage.ru_utime * 1000),
            "sys-ms": round(usage.ru_stime * 1000),
            "maxrss-kb": usage.ru_maxrss if platform.LINUX else usage.ru_maxrss // 1024,
        }
        error = os.read(self.report, 4096).decode("utf-8", "replace")
        return {**found, "error": error} if error else found

    def exit(self, fields: life.Fields) -> None:
        raw = attempt.sector("exit", fields)
        self.write(attempt.EXIT_OFFSET, raw)
        try:
            # Saves the supervisor a read, and the verdict where the task has deleted the file.
            os.write(self.errand.status, raw)
        except OSError:
            pass  # the next supervisor reads the file

    def sweep(self, _: life.Fields) -> None:
        if self.childless() and platform.LINUX:
            return  # orphans are given to a subreaper: no children means no descendants
        now = time.monotonic()
        kill_at, end = now + _LEFTOVERS, now + _LEFTOVERS + _UNKILLABLE
        self.signal_tree(signals.SIGTERM)
        self.signal_tree(signals.SIGCONT)
        while not (self.childless() and (platform.LINUX or not members())) and time.monotonic() < end:
            if time.monotonic() >= kill_at:
                self.signal_tree(signals.SIGKILL)
            time.sleep(0.01)  # of descendants that are no children the kernel tells nothing

    def childless(self) -> bool:
        """Collects what has ended; whether nothing is left."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        return False

    def signal_tree(self, number: int) -> None:
        for row in members():
            platform.send(row.pid, row.start, number)

    def write(self, offset: int, raw: bytes) -> None:
        """Writes in place, durably. A full or failing disk is tried again for ever: the locks say that we live."""
        pause = 0.05
        while True:
            try:
                if os.pwrite(self.record, raw, offset) == len(raw):
                    platform.sync_data(self.record)
                    return
            except OSError:
                pass
            time.sleep(pause)  # nothing tells when a disk is well again
            pause = min(1.0, pause * 2)


class _Watch:
    """Deadline, idle bound and bound of the first output of a running task, in monotonic seconds."""

    def __init__(self, begin: float, order: wire.Order, outputs: tuple[int, int]) -> None:
        timeout, idle, first = order["timeout"], order["idle_timeout"], order["first_output"]
        self.deadline = None if timeout is None else begin + timeout
        self.idle = idle
        self.first = first
        self.outputs = outputs
        self.sizes = (0, 0) if idle is None and first is None else self.measure()
        self.changed = begin
        self.every = min([30.0, *(bound / 20 for bound in (idle, first) if bound is not None)])
        """How often it is looked at: a task may be found idle by so much too late, never too early."""

    def left(self, now: float) -> float:
        """Seconds until it has to be looked at again, though nothing be heard of it."""
        return self.every if self.deadline is None else min(self.every, self.deadline - now)

    def over(self, now: float) -> str:
        """`timeout`, `idle`, `first-output`, or `exit` while no bound is passed."""
        if self.deadline is not None and now >= self.deadline:
            return "timeout"
        if self.idle is not None or self.first is not None:
            sizes = self.measure()
            if any(sizes):
                self.first = None  # a log is its attempt's own: whatever is in it, the task has printed
            if sizes != self.sizes:
                self.sizes, self.changed = sizes, now
            elif self.first is not None and now - self.changed >= self.first:
                return "first-output"
            elif self.idle is not None and now - self.changed >= self.idle:
                return "idle"
        return "exit"

    def measure(self) -> tuple[int, int]:
        return os.fstat(self.outputs[0]).st_size, os.fstat(self.outputs[1]).st_size


class _NotForked(Exception):
    """The system has no room for another process."""


def _fork() -> int:
    """fork, tried for two seconds: the user's limit on processes may only be touched for a moment."""
    for pause in (0.05, 0.15, 0.3, 0.5, 1.0):
        try:
            return os.fork()
        except OSError:
            time.sleep(pause)  # nothing tells when there is room again
    try:
        return os.fork()
    except OSError as error:
        raise _NotForked(f"cannot fork: {error.strerror}") from error
