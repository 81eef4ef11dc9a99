"""The journal on disk: one process's writing connection to an SQLite file, append by append, commit by commit.

Rule: whatever goes wrong once a transaction is open ends this object, and is to end the process. Nothing is tried
again: a COMMIT that reported an error may still have happened, and only the next start can tell.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain as joined
from pathlib import Path
from typing import Self, TypeVar

from fsm.plan import digest as digest_of
from fsm.ports import Seed
from fsm.transition import Transition
from journal import filesystem, schema
from journal.codec import NOTHING, follows, from_column, seal, to_column, upcast
from journal.connection import FAILURES, PATIENCE, PRIMED, Waiting, connect, meaning, patiently, prime
from journal.errors import (
    AFTER_DAMAGE,
    JournalDamaged,
    JournalError,
    JournalFault,
    JournalFenced,
    JournalReplaced,
)
from journal.reader import ROWS
from journal.replay import Problem, chained, verify
from journal.units import Movement, movement, place, put
from journal.watch import Watch

# A hash that is NULL breaks the row's NOT NULL: so the row goes in only if the head is the one we know. A WHERE would
# ask the same, but makes SQLite build a temporary table for each row, which is most of what an append costs.
_APPEND = (
    "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " CASE WHEN (SELECT hash FROM transitions ORDER BY seq DESC LIMIT 1) IS ? THEN ? END)"
)
_CHUNK = 2_000
"""Rows read at once; no statement stays open between two chunks."""

T = TypeVar("T")


class SqliteJournal:
    """The writer. Made by `open`; used by one thread of one process until `close` or the first failure."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        *,
        begin: str,
        patience: int,
        waiting: Waiting | None,
    ):
        self.path = path
        self._connection = connection
        self._cursor = connection.cursor()
        self._begin = begin
        self._patience = patience
        self._waiting = waiting
        self._pid = os.getpid()
        self._broken: str | None = None
        self._watch = Watch(())
        self._units: dict[tuple[str, str], Movement] = {}
        found = connection.execute("SELECT seq, hash FROM transitions ORDER BY seq DESC LIMIT 1").fetchone()
        self._committed: tuple[int, str] = found or NOTHING
        self._seq: int = self._committed[0]
        self._hash: str = self._committed[1]

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        watch: Sequence[Path] = (),
        whole: bool = False,
        chain: bool = True,
        allow_unsafe: bool = False,
        rollback: bool = False,
        patience: int = PATIENCE,
        waiting: Waiting | None = None,
        primed: int = PRIMED,
    ) -> "SqliteJournal":
        """Opens the journal at `path`, making it if need be; its pages, its schema and its chain are checked first.

        The chain is checked from the last `lease` row on, or all of it with `whole`; without `chain` that is left to
        `latest`, which has to be read to its end before anything is added. `watch` names further files that must not
        be replaced (the lock); the lease must be held. A locked database is waited for, `patience` seconds at
        most, telling `waiting`. On a file system that is not safe it raises UnsafeFilesystem, or with
        `allow_unsafe` uses a rollback journal instead of a WAL, as `rollback` does anywhere. Raises any JournalError.
        """
        wal = filesystem.check(path.parent, allow=allow_unsafe) and not rollback
        connection = connect(path, wal=wal, patience=patience, waiting=waiting)
        try:
            patiently(lambda: _check(connection, path, whole=whole, chain=chain), path, patience, waiting)
            if wal and primed:
                prime(connection, path, primed)
            begin = "BEGIN IMMEDIATE" if wal else "BEGIN EXCLUSIVE"
            journal = cls(connection, path, begin=begin, patience=patience, waiting=waiting)
            companions = [Path(f"{path}-wal")] if wal else []
            journal._watch = Watch([path, *watch], companions)
        except FAILURES as error:
            connection.close()
            raise meaning(error, path, "read") from error
        except BaseException:
            connection.close()
            raise
        return journal

    @property
    def head(self) -> tuple[int, str]:
        """(seq, hash) of the last row appended, committed or not; (0, '') when there is none."""
        return self._seq, self._hash

    def append(self, transition: Transition) -> Transition:
        """Puts the row into the open transaction and returns it as stored. `JournalFenced` if the head has moved."""
        self._guard()
        if transition[0] != self._seq + 1:
            raise ValueError(f"row {transition[0]} cannot follow row {self._seq}")
        row = seal(self._hash, transition)
        self._opened()
        try:
            self._cursor.execute(_APPEND, (*row[:11], self._hash or None, row[11]))
        except sqlite3.IntegrityError as error:
            after = self._seq
            self._break("another process has written to it")
            raise JournalFenced(
                f"{self.path} goes on after row {after}: another supervisor has written to it", hint=_FENCED
            ) from error
        except FAILURES as error:
            raise self._fault(error, "written") from error
        key = row[1], row[4]
        self._units[key] = movement(self._units.get(key), row)
        self._seq, self._hash = row[0], row[11]
        return row

    def keep(self, text: str) -> str:
        """Stores a text in the open transaction; returns its digest."""
        name = digest_of(text)
        self._opened()
        self._do(
            lambda: self._cursor.execute("INSERT OR IGNORE INTO texts VALUES (?, ?)", (name, to_column(text)))
        )
        return name

    def text(self, digest: str) -> str:
        """A text by its digest, committed or about to be. KeyError when unknown, JournalDamaged when it was changed."""
        self._guard()
        found = self._do(
            lambda: self._cursor.execute("SELECT text FROM texts WHERE digest = ?", (digest,)).fetchone(),
            "read",
        )
        if found is None:
            raise KeyError(digest)
        return from_column(found[0], digest)

    def seed(self, run: str, units: Iterable[Seed]) -> None:
        """Makes the rows of `units` for a plan, in the open transaction; units already there keep their state."""
        self._opened()
        self._do(lambda: place(self._cursor, run, units))

    def commit(self) -> None:
        """Makes all since the last commit durable, with one sync; no transaction open is no work.

        `JournalReplaced` when the journal or a watched file is no longer the one it was: nothing was committed then,
        and `rescue` saves what had been. Whatever else fails is a `JournalFault`, and in doubt.
        """
        self._guard()
        if not self._connection.in_transaction:
            return
        self.look()
        try:
            put(self._cursor, self._units)
            self._cursor.execute("COMMIT")
        except FAILURES as error:
            raise self._fault(error, "committed to") from error
        self._units = {}
        self._committed = self._seq, self._hash

    def look(self) -> None:
        """`JournalReplaced` when the journal or a watched file is no longer the one it was; for between two commits.

        `JournalFault` when that cannot be told.
        """
        self._guard()
        try:
            self._watch.check()
        except JournalReplaced:
            self._break("its files were replaced")
            raise
        except JournalError as error:
            self._break(str(error))
            raise

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Transition]:
        """Committed rows in order, of one run or of all, with seq > after, with facts of today's version."""
        self._guard()
        return map(upcast, self._stored(run, after, self._committed[0]))

    def latest(self) -> Iterator[Transition]:
        """The committed rows of the latest run, as `read` gives them, each once its place in the chain is sure.

        One pass for what a start needs: the rows of a run begin before its last lease, so all that `open` would have
        checked is checked here, and whether a move is legal is found by the fold of it. Raises JournalDamaged.
        """
        self._guard()
        begin = self._do(lambda: self._connection.execute(_BEGIN_OF_LATEST).fetchone(), "read")
        run, first, before = begin
        if run is None:
            return
        seq, previous = first - 1, before or ""
        for row in self._stored(None, seq, self._committed[0]):
            if row[0] != seq + 1 or not follows(previous, row):
                _refuse(self.path, next(chained([row], (seq, previous))))
            seq, previous = row[0], row[11]
            if row[1] == run:
                yield upcast(row)

    def rescue(self, directory: Path) -> Path:
        """Saves all that was ever committed to a new file in `directory`, through the connection that still has it.

        For after `JournalReplaced`: the open descriptors hold the data even when the names are gone.
        """
        from journal.backup import copy

        if os.getpid() != self._pid:
            raise JournalFault(f"{self.path} was opened by another process")
        self._break(self._broken or "it was saved elsewhere")
        seq, last = self._committed
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise JournalError(f"{directory} cannot be made: {error.strerror}") from error
        return copy(self._connection, directory / f"journal-{seq}-{last[:12]}.db")

    def close(self) -> None:
        """Ends the connection; what is not committed is gone. The WAL is written back, and removed if nobody reads."""
        if os.getpid() != self._pid:
            return
        if self._broken is None:
            self._break("it was closed")
            with suppress(sqlite3.Error):  # the rows are in the WAL, which stays then
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a reader is no reason to wait
        self._watch.close()
        with suppress(sqlite3.ProgrammingError):  # closed before
            self._cursor.close()  # a statement that it still holds would keep the file open
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _stored(self, run: str | None, after: int, last: int) -> Iterator[Transition]:
        where, values = ("AND run = ?", (run,)) if run is not None else ("", ())
        sql = f"{ROWS} WHERE seq > ? AND seq <= ? {where} ORDER BY seq LIMIT {_CHUNK}"
        while True:
            self._guard()
            parameters = (after, last, *values)
            rows = self._do(lambda: self._connection.execute(sql, parameters).fetchall(), "read")  # noqa: B023
            yield from map(Transition._make, rows)
            if len(rows) < _CHUNK:
                return
            after = rows[-1][0]

    def _opened(self) -> None:
        """Sees to it that a transaction is open."""
        self._guard()
        if self._connection.in_transaction:
            return
        try:
            patiently(lambda: self._cursor.execute(self._begin), self.path, self._patience, self._waiting)
        except FAILURES as error:
            raise self._fault(error, "written") from error

    def _guard(self) -> None:
        if self._broken is not None:
            raise JournalFault(f"{self.path} cannot be used any more: {self._broken}")
        if os.getpid() != self._pid:
            raise JournalFault(
                f"{self.path} was opened by another process: a connection does not survive a fork"
            )

    def _do(self, work: Callable[[], T], doing: str = "written") -> T:
        try:
            if self._connection.in_transaction:
                return work()
            return patiently(work, self.path, self._patience, self._waiting)
        except FAILURES as error:
            raise self._fault(error, doing) from error

    def _fault(self, error: Exception, doing: str) -> JournalError:
        self._break(str(error))
        return meaning(error, self.path, doing)

    def _break(self, why: str) -> None:
        self._broken = why
        with suppress(sqlite3.Error):  # the process is to end, and its end takes back what is open
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


