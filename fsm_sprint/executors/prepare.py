"""Step 2 of an attempt: its directory, its prompt, its logs and pipes; all that the launcher is then handed.

Rule: the directory is made exclusively. One that is there already is an error, never a reason to attach.
"""

import errno
import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fsm.effects import Spawn
from fsm_sprint.executors import platform, wire
from fsm_sprint.executors.files import PROMPT
from fsm_sprint.executors.job import Job
from fsm_sprint.executors.marks import environment, lines
from fsm_sprint.executors.trace import NAME, traceparent
from fsm_sprint.executors.watch import Watch
from fsm_sprint.paths import errors_of
from journal.errors import JournalDamaged

_RESERVE = 5
"""Descriptors that are left for looking after what runs; the system gives the lowest number that is free."""
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An attempt that only lacks its shim."""

    watch: Watch
    order: "wire.Order"
    fds: Sequence[int]
    """For the launcher: directory, log, gate, status, and a log for stderr if it has one."""

    def close_handed(self) -> None:
        """Gives up what the launcher has now; until then the pipes' ends would never show."""
        for fd in self.fds:
            os.close(fd)


def prepare(effect: Spawn, job: Job, folder: Path, log: Path, run: str) -> Prepared:
    """Makes everything but the shim. OSError when the machine refuses; then nothing of it is left but a log.

    JournalDamaged when the attempt was made before: then its row was there, and is not any more.

    EMFILE comes a few descriptors early, so that what runs can still be looked after.
    """
    fds: list[int] = []
    umask = os.umask(0o077)
    try:
        gate, go = os.pipe()
        fds += gate, go
        status, tell = os.pipe()
        fds += status, tell
        log.parent.mkdir(exist_ok=True)  # somebody may have cleaned up since the run began
        out = os.open(log, _APPEND, 0o600)
        fds.append(out)
        errors = [os.open(errors_of(log), _APPEND, 0o600)] if job.split else []
        fds += errors
        if max(fds) >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _RESERVE:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        _make(folder)
        try:
            if job.stdin is not None:
                (folder / PROMPT).write_bytes(job.stdin)
            inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            (folder / PROMPT).unlink(missing_ok=True)
            folder.rmdir()
            raise
    except (OSError, JournalDamaged):
        for fd in fds:
            os.close(fd)
        raise
    finally:
        os.umask(umask)
    unit, number = effect.unit, effect.attempt
    marks = lines(run, unit, number)
    watch = Watch(unit=unit, number=number, folder=folder, log=log, marks=marks, gate=go, status=status)
    place = {NAME: traceparent(run, unit, number, job.env.get(NAME, ""))}
    order = replace(job, env={**job.env, **place, **environment(run, unit, number)}).order()
    return Prepared(watch=watch, order=order, fds=[inside, out, gate, tell, *errors])


def _make(folder: Path) -> None:
    try:
        folder.mkdir()
    except FileExistsError:
        raise JournalDamaged(
            f"the journal has lost rows: it knows nothing of the attempt that {folder} is of",
            hint="`fsm-sprint journal recover` goes on with what lies in attempts/;"
            " or put journal.db and journal.db-wal back as they were",
        ) from None


def settle(folder: Path) -> None:
    """Returns when the entries of a directory are on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        platform.sync(fd)
    finally:
        os.close(fd)
