"""What holds work back and what a failure beside the main line means: mutexes, agents, dependencies, sync points."""

import pytest

from fsm.plan import Plan, Retry
from tests.fsm.plans import back, gate, leaf, phase, plan, step
from tests.fsm.scripted import FAIL, OK, End, World, by_unit, say, sprint_rows, states, supervise

SLOW = End(lasts=1000)


def ended(made: Plan, limit: int = 4, **ends: list[End]) -> tuple[World, dict[str, str]]:
    world = World(by_unit(OK, {path.replace("__", "/"): found for path, found in ends.items()}))
    return world, states(supervise(world, made, limit=limit))


def three(policy: str, *, parallel: bool = True, depends: bool = True, **of: object) -> Plan:
    """`t` depends on `s`, `u` on `t`, and `v` on nobody."""

    def after(*names: str) -> tuple[str, ...]:
        return names if depends else ()

    return plan(
        phase(
            "p",
            step("s", leaf("l"), **of),
            step("t", leaf("l"), depends_on=after("s")),
            step("u", leaf("l"), depends_on=after("t")),
            step("v", leaf("l")),
            parallel=parallel,
            on_dependency_failure=policy,
        ),
        leaf("x"),
    )


# Mutexes and agents


def test_two_leaves_of_one_mutex_never_overlap():
    steps = [step(f"s{n}", leaf("l", exclusive="database")) for n in range(3)]
    world, _ = ended(plan(phase("p", *steps, step("free", leaf("l")), parallel=True)))

    assert world.executed == ["p/s0/l", "p/free/l", "p/s1/l", "p/s2/l"]
    assert world.at_once == 2


def test_a_mutex_is_held_until_the_gate_has_spoken():
    steps = [step(f"s{n}", leaf("l", exclusive="m", gate=gate())) for n in range(2)]
    world, _ = ended(plan(phase("p", *steps, parallel=True)))

    assert world.executed == ["p/s0/l", "p/s0/l#gate", "p/s1/l", "p/s1/l#gate"]


def test_a_mutex_is_free_while_its_leaf_waits_to_be_tried_again():
    later = Retry(max_attempts=2, backoff=(60.0,))
    steps = [step(f"s{n}", leaf("l", exclusive="m", retry=later)) for n in range(2)]
    world, _ = ended(plan(phase("p", *steps, parallel=True)), p__s0__l=[FAIL, OK])

    assert world.executed == ["p/s0/l", "p/s1/l", "p/s0/l"]


def test_only_so_many_agents_are_prompted_at_once():
    steps = [step(f"s{n}", leaf("l", run=None, prompt="do it")) for n in range(3)]
    made = plan(phase("p", *steps, step("shell", leaf("l")), parallel=True), agents=1)
    world, _ = ended(made)

    assert world.executed == ["p/s0/l", "p/shell/l", "p/s1/l", "p/s2/l"]


def test_a_background_leaf_that_a_mutex_holds_back_lets_the_others_pass():
    made = plan(back("a", exclusive="m"), back("b", exclusive="m"), back("c"), leaf("x"))
    world, _ = ended(made, a=[SLOW])

    assert world.executed == ["a", "c", "x", "b"]


# Dependencies


@pytest.mark.parametrize("parallel", [True, False])
def test_a_failed_step_fails_its_phase_where_nothing_else_is_said(parallel: bool):
    world, found = ended(three("fail-phase", parallel=parallel), 1, p__s__l=[FAIL])

    assert found["p"] == "failed"
    assert world.executed == ["p/s/l"]
    assert sprint_rows(world, "block")[0]["unit"] == "p/s/l"


@pytest.mark.parametrize("parallel", [True, False])
def test_only_those_that_depend_on_a_failed_step_are_left_out(parallel: bool):
    world, found = ended(three("skip-dependents", parallel=parallel), 1, p__s__l=[FAIL])

    assert {path: state for path, state in found.items() if path.count("/") == 1} == {
        "p/s": "failed",
        "p/t": "skipped",
        "p/u": "skipped",
        "p/v": "completed",
    }
    assert (found["p"], found["p/t/l"], found["x"]) == ("failed", "skipped", "pending")
    assert sprint_rows(world, "block") == [{"unit": "p", "why": "1 of 4 steps failed", "kind": "failed"}]


@pytest.mark.parametrize("parallel", [True, False])
def test_they_run_after_all_when_what_they_depend_on_is_tried_again(parallel: bool):
    world, _ = ended(three("skip-dependents", parallel=parallel), 1, p__s__l=[FAIL, OK])

    assert supervise(world).state == "completed"
    assert world.executed == ["p/s/l", "p/v/l", "p/s/l", "p/t/l", "p/u/l", "x"]


