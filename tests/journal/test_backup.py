"""Copies that are whole, taken while a run goes on."""

import stat
from pathlib import Path

import pytest

from journal.audit import audit
from journal.backup import backup
from journal.errors import JournalError
from journal.reader import open_reader
from journal.store import SqliteJournal
from tests.journal.rows import life, row


def test_a_backup_holds_what_was_committed_and_the_run_goes_on(tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    with SqliteJournal.open(tmp_path / "journal.db") as journal:
        rows = [journal.append(one) for one in life(300)]
        journal.commit()
        journal.append(row(301, "note"))

        assert backup(tmp_path / "journal.db", target) == target

        journal.commit()
        assert journal.head[0] == 301
    with open_reader(target) as reader:
        assert reader.stored() == rows
        assert not list(audit(reader))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup.db", "journal.db"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_backup_can_be_gone_on_with(tmp_path: Path) -> None:
    with SqliteJournal.open(tmp_path / "journal.db", primed=0) as journal:
        journal.append(row())
        journal.commit()
    backup(tmp_path / "journal.db", tmp_path / "restored.db")

    with SqliteJournal.open(tmp_path / "restored.db", primed=0) as journal:
        journal.append(row(2, "start", "not-started", "in-progress"))
        journal.commit()


def test_a_backup_replaces_nothing(tmp_path: Path) -> None:
    SqliteJournal.open(tmp_path / "journal.db", primed=0).close()
    (tmp_path / "backup.db").write_text("precious")

    with pytest.raises(JournalError, match="exists already"):
        backup(tmp_path / "journal.db", tmp_path / "backup.db")

    assert (tmp_path / "backup.db").read_text() == "precious"


def test_a_backup_into_nowhere_says_so(tmp_path: Path) -> None:
    SqliteJournal.open(tmp_path / "journal.db", primed=0).close()

    with pytest.raises(JournalError, match="cannot be written"):
        backup(tmp_path / "journal.db", tmp_path / "nowhere" / "backup.db")
