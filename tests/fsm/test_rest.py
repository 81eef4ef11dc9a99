"""How a sprint comes to rest, by failure or by request, and how it goes on from every such state."""

import pytest

from fsm.events import Asked
from fsm.plan import Plan, Retry
from fsm.states import AT_REST
from tests.fsm.plans import back, gate, leaf, phase, plan, step
from tests.fsm.scripted import (
    BEGIN,
    FAIL,
    OK,
    Died,
    End,
    Mortal,
    World,
    ask,
    by_unit,
    engine,
    sprint_rows,
    states,
    supervise,
    to_the_end,
    told,
)

SLOW = End(lasts=1000)
STUBBORN = End(lasts=1000, stubborn=True)
LINE = plan(leaf("a"), phase("p", step("s", leaf("l"), leaf("m"))), leaf("x"))
PAIR = plan(phase("p", step("s", leaf("l")), step("t", leaf("l"), leaf("m")), parallel=True), leaf("x"))


def asked(made: Plan, at: int, *verbs: str, limit: int = 1, **ends: End) -> World:
    """A world in which, at a time, somebody asks; and the supervisor has come to rest."""
    world = World(by_unit(OK, {path.replace("__", "/"): [end, OK] for path, end in ends.items()}))
    world.asked = [(at + n, ask(verb, f"q{n}")) for n, verb in enumerate(verbs)]
    supervise(world, made, limit=limit)
    return world


def now(world: World) -> dict[str, str]:
    """The states that the journal tells of; nothing is changed."""
    return states(engine(world).sprint)


def sprint_state(world: World) -> str:
    return str(engine(world).sprint.state)


# Failing


def test_a_failed_leaf_blocks_the_sprint_and_fails_its_groups_in_one_batch():
    world = World(by_unit(OK, {"p/s/l": [End("failed", facts={"error": "exit 2"})]}))
    sprint = supervise(world, LINE)

    assert states(sprint) == {
        "a": "completed",
        "p": "failed",
        "p/s": "failed",
        "p/s/l": "failed",
        "p/s/m": "pending",
        "x": "pending",
    }
    assert told(world)[-4:] == ["p/s/l fail", "#sprint block", "p/s fail", "p fail"]
    assert sprint_rows(world, "block") == [{"unit": "p/s/l", "why": "exit 2", "kind": "failed"}]
    assert len({row.at for row in world.rows.committed[-4:]}) == 1


def test_the_next_run_tries_it_again_and_opens_what_stands_above_it():
    world = World(by_unit(OK, {"p/s/l": [FAIL, OK]}))
    supervise(world, LINE)
    before = len(world.rows.committed)

    assert supervise(world).state == "completed"
    assert told(world)[before : before + 5] == [
        "#sprint lease",
        "#sprint retry",
        "p reopen",
        "p/s reopen",
        "p/s/l retry",
    ]
    assert world.executed == ["a", "p/s/l", "p/s/l", "p/s/m", "x"]


def test_what_runs_beside_a_failure_is_watched_to_its_end_and_nothing_new_starts():
    world = World(by_unit(OK, {"p/s/l": [FAIL], "p/t/l": [SLOW]}))
    sprint = supervise(world, PAIR, limit=2)

    assert (sprint.state, world.ms) == ("blocked", 1000)
    assert states(sprint) == {
        "p": "failed",
        "p/s": "failed",
        "p/s/l": "failed",
        "p/t": "in-progress",
        "p/t/l": "completed",
        "p/t/m": "pending",
        "x": "pending",
    }


def test_a_group_fails_only_when_nothing_in_it_runs_any_more():
    world = World(by_unit(OK, {"p/s/l": [FAIL], "p/t/l": [SLOW]}))
    supervise(world, PAIR, limit=2)

    ended = told(world, "fail", "succeed")
    assert ended == ["p/s/l fail", "p/s fail", "p/t/l succeed", "p fail"]


def test_two_failures_side_by_side_are_both_tried_again():
    world = World(by_unit(OK, {"p/s/l": [FAIL, OK], "p/t/l": [End("failed", lasts=50), OK]}))

    assert supervise(world, PAIR, limit=2).state == "blocked"
    assert supervise(world, limit=2).state == "completed"
    assert world.counts == {"p/s/l": 2, "p/t/l": 2, "p/t/m": 1, "x": 1}


