"""Trying again: back-off in `waiting`, across restarts, clocks set back, and what burns a try."""

import pytest

from fsm.plan import Plan, Retry
from tests.fsm.plans import back, leaf, phase, plan, step
from tests.fsm.scripted import FAIL, OK, End, World, ask, by_unit, engine, states, supervise, told

TWICE = Retry(max_attempts=3, backoff=(60.0, 300.0))


def unlucky(*ends: End, retry: Retry | None = TWICE, **of: object) -> tuple[World, Plan]:
    return World(by_unit(OK, {"a": list(ends)})), plan(leaf("a", retry=retry), leaf("x"), **of)  # type: ignore[arg-type]


def delays(world: World) -> list[tuple[int, str]]:
    rows = [row.decoded() for row in world.rows.committed if row.trigger == "delay"]
    return [(facts["delay"], facts["why"]) for facts in rows]


def test_a_failed_leaf_is_tried_again_after_its_back_off():
    world, made = unlucky(FAIL, FAIL, OK)

    assert supervise(world, made).state == "completed"
    assert world.executed == ["a", "a", "a", "x"]
    assert delays(world) == [(60_000, "back-off"), (300_000, "back-off")]
    assert 360_000 <= world.ms < 361_000


def test_the_last_back_off_repeats():
    world, made = unlucky(FAIL, FAIL, FAIL, OK, retry=Retry(max_attempts=4, backoff=(1.0, 2.0)))
    supervise(world, made)

    assert [delay for delay, _ in delays(world)] == [1000, 2000, 2000]


def test_without_a_back_off_it_is_tried_again_at_once():
    world, made = unlucky(FAIL, OK, retry=Retry(max_attempts=2))

    assert supervise(world, made).state == "completed"
    assert world.ms < 1000


def test_after_the_last_try_the_sprint_is_blocked_and_a_person_begins_anew():
    world, made = unlucky(FAIL, FAIL, FAIL, FAIL, OK)
    sprint = supervise(world, made)

    assert (sprint.state, sprint.units["a"].tries) == ("blocked", 3)
    assert supervise(world).state == "completed"
    assert world.counts["a"] == 5


def test_without_a_policy_the_first_failure_blocks_with_its_reason():
    world, made = unlucky(End("failed", facts={"error": "no such file"}), retry=None)
    sprint = supervise(world, made)

    assert sprint.state == "blocked"
    assert sprint.root.moved is not None
    assert sprint.root.moved.decoded() == {"unit": "a", "why": "no such file", "kind": "failed"}


def test_the_sprint_has_a_policy_for_prompts_without_one():
    world = World(by_unit(OK, {"a": [FAIL, OK]}))
    made = plan(leaf("a", run=None, prompt="do it"), retry=Retry(max_attempts=2))

    assert supervise(world, made).state == "completed"


def test_a_command_is_tried_again_only_where_it_says_so_itself():
    world, made = unlucky(FAIL, OK, retry=None)
    made = plan(*made.phases, retry=Retry(max_attempts=2))

    assert supervise(world, made).state == "blocked"
    assert world.executed == ["a"]


@pytest.mark.parametrize("verdict", ["auth", "billing", "denied", "needs-human", "budget"])
def test_what_trying_again_cannot_mend_is_not_tried_again(verdict: str):
    world, made = unlucky(End(verdict), OK)
    sprint = supervise(world, made)

    assert sprint.state == ("needs-human" if verdict == "needs-human" else "blocked")
    assert world.executed == ["a"]


def test_unless_the_policy_names_it():
    world, made = unlucky(End("auth"), OK, retry=Retry(max_attempts=2, on=("auth",)))

    assert supervise(world, made).state == "completed"


def test_a_policy_that_names_verdicts_is_for_those_alone():
    world, made = unlucky(End("timeout"), FAIL, retry=Retry(max_attempts=5, on=("timeout",)))

    assert supervise(world, made).state == "blocked"
    assert world.executed == ["a", "a"]


def test_an_attempt_that_never_ran_burns_no_try():
    world, made = unlucky(FAIL, End("", "never-ran"), End("", "never-ran"), OK, retry=Retry(max_attempts=2))
    sprint = supervise(world, made)

    assert (sprint.units["a"].attempt, sprint.units["a"].tries) == (4, 2)


def test_a_lost_attempt_burns_one_and_has_no_code():
    world, made = unlucky(End("lost", "lost"), OK, retry=Retry(max_attempts=2, on=("lost",)))
    sprint = supervise(world, made)
    (row,) = [row for row in world.rows.committed if row.trigger == "fail"]

    assert (sprint.state, sprint.units["a"].tries) == ("completed", 2)
    assert row.decoded() == {"verdict": "lost"}


