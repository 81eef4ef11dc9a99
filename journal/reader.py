"""A journal seen from another process: quick questions, asked beside a writer, after a crash, on read-only directories.

Rule: a reader writes nothing, checkpoints nothing, and holds no transaction between two questions, so that the writer's
WAL can be reset. Nothing but the standard library is imported: `status` has 120 ms.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from fsm.states import LIVE
from fsm.transition import Transition
from journal.codec import NOTHING, from_column, upcast
from journal.connection import FAILURES, check_format, meaning
from journal.errors import JournalDamaged, JournalError

MOVING = frozenset(str(state) for state in LIVE) | {"waiting", "in-progress"}
"""States, of tasks and groups, in which something is going on or will by itself."""

NEAR = 100_000
"""Rows that `before` goes back through at most, which takes 10 ms."""

ROWS = 'SELECT seq, run, epoch, at, unit, machine, "trigger", source, dest, attempt, facts, hash FROM transitions'
"""How a query for rows begins; the columns stand in the order of `Transition`'s fields."""

_UNITS = "SELECT path, machine, state, attempt, since, seq, parent, position, label, background FROM units"


class UnitRow(NamedTuple):
    """A row of `units`: where a unit stands. `since` is ms since the epoch, None while it is in its first state."""

    path: str
    machine: str
    state: str
    attempt: int
    since: int | None
    seq: int
    parent: str
    position: int | None
    label: str
    background: bool


