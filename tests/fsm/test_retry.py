"""Trying again: what for, after how long, in whose session, and when no more."""

from fractions import Fraction

import pytest

from fsm.plan import Plan, Retry
from fsm.transition import Move
from fsm.verdicts import VERDICTS, Class
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
    engine,
    rows,
    sprint_rows,
    states,
    supervise,
    told,
)

THRICE = Retry(max_attempts=3)


def agent(*ends: End, **fields: object) -> tuple[World, Plan]:
    """A prompt that comes to these ends, one after the other."""
    return World(by_unit(OK, {"a": list(ends)})), plan(leaf("a", run=None, prompt="do it", **fields))


def in_session(verdict: str, session: str = "s-1", **facts: object) -> End:
    return End(verdict, facts={"session": session, **facts})


# What is tried again


@pytest.mark.parametrize("verdict", VERDICTS)
def test_without_a_word_everything_is_tried_again_but_what_needs_a_person(verdict: str):
    if verdict in ("interrupted", "gate", "limit", "lost"):
        return  # these have rules of their own
    world, made = agent(End(verdict), OK, retry=Retry(max_attempts=2))

    expected = "completed" if VERDICTS[verdict].kind is not Class.FATAL else "blocked"
    assert supervise(world, made).state == ("needs-human" if verdict == "needs-human" else expected)


@pytest.mark.parametrize(
    ("verdict", "again"), [("timeout", 2), ("failed", 1), ("auth", 1), ("of its own", 1)]
)
def test_a_policy_may_name_a_class(verdict: str, again: int):
    world, made = agent(End(verdict), OK, retry=Retry(max_attempts=2, on=("transient",)))
    supervise(world, made)

    assert world.counts["a"] == again


def test_an_agent_whose_provider_is_overloaded_is_asked_again_without_being_told_to():
    world, made = agent(End("overloaded"), End("overloaded"), OK)

    assert supervise(world, made).state == "completed"
    assert [facts["after"] for facts in rows(world, "a", "delay")] == ["overloaded", "overloaded"]


# How long it waits


def test_jitter_is_drawn_from_the_name_of_the_attempt_and_written_down():
    policy = Retry(max_attempts=40, backoff=(100.0,), jitter=True)
    world, made = agent(*[FAIL] * 39, OK, retry=policy)
    supervise(world, made)
    again, _ = agent(*[FAIL] * 39, OK, retry=policy)
    supervise(again, made)
    waits = [facts["delay"] for facts in rows(world, "a", "delay")]

    assert waits == [facts["delay"] for facts in rows(again, "a", "delay")]
    assert all(0 <= wait < 100_000 for wait in waits)
    assert len(set(waits)) > 30
    assert 30_000 < Fraction(sum(waits), len(waits)) < 70_000


# In whose session


def test_the_second_try_goes_on_in_the_agents_session_and_later_ones_begin_afresh():
    world, made = agent(
        in_session("timeout", "s-1", tokens={"input": 5}),
        in_session("timeout", "s-1"),
        FAIL,
        OK,
        retry=Retry(max_attempts=4),
    )
    supervise(world, made)

    assert [(row.get("resume"), row.get("spent")) for row in rows(world, "a", "spawn")] == [
        (None, None),
        ("s-1", {"input": 5}),
        (None, None),
        (None, None),
    ]


def test_a_session_of_which_the_agent_has_kept_nothing_is_not_gone_on_in():
    first = in_session("overloaded", **{"session-kept": False})
    world, made = agent(first, in_session("timeout"), OK, retry=Retry(max_attempts=3))
    supervise(world, made)

    assert ["resume" in facts for facts in rows(world, "a", "spawn")] == [False, False, True]


@pytest.mark.parametrize(
    ("verdict", "resumed"), [("failed", True), ("turns", True), ("context", False), ("denied", False)]
)
def test_what_cannot_be_mended_in_the_session_begins_a_new_one(verdict: str, resumed: bool):
    world, made = agent(in_session(verdict), OK, retry=Retry(max_attempts=2, on=(verdict,)))
    supervise(world, made)

    assert ("resume" in rows(world, "a", "spawn")[1]) == resumed


def test_a_policy_may_begin_every_try_afresh():
    world, made = agent(in_session("failed"), OK, retry=Retry(max_attempts=2, resume=False))
    supervise(world, made)

    assert "resume" not in rows(world, "a", "spawn")[1]


def test_whoever_sets_it_going_after_a_failure_begins_afresh():
    world, made = agent(in_session("failed"), OK)
    supervise(world, made)
    supervise(world)

    assert "resume" not in rows(world, "a", "spawn")[1]


def test_what_was_interrupted_goes_on_in_its_session():
    world, made = agent(End(lasts=1000), OK)
    world.asked = [(500, ask("stop"))]
    stopped = End("killed", facts={"signal": 15, "session": "s-9"})
    world.script = by_unit(OK, {"a": [stopped._replace(lasts=1000, stubborn=True), OK]})

    assert supervise(world, made).state == "paused"
    assert supervise(world).state == "completed"
    assert rows(world, "a", "spawn")[1]["resume"] == "s-9"


