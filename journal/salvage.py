"""What can still be read of a journal that is damaged: row by row and text by text, around the pages that are bad.

Rule: the file itself is not touched. Database and WAL are copied, and SQLite opens the copy, in which it may do what it
does to files. Nothing that comes from here is believed: who asks checks chain and digests.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

from fsm.transition import Transition
from journal import schema
from journal.codec import from_bytes
from journal.connection import FAILURES
from journal.errors import JournalError
from journal.reader import ROWS

_CHUNK = 500
_MISSES = 20_000
"""So many numbers in a row are asked for in vain, at a few µs each, before what lies behind them is given up."""


class Salvage:
    """A damaged journal, copied to a scratch directory in `beside`; a context, at whose end the copy is gone."""

    def __init__(self, path: Path, beside: Path) -> None:
        """Raises JournalError when the files cannot be copied."""
        try:
            self._scratch = Path(tempfile.mkdtemp(prefix=".salvage-", dir=beside))
            self.copy = self._scratch / "journal.db"
            self.digests: dict[str, str] = {}
            """sha256 of the database and of its WAL, by their names."""
            for suffix in ("", "-wal"):
                file = Path(f"{path}{suffix}")
                if not suffix or file.exists():
                    shutil.copyfile(file, f"{self.copy}{suffix}")
                    with Path(f"{self.copy}{suffix}").open("rb") as copied:
                        self.digests[file.name] = hashlib.file_digest(copied, "sha256").hexdigest()
        except OSError as error:
            raise JournalError(
                f"{error.filename or path} cannot be copied: {error.strerror}",
                hint="a damaged journal is read from a copy, so there has to be room for one",
            ) from error
        self.torn = False
        """Some row could not be read."""
        self.connection = _connection(self.copy)
        self.transplanted = not _readable(self.connection)
        """Header and schema could not be read, and are those of a fresh journal."""
        if self.transplanted:
            self.connection.close()
            _transplant(self.copy)
            self.connection = _connection(self.copy)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def rows(self, after: int = 0) -> Iterator[Transition]:
        """All rows with seq > after that can be read, in order; what a bad page held is missing."""
        for row in self._all(ROWS, "seq", after):
            yield Transition._make(row)

    def texts(self) -> Iterator[str]:
        """All texts that can be read. Their digests are to be taken anew."""
        for _, stored in self._all("SELECT rowid, text FROM texts", "rowid", 0):
            if isinstance(stored, str | bytes):
                with suppress(UnicodeDecodeError):
                    yield from_bytes(stored)

    def _all(self, select: str, key: str, after: int) -> Iterator[tuple[Any, ...]]:
        misses, size = 0, _CHUNK
        while misses < _MISSES:
            sql = f"{select} WHERE {key} > ? ORDER BY {key} LIMIT {size}"
            try:
                found = self.connection.execute(sql, [after]).fetchall()
            except FAILURES:
                self.torn = self.torn or key == "seq"
                if size == 1:
                    misses, after = misses + 1, after + 1
                size = 1
                continue
            yield from found
            if not found or not isinstance(found[-1][0], int):
                return
            misses, after = 0, found[-1][0]
            size = min(_CHUNK, size * 2)


def _connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = 0")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA cell_size_check = 1")
    return connection


def _readable(connection: sqlite3.Connection) -> bool:
    """Whether the tables are known; what stands in them is another question."""
    try:
        for table in ("transitions", "texts"):
            connection.execute(f"SELECT * FROM {table} WHERE rowid < 0").fetchall()  # noqa: S608  # two names
    except FAILURES:
        return False
    return True


def _transplant(path: Path) -> None:
    """Gives the copy the header and the schema of a fresh journal, which has the same tables on the same pages.

    Data begin behind them, so what was written since stays. In a file whose pages are of another size, nothing fits
    and nothing is done; the tables stay unknown then, and no row is found.
    """
    fresh = path.with_name("fresh.db")
    with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        schema.prepare(connection)
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (count,) = connection.execute("PRAGMA page_count").fetchone()
        roots = {root for (root,) in connection.execute("SELECT rootpage FROM sqlite_master")}
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = fresh.read_bytes()
    with path.open("r+b") as file:
        length = file.seek(0, os.SEEK_END)
        for number in range(1, count + 1):
            if number not in roots and number * size <= length:
                page = bytearray(pages[(number - 1) * size : number * size])
                if number == 1:
                    page[28:32] = (length // size).to_bytes(4, "big")  # pages in the file
                    page[32:40] = bytes(8)  # none of them known to be free
                file.seek((number - 1) * size)
                file.write(page)