_FENCED = "it goes on there; `fsm-sprint status` shows which process it is"


def _check(connection: sqlite3.Connection, path: Path, *, whole: bool, chain: bool) -> None:
    """What is asked of a file before anything is added to it."""
    for (said,) in connection.execute("PRAGMA quick_check(1)"):
        if said != "ok":
            raise JournalDamaged(f"{path} is damaged: {said}", hint=AFTER_DAMAGE)
    if not chain:
        _refuse(path, next(iter(schema.differences(connection)), None))
        return
    lease = None if whole else connection.execute(_LAST_LEASE).fetchone()
    start = lease[0] if lease and lease[0] > 1 else _LEAST
    rows = map(
        Transition._make,
        connection.execute(f"{ROWS} WHERE seq >= ? ORDER BY seq", [start]),
    )
    before = connection.execute("SELECT seq, hash FROM transitions WHERE seq = ?", [start - 1]).fetchone()
    problems = joined(
        schema.differences(connection), chained(rows, before or NOTHING) if start > 1 else verify(rows)
    )
    _refuse(path, next(problems, None))


def _refuse(path: Path, found: Problem | None) -> None:
    if found is not None:
        where = f" at row {found.seq}" if found.seq else ""
        raise JournalDamaged(f"{path} is damaged{where}: {found.message}", hint=AFTER_DAMAGE)


_BEGIN_OF_LATEST = """
SELECT run, first, (SELECT hash FROM transitions WHERE seq = first - 1)
FROM (SELECT run, min(seq) AS first FROM transitions
      WHERE run = (SELECT run FROM transitions ORDER BY seq DESC LIMIT 1))"""
_LEAST = 1 - (1 << 63)
"""About the least number in SQLite: a row that a damaged page has put before the first is looked at too."""
_LAST_LEASE = "SELECT seq FROM transitions WHERE \"trigger\" = 'lease' ORDER BY seq DESC LIMIT 1"
