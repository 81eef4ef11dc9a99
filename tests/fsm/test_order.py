"""In which order things run: plan order, groups with their children, side by side, sync points, breaks."""

import pytest

from fsm.plan import Approval, Node, Plan, Retry
from tests.fsm.plans import back, gate, leaf, phase, plan, step
from tests.fsm.scripted import (
    FAIL,
    OK,
    Died,
    End,
    Mortal,
    World,
    ask,
    by_unit,
    say,
    sprint_rows,
    states,
    supervise,
    to_the_end,
    told,
)

SLOW = End(lasts=1000)
QUICK = End(lasts=1)
_LATER = "p/s0/a runs again when the sprint, which stops at the break after p/s2/c, is resumed"


def executed(made: Plan, limit: int = 1, **ends: End) -> list[str]:
    world = World(by_unit(OK, {path.replace("__", "/"): [end] for path, end in ends.items()}))
    assert supervise(world, made, limit=limit).state == "completed"
    return world.executed


def test_phases_steps_and_sub_phases_run_in_plan_order():
    made = plan(
        leaf("plan"), phase("do", step("s0", leaf("a"), leaf("b")), step("s1", leaf("a"))), leaf("sum")
    )

    assert executed(made) == ["plan", "do/s0/a", "do/s0/b", "do/s1/a", "sum"]
    assert executed(made, limit=4) == ["plan", "do/s0/a", "do/s0/b", "do/s1/a", "sum"]


def test_groups_move_with_their_children_in_one_batch():
    world = World()
    supervise(world, plan(phase("p", step("s", leaf("a"), leaf("b")))))

    assert told(world) == [
        "#sprint amend",
        "#sprint lease",
        "#sprint start",
        "p start",
        "p/s start",
        "p/s/a spawn",
        "p/s/a start",
        "p/s/a succeed",
        "p/s/b spawn",
        "p/s/b start",
        "p/s/b succeed",
        "p/s complete",
        "p complete",
        "#sprint complete",
    ]


@pytest.mark.parametrize(
    "made", [plan(), plan(phase("p")), plan(phase("p", step("s"), step("t"))), plan(phase("p", wait=True))]
)
def test_what_is_empty_is_done_at_once(made: Plan):
    world = World()
    sprint = supervise(world, made)

    assert sprint.state == "completed"
    assert set(states(sprint).values()) <= {"completed"}
    assert world.executed == []


def test_an_empty_for_each_between_two_phases_holds_nothing_up():
    assert executed(plan(leaf("a"), phase("p"), phase("q", step("s")), leaf("b"))) == ["a", "b"]


def test_a_step_waits_for_what_it_depends_on_and_then_plan_order_holds():
    made = plan(
        phase("p", step("s0", leaf("l"), depends_on=("s2",)), step("s1", leaf("l")), step("s2", leaf("l")))
    )

    assert executed(made) == ["p/s1/l", "p/s2/l", "p/s0/l"]


def test_without_side_by_side_a_step_that_was_begun_is_finished_first():
    made = plan(
        phase("p", step("s0", leaf("a"), leaf("b"), depends_on=("s1",)), step("s1", leaf("a"), leaf("b")))
    )

    assert executed(made, limit=3) == ["p/s1/a", "p/s1/b", "p/s0/a", "p/s0/b"]


def test_steps_side_by_side_fill_the_slots_and_no_more():
    made = plan(phase("p", *(step(f"s{n}", leaf("a"), leaf("b")) for n in range(4)), parallel=True))
    world = World()
    supervise(world, made, limit=3)

    assert world.executed[:3] == ["p/s0/a", "p/s1/a", "p/s2/a"]
    assert sorted(world.executed) == sorted(f"p/s{n}/{name}" for n in range(4) for name in "ab")
    assert world.at_once == 3


def test_side_by_side_a_dependency_still_comes_first():
    made = plan(
        phase(
            "p",
            step("s0", leaf("l"), depends_on=("s1", "s3")),
            step("s1", leaf("l")),
            step("s2", leaf("l"), depends_on=("s0",)),
            step("s3", leaf("l")),
            parallel=True,
        )
    )
    ran = executed(made, limit=9, p__s1__l=SLOW)

    assert ran == ["p/s1/l", "p/s3/l", "p/s0/l", "p/s2/l"]


def test_what_comes_after_steps_side_by_side_waits_for_all_of_them():
    made = plan(phase("p", step("s0", leaf("l")), step("s1", leaf("l")), parallel=True), leaf("after"))

    assert executed(made, limit=9, p__s0__l=SLOW)[-1] == "after"


# The background


def test_the_main_line_passes_a_background_leaf():
    made = plan(phase("p", step("s", back("b"), leaf("a"))), leaf("x"))
    world = World(by_unit(OK, {"p/s/b": [SLOW]}))
    supervise(world, made, limit=2)

    assert told(world, "succeed", "complete") == [
        "p/s/a succeed",
        "p/s complete",
        "p complete",
        "x succeed",
        "p/s/b succeed",
        "#sprint complete",
    ]


