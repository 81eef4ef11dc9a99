"""What a plan can come to: what is said to be the most is never exceeded, and what can never be done is found."""

from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm.forecast import Most, Note, forecast
from fsm.hooks import is_hook
from fsm.moment import beginning
from fsm.plan import Agent, Approval, Budget, Gate, Group, Node, Plan, Retry
from fsm.retry import AGENTS
from fsm.scope import RULES, Scope
from fsm.states import SprintState
from tests.fsm.plans import back, chain, gate, leaf, phase, plan, plans, step


def kinds(made: Plan) -> list[tuple[str, str]]:
    return [(note.kind, note.unit) for note in forecast(made).notes]


def most(made: Plan) -> Most:
    return forecast(made).whole


BOUND = {"timeout": 60.0}


def test_a_plan_whose_tasks_have_timeouts_has_nothing_to_say() -> None:
    found = forecast(plan(leaf("a", **BOUND), phase("p", step("s", leaf("b", **BOUND)))))

    assert found.notes == ()
    assert found.whole == Most(attempts=2, prompts=0, ms=120_000, cost=0.0, tokens=0)


def test_a_task_without_a_timeout_may_run_for_ever() -> None:
    [note] = forecast(plan(leaf("a"))).notes

    assert note == Note("endless", "note", "a", "no timeout: it may run for ever", "set `timeout: 30m`")
    assert kinds(plan(leaf("a", idle_timeout=5.0))) == [("endless-talk", "a")]
    assert most(plan(leaf("a", idle_timeout=5.0))).ms is None


def test_tries_gates_fixes_and_other_agents_are_counted() -> None:
    retry = Retry(max_attempts=3, backoff=(1.0, 5.0))
    work = leaf(
        "a", run=None, prompt="do", retry=retry, gate=gate(2), failover=(Agent(name="codex"),), **BOUND
    )

    # Three tries by either of two agents, of which one may be locked out; the script twice, and a fix by either.
    asked, fixes = 2 * (3 + 1), 2 * (1 + 1)
    assert most(plan(work)) == Most(
        attempts=asked + 2 + fixes,
        prompts=asked + fixes,
        ms=1000 * (asked * 60 + 10 + 2 * 60 + fixes * 60),
        cost=None,
        tokens=None,
    )
    alone = most(plan(replace(work, failover=())))
    assert (alone.attempts, alone.ms) == (6, 1000 * (3 * 60 + 6 + 2 * 60 + 60))


def test_a_final_gate_runs_once() -> None:
    assert most(plan(leaf("a", gate=Gate(script="x", timeout=5), **BOUND))).attempts == 2


def test_the_sprints_retry_holds_for_prompts_that_have_none() -> None:
    asking = [
        leaf(name, run=None, prompt="do", **more) for name, more in (("a", {}), ("b", {"retry": Retry()}))
    ]

    assert most(plan(*asking, leaf("c"), retry=Retry(max_attempts=5))).attempts == 7
    assert most(plan(*asking, leaf("c"))).attempts == AGENTS.max_attempts + 2
    assert most(plan(leaf("a", on_lost="retry"))).attempts == 2


def test_budgets_bound_what_is_spent_but_not_the_time() -> None:
    paid = leaf("a", run=None, prompt="do", retry=Retry(), budget=Budget(cost_usd=2.0, tokens=100), **BOUND)
    inside = phase(
        "p", step("s", replace(paid, id="b")), step("t", replace(paid, id="c")), budget=Budget(cost_usd=3.0)
    )

    assert (most(plan(paid)).cost, most(plan(paid)).tokens) == (2.0, 100)
    assert (most(plan(paid, inside)).cost, most(plan(paid, inside)).tokens) == (5.0, 300)
    assert (
        most(plan(paid, leaf("d", run=None, prompt="do"), budget=Budget(cost_usd=4.0, wall=1.0))).cost == 4.0
    )
    assert most(plan(paid, budget=Budget(wall=1.0))).ms == 60_000


def test_a_bound_on_attempts_that_is_too_small_can_never_be_kept() -> None:
    three = [leaf(name, **BOUND) for name in "abc"]

    assert kinds(plan(*three, budget=Budget(attempts=2))) == [("budget-attempts", "")]
    assert kinds(plan(phase("p", step("s", *three), budget=Budget(attempts=2)))) == [("budget-attempts", "p")]
    assert most(plan(leaf("a", retry=Retry(max_attempts=9)), most_attempts=5)).attempts == 6


