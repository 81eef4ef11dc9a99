"""The model checker holds for what is shipped, finds what is broken, and its abstraction loses nothing."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from fsm import decide, machine
from fsm.bounds import BOUNDS, Finding
from fsm.check import LAWS, Proof, Subject, deep_subjects, prove, subjects, uncovered
from fsm.effects import Attach, Effect, Go, Stop
from fsm.events import Asked, Ended, Event, Learnt
from fsm.explore import explore
from fsm.moment import RUN, Moment, beginning
from fsm.owed import owed
from fsm.scope import RULES, Kind, Rules, Scope, verdicts
from fsm.snapshot import copied
from fsm.sprint import Sprint
from fsm.states import SprintState, TaskState
from fsm.steps import steps
from fsm.tables import STATES, TABLES, Row
from fsm.transition import SPRINT_UNIT, Move, Transition
from fsm.verdicts import VERDICTS
from tests.fsm.plans import back, gate, leaf, phase, plan, step

pytestmark = pytest.mark.timeout(600)  # nothing here waits; a busy machine takes its time

FEW = Scope(("ok", "failed"), people=frozenset({Kind.STOP, Kind.CANCEL}))
ONE = Subject(name="one", what="one task", plan=plan(leaf("a")), scope=FEW)


@pytest.fixture(scope="module")
def proof() -> Proof:
    return prove()


def test_every_law_holds_for_what_is_shipped(proof: Proof) -> None:
    assert [str(found) for found in proof.findings] == []
    assert proof.holds


def test_every_exploration_is_exhaustive(proof: Proof) -> None:
    assert [one.name for one in proof.looked] == [one.name for one in subjects()]
    assert all(one.complete for one in proof.looked)
    assert sum(one.steps for one in proof.looked) > 50_000


def test_the_same_is_explored_every_time() -> None:
    first, second = (explore(ONE.plan, FEW) for _ in range(2))

    assert (first.parents, first.steps, first.rows) == (second.parents, second.steps, second.rows)


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("subject", deep_subjects(), ids=lambda one: one.name)
def test_every_law_holds_whatever_may_happen(subject: Subject) -> None:
    proof = prove([subject], most=1_000_000)

    assert [str(found) for found in proof.findings] == []
    assert proof.holds


# --------------------------------------------------------------------------------------------- broken decisions


def _recover_nothing(sprint: Sprint, now: int, *, copied: bool = False) -> Iterator[Move]:
    yield from ()


def _abort_all(sprint: Sprint, now: int, *, copied: bool = False) -> Iterator[Move]:
    for unit in list(sprint.live.values()):
        if unit.state in (TaskState.SPAWNED, TaskState.RUNNING):
            yield Move(unit.path, "abort", {}, unit.attempt)


def _without(kind: type) -> Callable[[Sprint], list[Effect]]:
    return lambda sprint: [effect for effect in owed(sprint) if not isinstance(effect, kind)]


def _deaf_while_stopping(sprint: Sprint, event: Event, now: int) -> Iterator[Move]:
    if not (isinstance(event, Ended) and sprint.units[event.unit].state == TaskState.STOPPING):
        yield from decide.react(sprint, event, now)


def _hears_twice(sprint: Sprint, event: Event, now: int) -> Iterator[Move]:
    if isinstance(event, Ended) and event.unit not in sprint.live:
        yield Move(event.unit, "note", {}, event.attempt)
    yield from decide.react(sprint, event, now)


def _gives_up_early(sprint: Sprint, event: Event, now: int) -> Iterator[Move]:
    if isinstance(event, Learnt) and sprint.units[event.unit].state == TaskState.RUNNING:
        yield Move(event.unit, "fail", {"verdict": "failed"}, event.attempt)
    yield from decide.react(sprint, event, now)


def _cancels_the_sprint_alone(sprint: Sprint, event: Event, now: int) -> Iterator[Move]:
    if isinstance(event, Asked) and event.verb == "cancel":
        if sprint.state not in (SprintState.CANCELLED, SprintState.COMPLETED):
            yield Move(SPRINT_UNIT, "cancel", {})
        return
    yield from decide.react(sprint, event, now)


def _refuses_to_cancel(sprint: Sprint, event: Event, now: int) -> Iterator[Move]:
    if not (isinstance(event, Asked) and event.verb == "cancel"):
        yield from decide.react(sprint, event, now)


def _waits_without_a_word(sprint: Sprint, event: Event, now: int) -> Iterator[Move]:
    for move in decide.react(sprint, event, now):
        facts = {name: value for name, value in move.facts.items() if name != "why"}
        yield move._replace(facts=facts) if move.trigger == "delay" else move


def _nothing(*_: Any) -> Iterator[Move]:
    yield from ()


def _resumes_without_retrying(sprint: Sprint, who: str, why: str) -> Iterator[Move]:
    yield Move(SPRINT_UNIT, "retry" if sprint.state == SprintState.BLOCKED else "resume", {})


BROKEN = [
    ("one attempt", "what runs is aborted", Rules(recover=_abort_all)),
    ("one attempt", "what runs is given up", Rules(react=_gives_up_early)),
    ("one end", "the end of what stops is not heard", Rules(react=_deaf_while_stopping)),
    ("one end", "an end is heard twice", Rules(react=_hears_twice)),
    ("recovery", "nothing is recovered", Rules(recover=_recover_nothing)),
    ("recovery", "nothing is adopted", Rules(owed=_without(Attach))),
    ("recovery", "it waits, and nobody can know for what", Rules(react=_waits_without_a_word)),
    ("cancel", "nothing is signalled", Rules(owed=_without(Stop))),
    ("cancel", "tasks go on in a cancelled sprint", Rules(react=_cancels_the_sprint_alone)),
    ("cancel", "to cancel is refused", Rules(react=_refuses_to_cancel)),
    ("completes", "no gate is opened", Rules(owed=_without(Go))),
    ("completes", "what has failed is not tried again", Rules(resume=_resumes_without_retrying)),
    ("way out", "nothing is started", Rules(proceed=_nothing)),
    ("rest", "nothing is set going", Rules(resume=_nothing)),
]


@pytest.mark.parametrize(
    ("law", "what", "rules"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_broken_decision_is_found(law: str, what: str, rules: Rules) -> None:
    retried = Subject(name="retried", what="", plan=subjects()[0].plan, scope=FEW)
    found = {one.law: one for one in prove([retried], rules=rules).findings}

    assert law in found
    assert found[law].path


def test_a_counterexample_is_a_short_story() -> None:
    [found] = [
        one for one in prove([ONE], rules=Rules(recover=_abort_all)).findings if one.law == "one attempt"
    ]

    assert str(found).splitlines() == [
        "one attempt: attempt 1 of a is aborted although it ran (plan: one)",
        "  1. run",
        "  2. a: its shim is ready",
        "  3. the turn ends",
        "  4. the supervisor dies",
        "  5. run",
    ]


# ------------------------------------------------------------------------------------------------- broken tables


def less(name: str, trigger: str, source: str) -> dict[str, tuple[Row, ...]]:
    rows = tuple(row for row in TABLES[name] if (row.trigger, row.source) != (trigger, source))
    assert len(rows) == len(TABLES[name]) - 1
    return {**TABLES, name: rows}


def more(name: str, trigger: str, source: str, dest: str) -> dict[str, tuple[Row, ...]]:
    return {**TABLES, name: (*TABLES[name], Row(trigger, source, dest, "broken"))}


TORN = [
    (
        "one outcome",
        more("task", "wake", "waiting", "failed"),
        "wake from waiting leads to pending and to failed",
    ),
    ("reachable", less("worktree", "conflict", "merging"), "no row leads to conflict"),
    ("way out", less("worktree", "remove", "merged"), "nothing leads out of merged"),
    ("way out", less("notice", "retry", "given-up"), "nothing leads out of given-up"),
    ("bound", less("task", "wake", "waiting"), "waiting is to be left by wake"),
    ("bound", more("task", "forget", "running", "pending"), "nobody is said to forget what is running"),
    (
        "one attempt",
        more("task", "hurry", "pending", "running"),
        "hurry begins an attempt that was never spawned",
    ),
    ("one end", more("task", "succeed", "failed", "completed"), "succeed ends once more what has ended"),
    (
        "one end",
        more("task", "wake", "running", "pending"),
        "wake leaves an attempt of which nobody says how",
    ),
    ("recovery", less("worktree", "abandon", "creating"), "what is creating cannot abandon"),
    ("recovery", less("task", "abort", "spawned"), "what is spawned cannot abort"),
    ("cancel", less("task", "stop", "running"), "what is running cannot be cancelled"),
    ("cancel", less("sprint", "cancel", "blocked"), "what is blocked cannot be cancelled"),
]


@pytest.mark.parametrize(("law", "tables", "what"), TORN, ids=[f"{law}: {what}" for law, _, what in TORN])
def test_a_broken_table_is_found(law: str, tables: dict[str, tuple[Row, ...]], what: str) -> None:
    assert any(found.law == law and what in found.what for found in prove([], tables=tables).findings)


def test_what_is_wrong_with_a_table_is_told_with_the_way_there() -> None:
    [found] = [
        one for one in prove([], tables=less("task", "stop", "running")).findings if one.law == "cancel"
    ]

    assert found == Finding(
        "cancel",
        "task: what is running cannot be cancelled",
        ("spawn: pending → spawned", "start: spawned → running"),
    )


def test_a_row_that_nothing_explores_is_complained_about(proof: Proof) -> None:
    tables = more("group", "postpone", "in-progress", "pending")

    assert [(found.law, found.what) for found in uncovered(proof.met, tables)] == [
        ("covered", "group: no plan that is explored comes to postpone from in-progress")
    ]
    assert "group: nobody is said to postpone what is in-progress" in {
        found.what for found in prove([], tables=tables).findings
    }


def test_a_row_that_is_wrongly_said_to_be_met_by_nothing_is_complained_about(proof: Proof) -> None:
    met = proof.met | {("task", "cancel", "pending")}

    assert [found.what for found in uncovered(met, TABLES)] == [
        "task: cancel from pending is met, and is said not to be"
    ]


def test_the_shipped_decisions_over_a_table_without_one_of_their_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = ("task", "abort", "running")
    monkeypatch.setattr(machine, "_DEST", {key: to for key, to in machine._DEST.items() if key != missing})

    [found] = [one for one in prove([ONE]).findings if one.law == "legal"]

    assert "a: a task that is running cannot abort" in found.what
    assert found.path[-1] == "a: its end is seen"


def test_every_law_is_one_that_some_broken_thing_breaks() -> None:
    shown = {law for law, *_ in (*BROKEN, *TORN)} | {"legal", "covered"}

    assert shown == set(LAWS)


def test_every_state_has_a_bound_and_nothing_else_has() -> None:
    assert {name: set(found) for name, found in BOUNDS.items()} == {
        name: set(states) for name, states in STATES.items()
    }
    assert all(bound.what for found in BOUNDS.values() for bound in found.values())


# ---------------------------------------------------------------------------------------------- the abstraction


def moments(subject: Subject) -> Iterable[tuple[Moment, tuple[Transition, ...]]]:
    """Every moment that has a key of its own or is the second with it, with the rows that led to it."""
    first = beginning(subject.plan, RULES, subject.scope)
    line: list[tuple[Moment, tuple[Transition, ...]]] = [(first, ())]
    met: dict[Any, int] = {first.key(): 1}
    for moment, rows in line:
        yield moment, rows
        for one in steps(moment):
            assert one.broken is None
            key = one.after.key()
            met[key] = met.get(key, 0) + 1
            if met[key] <= 2:
                line.append((one.after, (*rows, *one.after.moved)))


SMALL = [
    ONE,
    subjects()[0],
    Subject(name="gate", what="", plan=plan(leaf("a", gate=gate(1))), scope=FEW),
    Subject(name="back", what="", plan=plan(back("a")), scope=FEW),
    Subject(name="group", what="", plan=plan(phase("p", step("s", leaf("a")))), scope=FEW),
]


@pytest.mark.parametrize("subject", SMALL, ids=lambda one: one.name)
def test_moments_with_one_key_are_followed_by_moments_with_the_same_keys(subject: Subject) -> None:
    followed: dict[Any, set[Any]] = {}
    twice = 0
    for moment, _ in moments(subject):
        after = {(one.label, one.after.key()) for one in steps(moment)}
        twice += moment.key() in followed
        assert followed.setdefault(moment.key(), after) == after
    assert twice > 50


@pytest.mark.parametrize("subject", SMALL[:2], ids=lambda one: one.name)
def test_what_is_explored_is_what_the_rows_fold_to(subject: Subject) -> None:
    for moment, rows in moments(subject):
        if moment.turning:
            continue
        again = Sprint(RUN, str)
        again.plant(subject.plan)
        for row in rows:
            again.apply(row)
        states = {path: (unit.state, unit.tries, unit.attempt) for path, unit in again.units.items()}
        assert states == {
            path: (unit.state, unit.tries, unit.attempt) for path, unit in moment.sprint.units.items()
        }


def test_a_copy_shares_nothing_that_moves() -> None:
    first = Sprint(RUN, str)
    first.plant(plan(phase("p", step("s", back("a")), step("t", leaf("b"), depends_on=("s",)))))
    second = copied(first)

    assert all(second.units[path] is not unit for path, unit in first.units.items())
    for unit in second.units.values():
        near = (unit.parent, unit.owner, unit.gate, unit.fix, *unit.children, *unit.dependents)
        assert all(one is None or one is second.units[one.path] for one in near)
    assert second.units["p"].choice is not first.units["p"].choice


def test_a_field_that_nobody_can_copy_is_complained_about() -> None:
    sprint = Sprint(RUN, str)
    sprint.plant(plan(leaf("a")))
    sprint.strange = memoryview(b"")  # type: ignore[attr-defined]

    with pytest.raises(TypeError, match="cannot copy a memoryview"):
        copied(sprint)


def test_verdicts_that_the_decisions_tell_apart_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    before = verdicts()
    monkeypatch.setitem(VERDICTS, "strange", VERDICTS["failed"]._replace(counts=False))

    assert set(before) > {"ok", "failed", "needs-human", "limit", "overloaded", "auth"}
    assert set(verdicts()) == {*before, "strange"}