def test_the_sprints_end_is_a_sync_point():
    world = World(by_unit(OK, {"b": [SLOW]}))
    sprint = supervise(world, plan(back("b"), leaf("a")), limit=2)

    assert (sprint.state, world.ms) == ("completed", 1000)


@pytest.mark.parametrize(
    "waiting",
    [
        leaf("w", wait=True),
        phase("w", step("s", leaf("l")), wait=True),
        phase("w", wait=True),
        phase("w", step("s", leaf("l", wait=True))),
    ],
    ids=["leaf", "phase with steps", "mere point", "sub-phase"],
)
def test_a_sync_point_waits_for_what_was_reached_before_it_and_only_for_that(waiting: Node):
    made = plan(phase("p", step("s", back("b"), leaf("a"))), waiting, back("later"), leaf("end"))
    world = World(by_unit(OK, {"p/s/b": [SLOW], "later": [SLOW]}))
    supervise(world, made, limit=4)

    ended = told(world, "succeed", "complete")
    point = next(n for n, row in enumerate(ended) if row.startswith("w"))
    assert ended.index("p/s/b succeed") < point
    assert ended.index("end succeed") < ended.index("later succeed")


def test_a_sync_point_in_the_background_holds_the_line_too():
    made = plan(back("b"), back("w", wait=True), leaf("a"))
    world = World(by_unit(OK, {"b": [SLOW], "w": [SLOW]}))
    supervise(world, made, limit=4)

    assert told(world, "spawn", "succeed") == [
        "b spawn",
        "b succeed",
        "w spawn",
        "a spawn",
        "a succeed",
        "w succeed",
    ]


def test_a_sync_point_waits_for_a_background_leaf_that_waits_to_be_tried_again():
    made = plan(
        phase("p", step("s", leaf("a"), back("b", retry=Retry(max_attempts=2, backoff=(60.0,))))),
        leaf("x"),
        leaf("w", wait=True),
    )
    world = World(by_unit(OK, {"p/s/b": [FAIL, OK]}))
    supervise(world, made, limit=2)

    assert world.executed == ["p/s/a", "p/s/b", "x", "p/s/b", "w"]


def test_background_leaves_without_a_slot_start_before_the_main_line_goes_on():
    made = plan(back("b0"), back("b1"), back("b2"), leaf("a"))

    assert executed(made, limit=1) == ["b0", "b1", "b2", "a"]


def test_a_background_failure_is_tolerated_and_listed():
    world = World(by_unit(OK, {"p/s/b": [FAIL]}))
    sprint = supervise(
        world, plan(phase("p", step("s", back("b"), leaf("a"))), leaf("w", wait=True)), limit=2
    )

    assert states(sprint) == {
        "p": "completed",
        "p/s": "completed",
        "p/s/b": "failed",
        "p/s/a": "completed",
        "w": "completed",
    }
    assert sprint_rows(world, "complete") == [{"failed": ["p/s/b"]}]


def test_the_gate_of_a_group_does_not_wait_for_its_background():
    made = plan(phase("p", step("s", back("b"), leaf("a"), gate=gate())), leaf("x"))
    world = World(by_unit(OK, {"p/s/b": [SLOW]}))
    supervise(world, made, limit=3)

    assert told(world, "succeed")[-1] == "p/s/b succeed"
    assert world.executed == ["p/s/b", "p/s/a", "p/s#gate", "x"]


def test_a_background_leaf_has_its_own_gate():
    made = plan(back("b", gate=gate()), leaf("a"), leaf("w", wait=True))
    world = World(by_unit(OK, {"a": [SLOW], "b#gate": [FAIL, OK]}))
    supervise(world, made, limit=2)

    assert world.executed == ["b", "a", "b#gate", "b#fix", "b#gate", "w"]


def test_a_parallel_task_keeps_the_id_of_its_first_spawn():
    made = plan(
        phase("p", step("s", back("b", retry=Retry(max_attempts=3)))), phase("q", step("s", back("b")))
    )
    world = World(by_unit(OK, {"p/s/b": [FAIL, FAIL, OK]}))
    sprint = supervise(world, made, limit=2)

    assert list(sprint.tasks) == ["s-b-1700000000", "s-b-1700000000-2"]
    logs = [row.decoded() for row in world.rows.committed if (row.unit, row.trigger) == ("p/s/b", "spawn")]
    assert [facts["task"] for facts in logs] == ["s-b-1700000000"] * 3
    assert [facts["log"] for facts in logs] == [
        "logs/s-b-1700000000.log",
        "logs/s-b-1700000000.2.log",
        "logs/s-b-1700000000.3.log",
    ]


# Breaks


def test_a_break_pauses_when_its_phase_has_ended_well():
    world = World()
    made = plan(leaf("a", breaks=True), leaf("b"))

    sprint = supervise(world, made)
    assert (sprint.state, world.executed) == ("paused-at-breakpoint", ["a"])
    assert sprint_rows(world, "break") == [{"unit": "a"}]
    assert supervise(world).state == "completed"
    assert world.executed == ["a", "b"]


