"""What `verify` finds beside the chain: projections that say something else, texts and schema that were changed."""

from pathlib import Path

import pytest

from fsm.ports import Seed
from journal.audit import audit
from journal.reader import open_reader
from journal.store import SqliteJournal
from tests.journal.harm import tampered
from tests.journal.rows import life


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    with SqliteJournal.open(path, primed=0) as journal:
        journal.seed("run-1", [Seed("later", "task", "pending", "", 9, "later", False)])
        journal.keep("the plan")
        for one in life(10):
            journal.append(one)
        journal.commit()
    return path


def found(path: Path) -> list[str]:
    with open_reader(path) as reader:
        return [problem.message for problem in audit(reader)]


def test_a_good_journal_has_no_problems(path: Path) -> None:
    assert found(path) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE units SET attempt = 7 WHERE path = 'development/step-1/implement'",
            "`units` has development/step-1",
        ),
        ("UPDATE units SET since = 7 WHERE path = 'later'", "`units` has later"),
        ("UPDATE units SET state = 'running' WHERE path = 'later'", "`units` has later"),
        (
            "DELETE FROM units WHERE path = 'development/step-0/implement'",
            "`units` lacks development/step-0/implement",
        ),
        ("UPDATE totals SET n = 8 WHERE state = 'completed'", "`totals` says that 8"),
        ("DELETE FROM totals WHERE state = 'pending'", "`totals` lacks the task units that are pending"),
        ("INSERT INTO totals VALUES ('run-1', 'task', 'failed', 1)", "`totals` says that 1"),
        ("UPDATE texts SET text = 'another'", "the text "),
        (
            "CREATE TRIGGER quiet AFTER INSERT ON transitions BEGIN SELECT 1; END",
            "quiet was added to a table",
        ),
        ("DROP VIEW v_timeline", "the schema lacks v_timeline"),
        ("UPDATE transitions SET at = 0 WHERE seq = 3", "the chain is broken"),
    ],
)
def test_what_was_changed_is_named(path: Path, statement: str, said: str) -> None:
    tampered(path, statement)

    assert said in found(path)[0]


def test_a_column_of_another_type_is_a_problem_and_no_crash(path: Path) -> None:
    tampered(
        path,
        "UPDATE units SET machine = x'00', state = 7 WHERE path = 'later'",
        "UPDATE texts SET text = 7.5",
        "UPDATE transitions SET hash = x'00', epoch = 'soon' WHERE seq = 3",
    )

    assert len(found(path)) > 3