class Reader:
    """A connection that only reads. `note` says it when what is read is a copy or may not be the latest."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        *,
        note: str | None = None,
        scratch: Path | None = None,
    ) -> None:
        self.connection = connection
        self.path = path
        self.note = note
        self._scratch = scratch

    def head(self) -> tuple[int, str]:
        """(seq, hash) of the last row; (0, '') when there is none."""
        found = self._all("SELECT seq, hash FROM transitions ORDER BY seq DESC LIMIT 1")
        return (found[0][0], found[0][1]) if found else NOTHING

    def latest_run(self) -> str | None:
        """The run of the last row."""
        found = self._all("SELECT run FROM transitions ORDER BY seq DESC LIMIT 1")
        return found[0][0] if found else None

    def runs(self) -> list[str]:
        """Every run, in the order in which they began."""
        return [run for (run,) in self._all("SELECT run FROM transitions GROUP BY run ORDER BY min(seq)")]

    def totals(self, run: str) -> dict[str, dict[str, int]]:
        """How many units of each machine are in each state; states without any are left out."""
        totals: dict[str, dict[str, int]] = {}
        for machine, state, n in self._all(
            "SELECT machine, state, n FROM totals WHERE run = ? AND n > 0", run
        ):
            totals.setdefault(machine, {})[state] = n
        return totals

    def units(self, run: str) -> list[UnitRow]:
        """Every unit of a run, in plan order; those that the plan does not name come last."""
        return self._units("", run)

    def moving(self, run: str) -> list[UnitRow]:
        """The units that live, wait or have something in them that does, in plan order."""
        return self._units(f"AND state IN ({', '.join('?' * len(MOVING))})", run, *sorted(MOVING))

    def standing(self, run: str, *states: str) -> list[UnitRow]:
        """The units that are in one of the states, in plan order."""
        return self._units(f"AND state IN ({', '.join('?' * len(states))})", run, *states)

    def tasks(self, run: str) -> dict[str, int]:
        """How many leaves of the plan are in each state: tasks without gates and fixes, which are parts of theirs."""
        tasks = self.totals(run).get("task", {})
        # A sum for each state, in one pass, takes half as long as grouping.
        sums = ", ".join(["total(state = ?)"] * len(tasks)) or "0"
        where = "WHERE instr(path, '#') > 0 AND machine = 'task' AND run = ?"
        found = self._all(f"SELECT {sums} FROM units {where}", *tasks, run)[0]  # noqa: S608  # question marks
        return {
            state: n - int(helpers)
            for (state, n), helpers in zip(tasks.items(), found, strict=False)
            if n > helpers
        }

    def unit(self, run: str, path: str) -> UnitRow | None:
        """One unit by its path."""
        found = self._units("AND path = ?", run, path)
        return found[0] if found else None

    def rows(self, run: str | None = None, after: int = 0, limit: int = -1) -> list[Transition]:
        """Rows in order with seq > after, of one run or of all, at most `limit`, with facts of today's version."""
        return [upcast(row) for row in self.stored(run, after, limit)]

    def last(self, run: str, trigger: str, unit: str) -> Transition | None:
        """The last row by which `unit` made the move `trigger`."""
        where = 'WHERE run = ? AND "trigger" = ? AND unit = ? ORDER BY seq DESC LIMIT 1'
        found = self._all(f"{ROWS} {where}", run, trigger, unit)
        return upcast(Transition._make(found[0])) if found else None

    def saying(self, run: str, text: str, near: int) -> list[Transition]:
        """The rows of a run, of the last `near` of the journal, in whose facts a text stands, in order.

        Costs 0.2 ms for a thousand rows.
        """
        where = (
            "WHERE seq > (SELECT max(seq) FROM transitions) - ? AND run = ? AND instr(facts, ?) ORDER BY seq"
        )
        return [upcast(Transition._make(row)) for row in self._all(f"{ROWS} {where}", near, run, text)]

    def exited(self, run: str, unit: str, attempt: int, after: int) -> Transition | None:
        """The row that told how the process of an attempt ended, looked for in `NEAR` rows from `after` on."""
        where = (
            'WHERE seq > ? AND seq <= ? AND run = ? AND unit = ? AND attempt = ? AND "trigger" IN '
            "('succeed', 'fail', 'verify', 'cancel') ORDER BY seq LIMIT 1"
        )
        found = self._all(f"{ROWS} {where}", after, after + NEAR, run, unit, attempt)
        return upcast(Transition._make(found[0])) if found else None

    def history(self, run: str, unit: str) -> list[Transition]:
        """Every row of one unit, in order. Goes through the whole journal."""
        found = self._all(f"{ROWS} WHERE run = ? AND unit = ? ORDER BY seq", run, unit)
        return [upcast(Transition._make(row)) for row in found]

    def before(self, row: UnitRow, trigger: str, run: str) -> Transition | None:
        """The last row by which a unit made the move `trigger`, looked for backwards from its very last row.

        Costs what lies between the two; given up after `NEAR` rows, because who asks is in a hurry.
        """
        where = (
            'WHERE seq <= ? AND seq > ? AND unit = ? AND "trigger" = ? AND run = ? ORDER BY seq DESC LIMIT 1'
        )
        found = self._all(f"{ROWS} {where}", row.seq, row.seq - NEAR, row.path, trigger, run)
        return upcast(Transition._make(found[0])) if found else None

    def stored(self, run: str | None = None, after: int = 0, limit: int = -1) -> list[Transition]:
        """Rows exactly as they are stored, which is what the chain binds."""
        where, values = ("AND run = ?", (run,)) if run is not None else ("", ())
        found = self._all(f"{ROWS} WHERE seq > ? {where} ORDER BY seq LIMIT ?", after, *values, limit)
        return [Transition._make(row) for row in found]

    def text(self, digest: str) -> str:
        """A stored text. KeyError when unknown, JournalDamaged when it was changed."""
        found = self._all("SELECT text FROM texts WHERE digest = ?", digest)
        if not found:
            raise KeyError(digest)
        return from_column(found[0][0], digest)

    def texts(self) -> int:
        """How many texts are stored."""
        return int(self._all("SELECT count(*) FROM texts")[0][0])

    def version(self) -> int:
        """A number that differs from the last one when anything was committed in between: what a tail polls."""
        return int(self._all("PRAGMA data_version")[0][0])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Questions asked inside see the journal of one moment. For moments only: it keeps the WAL from being reset."""
        self._all("BEGIN")
        try:
            yield
        finally:
            if self.connection.in_transaction:
                self._all("COMMIT")

    def close(self) -> None:
        """Ends the connection and removes the copy, if one was made."""
        self.connection.close()
        if self._scratch is not None:
            import shutil

            shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _units(self, where: str, *values: str) -> list[UnitRow]:
        order = "ORDER BY position IS NULL, position, path"
        found = self._all(f"{_UNITS} WHERE run = ? {where} {order}", *values)
        return [UnitRow._make((*row[:-1], bool(row[-1]))) for row in found]

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self.connection.execute(sql, values).fetchall()
        except FAILURES as error:
            raise meaning(error, self.path, "read") from error


def open_reader(path: Path) -> Reader:
    """Opens the journal at `path` for reading, wherever it lies and whatever became of its writer.

    `mode=ro` beside a writer or after one; where that cannot be (a read-only directory), `immutable=1` if there is no
    WAL, else a copy of database and WAL. Raises JournalError when there is none, JournalDamaged and JournalTooNew. Not
    for a process that writes to this very journal where it cannot read it: making the copy would drop its locks.
    """
    if not path.exists():
        raise JournalError(f"there is no journal at {path}", hint="`fsm-sprint run` makes one")
    try:
        return Reader(_connected(path, "mode=ro"), path)
    except FAILURES as error:
        refused = meaning(error, path, "read")
        if isinstance(refused, JournalDamaged):
            raise refused from error
    wal = Path(f"{path}-wal")
    try:
        if wal.exists() and wal.stat().st_size > 0:
            return _copied(path, wal)
        return Reader(_connected(path, "immutable=1"), path)
    except FAILURES as error:
        raise meaning(error, path, "read") from error
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}") from error


def _connected(path: Path, option: str) -> sqlite3.Connection:
    name = str(path.absolute())
    for special in "%?#":
        name = name.replace(special, f"%{ord(special):02X}")
    connection = sqlite3.connect(f"file://{name}?{option}", uri=True, isolation_level=None, timeout=5.0)
    try:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA trusted_schema = 0")
        connection.execute("PRAGMA mmap_size = 0")
        check_format(connection, path)
        if connection.execute("PRAGMA user_version").fetchone() == (0,):
            raise JournalError(f"the journal at {path} is empty", hint="its first run has not begun")
    except BaseException:
        connection.close()
        raise
    return connection


def _copied(path: Path, wal: Path) -> Reader:
    """A reader of a copy, for a WAL that cannot be read in place; copied again while either file changes meanwhile."""
    import shutil
    import tempfile

    scratch = Path(tempfile.mkdtemp(prefix="fsm-sprint-"))
    try:
        for _ in range(5):
            before = _stamps(path, wal)
            shutil.copyfile(path, scratch / "journal.db")
            shutil.copyfile(wal, scratch / "journal.db-wal")
            if _stamps(path, wal) == before:
                note = (
                    f"read from a copy, because {path.parent} cannot be written and {wal.name} has to be read"
                )
                return Reader(_connected(scratch / "journal.db", "mode=rw"), path, note=note, scratch=scratch)
        raise JournalError(f"{path} changes faster than it can be copied", hint="try again")
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _stamps(*paths: Path) -> list[tuple[int, int, int]]:
    return [(found.st_ino, found.st_size, found.st_mtime_ns) for found in (path.stat() for path in paths)]
