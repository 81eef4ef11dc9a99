"""Finding and ending what is left of an attempt whose shim can no longer do it.

Rule: a process is signalled only if it is certainly of that attempt. It is if it holds the attempt's tree lock open, or
carries the attempt's marks in its environment, or shares a session with one that does or with the attempt's living
shim: a session holds nothing but descendants of its first process, and its number is not given away while it has
members.
"""

import os
import signal
from pathlib import Path

from fsm_sprint.executors import platform
from fsm_sprint.executors.files import SHIM_LOCK, TREE_LOCK
from fsm_sprint.executors.platform import Process


def members(folder: Path, identity: dict[str, str], marks: frozenset[bytes]) -> list[Process]:
    """What lives of the attempt, its shim excepted. `marks`: `NAME=value` lines that only its environment has."""
    lock = _place(folder / TREE_LOCK)
    rows = [row for row in platform.processes() if not row.dead and row.pid != os.getpid()]
    sure = {
        row.pid
        for row in rows
        if _marked(row.pid, marks) or (lock is not None and platform.holds(row.pid, *lock))
    }
    shim = next((row for row in rows if _same(row, identity)), None)
    sessions = {row.session for row in rows if row.pid in sure} | (
        {shim.session} if shim is not None else set()
    )
    shims = {row.pid for row in holders(folder / SHIM_LOCK, rows)} | (
        {shim.pid} if shim is not None else set()
    )
    return [row for row in rows if (row.pid in sure or row.session in sessions) and row.pid not in shims]


def holders(lock: Path, rows: list[Process] | None = None) -> list[Process]:
    """The processes that have a lock file open: of `shim.lock`, the shim, known without any record."""
    place = _place(lock)
    if place is None:
        return []
    rows = platform.processes() if rows is None else rows
    return [
        row for row in rows if not row.dead and row.pid != os.getpid() and platform.holds(row.pid, *place)
    ]


def kill(found: list[Process]) -> None:
    """KILL to each of them, if it is still the same."""
    for row in found:
        platform.send(row.pid, row.start, signal.SIGKILL)


def _same(row: Process, identity: dict[str, str]) -> bool:
    return str(row.pid) == identity.get("pid") and row.start == identity.get("start")


def _marked(pid: int, marks: frozenset[bytes]) -> bool:
    return bool(marks) and marks.issubset(platform.environment(pid))


def _place(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
