"""How a journal on disk is opened: settings, modes, and everything that is refused before a row is written."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from journal import schema
from journal.connection import PRIMED, prime
from journal.errors import JournalDamaged, JournalError, JournalFault, JournalTooNew
from journal.reader import open_reader
from journal.store import SqliteJournal
from tests.journal.harm import full_disk, tampered, written
from tests.journal.rows import life, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".fsm-sprint" / "journal.db"


def asked(journal: SqliteJournal, pragma: str) -> object:
    return journal._connection.execute(f"PRAGMA {pragma}").fetchone()[0]


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
