"""What differs between Linux and macOS: boot id, process table, start times, subreaper, pidfd, sync.

Rule: every other module of this package is the same on both. Linux is complete. Limits of macOS, none of it tried on a
machine: no subreaper and no pidfd, so a task's descendants are found by session only, and those that leave it with a
cleared environment are not found at all; an adopted shim is watched by trying its lock, not by an event.

Imported by the shim: nothing heavy, pathlib among it.
"""

# ruff: noqa: PTH115, PTH116, PTH208

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import ctypes
import fcntl
import os
import sys

signals = _signal
"""What `signal` makes enums of, which takes 3 ms and 1 MB; launcher and shim do without."""
LINUX = sys.platform == "linux"

_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


class Process:
    """One row of the process table."""

    __slots__ = ("dead", "parent", "pid", "session", "start")

    def __init__(self, pid: int, parent: int, session: int, start: str, *, dead: bool) -> None:
        self.pid = pid
        self.parent = parent
        self.session = session
        self.start = start
        self.dead = dead
        """A zombie: it runs nothing any more and holds no lock."""


def boot_id() -> str:
    """Differs after every start of the machine; '' when the system does not say."""
    if LINUX:
        return _line("/proc/sys/kernel/random/boot_id")
    buffer = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(buffer))
    if _libc.sysctlbyname(b"kern.bootsessionuuid", buffer, ctypes.byref(size), None, ctypes.c_size_t(0)) != 0:
        return ""
    return buffer.value.decode("ascii", "replace")


def pid_namespace() -> str:
    """Names the pid namespace that our pids are of; '' where there is none to tell apart."""
    try:
        return os.readlink("/proc/self/ns/pid") if LINUX else ""
    except OSError:
        return ""


def start_time(pid: int) -> str | None:
    """When a process started, in the system's own unit; with its pid it names it for this boot. None when dead."""
    if not LINUX:
        found = _darwin_process(pid)
        return None if found is None or found.dead else found.start
    fields = _stat(pid)
    return None if not fields or fields[0] in "ZX" else fields[19]


def processes() -> list[Process]:
    """Everything that runs, as far as we may see it; a snapshot that is old when it returns."""
    if LINUX:
        pids = [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]
    else:
        room = 16 * _libc.proc_listallpids(None, 0)
        buffer = (ctypes.c_int * room)()
        pids = list(buffer[: _libc.proc_listallpids(buffer, ctypes.sizeof(buffer))])
    return [found for found in map(process, pids) if found is not None]


def process(pid: int) -> Process | None:
    """One row of the process table, or None."""
    if not LINUX:
        return _darwin_process(pid)
    fields = _stat(pid)
    if not fields:
        return None
    return Process(pid, int(fields[1]), int(fields[3]), fields[19], dead=fields[0] in "ZX")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on, the state; none when there is no such process."""
    stat = _line(f"/proc/{pid}/stat")
    # The command stands in parentheses and may hold anything, parentheses and spaces too.
    fields = stat[stat.rfind(")") + 2 :].split(" ", 21)
    return fields if len(fields) > 20 else []


def _darwin_process(pid: int) -> Process | None:
    # struct proc_bsdinfo: status at 4, parent at 16, start at 120 (s) and 128 (µs), 136 bytes in all.
    raw = ctypes.create_string_buffer(136)
    if _libc.proc_pidinfo(pid, 3, ctypes.c_uint64(0), raw, 136) != 136:
        return None
    places = ((4, 4), (16, 4), (120, 8), (128, 8))
    number = [int.from_bytes(raw.raw[at : at + size], sys.byteorder) for at, size in places]
    try:
        session = os.getsid(pid)
    except OSError:
        session = 0
    return Process(pid, number[1], session, f"{number[2]}.{number[3]:06d}", dead=number[0] == 5)


def environment(pid: int) -> list[bytes]:
    """The environment with which a process was last exec'd; empty when we may not see it."""
    return _bytes(f"/proc/{pid}/environ").split(b"\0") if LINUX else []


def holds(pid: int, device: int, inode: int) -> bool:
    """Whether a process has this file open, as far as we may see it."""
    folder = f"/proc/{pid}/fd"
    try:
        entries = os.listdir(folder) if LINUX else []
    except OSError:
        return False
    for entry in entries:
        try:
            found = os.stat(f"{folder}/{entry}")
        except OSError:
            continue
        if found.st_ino == inode and found.st_dev == device:
            return True
    return False


def watchable(pid: int, start: str) -> int:
    """A descriptor that becomes readable when this very process ends; -1 when it is gone or there is no such thing."""
    if sys.platform != "linux":
        return -1
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return -1
    if start_time(pid) == start:
        return fd
    os.close(fd)
    return -1


def send(pid: int, start: str, number: int) -> bool:
    """Signals this very process and no other that came to its pid; False when it is gone or not ours to signal."""
    fd = watchable(pid, start)
    try:
        if fd >= 0:
            signals.pidfd_send_signal(fd, number)
        elif start_time(pid) == start:  # an old kernel, or no descriptor left
            os.kill(pid, number)
        else:
            return False
    except OSError:
        return False
    finally:
        if fd >= 0:
            os.close(fd)
    return True


def become_subreaper() -> None:
    """Makes this process the one that orphans among its descendants are given to; nothing where that is unknown."""
    if LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))


def call_me(name: bytes) -> None:
    """The name that `ps` and `top` show for this process; at most 15 bytes."""
    if LINUX:
        _prctl(_PR_SET_NAME, ctypes.c_char_p(name))


def _prctl(option: int, value: ctypes.c_ulong | ctypes.c_char_p) -> None:
    _libc.prctl(ctypes.c_int(option), value, ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def sync(fd: int) -> None:
    """Returns when the file or directory is on the disk itself, name and size included."""
    if LINUX:
        os.fsync(fd)
    else:
        _full(fd)


def sync_data(fd: int) -> None:
    """Returns when what was written in place is on the disk itself."""
    if sys.platform == "linux":
        os.fdatasync(fd)
    else:
        _full(fd)


def _full(fd: int) -> None:
    try:
        fcntl.fcntl(fd, 51)  # F_FULLFSYNC: macOS's fsync stops at the drive's cache
    except OSError:
        os.fsync(fd)


def _line(path: str) -> str:
    return _bytes(path).decode("ascii", "replace").strip()


def _bytes(path: str) -> bytes:
    """All of a small file, '' when it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        found = os.read(fd, 4096)
        while more := os.read(fd, 65536):
            found += more
        return found
    except OSError:
        return b""
    finally:
        os.close(fd)
