"""Reading from other processes: beside a writer, after a crash, on directories that cannot be written."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fsm.transition import SPRINT_UNIT
from journal.errors import JournalDamaged, JournalError, JournalFault
from journal.reader import Reader, open_reader
from journal.store import SqliteJournal
from tests.journal.rows import life, row


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory whose parents anybody may pass, so that it can be read without privileges."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    directory.chmod(0o755)
    shutil.rmtree(directory)


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """The directory as somebody sees it who may read everything in it and write nothing."""
    for file in directory.iterdir():
        file.chmod(0o444)
    directory.chmod(0o555)
    privileged = os.geteuid() == 0
    if privileged:
        os.seteuid(65534)
    try:
        yield
    finally:
        if privileged:
            os.seteuid(0)


def crashed(directory: Path, *, shm: bool = False) -> Path:
    """Twelve rows of a dead writer, the last six of them only in the WAL."""
    path = directory / "journal.db"
    aside = directory / "aside"
    aside.mkdir()
    rows = list(life(12))
    with SqliteJournal.open(path, primed=0) as journal:
        for one in rows[:6]:
            journal.append(one)
        journal.commit()
    with SqliteJournal.open(path, primed=0) as journal:
        for one in rows[6:]:
            journal.append(one)
        journal.commit()
        for suffix in ("", "-wal", *(["-shm"] if shm else [])):
            shutil.copyfile(f"{path}{suffix}", aside / f"journal.db{suffix}")
    for file in directory.glob("journal.db*"):
        file.unlink()
    for file in aside.iterdir():
        file.rename(directory / file.name)
    aside.rmdir()
    return path


def count(reader: Reader) -> int:
    return len(reader.stored())


def test_a_reader_sees_each_commit_of_a_live_writer_and_nothing_before_it(directory: Path) -> None:
    path = directory / "journal.db"
    with SqliteJournal.open(path) as journal:
        journal.append(row())
        journal.commit()
        with open_reader(path) as reader:
            assert reader.note is None
            version = reader.version()
            stored = journal.append(row(2, "start", "not-started", "in-progress"))
            assert reader.head()[0] == 1
            assert reader.version() == version

            journal.commit()

            assert reader.head() == (2, stored.hash)
            assert reader.version() != version
            assert reader.rows(after=1) == [stored]
            assert reader.latest_run() == "run-1"


def test_readers_never_keep_the_wal_from_being_reset(directory: Path) -> None:
    path = directory / "journal.db"
    with SqliteJournal.open(path, primed=0) as journal, open_reader(path) as reader:
        for number in range(1, 60):
            journal.append(row(number, facts={"text": "x" * 400_000}))
            journal.commit()
            assert reader.head()[0] == number

        assert Path(f"{path}-wal").stat().st_size < 3 * 4_200_000


def test_a_reader_writes_nothing(directory: Path) -> None:
    path = crashed(directory)
    before = path.read_bytes()
    with open_reader(path) as reader, pytest.raises(JournalFault, match="readonly"):
        reader._all("DELETE FROM units")

    assert path.read_bytes() == before


def test_a_snapshot_shows_one_moment(directory: Path) -> None:
    path = directory / "journal.db"
    with SqliteJournal.open(path, primed=0) as journal, open_reader(path) as reader:
        journal.append(row())
        journal.commit()
        with reader.snapshot():
            assert reader.head()[0] == 1
            journal.append(row(2, "start", "not-started", "in-progress"))
            journal.commit()
            assert reader.head()[0] == 1
        assert reader.head()[0] == 2


def test_after_a_crash_everything_acknowledged_is_read(directory: Path) -> None:
    with open_reader(crashed(directory)) as reader:
        assert count(reader) == 12
        assert reader.note is None


def test_a_closed_journal_is_read_where_nothing_can_be_written(directory: Path) -> None:
    path = directory / "journal.db"
    with SqliteJournal.open(path, primed=0) as journal:
        for one in life(12):
            journal.append(one)
        journal.commit()

    with read_only(directory), open_reader(path) as reader:
        assert count(reader) == 12
        assert reader.note is None
        assert [file.name for file in directory.iterdir()] == ["journal.db"]


@pytest.mark.parametrize("shm", [False, True])
def test_a_crashed_journal_is_read_where_nothing_can_be_written(directory: Path, shm: bool) -> None:
    path = crashed(directory, shm=shm)
    with read_only(directory):
        with open_reader(path) as reader:
            assert count(reader) == 12
            scratch = reader._scratch
            # With its -shm there, SQLite reads it in place.
            assert shm == (reader.note is None) == (scratch is None)
            assert shm or "copy" in str(reader.note)
        assert scratch is None or not scratch.exists()


def test_the_last_row_of_a_kind_is_found(directory: Path) -> None:
    path = directory / "journal.db"
    with SqliteJournal.open(path, primed=0) as journal:
        for one in [row(1), row(2, epoch=2, facts={"pid": "7"}), row(3, "note", epoch=2)]:
            journal.append(one)
        journal.commit()
    with open_reader(path) as reader:
        found = reader.last("run-1", "lease", SPRINT_UNIT)

        assert found is not None
        assert (found.seq, found.decoded()) == (2, {"pid": "7"})
        assert reader.last("run-2", "lease", SPRINT_UNIT) is None


def test_rows_come_by_run_from_a_place_and_as_many_as_wanted(directory: Path) -> None:
    path = directory / "journal.db"
    with SqliteJournal.open(path, primed=0) as journal:
        for one in [*life(4), *life(5, first=5, run="run-2")]:
            journal.append(one)
        name = journal.keep("lone \ud800")
        journal.commit()
    with open_reader(path) as reader:
        assert [one.seq for one in reader.rows("run-2", after=6, limit=2)] == [7, 8]
        assert [one.seq for one in reader.rows(limit=1)] == [1]
        assert reader.latest_run() == "run-2"
        assert reader.text(name) == "lone \ud800"
        with pytest.raises(KeyError):
            reader.text("nothing")


@pytest.mark.parametrize("name", ["with space", "per%cent", "ques?tion", "ha#sh", "ümläut", "new\nline"])
def test_any_path_can_be_read(directory: Path, name: str) -> None:
    path = directory / name / "journal.db"
    SqliteJournal.open(path, primed=0).close()

    with open_reader(path) as reader:
        assert reader.head() == (0, "")
        assert reader.latest_run() is None
        assert reader.units("run-1") == []


def test_a_relative_path_can_be_read(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteJournal.open(directory / "journal.db", primed=0).close()
    monkeypatch.chdir(directory)

    with open_reader(Path("journal.db")) as reader:
        assert reader.head() == (0, "")


def test_what_is_not_there_not_begun_or_not_a_journal_is_told_apart(directory: Path) -> None:
    path = directory / "journal.db"

    with pytest.raises(JournalError, match="no journal at"):
        open_reader(path)
    path.write_bytes(b"")
    with pytest.raises(JournalError, match="is empty"):
        open_reader(path)
    path.write_text("not a database, " * 100)
    with pytest.raises(JournalDamaged):
        open_reader(path)


def test_reading_imports_nothing_heavy() -> None:
    code = "import sys, journal.reader; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    heavy = {
        "sqlite_utils",
        "pydantic",
        "ruamel",
        "transitions",
        "rich",
        "typer",
        "asyncio",
        "tempfile",
        "subprocess",
    }
    assert not heavy & set(done.stdout.split())
