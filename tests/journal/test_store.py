"""What the journal on disk adds to the contract: tables for quick readers, faults of the disk, being the only one."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from fsm.ports import Seed
from fsm.transition import SPRINT_UNIT
from journal.connection import meaning
from journal.errors import (
    JournalBusy,
    JournalDamaged,
    JournalError,
    JournalFault,
)
from journal.reader import open_reader
from journal.store import SqliteJournal
from tests.journal.harm import full_disk, tampered, written
from tests.journal.rows import AT, life, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".fsm-sprint" / "journal.db"


# -- append-only


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transitions SET facts = ''",
        "DELETE FROM transitions WHERE seq = 2",
        "INSERT OR REPLACE INTO transitions SELECT * FROM transitions WHERE seq = 2",
        "UPDATE texts SET text = ''",
        "DELETE FROM texts",
    ],
)
def test_the_record_refuses_to_be_changed(path: Path, statement: str) -> None:
    written(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA recursive_triggers = 1")

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)

    connection.close()


# -- the quick-read tables


def test_units_and_totals_follow_the_rows(path: Path) -> None:
    with SqliteJournal.open(path, primed=0) as journal:
        journal.append(row())
        journal.seed(
            "run-1",
            [
                Seed(SPRINT_UNIT, "sprint", "not-started", "", -1, "demo", False),
                Seed(
                    "development/step-0/implement",
                    "task",
                    "pending",
                    "development/step-0",
                    0,
                    "implement",
                    False,
                ),
                Seed(
                    "development/step-1/implement",
                    "task",
                    "pending",
                    "development/step-1",
                    1,
                    "implement",
                    True,
                ),
            ],
        )
        for one in list(life(6))[1:]:
            journal.append(one)
        journal.commit()
        journal.append(
            row(7, "note", "running", "running", unit="development/step-1/implement", machine="task")
        )
        journal.append(row(8, "spawn", "pending", "spawned", unit="build#gate", machine="task", attempt=1))
        journal.commit()
    with open_reader(path) as reader:
        sprint, first, second, gate = reader.units("run-1")

        assert (sprint.state, sprint.since, sprint.seq, sprint.label) == ("not-started", None, 1, "demo")
        assert (first.state, first.attempt, first.since, first.seq) == ("completed", 1, AT + 4, 4)
        assert (second.state, second.attempt, second.since, second.seq) == ("running", 1, AT + 6, 7)
        assert (second.label, second.parent, second.position, second.background) == (
            "implement",
            "development/step-1",
            1,
            True,
        )
        assert (gate.state, gate.parent, gate.label, gate.position) == ("spawned", "build", "gate", None)
        assert reader.totals("run-1") == {
            "sprint": {"not-started": 1},
            "task": {"completed": 1, "running": 1, "spawned": 1},
        }
        assert [unit.path for unit in reader.moving("run-1")] == [second.path, gate.path]
        assert reader.unit("run-1", gate.path) == gate
        assert reader.unit("run-1", "nothing") is None


def test_seeding_again_moves_a_unit_in_the_plan_and_keeps_its_state(path: Path) -> None:
    seed = Seed(
        "development/step-0/implement", "task", "pending", "development/step-0", 0, "implement", False
    )
    with SqliteJournal.open(path, primed=0) as journal:
        journal.seed("run-1", [seed])
        for one in life(4):
            journal.append(one)
        journal.commit()
        journal.seed("run-1", [seed._replace(position=7, label="do")])
        journal.commit()
    with open_reader(path) as reader:
        unit = reader.unit("run-1", seed.path)

    assert unit is not None
    assert (unit.state, unit.position, unit.label, unit.seq) == ("completed", 7, "do", 4)


# -- what goes wrong


def test_a_disk_that_fails_in_a_commit_ends_the_journal_and_loses_nothing_acknowledged(path: Path) -> None:
    journal = SqliteJournal.open(path)
    first = journal.append(row())
    journal.commit()
    journal.append(row(2, "start", "not-started", "in-progress"))

    with full_disk(), pytest.raises(JournalFault) as fault:
        journal.commit()

    assert fault.value.hint is not None
    for call in (
        lambda: journal.append(row(2)),
        journal.commit,
        lambda: journal.text("x"),
        journal.read,
    ):
        with pytest.raises(JournalFault, match="cannot be used any more"):
            call()
    journal.close()
    with SqliteJournal.open(path) as after:
        assert next(iter(after.read())) == first


def test_a_disk_that_fails_in_the_midst_of_a_large_turn_is_a_fault_too(path: Path) -> None:
    journal = SqliteJournal.open(path, primed=0)

    with full_disk(1 << 20), pytest.raises(JournalFault):
        journal.keep("x" * 10_000_000)

    journal.close()
    SqliteJournal.open(path).close()


def test_an_error_of_sqlite_says_what_it_means_for_the_user(path: Path) -> None:
    full, corrupt, odd = (
        sqlite3.OperationalError("full"),
        sqlite3.DatabaseError("malformed"),
        sqlite3.Error("odd"),
    )
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    corrupt.sqlite_errorcode = sqlite3.SQLITE_CORRUPT | (1 << 8)

    assert isinstance(meaning(full, path, "written"), JournalFault)
    assert "room" in str(meaning(full, path, "written").hint)
    assert isinstance(meaning(corrupt, path, "read"), JournalDamaged)
    assert isinstance(meaning(odd, path, "read"), JournalFault)


def test_a_locked_database_is_waited_for_with_a_word_and_then_given_up(path: Path) -> None:
    told: list[int] = []
    with SqliteJournal.open(path, primed=0, patience=1, waiting=told.append) as journal:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(JournalBusy):
            journal.append(row())

        assert told == [1]
        other.close()
        journal.append(row())
        journal.commit()


def test_a_database_locked_at_the_start_is_waited_for_as_well(path: Path) -> None:
    SqliteJournal.open(path, primed=0).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    with SqliteJournal.open(path, rollback=True, waiting=lambda waited: other.close()) as journal:
        journal.append(row())
        journal.commit()


def test_a_locked_database_is_taken_when_it_becomes_free(path: Path) -> None:
    with SqliteJournal.open(path, primed=0) as journal:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        journal._waiting = lambda waited: other.close()

        journal.append(row())
        journal.commit()

        assert journal.head[0] == 1


def test_a_connection_does_not_survive_a_fork(path: Path) -> None:
    with SqliteJournal.open(path, primed=0) as journal:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                journal.append(row())
            except JournalFault:
                status = 42
            finally:
                os._exit(status)

        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 42
        journal.append(row())
        journal.commit()


def test_a_connection_stays_in_its_thread(path: Path) -> None:
    raised: list[BaseException] = []

    def elsewhere() -> None:
        try:
            journal.append(row())
        except JournalError as error:
            raised.append(error)

    with SqliteJournal.open(path, primed=0) as journal:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

    assert [type(error) for error in raised] == [JournalFault]


def test_closing_twice_and_using_it_afterwards_are_told_apart(path: Path) -> None:
    journal = SqliteJournal.open(path, primed=0)
    journal.close()
    journal.close()

    with pytest.raises(JournalFault, match="it was closed"):
        journal.append(row())


def test_a_text_that_was_changed_is_not_given_out(path: Path) -> None:
    with SqliteJournal.open(path, primed=0) as journal:
        name = journal.keep("the plan")
        journal.commit()
    tampered(path, "UPDATE texts SET text = 'another plan'")

    with (
        SqliteJournal.open(path, primed=0) as journal,
        pytest.raises(JournalDamaged, match="not what was stored"),
    ):
        journal.text(name)


# -- for people


def test_the_file_explains_itself(path: Path) -> None:
    written(path)
    with open_reader(path) as reader:
        about = dict(reader.connection.execute("SELECT * FROM meta").fetchall())
        (sql,) = reader.connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'transitions'"
        ).fetchone()

    assert "docs/journal.md" in about["about"]
    assert "sha256" in about["hash"]
    assert sql.count("-- ") == 12


def test_the_views_show_times_and_attempts(path: Path) -> None:
    unit = {"unit": "build", "machine": "task"}
    with SqliteJournal.open(path, primed=0) as journal:
        for one in [
            row(1),
            row(2, "spawn", "pending", "spawned", attempt=1, **unit),
            row(3, "start", "spawned", "running", attempt=1, **unit),
            row(4, "fail", "running", "failed", attempt=1, facts={"verdict": "timeout"}, **unit),
            row(5, "retry", "failed", "pending", attempt=1, **unit),
            row(6, "spawn", "pending", "spawned", attempt=2, **unit),
            row(7, "abort", "spawned", "pending", attempt=2, **unit),
            row(8, "spawn", "pending", "spawned", attempt=3, **unit),
            row(9, "start", "spawned", "running", attempt=3, **unit),
            row(10, "succeed", "running", "completed", attempt=3, **unit),
            row(11, "spawn", "pending", "spawned", unit="later", machine="task", attempt=1),
        ]:
            journal.append(one)
        journal.commit()
    connection = sqlite3.connect(path)
    attempts = connection.execute("SELECT * FROM v_attempts").fetchall()
    (time,) = connection.execute("SELECT time FROM v_timeline WHERE seq = 7").fetchone()
    connection.close()

    assert attempts == [
        ("run-1", "build", 1, AT + 2, AT + 3, AT + 4, "fail", "timeout"),
        ("run-1", "build", 2, AT + 6, None, AT + 7, "abort", None),
        ("run-1", "build", 3, AT + 8, AT + 9, AT + 10, "succeed", "ok"),
        ("run-1", "later", 1, AT + 11, None, None, None, None),
    ]
    assert time == "2023-11-14 22:13:20.007"
