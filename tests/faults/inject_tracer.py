"""Does harm to one process of a sprint at one system call: a debugger that can do nothing else.

`python -I -S inject_tracer.py PLAN REPORT PROGRAM [WORD…]` runs a program (the supervisor), finds its target in the
processes that come of it (the supervisor itself, its launcher, the launcher's k-th shim), counts the target's system
calls by name, and at the n-th of a name kills it, or lets the call fail, or be short. Everybody else runs untouched.
The report is a JSON document. Linux on x86-64 only: numbers and registers are that machine's.
"""

# It starts a thousand times in a campaign, so it does without pathlib and contextlib.
# ruff: noqa: PTH115, PTH123, SIM105

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CALLS = {
    "read": 0, "write": 1, "close": 3, "poll": 7, "pread64": 17, "pwrite64": 18, "pipe": 22, "select": 23,
    "dup2": 33, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47, "socketpair": 53, "clone": 56,
    "fork": 57, "vfork": 58, "wait4": 61, "kill": 62, "fcntl": 72, "flock": 73, "fsync": 74,
    "fdatasync": 75, "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84, "unlink": 87, "readlink": 89,
    "chmod": 90, "fchmod": 91, "setsid": 112, "prctl": 157, "getdents64": 217, "openat": 257,
    "mkdirat": 258, "unlinkat": 263, "renameat": 264, "pselect6": 270, "ppoll": 271, "fallocate": 285,
    "pipe2": 293, "pwritev": 296, "renameat2": 316, "pidfd_send_signal": 424, "pidfd_open": 434,
    "clone3": 435, "close_range": 436, "exit_group": 231, "newfstatat": 262, "fstat": 5, "stat": 4,
    "lstat": 6,
}  # fmt: skip
"""The calls by which a process can be told from outside to have got further, or that can fail with consequences."""
NAMES = {number: name for name, number in CALLS.items()}
BEGINNINGS = [CALLS[name] for name in ("openat", "mkdir", "mkdirat", "close_range")]
BY_PATH = {
    "mkdir": 0, "rmdir": 0, "unlink": 0, "rename": 0, "stat": 0, "lstat": 0, "readlink": 0, "chmod": 0,
    "openat": 1, "mkdirat": 1, "unlinkat": 1, "newfstatat": 1, "renameat": 1,
}  # fmt: skip
"""Which argument names the file."""
ABOUT_NOTHING = frozenset((
    "prctl", "kill", "wait4", "select", "pselect6", "poll", "ppoll", "pipe", "pipe2", "clone", "clone3",
    "fork", "vfork", "exit_group", "setsid", "socketpair", "close_range", "pidfd_open",
))  # fmt: skip
"""Calls that name neither a file nor a descriptor that leads to one."""

TRACEME, PEEKUSER, CONT, KILL, DETACH, SYSCALL, SETOPTIONS, GETEVENTMSG, POKEUSER, INFO = (
    0, 3, 7, 8, 17, 24, 0x4200, 0x4201, 6, 0x420E,
)  # fmt: skip
O_SYSGOOD, O_FORK, O_VFORK, O_CLONE, O_EXEC, O_EXITKILL = 1, 2, 4, 8, 16, 1 << 20
FORKS = O_FORK | O_VFORK | O_CLONE
EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC = 1, 2, 3, 4
RDX, RAX, ORIG_RAX = 12 * 8, 10 * 8, 15 * 8
WALL = 0x40000000
ENTRY, EXIT = 1, 2
F_GETLK, F_SETLK, F_SETLKW = 5, 6, 7

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long] * 4
_libc.ptrace.restype = ctypes.c_long
_buffer = ctypes.create_string_buffer(88)
_place = ctypes.addressof(_buffer)


def ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    if _libc.ptrace(request, pid, address, data) == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Tracer:
    """One run under a plan."""

    def __init__(self, plan: dict[str, Any], argv: list[str]) -> None:
        self.plan = plan
        self.role = plan["role"]
        self.call = CALLS.get(plan.get("call", ""), -1)
        self.first, self.last = plan.get("first", 0), plan.get("last", 0)
        self.action = plan.get("action", "")
        self.counts: dict[int, int] = {}
        self.trail: list[list[object]] = []
        self.hits: list[str] = []
        self.status: int | None = None
        self.target = self.launcher = 0
        self.shims = 0
        self.counting = False
        self.entering: bool | None = None
        """Whether the target's last stop was at the beginning of a call; None before its first."""
        self.wanted = frozenset(NAMES) if plan.get("trail") else frozenset((self.call,))
        self.looked_for = frozenset(BEGINNINGS) | (self.wanted if self.role == "shim" else frozenset())
        self.inside: dict[int, tuple[str, int]] = {}
        """By process that is in a call which is to go wrong: (action, what it will return)."""
        self.fresh: set[int] = set()
        """Children whose first stop is still to come."""
        self.parents: dict[int, int] = {}
        self.early: set[int] = set()
        self.root = self.started(argv)

    def started(self, argv: list[str]) -> int:
        pid = os.fork()
        if pid == 0:
            ptrace(TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.execv(argv[0], argv)
        os.waitpid(pid, 0)
        children = 0 if self.role == "supervisor" else FORKS
        ptrace(SETOPTIONS, pid, 0, O_SYSGOOD | O_EXEC | O_EXITKILL | children)
        if self.role == "supervisor":
            self.target = pid
        self.go(pid)
        return pid

    def go(self, pid: int, number: int = 0) -> None:
        """Lets a stopped process go on, with a signal if it is to get one."""
        try:
            ptrace(SYSCALL if pid == self.target else CONT, pid, 0, number)
        except ProcessLookupError:
            pass  # killed meanwhile; its end will be told

    def leave(self, pid: int, number: int = 0) -> None:
        try:
            ptrace(DETACH, pid, 0, number)
        except ProcessLookupError:
            pass

    def run(self) -> None:
        """Until nothing is traced any more and the supervisor has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, WALL)
            except ChildProcessError:
                return
            if os.WIFSTOPPED(status):
                self.stopped(pid, status)
            elif pid == self.root:
                self.status = status

    def stopped(self, pid: int, status: int) -> None:
        number, event = os.WSTOPSIG(status), status >> 16
        if number == signal.SIGTRAP | 0x80:
            self.called(pid)
        elif event:
            self.happened(pid, event)
        elif pid in self.fresh:
            self.fresh.discard(pid)
            self.born(pid)
        elif pid not in self.parents and pid != self.root:
            self.early.add(pid)  # its parent's event is still to come
        else:
            self.go(pid, number)

    def happened(self, pid: int, event: int) -> None:
        if event in (EVENT_FORK, EVENT_VFORK, EVENT_CLONE):
            message = ctypes.c_ulong()
            ptrace(GETEVENTMSG, pid, 0, ctypes.addressof(message))
            child = message.value
            self.parents[child] = pid
            if child in self.early:
                self.early.discard(child)
                self.born(child)
            else:
                self.fresh.add(child)
        elif event == EVENT_EXEC and pid != self.root:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                ours = b"executors.launcher" in file.read()
            if not ours or self.launcher:
                self.leave(pid)
                return
            self.launcher = pid
            if self.role == "launcher":
                self.target = pid
                ptrace(SETOPTIONS, pid, 0, O_SYSGOOD | O_EXITKILL)
        self.go(pid)

    def born(self, pid: int) -> None:
        """A new process is at its first stop."""
        if self.parents[pid] == self.launcher and self.role == "shim":
            self.shims += 1
            if self.shims == self.plan["shim"]:
                self.target, self.counting = pid, True
                ptrace(SETOPTIONS, pid, 0, O_SYSGOOD | O_EXITKILL)
                self.go(pid)
            else:
                self.leave(pid)
        elif self.parents[pid] == self.root:
            self.go(pid)  # until it shows itself by what it execs
        else:
            self.leave(pid)

    def called(self, pid: int) -> None:
        """The target is at the beginning or at the end of a system call; they take turns."""
        if self.entering is None:
            _libc.ptrace(INFO, pid, 88, _place)
            self.entering = _buffer.raw[0] == EXIT
        self.entering = not self.entering
        if self.entering:
            number = _libc.ptrace(PEEKUSER, pid, ORIG_RAX, 0)
            if number in self.looked_for:
                _libc.ptrace(INFO, pid, 88, _place)
                kind, number, *arguments = struct.unpack("=B23x7Q", _buffer.raw[:80])
                assert kind == ENTRY, "a stop was missed"
                if not self.counting:
                    self.counting = self.begins(pid, number, arguments)
                    self.looked_for = self.wanted if self.counting else self.looked_for
                counts = self.counting and number in self.wanted
                if (
                    counts
                    and not self.overlooked(pid, number, arguments)
                    and self.entered(pid, number, arguments)
                ):
                    return
        elif pid in self.inside:
            action, value = self.inside.pop(pid)
            if action == "result":
                ptrace(POKEUSER, pid, RAX, value)
            if self.last and self.counts[self.call] >= self.last:
                self.leave(pid)
                return
        self.go(pid)

    def begins(self, pid: int, number: int, arguments: list[int]) -> bool:
        """Whether it counts from here on: the supervisor at its first call in its directory, the launcher at work."""
        if self.role == "launcher":
            return number == CALLS["close_range"]
        if number == CALLS["close_range"]:
            return False
        return b"/.fsm-sprint" in self.text(pid, arguments[0 if number == CALLS["mkdir"] else 1])

    def overlooked(self, pid: int, number: int, arguments: list[int]) -> bool:
        """Calls that do nothing of the product's: modules that are imported, fcntl that takes no lock."""
        if number == CALLS["fcntl"] and arguments[1] not in (F_GETLK, F_SETLK, F_SETLKW):
            return True
        if "under" not in self.plan or NAMES[number] in ABOUT_NOTHING:
            return False
        about = self.about(pid, number, arguments)
        return not about.startswith(tuple(self.plan["under"]))

    def entered(self, pid: int, number: int, arguments: list[int]) -> bool:
        """Counts a call and does what is planned for it; whether the process has been let go already."""
        count = self.counts[number] = self.counts.get(number, 0) + 1
        if self.plan.get("trail"):
            self.trail.append([NAMES[number], count, self.about(pid, number, arguments)])
        if number != self.call or count < self.first or (self.last and count > self.last):
            return False
        if self.plan.get("disk") and not self.about(pid, number, arguments).startswith("/"):
            return False
        if len(self.hits) < 50:
            self.hits.append(f"{NAMES[number]} {count} {self.about(pid, number, arguments)}")
        if self.action == "kill":
            os.kill(pid, signal.SIGKILL)
            return True
        if self.action == "short":
            if arguments[2] > 1:
                ptrace(POKEUSER, pid, RDX, arguments[2] // 2)
            self.inside[pid] = ("", 0)
        else:
            if number != CALLS["close"]:  # a close that fails has closed all the same
                ptrace(POKEUSER, pid, ORIG_RAX, (1 << 64) - 1)
            self.inside[pid] = ("result", (1 << 64) - int(self.plan["errno"]))
        return False

    def about(self, pid: int, number: int, arguments: list[int]) -> str:
        """What a call is about, for people: a path, or what a descriptor leads to."""
        name = NAMES[number]
        if name in ABOUT_NOTHING:
            return ""
        try:
            if name in BY_PATH:
                found = os.fsdecode(self.text(pid, arguments[BY_PATH[name]]))
                if not found.startswith("/"):  # an empty one means the descriptor itself
                    place = os.readlink(f"/proc/{pid}/fd/{arguments[0] & 0xFFFFFFFF}")
                    found = f"{place}/{found}" if found else place
                return f"{found} O_CREAT" if name == "openat" and arguments[2] & os.O_CREAT else found
            return os.readlink(f"/proc/{pid}/fd/{arguments[0] & 0xFFFFFFFF}")
        except OSError:
            return ""

    def text(self, pid: int, address: int) -> bytes:
        try:
            with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
                memory.seek(address)
                return memory.read(512).split(b"\0", 1)[0]
        except (OSError, OverflowError, ValueError):
            return b""

    def report(self) -> dict[str, object]:
        return {
            "status": self.status,
            "hits": self.hits,
            "target": self.target,
            "counts": {NAMES[number]: count for number, count in self.counts.items()},
            "trail": self.trail,
        }


def main(plan: str, report: str, argv: list[str]) -> None:
    """Leaves as the program did, as far as a shell would say it."""
    tracer = Tracer(json.loads(plan), argv)
    tracer.run()
    with open(report, "w", encoding="utf-8") as file:
        json.dump(tracer.report(), file)
    status = tracer.status
    assert status is not None
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