@pytest.mark.parametrize("parallel", [True, False])
def test_they_stay_left_out_of_a_phase_that_has_ended_without_them(parallel: bool):
    """Somebody has run again what had failed, and was told that what comes after it stays as it is."""
    made = three("skip-dependents", parallel=parallel)
    world = World(by_unit(OK, {"p/s/l": [FAIL, OK], "x": [FAIL, OK]}))
    supervise(world, made)
    assert say(world, "retry", "p/s/l") == "p/s/l runs again; what came after it stays as it is: p/t/l, p/u/l"
    sprint = supervise(world)
    assert (sprint.state, states(sprint)["p"]) == ("blocked", "completed")

    sprint = supervise(world)
    found = states(sprint)
    assert (sprint.state, found["p/t"], found["p/u"]) == ("completed", "skipped", "skipped")
    assert world.executed == ["p/s/l", "p/v/l", "p/s/l", "x", "x"]


@pytest.mark.parametrize("parallel", [True, False])
def test_a_step_whose_gate_gave_up_is_a_failed_step(parallel: bool):
    """And again after it was tried anew, when those that were left out are in progress once more."""
    made = three("skip-dependents", parallel=parallel, gate=gate(tries=1))
    world, found = ended(made, 1, **{"p__s#gate": [FAIL, FAIL, OK]})
    assert (found["p/s"], found["p/t"], found["p/v"], found["p"]) == (
        "failed",
        "skipped",
        "completed",
        "failed",
    )

    again = supervise(world)
    assert (again.state, states(again)["p/t"]) == ("blocked", "skipped")
    assert supervise(world).state == "completed"
    assert world.counts == {"p/s/l": 1, "p/s#gate": 3, "p/t/l": 1, "p/u/l": 1, "p/v/l": 1, "x": 1}
    assert not [facts for facts in sprint_rows(world, "block") if facts["kind"] == "stuck"]


@pytest.mark.parametrize("parallel", [True, False])
def test_others_go_on_as_if_it_had_not_failed(parallel: bool):
    world, found = ended(three("continue", parallel=parallel), 1, p__s__l=[FAIL])

    assert found["p"] == "failed"
    assert world.executed == ["p/s/l", *sorted(["p/t/l", "p/u/l", "p/v/l"])]


@pytest.mark.parametrize("policy", ["fail-phase", "skip-dependents", "continue"])
def test_where_each_step_waits_for_the_one_before_a_failure_blocks_with_its_reason(policy: str):
    world, found = ended(three(policy, parallel=False, depends=False), p__s__l=[FAIL, OK])

    assert (found["p"], found["p/s"], found["p/t"]) == ("failed", "failed", "pending")
    assert [facts["unit"] for facts in sprint_rows(world, "block")] == ["p/s/l"]
    assert supervise(world).state == "completed"


# Failures in the background


@pytest.mark.parametrize("policy", ["warn", "block"])
@pytest.mark.parametrize("where", ["sprint", "point"])
def test_what_failed_in_the_background_is_told_at_the_next_sync_point(policy: str, where: str):
    mine = {"on_parallel_failure": policy} if where == "point" else {}
    whole = {"on_parallel_failure": policy if where == "sprint" else "warn"}
    made = plan(back("b"), leaf("a"), phase("w", wait=True, **mine), leaf("x"), **whole)
    world, found = ended(made, b=[FAIL, OK])

    if policy == "warn":
        assert (found["b"], found["x"]) == ("failed", "completed")
        assert sprint_rows(world, "complete") == [{"failed": ["b"]}]
        return
    (facts,) = sprint_rows(world, "block")
    assert (facts["kind"], facts["failed"]) == ("background", ["b"])
    assert found["x"] == "pending"
    assert supervise(world, limit=4).state == "completed"
    assert world.counts == {"b": 2, "a": 1, "x": 1}


def test_the_end_of_the_sprint_is_such_a_point():
    world, found = ended(
        plan(back("b"), leaf("a"), on_parallel_failure="block"), b=[SLOW._replace(verdict="failed"), OK]
    )

    assert found["a"] == "completed"
    assert sprint_rows(world, "block")[0]["kind"] == "background"
    assert supervise(world, limit=2).state == "completed"


def test_a_failure_that_was_told_and_let_pass_is_not_told_again():
    made = plan(back("b"), leaf("w", wait=True), leaf("v", wait=True))
    world, _ = ended(made, b=[FAIL])

    assert [(facts["unit"], facts["failed"]) for facts in sprint_rows(world, "tolerate")] == [("w", ["b"])]
    assert world.executed == ["b", "w", "v"]
