"""The lease: one supervisor per sprint directory, by a kernel lock on one file, for as long as the process lives.

Rule: the lock is the truth; what stands in the file is for people to read. It is not time-based, so neither a stopped
process nor a suspended machine ever makes two owners.
"""

import fcntl
import json
import os
import select
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from journal.errors import JournalError, LeaseHeld

_ROUNDS = 100
"""How often a lock file that is being replaced under us is taken anew."""

_LOOKS = 25
"""How often, 2 ms apart, a held lock is tried: `holder` in another process holds it for an instant too."""

_LOOKS_AFTER_DEATH = 1000
"""The same when who holds it, by its own word, is dead: then a child that it had forked has yet to exec, or to die."""


class Lease:
    """A lease that is held until `release` or the end of the process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path, about: Mapping[str, Any]) -> "Lease":
        """Takes the lease now or raises `LeaseHeld`. `about` (pid, host, started, …) is written for others to show."""
        for _ in range(_ROUNDS):
            descriptor = _opened(path)
            try:
                locked = _locked(descriptor)
            except OSError as error:
                os.close(descriptor)
                raise JournalError(f"{path} cannot be locked: {error.strerror}") from error
            if not locked:
                who = _read(descriptor)
                os.close(descriptor)
                raise LeaseHeld(f"another supervisor runs this sprint{_told(who)}", hint=_HINT)
            if _still_there(path, descriptor):
                _write(descriptor, about)
                return cls(path, descriptor)
            # Between open and lock somebody put another file there: the lock we got keeps nobody out.
            os.close(descriptor)
        raise JournalError(
            f"{path} is replaced again and again", hint="see what cleans the sprint's directory"
        )

    def release(self) -> None:
        """Gives the lease up. The file stays: deleting it would let two processes hold a lock of that name."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


def holder(path: Path) -> dict[str, Any] | None:
    """Who holds the lease at `path`: what they wrote, {} when that is unreadable; None when nobody holds it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


_HINT = "`fsm-sprint status` shows what it does, `fsm-sprint stop` ends it"


def _opened(path: Path) -> int:
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.parent.chmod(0o700)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise JournalError(f"{path} cannot be opened: {error.strerror}") from error


def _locked(descriptor: int) -> bool:
    looks = 0
    while looks < _LOOKS or (looks < _LOOKS_AFTER_DEATH and _dead(_read(descriptor))):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            looks += 1
            select.select([], [], [], 0.002)
        else:
            return True
    return False


def _dead(who: Mapping[str, Any]) -> bool:
    """Whether the process that a lock file names is gone. Of another host or namespace, that only costs patience."""
    pid = who.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError) as error:  # whoever may write the file may have put any number there
        return isinstance(error, ProcessLookupError)
    return False


def _still_there(path: Path, descriptor: int) -> bool:
    ours = os.fstat(descriptor)
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def _write(descriptor: int, about: Mapping[str, Any]) -> None:
    """For display only, so a full disk is no reason to give up."""
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(dict(about)).encode() + b"\n", 0)
    except OSError:
        return


def _read(descriptor: int) -> dict[str, Any]:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(who: Mapping[str, Any]) -> str:
    said = [f"{key} {who[key]}" for key in ("pid", "host") if key in who]
    said += [f"since {who['started']}"] if "started" in who else []
    return f" ({', '.join(said)})" if said else ""