def test_waiting_holds_no_slot():
    made = plan(phase("p", step("s", leaf("l", retry=TWICE)), step("t", leaf("l")), parallel=True))
    world = World(by_unit(OK, {"p/s/l": [FAIL, OK]}))
    supervise(world, made, limit=1)

    assert world.executed == ["p/s/l", "p/t/l", "p/s/l"]


def test_in_sequence_the_main_line_waits_for_it():
    world, made = unlucky(FAIL, OK)
    supervise(world, made, limit=5)

    assert world.executed == ["a", "a", "x"]


# Across restarts


def waiting(wall: int = 0) -> tuple[World, Plan]:
    """A world in which `a` waits 60 s, 20 s of which have gone by when its supervisor is stopped."""
    world, made = unlucky(FAIL, OK)
    world.asked = [(20_010, ask("stop"))]
    assert supervise(world, made).state == "paused"
    assert states(supervise(world, resume=False, spawning=False))["a"] == "waiting"
    world.wall += wall
    return world, made


def test_what_is_left_of_a_back_off_survives_its_supervisor():
    world, _ = waiting()
    supervise(world)

    assert 60_010 <= world.ms <= 60_100


def test_a_clock_set_back_makes_it_wait_for_its_whole_delay_and_no_longer():
    world, _ = waiting(wall=-(10**9))
    supervise(world)

    assert 80_010 <= world.ms <= 80_100


def test_a_clock_set_forward_ends_it():
    world, _ = waiting(wall=10**9)
    supervise(world)

    assert world.ms <= 20_100


def test_a_clock_set_back_while_it_waits_changes_nothing():
    world, made = unlucky(FAIL, OK)
    world.asked = [(30_000, ask("nothing"))]
    found = engine(world)
    found.take_over({}, plan=made)
    jump = found._executor.wait

    def wait(timeout: float | None) -> object:
        events = jump(timeout)
        if world.ms == 30_000:
            world.wall -= 10**9
        return events

    found._executor.wait = wait  # type: ignore[method-assign, assignment]
    found.run()

    assert found.sprint.state == "completed"
    assert 60_010 <= world.ms <= 60_100


def test_a_stopped_sprint_does_not_wait_for_those_that_wait():
    world, made = unlucky(FAIL, OK)
    world.asked = [(1_000, ask("stop"))]

    assert supervise(world, made).state == "paused"
    assert world.ms == 1_000


def test_those_that_wait_are_left_waiting_when_the_sprint_is_blocked_and_go_on_after():
    made = plan(phase("p", step("s", leaf("l", retry=TWICE)), step("t", leaf("l")), parallel=True))
    world = World(by_unit(OK, {"p/s/l": [FAIL, OK], "p/t/l": [End("failed", lasts=500), OK]}))
    sprint = supervise(world, made, limit=2)

    assert sprint.state == "blocked"
    assert (states(sprint)["p/s/l"], states(sprint)["p/s"]) == ("waiting", "in-progress")
    assert supervise(world, limit=2).state == "completed"
    assert world.counts == {"p/s/l": 2, "p/t/l": 2}
    assert 60_010 <= world.ms <= 60_100


def test_a_waiting_background_leaf_ends_before_the_sprint_does():
    made = plan(back("b", retry=TWICE), leaf("a"))
    world = World(by_unit(OK, {"b": [FAIL, OK]}))
    sprint = supervise(world, made, limit=2)

    assert (sprint.state, states(sprint)["b"]) == ("completed", "completed")
    assert told(world, "delay", "wake") == ["b delay", "b wake"]


def test_an_alarm_of_before_does_not_wake_what_waits_anew():
    """Cancelled while it waited, resumed by the same supervisor, failed once more: it waits for its whole delay."""
    world, made = unlucky(FAIL, FAIL, OK)
    world.asked = [(1_000, ask("cancel"))]
    found = engine(world)
    found.take_over({}, plan=made)
    found.run()
    assert states(found.sprint)["a"] == "cancelled"
    world.ms = 30_000
    found.resume("ann", "again")
    found.run()

    assert found.sprint.state == "completed"
    assert delays(world) == [(60_000, "back-off")] * 2
    assert world.ms >= 90_010


def test_many_wait_at_once_and_each_wakes_at_its_time():
    steps = [
        step(f"s{n}", leaf("l", retry=Retry(max_attempts=2, backoff=(float(60 - n),)))) for n in range(20)
    ]
    made = plan(phase("p", *steps, parallel=True))
    world = World(by_unit(OK, {f"p/s{n}/l": [FAIL, OK] for n in range(20)}))

    assert supervise(world, made, limit=20).state == "completed"
    assert told(world, "wake") == [f"p/s{n}/l wake" for n in reversed(range(20))]
