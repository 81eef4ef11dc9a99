"""What lies in an attempt's directory, and the two locks in it.

Rule: whether an attempt lives is asked of the kernel by trying a lock, never of a pid.
Imported by the shim: nothing heavy, pathlib among it.
"""

from __future__ import annotations

import errno
import fcntl
import os

RECORD = "attempt"
"""The attempt file of `fsm.attempt`."""
SHIM_LOCK = "shim.lock"
"""Held by the shim alone, for as long as it lives."""
TREE_LOCK = "tree.lock"
"""Held by the shim and by every descendant that has not closed what it inherited."""
PROMPT = "prompt"
"""What the task reads on stdin."""
PASSING = (errno.EIO, errno.EINTR, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""Errors that say nothing of a file: it may be read another time, so that nothing can be concluded from them."""


def take(folder: int, name: str) -> int:
    """Makes and locks a lock file in the directory open as `folder`; returns its descriptor."""
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def held(path: str) -> bool | None:
    """Whether somebody holds a lock file; None when there is no such file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def bury(folder: str) -> bool:
    """Sees to it that nothing can begin in an attempt that is over; False while its shim lives.

    Its order may lie unread in a launcher's socket, or with a supervisor that was stopped before it had made the
    directory: both then find it made, or its attempt file. Raises OSError.
    """
    try:  # noqa: SIM105  # contextlib and pathlib would be paid for by every shim
        os.mkdir(folder, 0o700)  # noqa: PTH102
    except FileExistsError:
        pass
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(SHIM_LOCK, flags, 0o600, dir_fd=inside)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(os.open(RECORD, flags | os.O_EXCL, 0o600, dir_fd=inside))
        except BlockingIOError:
            return False
        except FileExistsError:
            pass
        finally:
            os.close(lock)
    finally:
        os.close(inside)
    return True