def test_a_failure_while_paused_blocks():
    world = World(by_unit(OK, {"a": [End("failed", lasts=100)]}))
    world.asked = [(20, ask("pause"))]

    assert supervise(world, LINE).state == "blocked"


def test_a_resume_while_a_neighbour_of_the_failure_still_runs_lets_it_run():
    """The supervisor died while it watched the rest of a blocked sprint; the next one is told to go on."""
    world = World(by_unit(OK, {"p/s/l": [FAIL, OK], "p/t/l": [SLOW]}))
    with pytest.raises(Died):
        supervise(world, PAIR, limit=2, journal=Mortal(world.rows, 3, before=False))
    world.supervisor_died()
    assert (sprint_state(world), now(world)["p/t/l"]) == ("blocked", "running")

    assert supervise(world, limit=2).state == "completed"
    assert world.counts == {"p/s/l": 2, "p/t/l": 1, "p/t/m": 1, "x": 1}


def test_what_failed_in_the_background_is_not_tried_again_by_a_resume_after_another_failure():
    world = World(by_unit(OK, {"b": [FAIL, OK], "a": [End("failed", lasts=50), OK]}))
    made = plan(back("b"), leaf("a"))

    assert supervise(world, made, limit=2).state == "blocked"
    sprint = supervise(world, limit=2)
    assert (sprint.state, states(sprint)["b"]) == ("completed", "failed")
    assert world.counts == {"b": 1, "a": 2}


def test_a_leaf_that_needs_a_human_says_so():
    world = World(by_unit(OK, {"a": [End("needs-human", facts={"error": "which colour?"}), OK]}))

    assert supervise(world, LINE).state == "needs-human"
    assert sprint_rows(world, "ask") == [{"unit": "a", "why": "which colour?"}]
    assert supervise(world).state == "completed"


def test_an_abort_in_a_blocked_sprint_lets_its_groups_fail():
    made = plan(phase("p", step("s", leaf("l"), leaf("m"), parallel=True)))
    world = World(by_unit(OK, {"p/s/l": [FAIL], "p/s/m": [End("", "never-ran", lasts=50)]}))
    sprint = supervise(world, made, limit=2)

    assert states(sprint) == {"p": "failed", "p/s": "failed", "p/s/l": "failed", "p/s/m": "pending"}


def test_what_cannot_be_done_is_said_to_be_stuck():
    """Two steps that depend on each other: the compiler refuses them, a journal from elsewhere may hold them."""
    made = plan(
        phase("p", step("s", leaf("l"), depends_on=("t",)), step("t", leaf("l"), depends_on=("s",))),
        leaf("x"),
    )
    world = World()

    assert supervise(world, made).state == "blocked"
    assert sprint_rows(world, "block") == [{"why": "nothing that is left can start", "kind": "stuck"}]


# Requests


def test_pause_lets_what_runs_end_and_starts_nothing():
    world = asked(LINE, 15, "pause", p__s__l=SLOW)

    assert (sprint_state(world), world.ms) == ("paused", 1010)
    assert now(world)["p/s/l"] == "completed"
    assert world.answers == [("q0", "paused; 1 running task goes on to its end")]
    assert supervise(world).state == "completed"
    assert set(world.counts.values()) == {1}


def test_stop_ends_what_runs_and_it_runs_again_with_the_next_run():
    world = asked(LINE, 15, "stop", p__s__l=SLOW)

    assert (sprint_state(world), world.ms) == ("paused", 16)
    assert now(world)["p/s/l"] == "failed"
    assert now(world)["p/s"] == "in-progress"
    assert engine(world).sprint.units["p/s/l"].tries == 0
    (row,) = [row.decoded() for row in world.rows.committed if row.trigger == "fail"]
    assert row["verdict"] == "interrupted"
    assert supervise(world).state == "completed"
    assert world.executed == ["a", "p/s/l", "p/s/l", "p/s/m", "x"]


