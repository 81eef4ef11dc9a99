"""Approvals: what waits for a yes, what a no blocks, and what nobody has answered in time."""

import pytest

from fsm.plan import Approval
from tests.fsm.plans import back, gate, leaf, phase, plan, step
from tests.fsm.scripted import (
    FAIL,
    OK,
    World,
    ask,
    by_unit,
    rows,
    say,
    sprint_rows,
    states,
    supervise,
    told,
)

ASK = Approval(message="deploy?")

PLANS = {
    "a leaf": ("b", plan(leaf("a"), leaf("b", approval=ASK), leaf("c"))),
    "a phase": ("p", plan(leaf("a"), phase("p", step("s", leaf("b")), approval=ASK), leaf("c"))),
    "a step": ("p/s", plan(leaf("a"), phase("p", step("s", leaf("b"), approval=ASK)), leaf("c"))),
    "a step beside": (
        "p/s",
        plan(leaf("a"), phase("p", step("s", leaf("b"), approval=ASK), step("t"), parallel=True), leaf("c")),
    ),
    "an empty phase": ("p", plan(leaf("a"), phase("p", approval=ASK, gate=gate()), leaf("c"))),
    "a background leaf": ("b", plan(leaf("a"), back("b", approval=ASK), leaf("c", wait=True))),
    "a background leaf in a phase": (
        "p/s/b",
        plan(leaf("a"), phase("p", step("s", back("b", approval=ASK))), leaf("c", wait=True)),
    ),
}


@pytest.mark.parametrize("kind", PLANS)
def test_what_has_to_be_approved_waits_and_starts_when_it_is(kind: str):
    unit, made = PLANS[kind]
    world = World()
    sprint = supervise(world, made, limit=3)

    assert (sprint.state, states(sprint)[unit]) == ("needs-human", "waiting")
    assert world.executed == ["a"]
    assert sprint_rows(world, "ask") == [{"unit": unit, "why": "approval: deploy?", "kind": "approval"}]
    assert supervise(world, limit=3).state == "needs-human", "run again, it asks again"
    assert say(world, "approve", unit) == f"{unit} is approved"
    sprint = supervise(world, limit=3)
    assert sprint.state == "completed"
    assert set(states(sprint).values()) <= {"completed", "pending"}
    assert rows(world, unit, "wake") == [{"approved": True, "who": "ann", "why": "for a reason"}]


@pytest.mark.parametrize("kind", PLANS)
def test_what_is_rejected_blocks_the_sprint_and_can_be_skipped_or_asked_for_anew(kind: str):
    unit, made = PLANS[kind]
    world = World()
    supervise(world, made, limit=3)

    assert say(world, "answer", unit, text="No") == f"{unit} is rejected"
    sprint = supervise(world, resume=False)
    assert sprint.state == "blocked"
    assert sprint_rows(world, "block")[-1] == {
        "unit": unit,
        "why": "not approved by ann: for a reason",
        "kind": "rejected",
    }
    assert supervise(world, limit=3).state == "needs-human"
    assert say(world, "skip", unit) == f"skipped {unit}"
    assert supervise(world, limit=3).state == "completed"
    assert set(world.executed) == {"a", "c"}


@pytest.mark.parametrize("kind", sorted(set(PLANS) - {"an empty phase"}))
def test_what_was_skipped_unasked_is_asked_for_when_it_is_to_run_after_all(kind: str):
    unit, made = PLANS[kind]
    world = World()
    supervise(world, made, limit=3)

    assert say(world, "skip", unit) == f"skipped {unit}"
    assert say(world, "retry", unit).startswith(f"{unit} runs again")
    assert supervise(world, limit=3).state == "needs-human"
    assert set(world.executed) <= {"a", "c"}
    say(world, "approve", unit)
    assert supervise(world, limit=3).state == "completed"
    assert {"p/s/b", "b"} & set(world.executed)


def test_a_supervisor_that_has_other_work_goes_on_and_takes_the_answer_when_it_comes():
    world = World(by_unit(OK, {"p/t/x": [OK._replace(lasts=500)]}))
    made = plan(phase("p", step("s", leaf("b", approval=ASK)), step("t", leaf("x")), parallel=True))
    world.asked = [(100, ask("approve", unit="p/s/b"))]

    assert supervise(world, made, limit=2).state == "completed"
    assert told(world, "ask") == []
    assert world.ms < 600


@pytest.mark.parametrize("on_timeout", ["approve", "reject"])
def test_what_nobody_answers_is_answered_by_its_time(on_timeout: str):
    asks = Approval(message="deploy?", timeout=3600, on_timeout=on_timeout)
    world = World()
    sprint = supervise(world, plan(leaf("a", approval=asks)))

    assert sprint.state == ("completed" if on_timeout == "approve" else "blocked")
    assert 3_600_000 <= world.ms < 3_601_000
    assert rows(world, "a", "wake")[0]["who"] == "nobody"
    assert told(world, "ask") == []


def test_a_time_that_has_come_while_nobody_supervised_holds():
    asks = Approval(message="deploy?", timeout=3600, on_timeout="approve")
    world = World()
    world.asked = [(1000, ask("stop"))]
    supervise(world, plan(leaf("a", approval=asks)))
    world.ms += 3_700_000
    before = world.ms

    assert supervise(world).state == "completed"
    assert world.ms < before + 100


def test_it_is_approved_once_and_not_for_every_try():
    world = World(by_unit(OK, {"a": [FAIL, OK]}))
    supervise(world, plan(leaf("a", approval=ASK)))
    say(world, "approve", "a")
    assert supervise(world).state == "blocked"

    assert supervise(world).state == "completed"
    assert told(world, "delay") == ["a delay"]


def test_a_phase_that_is_cancelled_while_it_waits_asks_anew():
    world = World()
    made = PLANS["a phase"][1]
    supervise(world, made)
    say(world, "cancel")
    sprint = supervise(world)

    assert (sprint.state, states(sprint)["p"]) == ("needs-human", "waiting")


def test_only_yes_and_no_are_answers_to_an_approval():
    world = World()
    supervise(world, PLANS["a leaf"][1])

    assert say(world, "answer", "b", text="later") == "refused: b asks for approval: answer yes or no"
    assert say(world, "retry", "b") == "refused: b waits for an answer"


def test_what_comes_after_a_background_leaf_that_has_been_approved_still_waits_for_it():
    """Nothing but its question tells the next supervisor that the line had come past it."""
    made = plan(
        back("a", approval=ASK, wait=True, exclusive="m"),
        phase(
            "p",
            step("s", back("b", exclusive="m"), back("c", wait=True)),
            step("t", leaf("d")),
            parallel=True,
        ),
    )
    world = World()
    world.asked = [(1, ask("stop"))]
    supervise(world, made, limit=2)
    assert say(world, "approve", "a", "later") == "a is approved"
    sprint = supervise(world, limit=2)

    assert sprint.state == "completed"
    assert world.executed.index("a") < world.executed.index("p/s/c")
