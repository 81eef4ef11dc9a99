"""What runs after every leaf: when, in which order, and that nothing is undone or held up by how it ends."""

from typing import Any

import pytest

from fsm.hooks import in_line, iterations, tasks
from fsm.outcomes import Crash, Request
from fsm.plan import Agent, Hook, Retry, dump, load
from fsm.rehearsal import Rehearsed
from fsm.sprint import Sprint
from tests.fsm.naive import indexes, kept
from tests.fsm.plans import leaf, phase, plan, step
from tests.fsm.scripted import FAIL, World, by_unit, supervise
from tests.fsm.test_people import say
from tests.fsm.test_rehearsal import rehearse, rule, takes, when


def hook(name: str, *, parallel: bool = False, **more: Any) -> Hook:
    return Hook(id=name, parallel=parallel, leaf=leaf("", **more))


def order(found: Rehearsed) -> list[str]:
    return [row.unit for row in found.rows if row.trigger == "spawn"]


def states(found: Rehearsed) -> dict[str, str]:
    return {unit.path: str(unit.state) for unit in found.sprint.order}


def test_hooks_run_one_after_another_before_what_follows_and_then_those_beside() -> None:
    both = (hook("beside", parallel=True), hook("first"), hook("second"))
    found = rehearse(plan(leaf("a"), leaf("b"), hooks=both), takes("**#hook.*", 30), limit=1)

    assert found.sprint.state == "completed"
    assert order(found)[:4] == ["a", "a#hook.first", "a#hook.second", "a#hook.beside"]
    assert when(found, "a#hook.second", "spawn") == when(found, "a#hook.first", "succeed")
    assert when(found, "b", "spawn") >= when(found, "a#hook.second", "succeed")


def test_the_line_goes_on_beside_a_parallel_hook_and_the_sprint_ends_with_the_last_of_them() -> None:
    found = rehearse(
        plan(leaf("a"), leaf("b"), hooks=(hook("h", parallel=True),)),
        takes("a#hook.h", 900),
        takes("*", 10, place=1),
    )

    assert when(found, "b", "spawn") == when(found, "a", "succeed")
    assert found.sprint.state == "completed"
    assert when(found, "#sprint", "complete") == when(found, "a#hook.h", "succeed")


def test_a_sync_point_waits_for_the_hooks_beside() -> None:
    found = rehearse(
        plan(leaf("a"), leaf("b", wait=True), hooks=(hook("h", parallel=True),)), takes("a#hook.h", 900)
    )

    assert when(found, "b", "spawn") == when(found, "a#hook.h", "succeed")


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("ends", ["failed", "lost", "crashed"])
def test_however_a_hook_ends_the_sprint_goes_on_and_its_own_state_is_true(ends: str, parallel: bool) -> None:
    inside = phase("p", step("s", leaf("a"), leaf("b")))
    found = rehearse(plan(inside, hooks=(hook("h", parallel=parallel),)), rule("p/s/a#hook.h", ends=ends))

    assert found.sprint.state == "completed"
    assert states(found)["p/s/a#hook.h"] == "failed"
    assert states(found)["p/s/b#hook.h"] == states(found)["p"] == "completed"
    rested = found.sprint.rested
    assert rested is not None
    assert rested.decoded() == {}  # no failure in the background that would be told, or change the exit code


def test_an_agent_in_a_hook_that_asks_for_a_person_stops_nobody() -> None:
    asking = Hook(id="h", leaf=leaf("", run=None, prompt="learn", agent=Agent(name="codex")))
    found = rehearse(plan(leaf("a"), leaf("b"), hooks=(asking,)), rule("**#hook.*", ends="needs-human"))

    assert found.sprint.state == "completed"
    assert states(found)["a#hook.h"] == "failed"


def test_a_hook_runs_only_after_a_leaf_that_has_ended_well() -> None:
    found = rehearse(plan(leaf("a"), leaf("b"), hooks=(hook("h"),)), rule("a", ends="failed"))

    assert found.sprint.state == "blocked"
    assert order(found) == ["a"]


def test_a_skipped_leaf_has_no_hooks_and_nobody_waits_for_them() -> None:
    found = rehearse(
        plan(leaf("a"), leaf("b"), hooks=(hook("h"), hook("i", parallel=True))),
        rule("a", ends="failed"),
        Request(verb="skip", unit="a", at=3_600_000),
        Request(verb="resume", at=3_700_000),
    )

    assert found.sprint.state == "completed"
    assert [path for path in order(found) if path.startswith("a#")] == []
    assert {"b#hook.h", "b#hook.i"} <= set(order(found))


def test_the_hooks_of_a_background_leaf_follow_it_in_the_background() -> None:
    both = (hook("h"), hook("i"))
    found = rehearse(
        plan(leaf("a", parallel=True), leaf("b"), hooks=both), takes("a", 60), takes("**#hook.*", 30, place=1)
    )

    assert when(found, "a#hook.h", "spawn") == [60]
    assert when(found, "a#hook.i", "spawn") == [90]
    assert found.sprint.state == "completed"


def test_the_hooks_of_a_background_leaf_that_failed_never_run_and_keep_nothing_waiting() -> None:
    found = rehearse(
        plan(leaf("a", parallel=True), leaf("b", wait=True), hooks=(hook("h"),)), rule("a", ends="failed")
    )

    assert found.sprint.state == "completed"
    assert "a#hook.h" not in order(found)