def test_a_stop_says_who_why_and_when_it_kills():
    world = asked(LINE, 15, "stop", p__s__l=SLOW)
    (row,) = [row.decoded() for row in world.rows.committed if row.trigger == "stop"]

    assert row == {"verb": "stop", "who": "ann", "why": "for a reason", "kill-at": BEGIN + 15 + 10_000}
    assert sprint_rows(world, "pause") == [{"who": "ann", "why": "for a reason"}]
    assert world.stops == [("p/s/l", 1)]


def test_a_task_that_ends_well_although_it_was_told_to_stop_is_done():
    world = asked(LINE, 15, "stop", p__s__l=STUBBORN)

    assert now(world)["p/s/l"] == "completed"
    supervise(world)
    assert set(world.counts.values()) == {1}


def test_a_task_that_had_run_out_of_time_before_it_was_stopped_has_timed_out():
    world = asked(LINE, 15, "stop", p__s__l=End("timeout", lasts=100, stubborn=True))
    (row,) = [row.decoded() for row in world.rows.committed if row.trigger == "fail" and row.unit == "p/s/l"]

    assert (row["verdict"], sprint_state(world)) == ("timeout", "blocked")


def test_a_stop_before_the_gate_was_opened_leaves_nothing_that_ran():
    world = World()
    found = engine(world)
    found.take_over({}, plan=LINE)
    found.turn([])
    found.turn([ask("stop")])
    found.run()

    assert (found.sprint.state, world.executed) == ("paused", [])
    assert states(found.sprint)["a"] == "failed"
    assert supervise(world).state == "completed"
    assert set(world.counts.values()) == {1}


def test_cancel_gives_up_what_runs_waits_or_is_checked_and_the_groups_around_it():
    steps = (
        step("s", leaf("l")),
        step("t", leaf("l", retry=Retry(max_attempts=2, backoff=(60.0,)))),
        step("u", leaf("l", gate=gate())),
        step("v", leaf("l"), leaf("m"), gate=gate()),
    )
    made = plan(back("b"), phase("p", *steps, parallel=True), leaf("x"))
    world = World(
        by_unit(OK, {"p/s/l": [SLOW, OK], "p/t/l": [FAIL, OK], "p/u/l#gate": [SLOW, OK], "b": [SLOW, OK]})
    )
    world.asked = [(25, ask("cancel"))]
    sprint = supervise(world, made, limit=9)

    assert sprint.state == "cancelled"
    found = states(sprint)
    assert {path for path in found if found[path] == "cancelled"} >= {
        "b", "p", "p/s", "p/s/l", "p/t", "p/t/l", "p/u", "p/u/l", "p/u/l#gate"
    }  # fmt: skip
    assert found["x"] == "pending"
    assert "in-progress" not in found.values()
    assert not sprint.live
    gone = told(world, "cancel")
    for group in ("p/s", "p/t", "p"):
        inside = [gone.index(row) for row in gone if row.startswith(f"{group}/")]
        assert gone.index(f"{group} cancel") > max(inside), f"{group} was closed over what still ran"

    assert supervise(world, limit=9).state == "completed"
    assert set(states(engine(world).sprint).values()) <= {"completed", "pending"}


@pytest.mark.parametrize("first", ["stop", "pause"])
def test_a_cancel_after_a_stop_cancels_what_is_being_stopped(first: str):
    world = asked(LINE, 15, first, "cancel", p__s__l=End("failed", lasts=1000, stubborn=True))

    assert sprint_state(world) == "cancelled"
    assert now(world)["p/s/l"] == "cancelled"
    assert now(world)["p/s"] == "cancelled"
    assert supervise(world).state == "completed"


def test_what_ends_well_in_a_cancelled_sprint_is_done_and_its_groups_are_not_left_open():
    world = asked(LINE, 15, "cancel", p__s__l=STUBBORN)

    assert sprint_state(world) == "cancelled"
    assert (now(world)["p/s/l"], now(world)["p/s"], now(world)["p"]) == (
        "completed",
        "cancelled",
        "cancelled",
    )
    assert supervise(world).state == "completed"
    assert world.counts["p/s/l"] == 1


