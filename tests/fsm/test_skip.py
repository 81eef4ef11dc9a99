"""`skip`: the main line goes on without what failed or has not begun, and only what was skipped is left out."""

import pytest

from tests.fsm.plans import back, gate, leaf, phase, plan, step
from tests.fsm.scripted import (
    FAIL,
    OK,
    End,
    World,
    ask,
    by_unit,
    engine,
    sprint_rows,
    states,
    supervise,
    told,
)

LINE = plan(leaf("a"), phase("p", step("s", leaf("l"), leaf("m")), step("t", leaf("l"))), leaf("x"))


def skip(world: World, unit: str, id_: str = "k") -> str:
    """Skips in a sprint at rest; returns the answer."""
    supervise(world, resume=False, spawning=False, events=[ask("skip", id_, unit=unit)])
    return world.answers[-1][1]


@pytest.mark.parametrize(
    ("unit", "left_out"),
    [
        ("p/s/l", {"p/s/l"}),
        ("p/s", {"p/s", "p/s/l", "p/s/m"}),
        ("p", {"p", "p/s", "p/s/l", "p/s/m", "p/t", "p/t/l"}),
    ],
)
def test_what_failed_is_left_out_with_all_in_it_and_the_rest_is_done(unit: str, left_out: set[str]):
    world = World(by_unit(OK, {"p/s/l": [FAIL]}))
    assert supervise(world, LINE).state == "blocked"

    assert skip(world, unit) == f"skipped {unit}"
    sprint = supervise(world)
    assert sprint.state == "completed"
    assert {path for path, state in states(sprint).items() if state == "skipped"} == left_out
    assert world.counts["p/s/l"] == 1


def test_a_group_that_failed_because_of_it_is_open_again_in_the_same_batch():
    world = World(by_unit(OK, {"p/s/l": [FAIL]}))
    supervise(world, LINE)
    skip(world, "p/s/l")

    assert told(world)[-4:] == ["#sprint request", "p/s/l skip", "p/s reopen", "p reopen"]
    assert engine(world).sprint.state == "blocked"


def test_a_group_in_which_something_else_failed_too_stays_failed_until_that_is_tried_again():
    made = plan(phase("p", step("s", leaf("l"), leaf("m"), parallel=True)))
    world = World(by_unit(OK, {"p/s/l": [FAIL], "p/s/m": [FAIL, OK]}))
    supervise(world, made, limit=2)
    skip(world, "p/s/l")

    assert states(engine(world).sprint)["p/s"] == "failed"
    assert supervise(world).state == "completed"
    assert world.counts == {"p/s/l": 1, "p/s/m": 2}


def test_a_gate_that_gave_up_is_tried_anew_although_something_else_in_its_group_was_skipped():
    """The group failed by its gate: opening it for a skipped background leaf would leave nobody to try the gate."""
    made = plan(phase("p", step("s", back("b"), leaf("l"), gate=gate(tries=1))), leaf("x"))
    world = World(by_unit(OK, {"p/s/b": [FAIL], "p/s#gate": [FAIL, OK]}))
    assert supervise(world, made, limit=2).state == "blocked"
    skip(world, "p/s/b")

    assert supervise(world, limit=2).state == "completed"
    assert [facts["kind"] for facts in sprint_rows(world, "block")] == ["failed"]


def test_what_has_not_begun_can_be_skipped_while_the_sprint_goes_on():
    world = World()
    world.asked = [(5, ask("skip", unit="p/s"))]

    assert supervise(world, LINE).state == "completed"
    assert world.executed == ["a", "p/t/l", "x"]


def test_those_that_depend_on_a_skipped_step_go_on():
    made = plan(phase("p", step("s", leaf("l"), depends_on=("t",)), step("t", leaf("l"))))
    world = World(by_unit(OK, {"p/t/l": [FAIL]}))
    supervise(world, made)
    skip(world, "p/t")

    assert supervise(world).state == "completed"
    assert world.executed == ["p/t/l", "p/s/l"]


def test_a_sync_point_does_not_wait_for_what_was_skipped():
    made = plan(back("b"), leaf("w", wait=True), on_parallel_failure="block")
    world = World(by_unit(OK, {"b": [FAIL]}))
    assert supervise(world, made).state == "blocked"
    skip(world, "b")

    assert supervise(world).state == "completed"
    assert world.executed == ["b", "w"]


@pytest.mark.parametrize(
    ("unit", "answer"),
    [
        ("a", "refused: a is completed: it is over"),
        ("p", "refused: p/s/l still runs; `stop p` ends it"),
        ("p/s/l", "refused: p/s/l is running: it still runs; stop it first"),
        ("nobody", "refused: nobody is nothing that this sprint has"),
        ("", "refused: the sprint is in-progress: name what the main line is to go on without"),
        ("#sprint", "refused: the sprint is in-progress: name what the main line is to go on without"),
        ("p/s/l#gate", "refused: p/s/l#gate belongs to p/s/l; name that"),
    ],
)
def test_what_cannot_be_skipped_is_refused_and_nothing_changes(unit: str, answer: str):
    made = plan(leaf("a"), phase("p", step("s", leaf("l", gate=gate()))))
    world = World(by_unit(OK, {"p/s/l": [End(lasts=100)]}))
    world.asked = [(15, ask("skip", unit=unit))]

    assert supervise(world, made).state == "completed"
    assert world.answers == [("q1", answer)]
    assert told(world, "skip") == []