def test_a_break_fires_on_the_last_phase_too():
    world = World()
    made = plan(leaf("a"), phase("p", step("s", leaf("l")), breaks=True))

    assert supervise(world, made).state == "paused-at-breakpoint"
    assert supervise(world).state == "completed"
    assert world.executed == ["a", "p/s/l"]


def test_a_break_comes_after_the_gate():
    world = World(by_unit(OK, {"a#gate": [FAIL, OK]}))

    assert (
        supervise(world, plan(leaf("a", gate=gate(), breaks=True), leaf("b"))).state == "paused-at-breakpoint"
    )
    assert world.executed == ["a", "a#gate", "a#fix", "a#gate"]


def test_an_empty_phase_breaks_as_any_other():
    world = World()

    assert supervise(world, plan(phase("p", breaks=True), leaf("b"))).state == "paused-at-breakpoint"
    assert supervise(world).state == "completed"


def test_what_runs_beside_a_break_is_watched_to_its_end():
    world = World(by_unit(OK, {"b": [SLOW]}))
    sprint = supervise(world, plan(back("b"), leaf("a", breaks=True), leaf("x")), limit=2)

    assert (sprint.state, world.ms) == ("paused-at-breakpoint", 1000)
    assert states(sprint) == {"b": "completed", "a": "completed", "x": "pending"}


def test_a_break_fires_once_though_a_background_leaf_of_its_phase_runs_again():
    """Its interrupted child runs again after the resume; the phase is done and stays done."""
    world = World(by_unit(OK, {"p/s/b": [SLOW]}))
    world.asked = [(50, ask("stop"))]
    made = plan(phase("p", step("s", back("b"), leaf("a")), breaks=True), leaf("x"))

    assert supervise(world, made, limit=2).state == "paused-at-breakpoint"
    assert supervise(world, limit=2).state == "completed"
    assert len(sprint_rows(world, "break")) == 1
    assert world.counts == {"p/s/b": 2, "p/s/a": 1, "x": 1}


def test_a_phase_that_breaks_inside_a_phase_that_breaks_pauses_once():
    world = World()
    made = plan(phase("p", step("s", leaf("l", breaks=True)), breaks=True), leaf("x"))

    assert supervise(world, made).state == "paused-at-breakpoint"
    assert supervise(world).state == "completed"


# Deaths


@pytest.mark.parametrize("commits", range(1, 12))
def test_a_background_leaf_of_a_completed_step_is_not_forgotten_by_the_next_supervisor(commits: int):
    made = plan(phase("p", step("s", back("b"), leaf("a"))), leaf("x"), leaf("w", wait=True))
    world = World(by_unit(OK, {"p/s/b": [SLOW]}))
    try:
        supervise(world, made, limit=2, journal=Mortal(world.rows, commits, before=False))
    except Died:
        world.supervisor_died()
    to_the_end(world, made, limit=2)

    succeeded = told(world, "succeed")
    assert succeeded.index("p/s/b succeed") < succeeded.index("w succeed")
    assert world.counts == {"p/s/b": 1, "p/s/a": 1, "x": 1, "w": 1}


@pytest.mark.parametrize(
    ("verb", "asking", "said"),
    [
        ("answer", "needs-human", "answered; p/s0/a runs again and is told so"),
        ("approve", "needs-human", "p/s1/b is approved"),
        ("retry", "needs-human", _LATER),
        ("retry", "failed", _LATER),
        ("resume", "failed", "the sprint goes on"),
    ],
)
def test_what_ended_well_while_the_sprint_rested_is_seen_before_it_goes_on(verb: str, asking: str, said: str):
    """Whatever sets it going: a break that is passed because somebody answered something else is no break."""
    world = World(by_unit(OK, {"p/s0/a": [End(asking, lasts=1), OK], "p/s2/c": [SLOW]}))
    steps = (
        step("s0", leaf("a")),
        step("s1", leaf("b", approval=Approval(message="may it?"))),
        step("s2", leaf("c", breaks=True)),
    )
    sprint = supervise(world, plan(phase("p", *steps, parallel=True), leaf("x")), limit=3)
    assert states(sprint)["p/s2/c"] == "completed"
    assert sprint.state == ("needs-human" if asking == "needs-human" else "blocked")

    unit = {"approve": "p/s1/b", "resume": ""}.get(verb, "p/s0/a")
    assert say(world, verb, unit, text="the blue one") == said
    assert sprint_rows(world, "break") == [{"unit": "p/s2/c"}]
    assert supervise(world, resume=False).state == "paused-at-breakpoint"
    assert "x" not in world.executed
    if verb != "approve":
        say(world, "approve", "p/s1/b")
    for _ in range(2):
        sprint = supervise(world, limit=3)
    assert sprint.state == "completed"
    assert len(sprint_rows(world, "break")) == 1
