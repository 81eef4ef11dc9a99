"""The quick-read table `units`: where every unit stands, kept in the same transaction as the rows that say so.

Rule: it is a projection. Nothing that decides reads it; `journal.audit` compares it with the rows. A turn writes each
unit that moved once, however often it moved. Triggers in the schema keep `totals` in step.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fsm.ports import Seed
from fsm.transition import Transition

_SEED = """
INSERT INTO units (run, path, machine, state, attempt, seq, parent, position, label, background)
VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET parent = excluded.parent, position = excluded.position, label = excluded.label,
    background = excluded.background"""

_MOVE = """
INSERT INTO units (run, path, machine, state, attempt, since, seq, parent, label, background)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
ON CONFLICT DO UPDATE SET state = excluded.state, attempt = max(attempt, excluded.attempt),
    since = coalesce(excluded.since, since), seq = excluded.seq"""


class Movement(NamedTuple):
    """What a turn's rows did to one unit. `since`: `at` of the last row that changed its state, None if none did."""

    machine: str
    state: str
    attempt: int
    since: int | None
    seq: int


def movement(before: Movement | None, row: Transition) -> Movement:
    """The movement of a unit after one more row."""
    seq, _, _, at, _, machine, _, source, dest, attempt, _, _ = row
    if before is None:
        return Movement(machine, dest, attempt, None if source == dest else at, seq)
    since = before.since if source == dest else at
    return Movement(machine, dest, max(attempt, before.attempt), since, seq)


def put(cursor: sqlite3.Cursor, units: Mapping[tuple[str, str], Movement]) -> None:
    """Writes movements by (run, path). A unit that no plan has named gets its parent and label from its path."""
    if units:
        cursor.executemany(_MOVE, [(*key, *moved, *_named(key[1])) for key, moved in units.items()])


def place(cursor: sqlite3.Cursor, run: str, units: Iterable[Seed]) -> None:
    """Writes the units of a plan; those already there keep their state, and those that never moved may leave it."""
    units = list(units)
    kept = {unit.path for unit in units}
    still = cursor.execute("SELECT path, machine, state FROM units WHERE run = ? AND seq = 0", (run,))
    for path, machine, state in still.fetchall():
        if path not in kept:
            cursor.execute("DELETE FROM units WHERE run = ? AND path = ?", (run, path))
            where = "WHERE run = ? AND machine = ? AND state = ?"
            cursor.execute(f"UPDATE totals SET n = n - 1 {where}", (run, machine, state))  # noqa: S608  # constant
    cursor.executemany(
        _SEED,
        (
            (
                run,
                unit.path,
                unit.machine,
                unit.state,
                unit.parent,
                unit.position,
                unit.label,
                unit.background,
            )
            for unit in units
        ),
    )


def _named(path: str) -> tuple[str, str]:
    parent, _, label = path.rpartition("#" if "#" in path else "/")
    return parent, label
