"""The tables are the law: what they say is what the machines do, row by row and for every move they do not have."""

from collections import Counter
from dataclasses import dataclass

import pytest
import transitions

from fsm.errors import IllegalMove
from fsm.machine import EVENTS, MACHINES, allowed, destination
from fsm.states import AT_REST, ENDED, ENDED_WELL, INITIAL, LIVE, GroupState, Machine, SprintState, TaskState
from fsm.tables import STATES, TABLES, Row


@dataclass(slots=True)
class Thing:
    state: str


ROWS = [(name, row) for name, rows in TABLES.items() for row in rows]
TRIGGERS = {name: sorted({row.trigger for row in rows}) for name, rows in TABLES.items()}
ILLEGAL = [
    (name, state, trigger)
    for name in TABLES
    for state in STATES[name]
    for trigger in TRIGGERS[name]
    if not any((row.source, row.trigger) == (state, trigger) for row in TABLES[name])
]
FOR_GOOD = {
    Machine.WORKTREE: set(),
    Machine.NOTICE: {"sent"},
    Machine.TASK: set(),
    Machine.GROUP: set(),
    Machine.SPRINT: set(),
}
"""States that are left by nothing but a note. Even a terminal state has a way out: a person may run it again."""


def label(value: object) -> str | None:
    return f"{value.source}-{value.trigger}" if isinstance(value, Row) else None


@pytest.mark.parametrize(("name", "row"), ROWS, ids=label)
def test_a_legal_move_leads_where_the_table_says(name: str, row: Row):
    thing = Thing(row.source)
    EVENTS[name][row.trigger](thing)

    assert row.dest == thing.state
    assert row.dest == destination(name, row.trigger, row.source, "u")
    assert row.trigger in allowed(name, row.source)


@pytest.mark.parametrize(("name", "state", "trigger"), ILLEGAL)
def test_an_illegal_move_changes_nothing_and_names_what_is_allowed(name: str, state: str, trigger: str):
    thing = Thing(state)
    with pytest.raises(transitions.MachineError):
        EVENTS[name][trigger](thing)
    with pytest.raises(IllegalMove) as refused:
        destination(name, trigger, state, "some/unit")

    assert state == thing.state
    assert f"some/unit: a {name} that is {state} cannot {trigger}" == str(refused.value)
    assert refused.value.hint is not None
    assert ", ".join(allowed(name, state)) in refused.value.hint


def test_a_near_miss_is_answered_with_what_was_meant():
    with pytest.raises(IllegalMove) as refused:
        destination(Machine.TASK, "spwan", "pending", "u")

    assert refused.value.hint is not None
    assert refused.value.hint.startswith("did you mean spawn?")


@pytest.mark.parametrize("name", TABLES)
def test_a_move_has_one_outcome(name: str):
    pairs = Counter((row.trigger, row.source) for row in TABLES[name])

    assert [pair for pair, count in pairs.items() if count > 1] == []


@pytest.mark.parametrize("name", TABLES)
def test_every_state_can_be_reached(name: str):
    reached = {str(INITIAL[Machine(name)])}
    while True:
        more = {row.dest for row in TABLES[name] if row.source in reached} - reached
        if not more:
            break
        reached |= more

    assert set(STATES[name]) == reached


@pytest.mark.parametrize("name", TABLES)
def test_every_state_has_a_way_out(name: str):
    left = {row.source for row in TABLES[name] if row.source != row.dest}

    assert FOR_GOOD[Machine(name)] == set(STATES[name]) - left


@pytest.mark.parametrize("name", TABLES)
def test_the_machine_holds_the_rows_of_the_table_and_nothing_else(name: str):
    held = Counter((t.source, t.dest) for t in MACHINES[name].get_transitions())
    by_trigger = {
        (trigger, t.source, t.dest)
        for trigger in MACHINES[name].events
        for t in MACHINES[name].get_transitions(trigger)
    }

    assert Counter((row.source, row.dest) for row in TABLES[name]) == held
    assert {(row.trigger, row.source, row.dest) for row in TABLES[name]} == by_trigger
    assert list(STATES[name]) == list(MACHINES[name].states)
    assert str(INITIAL[Machine(name)]) == MACHINES[name].initial


@pytest.mark.parametrize("name", TABLES)
def test_the_machine_does_no_work_of_its_own(name: str):
    machine = MACHINES[name]
    hooks = [
        machine.prepare_event,
        machine.before_state_change,
        machine.after_state_change,
        machine.finalize_event,
    ]
    per_state = [hook for state in machine.states.values() for hook in (state.on_enter, state.on_exit)]
    per_move = [
        hook for t in machine.get_transitions() for hook in (t.prepare, t.conditions, t.before, t.after)
    ]

    assert [hook for hook in hooks + per_state + per_move if hook] == []
    assert machine.models == []


@pytest.mark.parametrize(("name", "row"), ROWS, ids=label)
def test_every_row_says_what_it_means(name: str, row: Row):
    assert row.meaning
    assert row.meaning[0].islower()
    assert not row.meaning.endswith(".")


def test_a_task_that_was_only_spawned_can_but_start_be_aborted_or_stopped():
    """`spawned` means that GO was never sent: no verdict of any kind can follow."""
    moves = {row.trigger for row in TABLES[Machine.TASK] if row.source == "spawned" != row.dest}

    assert {"start", "abort", "stop"} == moves


def test_stopping_is_left_only_by_a_verdict():
    moves = {row.trigger for row in TABLES[Machine.TASK] if row.source == "stopping" != row.dest}

    assert {"succeed", "verify", "fail", "cancel"} == moves


def test_every_state_of_rest_can_be_resumed_and_retried():
    for state in AT_REST:
        assert {"resume", "retry"} <= set(allowed(Machine.SPRINT, state))
        assert destination(Machine.SPRINT, "resume", state, "#sprint") == "in-progress"


def test_the_sets_of_states_are_states():
    assert set(TaskState) >= LIVE | ENDED
    assert ENDED > ENDED_WELL
    assert not LIVE & ENDED
    assert set(GroupState) >= ENDED
    assert set(SprintState) - {"not-started", "in-progress"} == AT_REST
