"""The tables, triggers and views of a journal, and how a file comes to have them. SQL explains itself column by column.

Rule: the schema is made and changed here only, by migrations that are never edited once released. `transitions` and
`texts` are the record; `units` and `totals` are projections of it for quick readers; views are for people.
"""

import sqlite3
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING

from journal.replay import Problem

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

APPLICATION_ID = 0x46534D53
"""`FSMS` in the file's header: whose database this is (PRAGMA application_id)."""

FORMAT = 1
"""What this version reads and writes (PRAGMA user_version); raised with every migration and every upcaster."""

FORMAT_1 = (
    """CREATE TABLE transitions (
    seq       INTEGER PRIMARY KEY, -- 1, 2, 3, … without a gap: the order of everything
    run       TEXT NOT NULL,       -- which run of the sprint
    epoch     INTEGER NOT NULL,    -- which supervisor wrote it; never falls
    at        INTEGER NOT NULL,    -- wall time in ms since 1970; orders nothing
    unit      TEXT NOT NULL,       -- path of the unit that moved; #sprint is the run itself
    machine   TEXT NOT NULL,       -- by which table it moves: task, group, sprint, worktree, notice
    "trigger" TEXT NOT NULL,       -- what made it move
    source    TEXT NOT NULL,       -- its state before
    dest      TEXT NOT NULL,       -- its state after; the same when only a fact was recorded
    attempt   INTEGER NOT NULL,    -- which attempt of the unit this is about; 0 for none
    facts     TEXT NOT NULL,       -- what else is known, as JSON with sorted keys; empty for nothing
    hash      TEXT NOT NULL        -- sha256 of the hash before and of the columns as they stand here
)""",
    """CREATE TABLE texts (
    digest TEXT NOT NULL PRIMARY KEY, -- sha256 of the text in UTF-8; facts name texts by it
    text   TEXT NOT NULL              -- a plan, a prompt, a result; bytes when it holds lone surrogates
)""",
    """CREATE TABLE units (
    run        TEXT NOT NULL,
    path       TEXT NOT NULL,    -- the unit's path in the plan; <owner>#gate, <owner>#fix for its helpers
    machine    TEXT NOT NULL,
    state      TEXT NOT NULL,    -- where the last row left it
    attempt    INTEGER NOT NULL, -- number of its last attempt; 0 before the first
    since      INTEGER,          -- when it came into this state, ms since 1970; NULL while it is in its first
    seq        INTEGER NOT NULL, -- its last row; 0 before the first
    parent     TEXT NOT NULL,    -- path of the unit it belongs to; empty at the top
    position   INTEGER,          -- rank in plan order; NULL when the plan does not name it
    label      TEXT NOT NULL,    -- what a person calls it
    background INTEGER NOT NULL, -- 1: the main line does not wait for it
    PRIMARY KEY (run, path)
) WITHOUT ROWID""",
    """CREATE TABLE totals (
    run     TEXT NOT NULL,
    machine TEXT NOT NULL,
    state   TEXT NOT NULL,
    n       INTEGER NOT NULL, -- units of the run and machine that are in the state
    PRIMARY KEY (run, machine, state)
) WITHOUT ROWID""",
    """CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID""",
    """CREATE TRIGGER transitions_are_never_changed BEFORE UPDATE ON transitions
BEGIN SELECT raise(ABORT, 'transitions is append-only'); END""",
    """CREATE TRIGGER transitions_are_never_deleted BEFORE DELETE ON transitions
BEGIN SELECT raise(ABORT, 'transitions is append-only'); END""",
    """CREATE TRIGGER texts_are_never_changed BEFORE UPDATE ON texts
BEGIN SELECT raise(ABORT, 'texts is append-only'); END""",
    """CREATE TRIGGER texts_are_never_deleted BEFORE DELETE ON texts
BEGIN SELECT raise(ABORT, 'texts is append-only'); END""",
    """CREATE TRIGGER units_are_counted AFTER INSERT ON units
BEGIN
    INSERT INTO totals VALUES (new.run, new.machine, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END""",
    """CREATE TRIGGER units_are_counted_again AFTER UPDATE OF state ON units WHEN old.state <> new.state
BEGIN
    UPDATE totals SET n = n - 1 WHERE run = old.run AND machine = old.machine AND state = old.state;
    INSERT INTO totals VALUES (new.run, new.machine, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END""",
    """CREATE VIEW v_timeline AS -- every move, with its time (UTC) spelt out
SELECT seq, strftime('%Y-%m-%d %H:%M:%f', at / 1000.0, 'unixepoch') AS time, run, epoch, unit, machine,
       "trigger", source, dest, attempt, facts
FROM transitions""",
    """CREATE VIEW v_attempts AS -- every attempt of every task: times in ms since 1970, how it ended, and as what
WITH begun AS (
    SELECT run, unit, attempt, min(seq) AS seq, min(at) AS spawned_at FROM transitions
    WHERE "trigger" = 'spawn' GROUP BY run, unit, attempt
), allowed AS (
    SELECT run, unit, attempt, min(at) AS started_at FROM transitions
    WHERE machine = 'task' AND "trigger" = 'start' GROUP BY run, unit, attempt
), over AS (
    SELECT run, unit, attempt, max(seq) AS seq FROM transitions
    WHERE machine = 'task' AND source IN ('running', 'spawned', 'stopping', 'verifying')
      AND dest NOT IN ('running', 'spawned', 'stopping', 'verifying') GROUP BY run, unit, attempt
)
SELECT begun.run, begun.unit, begun.attempt, spawned_at, started_at, ended.at AS ended_at, ended."trigger",
       CASE WHEN ended."trigger" = 'succeed' THEN 'ok'
            WHEN ended.facts <> '' THEN json_extract(ended.facts, '$.verdict') END AS verdict
FROM begun
LEFT JOIN allowed USING (run, unit, attempt)
LEFT JOIN over USING (run, unit, attempt)
LEFT JOIN transitions AS ended ON ended.seq = over.seq
ORDER BY begun.seq""",
)
"""The schema as it was first released, one statement each."""

