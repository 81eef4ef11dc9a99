"""Rows against the law: each way of breaking it is found, and found once."""

from collections.abc import Callable

import pytest

from fsm.transition import Transition
from journal.codec import seal
from journal.replay import chained, verify
from tests.journal.rows import life, row

Rows = list[Transition]


def sealed(rows: Rows) -> Rows:
    previous, out = "", []
    for one in rows:
        out.append(seal(previous, one))
        previous = out[-1].hash
    return out


GOOD = sealed(list(life(12)))
TASK = {"unit": "a", "machine": "task"}


def resealed(change: Callable[[Rows], None]) -> Rows:
    """Rows changed by somebody who can compute hashes."""
    rows = [one._replace(hash="") for one in GOOD]
    change(rows)
    return sealed(rows)


def test_a_good_journal_has_no_problems() -> None:
    assert not list(verify(GOOD))
    assert not list(chained(GOOD))
    assert not list(chained(GOOD[5:], (5, GOOD[4].hash)))
    assert not list(verify([]))


@pytest.mark.parametrize("field", Transition._fields[1:])
def test_a_change_of_any_column_breaks_the_chain_there(field: str) -> None:
    value = getattr(GOOD[4], field)
    changed = [*GOOD]
    changed[4] = changed[4]._replace(**{field: value + 1 if isinstance(value, int) else value + "x"})

    found = list(chained(changed))

    # A changed hash is seen by its own row and by the next.
    assert [problem.seq for problem in found] == ([5, 6] if field == "hash" else [5])
    assert next(iter(verify(changed))).seq == 5


@pytest.mark.parametrize("value", [None, 3, 2.5, b"x"])
@pytest.mark.parametrize("field", Transition._fields)
def test_a_column_of_a_wrong_type_is_a_problem_and_no_crash(field: str, value: object) -> None:
    if isinstance(getattr(GOOD[4], field), type(value)):
        value = "3"
    changed = [*GOOD]
    changed[4] = changed[4]._replace(**{field: value})

    assert next(iter(verify(changed))).seq == 5


def test_a_missing_row_is_a_gap() -> None:
    found = list(verify(GOOD[:4] + GOOD[5:]))

    assert found[0] == (6, "row 6 follows row 4")


def test_swapped_rows_are_found() -> None:
    rows = [*GOOD]
    rows[4], rows[7] = rows[7]._replace(seq=5), rows[4]._replace(seq=8)

    assert {problem.seq for problem in chained(rows)} >= {5, 8}


def test_a_missing_beginning_is_a_gap() -> None:
    assert next(iter(verify(GOOD[3:]))).message == "row 4 follows row 0"


def test_a_move_that_no_table_has_is_found_although_the_chain_holds() -> None:
    def change(rows: Rows) -> None:
        rows[3] = rows[3]._replace(trigger="spawn", source="running", dest="completed")

    rows = resealed(change)

    assert not list(chained(rows))
    assert list(verify(rows)) == [
        (4, "no task goes from running to completed by spawn (development/step-0/implement)"),
        (4, "attempt 1 of development/step-0/implement was spawned before"),
    ]


def test_a_move_from_where_the_unit_was_not_is_found() -> None:
    rows = sealed(
        [row(1, "start", "spawned", "running", **TASK), row(2, "start", "spawned", "running", **TASK)]
    )

    assert list(verify(rows)) == [
        (1, "a was the task in state pending, not the task in spawned"),
        (2, "a was the task in state running, not the task in spawned"),
    ]


def test_a_unit_keeps_its_machine() -> None:
    rows = sealed(
        [
            row(1, "note", "pending", "pending", **TASK),
            row(2, "note", "pending", "pending", unit="a", machine="group"),
        ]
    )

    assert [problem.seq for problem in verify(rows)] == [2]


def test_an_epoch_never_falls_even_from_run_to_run() -> None:
    rows = sealed(
        [row(1, epoch=3), row(2, epoch=3, run="run-2"), row(3, epoch=2, run="run-2"), row(4, epoch=3)]
    )

    assert list(verify(rows)) == [(3, "epoch 2 after epoch 3")]


def test_an_attempt_is_spawned_once() -> None:
    spawn, abort = ("spawn", "pending", "spawned"), ("abort", "spawned", "pending")
    rows = [
        row(1, *spawn, attempt=1, **TASK),
        row(2, *abort, attempt=1, **TASK),
        row(3, *spawn, attempt=1, **TASK),
    ]

    assert list(verify(sealed(rows))) == [(3, "attempt 1 of a was spawned before")]


def test_units_of_two_runs_are_two_units() -> None:
    rows = sealed(
        [
            row(1, "start", "not-started", "in-progress"),
            row(2, "start", "not-started", "in-progress", run="run-2"),
        ]
    )

    assert not list(verify(rows))
