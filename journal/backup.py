"""A copy of a journal, whole and by itself, taken through an open connection while a run goes on.

Rule: only SQLite copies its files. A copy made by `cp` lacks what stands in the WAL, or is torn.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from journal.connection import FAILURES, meaning
from journal.errors import JournalError
from journal.reader import open_reader


def backup(path: Path, target: Path) -> Path:
    """Copies the journal at `path` to `target`, which must not exist; returns `target`. Any process may do this."""
    if target.exists() or target.is_symlink():
        raise JournalError(f"{target} exists already", hint="name a file that does not exist")
    with open_reader(path) as reader:
        return copy(reader.connection, target)


def copy(source: sqlite3.Connection, target: Path) -> Path:
    """Copies the database behind a connection to `target`, replacing it: durable, mode 0600, one file without a WAL."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        with closing(sqlite3.connect(part, isolation_level=None)) as made:
            source.backup(made)
            made.execute("PRAGMA journal_mode = DELETE")
        _synced(part, os.O_RDWR)
        part.replace(target)
        _synced(target.parent, os.O_RDONLY)
    except FAILURES as error:
        part.unlink(missing_ok=True)
        raise meaning(error, target, "written") from error
    except OSError as error:
        raise JournalError(f"{target} cannot be written: {error.strerror}") from error
    return target


def _synced(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
