"""Gates: the script decides, the fix agent mends, and N tries are N scripts with N - 1 fixes between them."""

import pytest

from fsm.plan import Plan
from tests.fsm.plans import back, gate, leaf, phase, plan, step
from tests.fsm.scripted import (
    FAIL,
    OK,
    Died,
    End,
    Mortal,
    World,
    always,
    ask,
    by_unit,
    sprint_rows,
    states,
    supervise,
    to_the_end,
    told,
)

LOST = End("lost", "lost")
OWNERS = {
    "leaf": (lambda **of: plan(leaf("a", gate=gate(**of)), leaf("x")), "a", ["a"]),
    "sub-phase": (
        lambda **of: plan(phase("p", step("s", leaf("l", gate=gate(**of)))), leaf("x")),
        "p/s/l",
        ["p/s/l"],
    ),
    "step": (
        lambda **of: plan(phase("p", step("s", leaf("l"), gate=gate(**of))), leaf("x")),
        "p/s",
        ["p/s/l"],
    ),
    "phase": (
        lambda **of: plan(phase("p", step("s", leaf("l")), gate=gate(**of)), leaf("x")),
        "p",
        ["p/s/l"],
    ),
}
owners = pytest.mark.parametrize("owner", OWNERS)


def made(owner: str, **of: object) -> tuple[Plan, str, list[str]]:
    build, path, before = OWNERS[owner]
    return build(**of), path, before


@owners
def test_a_gate_that_passes_lets_the_main_line_go_on(owner: str):
    a_plan, path, before = made(owner)
    world = World()

    assert supervise(world, a_plan).state == "completed"
    assert world.executed == [*before, f"{path}#gate", "x"]


@owners
def test_a_fix_runs_between_two_scripts(owner: str):
    a_plan, path, before = made(owner)
    world = World(by_unit(OK, {f"{path}#gate": [FAIL, FAIL, OK]}))

    assert supervise(world, a_plan).state == "completed"
    script, fix = f"{path}#gate", f"{path}#fix"
    assert world.executed == [*before, script, fix, script, fix, script, "x"]


@owners
@pytest.mark.parametrize("tries", [1, 2, 3])
def test_n_tries_are_n_scripts_and_one_fix_less_and_then_the_sprint_is_blocked(owner: str, tries: int):
    a_plan, path, before = made(owner, tries=tries)
    world = World(by_unit(OK, {f"{path}#gate": [FAIL]}))
    sprint = supervise(world, a_plan)

    assert (sprint.state, sprint.units[path].state) == ("blocked", "failed")
    assert world.counts == {**dict.fromkeys(before, 1), f"{path}#gate": tries} | (
        {f"{path}#fix": tries - 1} if tries > 1 else {}
    )
    (reason,) = sprint_rows(world, "block")
    assert (reason["unit"], reason["kind"]) == (path, "failed")
    assert reason["why"] == f"gate failed after {tries} of {tries} tries"
    assert states(sprint)["x"] == "pending"


@owners
def test_without_a_fix_prompt_the_first_failure_is_final(owner: str):
    a_plan, path, before = made(owner, prompt=None)
    world = World(by_unit(OK, {f"{path}#gate": [FAIL]}))

    assert supervise(world, a_plan).state == "blocked"
    assert world.executed == [*before, f"{path}#gate"]
    assert sprint_rows(world, "block")[0]["why"] == "gate failed"


@owners
def test_a_gate_that_gave_up_is_tried_anew_by_the_next_run_and_the_work_stands(owner: str):
    a_plan, path, before = made(owner, tries=2)
    world = World(by_unit(OK, {f"{path}#gate": [FAIL, FAIL, FAIL, OK]}))

    assert supervise(world, a_plan).state == "blocked"
    assert supervise(world).state == "completed"
    script, fix = f"{path}#gate", f"{path}#fix"
    assert world.executed == [*before, script, fix, script, script, fix, script, "x"]


def test_the_groups_above_a_gate_that_gave_up_fail_and_are_opened_again():
    a_plan = plan(phase("p", step("s", leaf("l", gate=gate(tries=1)))))
    world = World(by_unit(OK, {"p/s/l#gate": [FAIL, OK]}))
    blocked = states(supervise(world, a_plan))

    assert [blocked[path] for path in ("p", "p/s", "p/s/l")] == ["failed"] * 3
    assert supervise(world).state == "completed"
    assert told(world, "reopen") == ["p reopen", "p/s reopen"]


@owners
def test_what_a_fix_amounts_to_is_for_the_script_to_say(owner: str):
    a_plan, path, _ = made(owner)
    world = World(by_unit(OK, {f"{path}#gate": [FAIL, OK], f"{path}#fix": [FAIL]}))

    assert supervise(world, a_plan).state == "completed"


@owners
@pytest.mark.parametrize("end", [LOST, End("timeout")], ids=["lost", "timeout"])
def test_a_script_without_an_answer_has_not_passed(owner: str, end: End):
    a_plan, path, _ = made(owner, tries=1)
    world = World(by_unit(OK, {f"{path}#gate": [end]}))

    assert supervise(world, a_plan).state == "blocked"