def test_an_attempt_that_never_ran_hands_its_session_on():
    world, made = agent(in_session("timeout"), End("", "never-ran"), OK, retry=THRICE)
    supervise(world, made)

    assert [row.get("resume") for row in rows(world, "a", "spawn")] == [None, "s-1", "s-1"]


# Lost


def test_a_lost_attempt_is_not_done_twice_unless_that_is_asked_for():
    for fields, runs in [
        ({"retry": THRICE}, 1),
        ({"retry": THRICE, "idempotent": True}, 2),
        ({"retry": THRICE, "on_lost": "retry"}, 2),
        ({"on_lost": "retry"}, 2),
        ({"retry": Retry(max_attempts=3, on=("lost",))}, 2),
    ]:
        world, made = agent(End("lost", "lost"), OK, **fields)

        assert supervise(world, made).state == ("completed" if runs == 2 else "blocked"), fields
        assert world.counts["a"] == runs


def test_a_person_may_be_asked_about_a_lost_attempt():
    world, made = agent(End("lost", "lost"), OK, on_lost="ask", retry=THRICE)

    assert supervise(world, made).state == "needs-human"
    assert world.counts["a"] == 1
    assert supervise(world).state == "completed"


def test_a_lost_attempt_that_was_being_stopped_is_lost_and_burns_no_try():
    world, made = agent(End("lost", "lost", lasts=900, stubborn=True), OK)
    world.asked = [(500, ask("stop"))]
    sprint = supervise(world, made)

    assert rows(world, "a", "fail") == [{"verdict": "lost", "stopped": True}]
    assert (sprint.state, sprint.unit("a").tries) == ("paused", 0)
    assert supervise(world).state == "completed"


# When no more


def test_attempts_that_never_run_block_the_sprint_in_the_end_with_the_reason():
    never = End("", "never-ran", facts={"error": "no more processes"})
    world, made = agent(*[never] * 7, OK)
    sprint = supervise(world, made)

    assert sprint.state == "blocked"
    assert sprint_rows(world, "block") == [
        {
            "unit": "a",
            "kind": "aborts",
            "why": "5 attempts in a row never ran; the last one: no more processes",
        }
    ]
    assert (states(sprint)["a"], sprint.unit("a").tries) == ("pending", 0)
    assert supervise(world).state == "completed"


def test_a_background_leaf_that_never_runs_blocks_as_well():
    world = World(by_unit(OK, {"b": [End("", "never-ran")]}))

    assert supervise(world, plan(back("b"), leaf("a"))).state == "blocked"


def test_a_supervisor_that_dies_before_the_start_counts_for_nothing():
    world, made = agent(OK)
    for _ in range(8):
        with pytest.raises(Died):  # after the row of the spawn, before that of the start
            supervise(world, made, journal=Mortal(world.rows, 2, before=True))
        world.supervisor_died()

    assert supervise(world).state == "completed"
    assert told(world, "block") == []


def test_there_is_an_end_to_attempts_of_all_units_together():
    retry = Retry(max_attempts=1000)
    world = World(always(FAIL))
    sprint = supervise(world, plan(leaf("a", retry=retry), most_attempts=7))

    assert (sprint.state, world.counts["a"]) == ("blocked", 8)
    assert sprint_rows(world, "block")[0]["kind"] == "budget"
    assert supervise(world).state == "blocked"
    assert world.counts["a"] == 15


# Breaks


def test_a_break_of_the_last_phase_holds():
    world = World()

    assert supervise(world, plan(leaf("a", breaks=True))).state == "paused-at-breakpoint"
    assert supervise(world).state == "completed"


@pytest.mark.parametrize("check", [None, gate()])
def test_a_break_whose_phase_ends_while_the_sprint_is_paused_holds_when_it_goes_on(check: object):
    world = World(always(OK._replace(lasts=50)))
    world.asked = [(20, ask("pause"))]
    made = plan(phase("p", step("s", leaf("a")), breaks=True, gate=check), leaf("x"))

    assert supervise(world, made).state == "paused"
    sprint = supervise(world)
    assert (sprint.state, states(sprint)["x"]) == ("paused-at-breakpoint", "pending")
    assert supervise(world).state == "completed"


# Told again


def test_a_background_failure_that_was_let_pass_is_told_again_when_it_fails_again():
    world = World(by_unit(OK, {"b": [FAIL]}))
    found = engine(world)
    found.take_over(
        {}, plan=plan(back("b"), leaf("w", wait=True), leaf("x", breaks=True), leaf("v", wait=True))
    )
    found.run()
    found.resume("ann", "once more")
    found._record([Move("b", "retry", {"by": "operator"}, 1)])
    found.run()

    assert [facts["unit"] for facts in sprint_rows(world, "tolerate")] == ["w", "v"]
