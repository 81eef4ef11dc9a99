"""Files that vanish or change under a running sprint, and journals that turn out to be copies."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from journal.audit import audit
from journal.errors import JournalFault, JournalReplaced
from journal.lease import Lease
from journal.reader import open_reader
from journal.store import SqliteJournal
from journal.watch import Place, identity, place
from tests.journal.rows import life, row


def deleted(directory: Path) -> None:
    shutil.rmtree(directory)


def lock_deleted(directory: Path) -> None:
    (directory / "lock").unlink()


def lock_replaced(directory: Path) -> None:
    (directory / "lock").unlink()
    (directory / "another").write_text("")
    (directory / "lock").write_text("")


def journal_replaced(directory: Path) -> None:
    shutil.copyfile(directory / "journal.db", directory / "copy")
    (directory / "copy").replace(directory / "journal.db")


def wal_deleted(directory: Path) -> None:
    (directory / "journal.db-wal").unlink()


def linked(directory: Path) -> None:
    os.link(directory / "journal.db", directory / "second-name")


def moved_away(directory: Path) -> None:
    directory.rename(directory.with_name("elsewhere"))


@pytest.mark.parametrize(
    "harm", [deleted, lock_deleted, lock_replaced, journal_replaced, wal_deleted, linked, moved_away]
)
def test_nothing_is_committed_once_files_were_replaced_and_all_before_is_saved(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path, lock = tmp_path / ".fsm-sprint" / "journal.db", tmp_path / ".fsm-sprint" / "lock"
    with Lease.take(lock, {}), SqliteJournal.open(path, watch=[lock]) as journal:
        rows = [journal.append(one) for one in life(20)]
        name = journal.keep("the plan")
        journal.commit()
        journal.append(row(21, "note"))
        harm(path.parent)

        with pytest.raises(JournalReplaced, match="under this run"):
            journal.commit()
        with pytest.raises(JournalFault, match="replaced"):
            journal.append(row(21))
        saved = journal.rescue(tmp_path / "state" / "rescue")

    assert saved.name == f"journal-20-{rows[-1].hash[:12]}.db"
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]
    with open_reader(saved) as reader:
        assert list(reader.stored()) == rows
        assert reader.text(name) == "the plan"
        assert not list(audit(reader))


def test_a_lock_that_is_not_there_at_the_start_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(JournalReplaced, match="is gone"):
        SqliteJournal.open(tmp_path / "journal.db", watch=[tmp_path / "lock"], primed=0)


def test_an_idle_journal_does_not_look(tmp_path: Path) -> None:
    with SqliteJournal.open(tmp_path / "journal.db", primed=0) as journal:
        (tmp_path / "journal.db").unlink()

        journal.commit()


def test_a_journal_knows_itself(tmp_path: Path) -> None:
    path = tmp_path / "a" / "journal.db"
    SqliteJournal.open(path, primed=0).close()
    lease = identity(path)
    assert lease == {
        "device": path.stat().st_dev,
        "inode": path.stat().st_ino,
        "path": os.path.realpath(path),
    }

    assert place(lease, path) is Place.SAME
    assert place({**lease, "device": -1}, path) is Place.SAME, "a reboot may number devices anew"
    (tmp_path / "a").rename(tmp_path / "b")
    moved = tmp_path / "b" / "journal.db"
    assert place(lease, moved) is Place.MOVED
    assert place({**lease, "device": -1}, moved) is Place.COPIED, (
        "the same number on another device says nothing"
    )
    shutil.copytree(tmp_path / "b", tmp_path / "a")
    assert place(lease, path) is Place.COPIED
    assert place({}, path) is Place.COPIED