@owners
def test_a_script_that_never_ran_is_no_try(owner: str):
    a_plan, path, _ = made(owner, tries=1)
    world = World(by_unit(OK, {f"{path}#gate": [End("", "never-ran"), End("", "never-ran"), OK]}))

    assert supervise(world, a_plan).state == "completed"


def test_gate_and_fix_run_in_the_slot_of_their_leaf():
    a_plan = plan(phase("p", step("s", leaf("l", gate=gate())), step("t", leaf("l")), parallel=True))
    world = World(by_unit(OK, {"p/s/l#gate": [FAIL, OK]}))

    assert supervise(world, a_plan, limit=1).state == "completed"
    assert world.executed == ["p/s/l", "p/s/l#gate", "p/s/l#fix", "p/s/l#gate", "p/t/l"]


def test_the_gate_of_a_group_needs_a_slot():
    a_plan = plan(back("b"), phase("p", step("s", gate=gate())))
    world = World(by_unit(OK, {"b": [End(lasts=500)]}))
    supervise(world, a_plan, limit=1)

    assert told(world, "succeed")[:2] == ["b succeed", "p/s#gate succeed"]


def test_the_gate_of_a_phase_waits_for_the_gates_of_its_steps():
    a_plan = plan(phase("p", step("s", leaf("l", gate=gate()), gate=gate()), gate=gate()))
    world = World()
    supervise(world, a_plan)

    assert world.executed == ["p/s/l", "p/s/l#gate", "p/s#gate", "p#gate"]


def test_a_background_leaf_whose_gate_gave_up_is_tolerated():
    a_plan = plan(back("b", gate=gate(tries=1)), leaf("a"), leaf("w", wait=True))
    world = World(by_unit(OK, {"b#gate": [FAIL]}))
    sprint = supervise(world, a_plan, limit=2)

    assert (sprint.state, sprint.units["b"].state) == ("completed", "failed")


@owners
@pytest.mark.parametrize("part", ["gate", "fix"])
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_check_that_was_stopped_goes_on_where_it_stood(owner: str, part: str, stubborn: bool):
    """What was interrupted runs again; it was no try, it needs no fix, and the work before it stands."""
    a_plan, path, before = made(owner, tries=2)
    bad = FAIL._replace(stubborn=stubborn)
    slow = (
        End("failed", lasts=500, stubborn=stubborn) if part == "gate" else End(lasts=500, stubborn=stubborn)
    )
    script = [bad, slow, OK] if part == "gate" else [bad, OK]
    world = World(by_unit(OK, {f"{path}#gate": script, f"{path}#fix": [slow if part == "fix" else OK, OK]}))
    world.asked = [(60, ask("stop"))]

    assert supervise(world, a_plan).state == "paused"
    assert supervise(world).state == "completed"
    gates, fixes = f"{path}#gate", f"{path}#fix"
    if part == "gate":
        assert world.executed == [*before, gates, fixes, gates, gates, "x"]
    elif stubborn:
        assert world.executed == [*before, gates, fixes, gates, "x"]
    else:
        assert world.executed == [*before, gates, fixes, fixes, gates, "x"]


@owners
@pytest.mark.parametrize("commits", range(14))
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_resume_while_the_check_is_still_being_stopped_neither_hangs_nor_mends(
    owner: str, commits: int, stubborn: bool
):
    a_plan, path, before = made(owner, prompt=None)
    slow = End("failed", lasts=500, stubborn=stubborn)
    world = World(by_unit(OK, {f"{path}#gate": [slow, OK]}))
    world.asked = [(15, ask("stop"))]
    try:
        supervise(world, a_plan, journal=Mortal(world.rows, commits, before=False))
    except Died:
        world.supervisor_died()
    to_the_end(world, a_plan)

    assert world.counts == {**dict.fromkeys(before, 1), f"{path}#gate": 2, "x": 1}


def test_a_leaf_whose_process_ended_well_before_the_stop_took_hold_still_has_to_pass_its_gate():
    world = World(by_unit(OK, {"a": [End(lasts=50, stubborn=True)]}))
    world.asked = [(20, ask("stop"))]

    sprint = supervise(world, plan(leaf("a", gate=gate())))
    assert (sprint.state, sprint.units["a"].state) == ("paused", "verifying")
    assert supervise(world).state == "completed"
    assert world.executed == ["a", "a#gate"]


def test_a_gated_leaf_counts_one_try_although_its_gate_gave_up_once():
    world = World(by_unit(OK, {"a#gate": [FAIL, OK]}))
    a_plan = plan(leaf("a", gate=gate(tries=1)))

    assert supervise(world, a_plan).units["a"].tries == 1
    assert supervise(world).units["a"].tries == 1


def test_every_mixture_of_gates_in_a_plan_without_failures_runs_each_once():
    a_plan = plan(
        phase(
            "p",
            step("s", leaf("l", gate=gate()), gate=gate()),
            step("t", gate=gate()),
            gate=gate(),
            parallel=True,
        )
    )
    world = World(always())
    supervise(world, a_plan, limit=4)

    assert set(world.counts.values()) == {1}
    assert not [unit for unit in world.executed if unit.endswith("#fix")]
