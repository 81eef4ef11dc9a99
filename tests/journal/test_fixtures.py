"""Journals of every released format still open, verify, mean the same and can be gone on with."""

import shutil
from pathlib import Path

import pytest

from fsm.plan import digest
from journal.audit import audit
from journal.reader import open_reader
from journal.schema import FORMAT
from journal.store import SqliteJournal
from tests.journal.fixtures.contents import ODD, PLAN, rows
from tests.journal.rows import row

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(params=range(1, FORMAT + 1), ids=lambda version: f"v{version}")
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(FIXTURES / f"v{request.param}.db", tmp_path / "journal.db"))


def test_a_released_journal_is_read_with_nothing_wrong_and_nothing_lost(path: Path) -> None:
    with open_reader(path) as reader:
        assert not list(audit(reader, least=15))
        assert [one.decoded() for one in reader.rows()] == [one.decoded() for one in rows()]
        assert [one[:10] for one in reader.rows()] == [one[:10] for one in rows()]
        assert (reader.text(digest(PLAN)), reader.text(digest(ODD))) == (PLAN, ODD)
        assert [(unit.path, unit.state, unit.attempt) for unit in reader.units("run-1")] == [
            ("build", "completed", 2),
            ("#sprint", "completed", 0),
        ]


def test_a_released_journal_can_be_gone_on_with(path: Path) -> None:
    with SqliteJournal.open(path, whole=True) as journal:
        journal.append(row(16, "start", "not-started", "in-progress", run="run-2", epoch=3))
        journal.commit()
    with open_reader(path) as reader:
        assert not list(audit(reader))


def test_the_chain_of_a_released_journal_ends_in_this_hash(path: Path) -> None:
    with open_reader(path) as reader:
        assert reader.head() == (15, "7b86344ab884b1dacafac6242aed563bd7970f91d4aca5416e62d74b2af097f8")
