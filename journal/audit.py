"""Everything about a journal that can be wrong, found out from the file alone: what `fsm-sprint verify` asks of it.

Rule: it reports and mends nothing. A lost tail cannot be seen from inside: whoever wants that known keeps a head.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress

from fsm.states import INITIAL
from fsm.transition import Transition
from journal import schema
from journal.codec import from_column
from journal.connection import FAILURES
from journal.errors import JournalDamaged, JournalError
from journal.reader import ROWS, Reader
from journal.replay import Problem, verify
from journal.units import Movement, movement


def audit(reader: Reader, *, head: str | None = None, least: int = 0) -> Iterator[Problem]:
    """What is wrong with the journal, in order of gravity: pages, schema, rows, texts, projections.

    `head` is a hash, or its beginning, that some row must have; `least` the number of rows that must be there at least:
    both from somewhere else, PROGRESS.yaml for one. A page that cannot be read ends the audit with that problem.
    """
    try:
        with reader.snapshot():
            yield from _audit(reader.connection, head, least)
    except (*FAILURES, JournalError) as error:
        yield Problem(0, f"the file cannot be read: {error}")


def _audit(connection: sqlite3.Connection, head: str | None, least: int) -> Iterator[Problem]:
    for (said,) in connection.execute("PRAGMA integrity_check"):
        if said != "ok":
            yield Problem(0, str(said))
    yield from schema.differences(connection)
    last: dict[tuple[str, str], Movement] = {}
    rows = connection.execute(f"{ROWS} ORDER BY seq")
    seen = _Seen(head)
    yield from verify(seen.watching(map(Transition._make, rows), last))
    if seen.rows < least:
        yield Problem(0, f"there are {seen.rows} rows where there were {least}: the last ones are gone")
    if head and not seen.found:
        yield Problem(0, f"no row has the hash {head}: the last ones are gone, or all were written anew")
    for name, stored in connection.execute("SELECT digest, text FROM texts"):
        try:
            from_column(stored, name)
        except JournalDamaged as error:
            yield Problem(0, str(error))
    yield from _projected(connection, last)


class _Seen:
    """What is noticed of the rows while `verify` goes through them."""

    def __init__(self, head: str | None) -> None:
        self._head = head
        self.found = False
        self.rows = 0

    def watching(
        self, rows: Iterable[Transition], last: dict[tuple[str, str], Movement]
    ) -> Iterator[Transition]:
        head = self._head
        for row in rows:
            yield row
            self.rows += 1
            key = row.run, row.unit
            with suppress(TypeError):  # of a column that `verify` has already complained of
                last[key] = movement(last.get(key), row)
            if head is not None and str(row.hash).startswith(head):
                self.found = True


def _projected(connection: sqlite3.Connection, last: dict[tuple[str, str], Movement]) -> Iterator[Problem]:
    """Where `units` and `totals` differ from what the rows say; a unit without a row is in its first state."""
    counted: dict[tuple[str, str, str], int] = {}
    for run, path, *found in connection.execute(
        "SELECT run, path, machine, state, attempt, since, seq FROM units"
    ):
        machine, state = found[:2]
        expected = last.pop((run, path), None) or Movement(machine, INITIAL.get(machine, "?"), 0, None, 0)
        if tuple(found) != expected:
            yield Problem(expected.seq, f"`units` has {path} as {found}; the rows say {list(expected)}")
        counted[run, machine, state] = counted.get((run, machine, state), 0) + 1
    for (_, path), expected in last.items():
        yield Problem(expected.seq, f"`units` lacks {path}")
    for run, machine, state, n in connection.execute("SELECT run, machine, state, n FROM totals"):
        if counted.pop((run, machine, state), 0) != n:
            yield Problem(
                0, f"`totals` says that {n} of machine {machine} are {state} in {run}; `units` says otherwise"
            )
    for run, machine, state in counted:
        yield Problem(0, f"`totals` lacks the {machine} units that are {state} in {run}")