def test_a_check_is_not_begun_in_a_cancelled_sprint():
    made = plan(leaf("a", gate=gate()))
    world = asked(made, 5, "cancel", a=STUBBORN)

    assert now(world) == {"a": "cancelled", "a#gate": "pending", "a#fix": "pending"}
    assert supervise(world).state == "completed"
    assert world.executed == ["a", "a", "a#gate"]


@pytest.mark.parametrize("verb", ["stop", "pause", "cancel"])
@pytest.mark.parametrize("at", range(0, 60, 5))
@pytest.mark.parametrize("limit", [1, 3])
def test_from_any_moment_at_which_somebody_asks_the_sprint_can_go_on(verb: str, at: int, limit: int):
    made = plan(
        back("b", gate=gate()),
        phase("p", step("s", leaf("l", gate=gate()), gate=gate()), step("t", leaf("m")), parallel=True),
        leaf("x", wait=True),
    )
    world = World(by_unit(OK, {"p/s/l#gate": [FAIL, OK], "p/s#gate": [FAIL, OK], "b": [SLOW, OK]}))
    world.asked = [(at, ask(verb))]
    supervise(world, made, limit=limit)
    to_the_end(world, made, limit=limit, lives=2)

    assert len(sprint_rows(world, "request")) == 1


@pytest.mark.parametrize("verb", ["stop", "cancel"])
@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("verdict", ["ok", "failed"])
def test_a_resume_while_a_task_is_still_being_stopped_runs_it_again(verb: str, stubborn: bool, verdict: str):
    """Three times Ctrl-C, and `run` at once: the old attempt is still on its way out."""
    world = World(by_unit(OK, {"p/s/l": [End(verdict, lasts=1000, stubborn=stubborn), OK]}))
    found = engine(world)
    found.take_over({}, plan=LINE)
    found.turn([])
    while states(found.sprint)["p/s/l"] != "running":
        found.turn(found._executor.wait(None))
    found.turn([ask(verb)])
    world.supervisor_died()
    assert now(world)["p/s/l"] == "stopping"

    assert supervise(world).state == "completed"
    assert world.counts["p/s/l"] == (1 if stubborn and verdict == "ok" else 2)
    assert set(states(engine(world).sprint).values()) == {"completed"}


def test_a_request_is_a_row_with_its_answer_before_anything_follows_from_it():
    world = asked(LINE, 15, "stop", p__s__l=SLOW)

    rows = told(world)
    assert rows[rows.index("#sprint request") :][:3] == ["#sprint request", "#sprint pause", "p/s/l stop"]
    assert sprint_rows(world, "request") == [
        {"id": "q0", "verb": "stop", "who": "ann", "why": "for a reason", "answer": "stopping 1 task"}
    ]


def test_a_request_that_is_met_twice_is_applied_once_and_answered_twice():
    world = World(by_unit(OK, {"p/s/l": [SLOW]}))
    world.asked = [(15, ask("pause")), (15, ask("pause")), (20, ask("pause"))]
    supervise(world, LINE)

    assert len(sprint_rows(world, "request")) == 1
    assert world.answers == [("q1", "paused; 1 running task goes on to its end")] * 3


def test_a_request_that_was_applied_by_the_last_supervisor_is_only_answered_by_the_next():
    world = World(by_unit(OK, {"a": [SLOW]}))
    world.asked = [(5, ask("pause"))]
    with pytest.raises(Died):
        supervise(world, LINE, journal=Mortal(world.rows, 3, before=False))
    world.supervisor_died()
    assert (sprint_state(world), world.answers) == ("paused", [])

    assert supervise(world, resume=False, events=[ask("pause")]).state == "paused"
    assert world.answers == [("q1", "paused; 1 running task goes on to its end")]
    assert len(sprint_rows(world, "request")) == 1


