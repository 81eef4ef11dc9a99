"""What the journal on disk adds to the contract: settings, modes, faults of the disk, and being the only one."""

import os
import resource
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fsm.ports import Seed
from fsm.transition import SPRINT_UNIT
from journal import schema
from journal.connection import PRIMED, meaning
from journal.errors import (
    JournalBusy,
    JournalDamaged,
    JournalError,
    JournalFault,
    JournalTooNew,
)
from journal.reader import open_reader
from journal.store import SqliteJournal
from tests.journal.rows import AT, life, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".fsm-sprint" / "journal.db"


def written(path: Path, count: int = 10) -> None:
    """A journal of `count` rows with a text, closed as it should be."""
    with SqliteJournal.open(path, primed=0) as journal:
        journal.keep("the plan")
        for one in life(count):
            journal.append(one)
        journal.commit()


def tampered(path: Path, *statements: str) -> None:
    """Somebody at work with a database shell, who knows how to get around triggers."""
    connection = sqlite3.connect(path, isolation_level=None)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.close()


def asked(journal: SqliteJournal, pragma: str) -> object:
    return journal._connection.execute(f"PRAGMA {pragma}").fetchone()[0]


# -- how it is opened


def test_every_setting_is_what_durability_asks_for(path: Path) -> None:
    with SqliteJournal.open(path) as journal:
        assert asked(journal, "journal_mode") == "wal"
        assert asked(journal, "synchronous") == 2
        assert asked(journal, "fullfsync") == 1
        assert asked(journal, "checkpoint_fullfsync") == 1
        assert asked(journal, "trusted_schema") == 0
        assert asked(journal, "recursive_triggers") == 1
        assert asked(journal, "busy_timeout") == 0
        assert asked(journal, "wal_autocheckpoint") == 1000
        assert asked(journal, "user_version") == schema.FORMAT
        assert asked(journal, "application_id") == schema.APPLICATION_ID
        assert journal._connection.isolation_level is None


def test_without_shared_memory_a_rollback_journal_syncs_its_directory_too(path: Path) -> None:
    with SqliteJournal.open(path, rollback=True) as journal:
        assert asked(journal, "journal_mode") == "delete"
        assert asked(journal, "synchronous") == 3


def test_the_wal_is_primed_once_and_gone_after_a_clean_end(path: Path) -> None:
    wal = Path(f"{path}-wal")
    with SqliteJournal.open(path) as journal:
        size = wal.stat().st_size
        assert size >= PRIMED
        assert journal.head == (0, "")
        journal.append(row())
        journal.commit()
        assert wal.stat().st_size == size
    assert not wal.exists()
    assert path.stat().st_size < 100_000


def test_priming_gives_up_quietly_when_there_is_no_room(path: Path) -> None:
    with SqliteJournal.open(path, primed=0) as journal, full_disk(1 << 20):
        from journal.connection import prime

        prime(journal._connection, path)

        journal.append(row())
        journal.commit()


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_only_the_user_may_look_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with SqliteJournal.open(path) as journal:
            journal.append(row())
            journal.commit()
            files = sorted(path.parent.iterdir())
            modes = {stat.S_IMODE(file.stat().st_mode) for file in files}
    finally:
        os.umask(before)

    assert [file.name for file in files] == ["journal.db", "journal.db-shm", "journal.db-wal"]
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_symbolic_link_is_no_journal(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere.db")

    with pytest.raises(JournalError, match="symbolic link"):
        SqliteJournal.open(path)

    assert not (tmp_path / "elsewhere.db").exists()


def test_a_journal_of_a_later_format_is_refused_untouched(path: Path) -> None:
    written(path)
    tampered(path, f"PRAGMA user_version = {schema.FORMAT + 1}")
    before = path.read_bytes()

    with pytest.raises(JournalTooNew, match=f"format {schema.FORMAT + 1}"):
        SqliteJournal.open(path)
    with pytest.raises(JournalTooNew):
        open_reader(path)

    assert path.read_bytes() == before


def test_another_programs_database_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(JournalDamaged, match="not a journal"):
        SqliteJournal.open(path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("# PROGRESS\n" * 1000)

    with pytest.raises(JournalDamaged, match="not a database"):
        SqliteJournal.open(path)


def test_a_journal_emptied_beside_its_wal_is_refused_and_the_wal_stays(path: Path) -> None:
    with SqliteJournal.open(path, primed=0) as journal:
        journal.append(row())
        journal.commit()
        wal = Path(f"{path}-wal").read_bytes()
    path.write_bytes(b"")
    Path(f"{path}-wal").write_bytes(wal)

    with pytest.raises(JournalDamaged, match="emptied"):
        SqliteJournal.open(path)

    assert Path(f"{path}-wal").read_bytes() == wal


def test_a_directory_that_cannot_be_made_is_a_fault_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(JournalFault, match="cannot be made"):
        SqliteJournal.open(tmp_path / "file" / "journal.db")


def test_a_row_changed_since_the_last_lease_is_found_at_every_start(path: Path) -> None:
    written(path)
    tampered(path, "UPDATE transitions SET facts = '{\"code\":1}' WHERE seq = 4")

    with pytest.raises(JournalDamaged, match="row 4"):
        SqliteJournal.open(path)


def test_a_row_changed_before_the_last_lease_is_found_when_the_whole_chain_is_asked_for(path: Path) -> None:
    with SqliteJournal.open(path, primed=0) as journal:
        for one in [*life(10), *life(10, first=11, run="run-2", epoch=2)]:
            journal.append(one)
        journal.commit()
    tampered(path, "UPDATE transitions SET at = at + 1 WHERE seq = 4")

    SqliteJournal.open(path, primed=0).close()
    with pytest.raises(JournalDamaged, match="row 4"):
        SqliteJournal.open(path, whole=True)


def test_a_missing_trigger_is_found_at_every_start(path: Path) -> None:
    written(path)
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER transitions_are_never_deleted")
    connection.close()

    with pytest.raises(JournalDamaged, match="lacks transitions_are_never_deleted"):
        SqliteJournal.open(path)


def test_views_and_tables_of_the_user_are_nobody_elses_business(path: Path) -> None:
    written(path)
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIEW mine AS SELECT * FROM v_timeline")
    connection.execute("CREATE TABLE notes (text)")
    connection.close()

    SqliteJournal.open(path, primed=0).close()


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


@contextmanager
def full_disk(limit: int = 0) -> Iterator[None]:
    """No file can be written beyond `limit` bytes: the nearest thing to a full disk that needs no privilege."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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
