"""What can still be read of a damaged file: rows and texts around what is bad, and the file stays as it is."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from fsm.transition import Transition
from journal.codec import seal
from journal.reader import open_reader
from journal.replay import verify
from journal.salvage import Salvage
from journal.store import SqliteJournal
from tests.journal.rows import life

PAGE = 4096


def chained(count: int) -> list[Transition]:
    rows: list[Transition] = []
    for one in life(count):
        rows.append(seal(rows[-1].hash if rows else "", one))
    return rows


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    with SqliteJournal.open(path, primed=0) as journal:
        for number in range(30):
            journal.keep(f"text {number} " * (500 if number % 3 == 0 else 1))
        for one in life(400):
            journal.append(one)
        journal.commit()
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    shutil.copyfile(original, tmp_path / "journal.db")
    return tmp_path / "journal.db"


def spoil(path: Path, page: int, count: int = 1) -> bytes:
    """Overwrites pages, counted from 1; returns what the file holds then."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xa5" * PAGE * count)
    return path.read_bytes()


def salvaged(path: Path) -> tuple[list[Transition], list[str]]:
    with Salvage(path, path.parent) as salvage:
        return list(salvage.rows()), list(salvage.texts())


def test_of_a_whole_file_everything_is_read(path: Path) -> None:
    rows, texts = salvaged(path)

    assert rows == chained(400)
    assert len(texts) == 30
    assert [file.name for file in path.parent.iterdir()] == ["journal.db"]


def test_whatever_page_is_bad_what_comes_is_true_and_the_file_is_left_alone(path: Path) -> None:
    """Every page in turn: rows are those that were written, in order, and only those of one page are missing."""
    whole, rows = path.read_bytes(), chained(400)
    missing = []
    for page in range(1, len(whole) // PAGE + 1):
        path.write_bytes(whole)
        bad = spoil(path, page)

        found, texts = salvaged(path)

        assert path.read_bytes() == bad
        assert set(found) <= set(rows)
        assert found == sorted(found)
        assert len(texts) <= 30
        missing.append(len(rows) - len(found))
    roots = [n for n in missing if n == 400]
    assert len(roots) <= 1, "only where the root of the rows is bad are all of them gone"
    assert sum(0 < n < 40 for n in missing) > 10
    assert missing[0] == 0, "header and schema are those of any journal"


def test_rows_in_a_wal_are_read(tmp_path: Path) -> None:
    with SqliteJournal.open(tmp_path / "live.db", primed=0) as journal:
        for one in life(60):
            journal.append(one)
            journal.commit()
        for suffix in ("", "-wal"):
            shutil.copyfile(tmp_path / f"live.db{suffix}", tmp_path / f"journal.db{suffix}")
    before = (tmp_path / "journal.db-wal").read_bytes()

    rows, _ = salvaged(tmp_path / "journal.db")

    assert rows == chained(60)
    assert (tmp_path / "journal.db-wal").read_bytes() == before
    with Salvage(tmp_path / "journal.db", tmp_path) as salvage:
        assert set(salvage.digests) == {"journal.db", "journal.db-wal"}


def test_a_row_that_holds_nonsense_is_handed_out_and_does_not_chain(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TRIGGER transitions_are_never_changed")
    connection.execute("UPDATE transitions SET at = x'ff', facts = x'80' WHERE seq = 7")
    connection.close()

    rows, _ = salvaged(path)

    assert next(verify(rows)).seq == 7


def test_what_is_no_database_at_all_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database" * 1000)

    assert salvaged(tmp_path / "journal.db") == ([], [])


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()

    assert salvaged(tmp_path / "journal.db") == ([], [])


def test_a_journal_without_its_header_reads_as_it_did(path: Path) -> None:
    with open_reader(path) as reader:
        rows = reader.stored()
    spoil(path, 1)

    with Salvage(path, path.parent) as salvage:
        assert salvage.transplanted
        assert list(salvage.rows()) == rows