def test_a_key_press_is_recorded_and_answered_to_nobody():
    world = World(by_unit(OK, {"a": [SLOW]}))
    world.asked = [(5, ask("pause", "")), (6, ask("stop", ""))]
    supervise(world, LINE)

    assert [facts["verb"] for facts in sprint_rows(world, "request")] == ["pause", "stop"]
    assert world.answers == []


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (ask("pause", epoch=7), "refused: another supervisor has taken over since you asked"),
        (ask("fly"), "refused: fly is not something this supervisor does"),
        (ask("stop", unit="p/s"), "refused: p/s is pending: nothing in it runs"),
        (ask("pause", unit="p/s"), "refused: p/s is pending: only the whole sprint can be paused"),
    ],
)
def test_what_is_refused_is_recorded_answered_and_changes_nothing(request_: Asked, answer: str):
    world = World()
    world.asked = [(5, request_)]

    assert supervise(world, LINE).state == "completed"
    assert world.answers == [("q1", answer)]
    assert sprint_rows(world, "request")[0]["answer"] == answer
    assert set(world.counts.values()) == {1}


def test_the_epoch_that_holds_is_accepted():
    world = World()
    world.asked = [(5, ask("pause", epoch=1))]

    assert supervise(world, LINE).state == "paused"


REST = {"paused": "pause", "cancelled": "cancel"}


def at_rest(state: str) -> World:
    """A world whose sprint rests in a state, with `a` done."""
    ends = {"blocked": [FAIL, OK], "needs-human": [End("needs-human"), OK]}.get(state, [OK])
    made = plan(leaf("a", breaks=state == "paused-at-breakpoint"), leaf("x"))
    if state == "completed":
        made = plan(leaf("a"))
    world = World(by_unit(OK, {"a": ends}))
    if state in REST:
        world.asked = [(10, ask(REST[state], "q0"))]
    assert supervise(world, made).state == state
    return world


@pytest.mark.parametrize("state", sorted(AT_REST))
def test_every_state_of_rest_is_left_by_a_resume_and_the_work_is_done_once(state: str):
    world = at_rest(state)

    assert supervise(world).state == "completed"
    assert now(world)["a"] == "completed"
    assert world.counts["a"] == (2 if state in ("blocked", "needs-human") else 1)
    trigger = "retry" if state == "blocked" else "resume"
    assert sprint_rows(world, trigger) == [{"who": "somebody", "why": "again"}]


@pytest.mark.parametrize("state", sorted(AT_REST))
def test_a_supervisor_that_is_not_told_to_go_on_leaves_it_at_rest(state: str):
    world = at_rest(state)
    before = states(engine(world).sprint)

    assert supervise(world, resume=False).state == state
    assert now(world) == before


@pytest.mark.parametrize("state", sorted(AT_REST))
@pytest.mark.parametrize("verb", ["pause", "stop", "cancel"])
def test_every_request_has_an_answer_in_every_state_of_rest(state: str, verb: str):
    world = at_rest(state)
    sprint = supervise(world, resume=False, events=[ask(verb)], spawning=False)

    (_, answer) = world.answers[-1]
    refused = verb == "pause" or (verb == "cancel" and state in ("completed", "cancelled"))
    assert answer.startswith(f"refused: the sprint is {state}: ") if refused else answer == "stopping 0 tasks"
    assert sprint.state == ("cancelled" if verb == "cancel" and state != "completed" else state)


def orphaned() -> World:
    """A world in which `p/s/l` runs, and its supervisor died while it did."""
    world = World(by_unit(OK, {"p/s/l": [SLOW, OK]}))
    world.asked = [(500, ask("nothing", "q0"))]
    with pytest.raises(Died):
        supervise(world, LINE, journal=Mortal(world.rows, 5, before=True))
    world.supervisor_died()
    assert now(world)["p/s/l"] == "running"
    return world


def test_a_stop_without_a_supervisor_ends_what_lives_and_starts_nothing():
    """`stop` finds nobody, takes over, and is the supervisor for as long as it takes."""
    world = orphaned()

    sprint = supervise(world, resume=False, spawning=False, events=[ask("stop")])
    assert (sprint.state, states(sprint)["p/s/l"]) == ("paused", "failed")
    assert set(world.stops) == {("p/s/l", 1)}
    assert supervise(world).state == "completed"


def test_without_spawning_what_runs_is_watched_to_its_end_and_no_more():
    world = orphaned()

    sprint = supervise(world, spawning=False)
    assert (sprint.state, states(sprint)["p/s/l"]) == ("in-progress", "completed")
    assert states(sprint)["p/s/m"] == "pending"