def test_a_limit_of_nothing_lets_nothing_start() -> None:
    assert kinds(plan(leaf("a", **BOUND), concurrency=0)) == [("no-slot", ""), ("unreached", "a")]
    asking = plan(leaf("a", **BOUND), leaf("b", run=None, prompt="do", **BOUND), agents=0)
    assert kinds(asking) == [("no-agent", "b"), ("unreached", "b")]


def test_steps_that_wait_for_one_another_are_found_with_what_comes_after_them() -> None:
    s, t = step("s", leaf("a", **BOUND), depends_on=("t",)), step("t", leaf("b", **BOUND), depends_on=("s",))
    found = forecast(plan(phase("p", s, t), leaf("c", **BOUND)))

    assert [(note.kind, note.unit) for note in found.notes] == [
        ("circle", "p"),
        ("unreached", "p/s/a"),
        ("unreached", "p/t/b"),
        ("unreached", "c"),
    ]
    assert found.notes[0].what == "steps that wait for one another: s → t → s"


def test_whatever_waits_for_something_endless_is_named() -> None:
    first = plan(back("a"), back("b", **BOUND), leaf("c", wait=True, **BOUND))
    assert kinds(first) == [("endless", "a"), ("endless-sync", "c")]
    assert kinds(plan(back("a"), leaf("c", **BOUND))) == [("endless", "a"), ("endless-sync", "")]
    shared = plan(leaf("a", exclusive="db"), leaf("b", exclusive="db", **BOUND))
    assert kinds(shared) == [("endless", "a"), ("endless-mutex", "b")]
    fixed = plan(phase("p", step("s", leaf("a", **BOUND)), gate=gate(2)))
    assert kinds(fixed) == [("endless-fix", "p")]
    assert kinds(plan(phase("p", step("s", leaf("a", **BOUND)), gate=gate(1)))) == []


def test_a_person_may_take_for_ever_unless_the_time_is_bounded() -> None:
    assert kinds(plan(leaf("a", approval=Approval(message="?"), **BOUND))) == [("endless-approval", "a")]
    assert kinds(plan(leaf("a", approval=Approval(message="?", timeout=5.0), **BOUND))) == []


def test_every_task_of_a_small_plan_is_made_to_fail_once() -> None:
    found = forecast(
        plan(leaf("a"), back("b"), leaf("c", breaks=True, gate=gate(2)), on_parallel_failure="block")
    )

    assert (found.play.tasks, found.play.failing, found.play.stuck, found.play.unreached) == (3, 3, (), ())


def test_what_is_too_large_is_not_played_and_that_is_said() -> None:
    assert forecast(chain(200)).play[:2] == (200, 25)
    assert forecast(chain(4001)).play == (0, 0, (), ())


@settings(max_examples=150, deadline=None)
@given(
    plans(), st.lists(st.sampled_from(["ok", "failed", "overloaded", "auth", "lost"]), min_size=1, max_size=7)
)
def test_no_life_of_a_supervisor_takes_more_than_is_said(made: Plan, verdicts: list[str]) -> None:
    made = replace(made, phases=tuple(_with_others(node) for node in made.phases))
    moment = beginning(made, RULES, Scope(("ok",), limit=2, faults=False))
    endless = cycle(verdicts)
    moment.play(lambda path: next(endless))

    spawned = {path: unit.attempt for path, unit in moment.sprint.units.items() if unit.attempt}
    units = dict(forecast(made).units)
    owned: dict[str, int] = {}
    for path, count in spawned.items():
        owner = path if is_hook(path) else path.partition("#")[0]
        owned[owner] = owned.get(owner, 0) + count

    assert sum(spawned.values()) <= most(made).attempts
    assert all(count <= units[path].attempts for path, count in owned.items())


def _with_others(node: Node) -> Node:
    """Every prompt may be answered by any of three agents."""
    if isinstance(node, Group):
        return replace(node, children=tuple(_with_others(child) for child in node.children))
    return replace(node, failover=(Agent(name="codex"), Agent(name="gemini")))


@settings(max_examples=100, deadline=None)
@given(plans())
def test_every_plan_that_compiles_can_be_completed_whichever_task_fails(made: Plan) -> None:
    play = forecast(made).play

    assert (play.stuck, play.unreached) == ((), ())


def test_a_core_that_never_tries_again_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwilling(sprint, who, why):
        yield from ()

    monkeypatch.setattr("fsm.forecast.RULES", replace(RULES, resume=unwilling))

    [note] = [note for note in forecast(plan(leaf("a", **BOUND))).notes if note.kind == "stuck"]
    assert (note.severity, note.unit) == ("error", "a")
    assert SprintState.BLOCKED not in note.what
