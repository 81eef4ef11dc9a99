"""A file that rots, is cut off or is put together from parts: found, or provably without effect on the record."""

import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest

from journal.audit import audit
from journal.errors import JournalDamaged, JournalError
from journal.reader import open_reader
from journal.replay import Problem
from journal.store import SqliteJournal
from tests.journal.rows import life

PAGE = 512


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of 50 rows and two texts, in pages so small that little of the file is empty."""
    path = tmp_path / "journal.db"
    with SqliteJournal.open(path, primed=0) as journal:
        journal.keep("the plan")
        journal.keep("a long text " * 100)
        for one in life(50):
            journal.append(one)
        journal.commit()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute(f"PRAGMA page_size = {PAGE}")
    connection.execute("VACUUM")
    connection.close()
    return path


Record = tuple[list[object], list[object]]


def record(path: Path) -> Record | None:
    """The rows and texts of a journal in which nothing wrong is found; None when something is."""
    try:
        with open_reader(path) as reader:
            if list(audit(reader)):
                return None
            texts = reader.connection.execute("SELECT * FROM texts ORDER BY digest").fetchall()
            return list(reader.stored()), texts
    except JournalError:
        return None


def flipped(path: Path, places: Iterable[int]) -> None:
    whole = path.read_bytes()
    before = record(path)
    assert before is not None
    found = 0
    for place in places:
        with path.open("r+b") as file:
            file.seek(place)
            file.write(bytes([whole[place] ^ 1 << place % 8]))
        after = record(path)
        assert after in (None, before), f"byte {place} was changed, and nobody saw it"
        found += after is None
        with path.open("r+b") as file:
            file.seek(place)
            file.write(whole[place : place + 1])
    assert found > 0


def test_a_flipped_bit_is_found_or_changes_nothing_of_the_record(path: Path) -> None:
    # A step that is a prime visits every place within rows and pages alike.
    flipped(path, range(0, path.stat().st_size, 19))


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_every_flipped_byte_is_found_or_changes_nothing_of_the_record(path: Path) -> None:
    flipped(path, range(path.stat().st_size))


def test_a_flipped_bit_never_lets_a_writer_start_on_another_record(path: Path) -> None:
    whole = path.read_bytes()
    before = record(path)
    assert before is not None
    for place in range(7, len(whole), 211):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            with SqliteJournal.open(path, primed=0, whole=True) as journal:
                assert list(journal.read()) == before[0], f"byte {place}"
        except JournalError:
            pass
        Path(f"{path}-wal").unlink(missing_ok=True)
        Path(f"{path}-shm").unlink(missing_ok=True)


def test_a_file_cut_off_anywhere_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for size in range(0, len(whole), PAGE):
        path.write_bytes(whole[:size])

        assert record(path) is None, f"cut off at {size}"


def test_a_lost_tail_shows_only_against_a_head_kept_elsewhere(path: Path, tmp_path: Path) -> None:
    with open_reader(path) as reader:
        seq, head = reader.head()
    shorter = tmp_path / "shorter.db"
    with SqliteJournal.open(shorter, primed=0) as journal:
        for one in life(49):
            journal.append(one)
        journal.commit()

    with open_reader(path) as reader:
        assert not list(audit(reader, head=head[:12], least=seq))
    with open_reader(shorter) as reader:
        assert not list(audit(reader))
        assert [problem.message[:20] for problem in audit(reader, least=seq)] == ["there are 49 rows wh"]
        assert [problem.message[:11] for problem in audit(reader, head=head[:12])] == ["no row has "]


def crashed(directory: Path, count: int, *, step: int = 1) -> Path:
    """What is on disk when a writer dies: the database, and a WAL that holds its last commits."""
    directory.mkdir()
    with SqliteJournal.open(directory / "live.db", primed=0) as journal:
        for place, one in enumerate(life(count), start=1):
            journal.append(one)
            if place % step == 0:
                journal.commit()
        journal.commit()
        for suffix in ("", "-wal"):
            shutil.copyfile(directory / f"live.db{suffix}", directory / f"journal.db{suffix}")
    return directory / "journal.db"


def test_damage_in_a_wal_costs_the_tail_and_nothing_else(tmp_path: Path) -> None:
    path = crashed(tmp_path / "a", 12)
    wal = Path(f"{path}-wal")
    whole, database = wal.read_bytes(), path.read_bytes()
    rows = record(path)
    assert rows is not None
    for place in range(0, len(whole), 997):
        path.write_bytes(database)
        wal.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        Path(f"{path}-shm").unlink(missing_ok=True)

        after = record(path)

        assert after is None or after[0] == rows[0][: len(after[0])]


def test_a_journal_without_its_wal_lacks_its_tail(tmp_path: Path) -> None:
    path = crashed(tmp_path / "a", 12)
    with open_reader(path) as reader:
        seq, head = reader.head()
    Path(f"{path}-wal").unlink()
    Path(f"{path}-shm").unlink(missing_ok=True)

    try:
        with open_reader(path) as reader:
            problems = list(audit(reader, head=head, least=seq))
    except JournalError as error:
        problems = [Problem(0, str(error))]

    assert problems


def test_the_wal_of_another_journal_is_found(tmp_path: Path) -> None:
    path, other = crashed(tmp_path / "a", 40), crashed(tmp_path / "b", 7, step=7)
    before = record(path)
    assert before is not None
    shutil.copyfile(f"{other}-wal", f"{path}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)

    after = record(path)

    # What was in the lost WAL is a lost tail; a mixture of the two is never taken for a journal.
    theirs = record(other)
    assert after is None or after[0] == before[0][: len(after[0])] or after == theirs


def test_swapped_rows_are_found(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    (trigger,) = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'transitions_are_never_changed'"
    ).fetchone()
    connection.execute("DROP TRIGGER transitions_are_never_changed")
    connection.execute(
        "UPDATE transitions SET seq = CASE seq WHEN 20 THEN -30 ELSE -20 END WHERE seq IN (20, 30)"
    )
    connection.execute("UPDATE transitions SET seq = -seq WHERE seq < 0")
    connection.execute(trigger)
    connection.close()

    with pytest.raises(JournalDamaged, match="row 20"):
        SqliteJournal.open(path)
