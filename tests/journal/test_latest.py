"""What a supervisor reads at its start: one pass, in which chain and fold are checked, and what that costs."""

import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import FrameType

import pytest

from bench.plans import AT, history, plan
from fsm.engine import seeds
from fsm.errors import SprintError
from fsm.machine import EVENTS
from fsm.plan import dump
from fsm.sprint import Sprint, fold
from fsm.states import INITIAL, Machine
from fsm.transition import SPRINT_UNIT
from fsm.unit import Unit
from journal.errors import JournalDamaged
from journal.store import SqliteJournal
from tests.journal.harm import tampered, written
from tests.journal.rows import life, row

LEAVES = 500
ROWS = 10_000


def test_only_the_latest_run_is_given_and_its_rows_are_those_of_read(tmp_path: Path) -> None:
    with SqliteJournal.open(tmp_path / "journal.db", primed=0) as journal:
        for one in [*life(7), *life(9, first=8, run="run-2", epoch=2)]:
            journal.append(one)
        journal.commit()
        journal.append(row(17, "note", run="run-2", epoch=2))

        assert list(journal.latest()) == list(journal.read("run-2"))


def test_an_empty_journal_has_no_latest_run(tmp_path: Path) -> None:
    with SqliteJournal.open(tmp_path / "journal.db", primed=0) as journal:
        assert list(journal.latest()) == []


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE transitions SET facts = '{}' WHERE seq = 5",
        "UPDATE transitions SET at = 'later' WHERE seq = 5",
        "UPDATE transitions SET unit = x'80' WHERE seq = 5",
        "DELETE FROM transitions WHERE seq = 5",
    ],
)
def test_damage_that_is_left_to_the_reading_is_found_by_it(tmp_path: Path, harm: str) -> None:
    written(tmp_path / "journal.db")
    tampered(tmp_path / "journal.db", harm)

    with (
        SqliteJournal.open(tmp_path / "journal.db", primed=0, chain=False) as journal,
        pytest.raises(JournalDamaged, match=r"damaged at row [56]"),
    ):
        list(journal.latest())


def test_a_chain_that_is_whole_over_an_illegal_move_does_not_fold(tmp_path: Path) -> None:
    with SqliteJournal.open(tmp_path / "journal.db", primed=0) as journal:
        digest = journal.keep(dump(plan(2)))
        journal.append(row(1, "amend", facts={"plan": digest}))
        journal.append(row(2, "resume", "paused", "in-progress"))
        journal.commit()

        with pytest.raises(SprintError, match="row 2"):
            fold(journal.latest(), "run-1", journal.text)


def test_a_start_calls_little_more_than_the_moves_alone(tmp_path: Path) -> None:
    """Reading, the chain and the fold of all rows, against moving the machines by rows that are at hand."""
    path = tmp_path / "journal.db"
    with SqliteJournal.open(path, primed=0) as journal:
        sprint = Sprint("bench", journal.text)
        facts = f'{{"plan":"{journal.keep(dump(plan(LEAVES)))}"}}'
        first = row(1, "amend", run="bench")._replace(at=AT, facts=facts)
        sprint.apply(journal.append(first))
        journal.seed("bench", seeds(sprint))
        rows = list(islice(history(LEAVES, 10), ROWS))
        for one in rows:
            journal.append(one)
        journal.commit()

    def start() -> None:
        with SqliteJournal.open(path, primed=0, chain=False) as journal:
            assert fold(journal.latest(), "bench", journal.text).seq == rows[-1].seq

    def bare() -> None:
        units = {SPRINT_UNIT: Unit(SPRINT_UNIT, Machine.SPRINT, INITIAL[Machine.SPRINT])}
        for one in rows:
            unit = units.get(one.unit)
            if unit is None:
                unit = units[one.unit] = Unit(one.unit, one.machine, INITIAL[Machine(one.machine)])
            EVENTS[one.machine][one.trigger](unit)

    ratio = _calls(start) / _calls(bare)
    # 2.18 as counted; with a second reading of the rows 2.37.
    assert ratio < 2.27, f"a start makes {ratio:.2f} times the calls of the moves"


def _calls(work: Callable[[], None]) -> int:
    """How many functions are called, of Python's and of C's: unlike time, the same on a busy machine."""
    count = 0

    def counts(frame: FrameType, event: str, argument: object) -> None:  # as sys.setprofile calls it
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counts)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