def test_a_hook_has_the_retries_of_any_task() -> None:
    tried = (hook("h", retry=Retry(max_attempts=2, backoff=(10.0,))),)
    found = rehearse(plan(leaf("a"), leaf("b"), hooks=tried), rule("a#hook.h", tries=(1,), ends="failed"))

    assert states(found)["a#hook.h"] == "completed"
    assert order(found) == ["a", "a#hook.h", "a#hook.h", "b", "b#hook.h"]


def test_a_hook_that_was_stopped_with_the_sprint_runs_again_before_what_follows() -> None:
    found = rehearse(
        plan(leaf("a"), leaf("b"), hooks=(hook("h"),)),
        takes("a", 10),
        takes("a#hook.h", 600, place=1),
        Request(verb="stop", at=60_000),
        Request(verb="resume", at=120_000),
    )

    assert order(found) == ["a", "a#hook.h", "a#hook.h", "b", "b#hook.h"]
    assert found.sprint.state == "completed"


@pytest.mark.parametrize("parallel", [False, True])
def test_wherever_the_supervisor_is_killed_each_hook_runs_once(parallel: bool) -> None:
    both = (hook("h"), hook("i", parallel=True))
    found = rehearse(plan(leaf("a", parallel=parallel), leaf("b"), hooks=both), takes("**", 20), every=True)

    assert found.crashes > 20
    assert set(states(found).values()) == {"completed"}
    for unit in found.sprint.order:
        assert len(when(found, unit.path, "succeed")) == 1


def test_a_power_cut_loses_a_hook_and_not_the_sprint() -> None:
    found = rehearse(
        plan(leaf("a"), leaf("b"), hooks=(hook("h"),)),
        takes("a", 10),
        takes("a#hook.h", 600, place=1),
        Crash(kind="power", at=60_000),
    )

    assert found.sprint.state == "completed"
    assert states(found)["a#hook.h"] == "failed"


def test_hooks_have_no_part_in_the_plan_and_follow_from_it() -> None:
    whole = plan(leaf("a"), phase("p", step("s", leaf("b"))), hooks=(hook("i", parallel=True), hook("h")))

    assert [one.path for one in tasks(whole)] == [
        *("a", "a#hook.h", "a#hook.i"),
        *("p/s/b", "p/s/b#hook.h", "p/s/b#hook.i"),
    ]
    assert iterations(whole) == {"a": 1, "p/s/b": 2}
    assert load(dump(whole)) == whole


def test_hooks_of_plans_from_before_they_ran_do_not_run_now() -> None:
    old = plan(leaf("a"), hooks=(Hook(id="h", prompt="learn"),))

    assert in_line(old) == ()
    assert order(rehearse(old)) == ["a"]


def test_the_indexes_of_the_fold_hold_with_hooks() -> None:
    side = phase("p", step("s", leaf("a")), step("t", leaf("b")), parallel=True)
    whole = plan(side, leaf("z", parallel=True), hooks=(hook("h"), hook("i", parallel=True)))
    found = rehearse(whole, rule("**#hook.*", chance=0.5, ends="failed"))
    sprint = Sprint("r1", lambda _: dump(whole))

    for row in found.rows:
        sprint.apply(row)
        assert kept(sprint) == indexes(sprint)


def hooked(*names: str, **ends: object) -> World:
    """A world in which a plan of two leaves, each with these hooks, has come to its end."""
    world = World(script=by_unit(FAIL._replace(verdict="ok"), {"a#hook.h": [FAIL]} if ends else {}))
    supervise(world, plan(leaf("a"), leaf("b"), hooks=tuple(map(hook, names))))
    return world


def test_running_a_leaf_again_runs_its_hooks_again() -> None:
    world = hooked("h")

    assert say(world, "retry", "a").startswith(
        "a runs again, 2 tasks in all; what came after it stays as it is: b"
    )
    assert supervise(world).state == "completed"
    assert world.executed == ["a", "a#hook.h", "b", "b#hook.h", "a", "a#hook.h"]


def test_a_hook_alone_is_run_again_and_a_skipped_one_is_not_waited_for() -> None:
    world = hooked("h", fails=True)

    assert say(world, "retry", "a#hook.h").startswith("a#hook.h runs again")
    assert supervise(world).state == "completed"
    assert world.executed.count("a#hook.h") == 2
    assert say(world, "skip", "a#hook.h") == "skipped a#hook.h"
    assert supervise(world).units["a#hook.h"].state == "skipped"


def test_a_hook_is_not_run_before_its_leaf_has_ended_well() -> None:
    world = World(script=by_unit(FAIL, {}))
    supervise(world, plan(leaf("a"), hooks=(hook("h"),)))

    assert say(world, "skip", "a#hook.h") == "skipped a#hook.h"
    assert say(world, "retry", "a#hook.h") == (
        "refused: a#hook.h runs when a, which is failed, has completed"
    )


def test_a_step_that_is_added_gets_its_hooks() -> None:
    world = World()
    supervise(
        world, plan(phase("p", step("s", leaf("a"))), leaf("z"), hooks=(hook("h"), hook("i", parallel=True)))
    )

    assert say(world, "add-step", "p/s", text="once more") == "added p/added-1"
    sprint = supervise(world)
    assert sprint.state == "completed"
    added = [path for path in world.executed if path.startswith("p/added-1/")]
    assert len(added) == 3
    assert kept(sprint) == indexes(sprint)