_ABOUT = {
    "about": "The journal of a sprint: every move of every state machine, in order. See docs/journal.md of fsm-sprint.",
    "hash": "sha256, in hex, of the following in UTF-8: the hash before (empty for the first row), a newline; seq,"
    " epoch, at, attempt, then the lengths in characters of run, unit, machine, trigger, source, dest, facts, all"
    " separated by single spaces, a newline; run, unit, machine, trigger, source, dest, facts, nothing between them",
}


def prepare(connection: sqlite3.Connection) -> None:
    """Makes the schema in an empty database, or brings an older one up to date, in one transaction. It must be ours."""
    from sqlite_utils import Database  # 60 ms, and only a new or old file needs it

    connection.execute("BEGIN IMMEDIATE")
    _migrations().apply(Database(connection, execute_plugins=False))
    connection.execute("COMMIT")


def differences(connection: sqlite3.Connection) -> list[Problem]:
    """How the file's schema differs from what this version would have made; what stands beside it is none of it."""
    expected = _expected()
    found = _objects(connection)
    problems = [
        Problem(0, f"the schema's {name} is not what it was" if name in found else f"the schema lacks {name}")
        for name, made in expected.items()
        if found.get(name) != made
    ]
    tables = {table for table, _ in expected.values()}
    foreign = sorted(name for name, (table, _) in found.items() if table in tables and name not in expected)
    return problems + [Problem(0, f"{name} was added to a table of the journal") for name in foreign]


@cache
def _expected() -> dict[str, tuple[str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        for statement in FORMAT_1:
            model.execute(statement)
        return _objects(model)


def _objects(connection: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """Table and SQL of everything in the schema, by name; indexes that SQLite makes by itself are left out."""
    rows = connection.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: (table, sql) for name, table, sql in rows}


def _migrations() -> "Migrations":
    from sqlite_utils import Migrations

    migrations = Migrations("fsm-sprint")

    @migrations(name="format 1")
    def format_1(db: "Database") -> None:
        for statement in FORMAT_1:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.table("meta").insert_all({"key": key, "value": value} for key, value in _ABOUT.items())

    return migrations
