"""The one writing connection to a journal: how it is opened, which settings it has, what its errors mean.

Rule: a setting counts when it was read back. Only this connection ever writes or checkpoints; everybody else reads
through `journal.reader`, because two checkpointing processes can corrupt a WAL in SQLite before 3.51.3.
"""

import os
import select
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from journal import schema
from journal.errors import (
    AFTER_DAMAGE,
    JournalBusy,
    JournalDamaged,
    JournalError,
    JournalFault,
    JournalTooNew,
    UnsafeFilesystem,
)

PRIMED = 8 << 20
"""Bytes that the WAL is given at once, so that a commit has no file to grow: it takes 0.6–0.75 × as long then."""

PATIENCE = 60
"""Seconds for which a locked database is tried."""

_LOOKS = 20
"""How often it is tried in each of them."""

_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

OLDEST_SQLITE = (3, 24, 0)
"""The first with upserts."""

T = TypeVar("T")

Waiting = Callable[[int], None]
"""Told when waiting begins, and every ten seconds then, for how many seconds at most it will go on."""


FAILURES = (sqlite3.Error, UnicodeDecodeError)
"""What sqlite3 raises when a file cannot be used; a malformed schema may not even be text."""


def connect(
    path: Path, *, wal: bool = True, patience: int = PATIENCE, waiting: Waiting | None = None
) -> sqlite3.Connection:
    """A writing connection to a journal that exists or is made here, with its settings asserted and its schema current.

    `wal=False` uses a rollback journal, for file systems where shared memory cannot be relied on.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise JournalError(
            f"SQLite {sqlite3.sqlite_version} is too old",
            hint="use a Python that comes with SQLite 3.24 or later",
        )
    _make(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    except sqlite3.Error as error:
        raise meaning(error, path, "opened") from error
    try:
        patiently(lambda: _prepare(connection, path, wal=wal), path, patience, waiting)
    except FAILURES as error:
        connection.close()
        raise meaning(error, path, "opened") from error
    except BaseException:  # Ctrl-C too: nobody else knows of the connection yet
        connection.close()
        raise
    return connection


def patiently(attempt: Callable[[], T], path: Path, seconds: int, waiting: Waiting | None) -> T:
    """Repeats what finds the database locked until it does not; `JournalBusy` when it stays so for `seconds`.

    SQLite's own busy timeout does not do: some statements report a lock without waiting for it.
    """
    for look in range(seconds * _LOOKS, -1, -1):
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            if _code(error) not in _LOCKED:
                raise
        if look > 0:
            if waiting is not None and (look == seconds * _LOOKS or look % (10 * _LOOKS) == 0):
                waiting(look // _LOOKS)
            select.select([], [], [], 1 / _LOOKS)
    raise JournalBusy(
        f"{path} is locked by another program",
        hint="close what has the database open for writing, and run again",
    )


def prime(connection: sqlite3.Connection, path: Path, size: int = PRIMED) -> None:
    """Makes the WAL file `size` bytes long by a transaction that is taken back; without room or lock, does nothing."""
    if Path(f"{path}-wal").stat().st_size >= size:
        return
    try:
        connection.execute("BEGIN IMMEDIATE")
        # Only what does not fit into the page cache, 2 MB, reaches the WAL before a commit.
        connection.execute("INSERT INTO texts VALUES ('', zeroblob(?))", (size + (3 << 20),))
    except sqlite3.Error as error:
        if _code(error) not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, *_LOCKED):
            raise
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def meaning(error: Exception, path: Path, doing: str) -> JournalError:
    """What one of `FAILURES` says about the journal: damaged, or the disk failed; with a hint for the user."""
    code = _code(error)
    # A column that is no UTF-8 is an OperationalError of Python's own.
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or (code is None and "decode" in str(error)):
        return JournalDamaged(f"{path} cannot be {doing}: {error}", hint=AFTER_DAMAGE)
    hint = _HINTS.get(code or 0)
    if code == sqlite3.SQLITE_CANTOPEN and len(os.fsencode(path)) > _LONGEST:
        hint = "its path is too long for SQLite, which takes 512 bytes: move the sprint further up"
    return JournalFault(f"{path} cannot be {doing}: {error}", hint=hint)


_LONGEST = 512 - len("-journal")

_HINTS = {
    sqlite3.SQLITE_FULL: "make room on the disk and run again: nothing that was recorded is lost",
    sqlite3.SQLITE_IOERR: "the disk failed: see the kernel's log; nothing that was recorded is lost",
    sqlite3.SQLITE_READONLY: "the file or its directory cannot be written: see its owner, its mode and the mount",
    sqlite3.SQLITE_CANTOPEN: "see the owner and the mode of its directory",
}


def _code(error: Exception) -> int | None:
    """SQLite's primary result code; None for errors that are Python's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _make(path: Path) -> None:
    """The file and its directory, for nobody else to read, where they are not there. -wal and -shm take its mode."""
    if path.is_symlink():
        raise JournalError(
            f"{path} is a symbolic link", hint="a journal is a file of its own: remove the link"
        )
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.parent.chmod(0o700)  # whatever the umask is
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        _refuse_emptied(path)
    except OSError as error:
        raise JournalFault(f"{path} cannot be made: {error.strerror}") from error
    else:
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)


def _refuse_emptied(path: Path) -> None:
    """An empty database beside a WAL that is not: SQLite would take it for new and delete the WAL."""
    wal = Path(f"{path}-wal")
    if path.stat().st_size == 0 and wal.exists() and wal.stat().st_size > 0:
        raise JournalDamaged(f"{path} was emptied: {wal.name} beside it is not", hint=AFTER_DAMAGE)


def _prepare(connection: sqlite3.Connection, path: Path, *, wal: bool) -> None:
    """Everything between an open file and a journal that can be written. Another program's file is not touched."""
    check_format(connection, path)
    mode, synchronous = ("wal", 2) if wal else ("delete", 3)
    (found,) = connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    if found != mode:
        raise UnsafeFilesystem(
            f"{path} cannot be kept with journal_mode={mode}: SQLite says {found}",
            hint="put the sprint on a local file system",
        )
    _set(connection, "synchronous", synchronous)
    _set(connection, "fullfsync", 1)  # macOS: fsync alone leaves data in the drive's cache
    _set(connection, "checkpoint_fullfsync", 1)
    _set(connection, "trusted_schema", 0)
    _set(connection, "recursive_triggers", 1)  # so that INSERT OR REPLACE meets the triggers too
    connection.execute("PRAGMA mmap_size = 0")
    if connection.execute("PRAGMA user_version").fetchone()[0] < schema.FORMAT:
        try:
            schema.prepare(connection)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _set(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute(f"PRAGMA {name} = {value}")
    found = connection.execute(f"PRAGMA {name}").fetchone()
    # A pragma that this SQLite does not know answers nothing; those that matter were all there in 3.24.
    if found != (value,) and (found is not None or name == "synchronous"):
        raise JournalFault(f"SQLite does not take PRAGMA {name} = {value}: it says {found}")


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Refuses what is not a journal of ours (`JournalDamaged`) and what a later version wrote (`JournalTooNew`)."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == schema.APPLICATION_ID and version > schema.FORMAT:
        raise JournalTooNew(
            f"{path} is a journal of format {version}; this fsm-sprint knows formats up to {schema.FORMAT}",
            hint="use the version of fsm-sprint that wrote it, or a later one",
        )
    empty = application == 0 and version == 0 and objects == 0
    if not empty and (application != schema.APPLICATION_ID or version < 1):
        raise JournalDamaged(f"{path} is not a journal of fsm-sprint", hint=AFTER_DAMAGE)
