"""Rehearsals: the engine that ships, in a world that does what a script says."""

from collections.abc import Callable

import pytest

from fsm import engine, rehearsal, shim
from fsm.errors import SprintError
from fsm.events import Ended
from fsm.outcomes import Cast, Crash, Outcome, Request, Script
from fsm.plan import Gate, Group, Leaf, Plan, Retry
from fsm.rehearsal import Rehearsal, Rehearsed, differences, standing
from fsm.scripted import BEGIN
from fsm.world import Violation
from journal.memory import MemoryJournal, Rows


def leaf(path: str, **more) -> Leaf:
    return Leaf(id=path.rpartition("/")[2], path=path, **({"run": "true"} | more))


def agent(path: str, **more) -> Leaf:
    return leaf(path, run=None, prompt="do it", **more)


def memory() -> Callable[[], MemoryJournal]:
    rows = Rows()
    return lambda: MemoryJournal(rows)


def rehearse(
    plan: Plan | Leaf | Group,
    *entries: Outcome | Crash | Request,
    seed: int = 0,
    limit: int = 4,
    every: bool = False,
) -> Rehearsed:
    whole = plan if isinstance(plan, Plan) else Plan(sprint_id="boat", phases=(plan,))
    script = Script(
        outcomes=tuple(one for one in entries if isinstance(one, Outcome)),
        crashes=tuple(one for one in entries if isinstance(one, Crash)),
        requests=tuple(one for one in entries if isinstance(one, Request)),
    )
    return Rehearsal(Cast(whole, script), seed, "r1", memory(), limit=limit, every_row=every).play()


def rule(unit: str | None = None, **more) -> Outcome:
    return Outcome(place=more.pop("place", 0), unit=unit, **more)


def takes(unit: str, seconds: float, **more) -> Outcome:
    return rule(unit, takes=(round(seconds * 1000),) * 2, **more)


def when(found: Rehearsed, unit: str, trigger: str) -> list[int]:
    """Seconds since the beginning."""
    return [(row.at - BEGIN) // 1000 for row in found.rows if (row.unit, row.trigger) == (unit, trigger)]


SIDE = Group(
    id="g",
    path="g",
    level="phase",
    parallel=True,
    children=tuple(
        Group(id=name, path=f"g/{name}", level="step", children=(leaf(f"g/{name}/work"),)) for name in "abc"
    ),
)

MIXED = Plan(
    sprint_id="boat",
    phases=(
        agent("plan", retry=Retry(max_attempts=3, backoff=(30.0,))),
        agent("docs", parallel=True),
        SIDE,
        leaf("check", gate=Gate(script="true", prompt="mend", tries=3)),
        leaf("last", wait=True),
    ),
)


def test_without_a_script_everything_ends_well():
    found = rehearse(MIXED)

    assert found.sprint.state == "completed"
    assert not found.failures
    assert found.attempts == 8
    assert found.supervisors == 1
    assert found.rows[0].at == BEGIN


def test_a_seed_gives_the_same_rows_and_another_one_others():
    entries = (
        rule("**", chance=0.3, ends="failed"),
        Crash(kind="power", at=200_000),
        Request(verb="resume", at=900_000),
    )

    assert rehearse(MIXED, *entries, seed=5).rows == rehearse(MIXED, *entries, seed=5).rows
    assert rehearse(MIXED, *entries, seed=5).rows != rehearse(MIXED, *entries, seed=6).rows


def test_a_task_takes_the_time_that_the_script_gives_it():
    found = rehearse(leaf("a"), takes("a", 90))

    assert found.wall == 90_000
    assert when(found, "a", "succeed") == [90]


@pytest.mark.parametrize(("limit", "wall"), [(1, 60_000), (2, 40_000), (3, 20_000)])
def test_steps_run_side_by_side_up_to_the_limit(limit, wall):
    assert rehearse(SIDE, takes("**", 20), limit=limit).wall == wall


def test_a_failure_blocks_the_sprint_and_says_where():
    found = rehearse(MIXED, rule("g/b/work", code=3))

    assert found.sprint.state == "blocked"
    assert found.failures == {"g/b/work": 1}
    assert found.sprint.unit("g/b/work").ended.decoded()["code"] == 3


@pytest.mark.parametrize(
    ("ends", "facts"),
    [
        ("killed", {"signal": "SIGKILL", "verdict": "killed"}),
        ("crashed", {"signal": "SIGABRT", "verdict": "crashed"}),
        ("timeout", {"signal": "SIGTERM", "verdict": "timeout", "why": "timeout"}),
        ("overloaded", {"code": 1, "verdict": "overloaded"}),
    ],
)
def test_an_ending_reaches_the_journal_as_the_real_one_would(ends, facts):
    row = rehearse(agent("a"), rule("a", ends=ends, takes=(1000, 1000))).sprint.unit("a").ended

    assert facts.items() <= row.decoded().items()
    assert row.decoded()["elapsed-ms"] == 1000


def test_nobody_can_know_how_a_lost_task_ended():
    facts = rehearse(leaf("a"), rule("a", ends="lost")).sprint.unit("a").ended.decoded()

    assert facts["verdict"] == "lost"
    assert "code" not in facts
    assert "signal" not in facts


def test_a_limit_says_until_when_and_an_agent_what_it_used():
    found = rehearse(agent("a"), takes("a", 10, tries=(1,), ends="limit", until=60_000, cost=0.5, tokens=70))
    failed = next(row for row in found.rows if row.trigger == "fail").decoded()

    assert failed["until"] == BEGIN + 70_000
    assert failed["cost-usd"] == 0.5
    assert found.cost == 0.5
    assert found.tokens == 70


def test_a_usage_limit_is_waited_for_and_burns_no_try():
    found = rehearse(agent("a"), takes("a", 600, tries=(1,), ends="limit", until=7_200_000), takes("a", 60))

    assert found.sprint.state == "completed"
    assert found.sprint.unit("a").tries == 1
    assert 600 + 7200 <= when(found, "a", "wake")[0] < 600 + 7200 + 600


def test_cost_that_nobody_reports_is_unknown():
    found = rehearse(agent("a"))

    assert found.cost is None
    assert found.tokens is None


def test_a_retry_waits_its_back_off_to_the_millisecond():
    found = rehearse(MIXED, takes("plan", 10, tries=(1, 2), ends="failed"), takes("plan", 10, place=1))

    assert [row.at - BEGIN for row in found.rows if (row.unit, row.trigger) == ("plan", "wake")] == [
        40_000,
        80_000,
    ]
    assert found.sprint.unit("plan").tries == 3
    assert found.sprint.state == "completed"


def test_a_gate_that_fails_once_is_mended():
    found = rehearse(MIXED, rule("check#gate", tries=(1,), ends="failed"))

    assert found.sprint.state == "completed"
    assert when(found, "check#fix", "succeed")


def test_a_killed_supervisor_leaves_its_tasks_running():
    found = rehearse(leaf("a"), takes("a", 100), Crash(kind="supervisor", at=30_000, down=20_000))

    assert when(found, "a", "adopt") == [50]
    assert when(found, "a", "succeed") == [100]
    assert found.supervisors == 2
    assert found.attempts == 1


def test_what_ends_while_nobody_looks_has_its_true_code():
    found = rehearse(leaf("a"), takes("a", 40, code=7), Crash(kind="supervisor", at=30_000, down=60_000))
    facts = found.sprint.unit("a").ended.decoded()

    assert when(found, "a", "fail") == [90]
    assert facts["code"] == 7
    assert facts["elapsed-ms"] == 40_000


def test_a_power_cut_takes_the_tasks_with_it():
    found = rehearse(leaf("a"), takes("a", 100), Crash(kind="power", at=30_000))

    assert found.sprint.state == "blocked"
    assert found.sprint.unit("a").ended.decoded()["verdict"] == "lost"


def test_a_crash_after_a_row_comes_after_that_row_and_before_what_it_owes():
    calm = rehearse(leaf("a"))
    spawn = next(row.seq for row in calm.rows if row.trigger == "spawn")
    found = rehearse(leaf("a"), Crash(kind="supervisor", after_row=spawn))

    assert [row.trigger for row in found.rows if row.unit == "a"][:3] == ["spawn", "abort", "spawn"]
    assert found.sprint.unit("a").attempt == 2
    assert found.sprint.unit("a").tries == 1


def test_a_launcher_that_dies_is_replaced():
    found = rehearse(SIDE, takes("**", 20), Crash(kind="launcher", at=10_000), limit=1)

    assert found.sprint.state == "completed"
    assert found.supervisors == 1


def test_a_paused_sprint_goes_on_when_somebody_says_so():
    ask = (Request(verb="pause", at=5_000), Request(verb="resume", at=300_000))
    found = rehearse(SIDE, takes("**", 20), *ask, limit=1)

    assert when(found, "#sprint", "pause") == [5]
    assert when(found, "#sprint", "resume") == [300]
    assert found.wall == 300_000 + 40_000
    assert found.sprint.state == "completed"


def test_a_sprint_at_rest_stays_so_when_nobody_asks():
    found = rehearse(SIDE, takes("**", 20), Request(verb="pause", at=5_000), limit=1)

    assert found.sprint.state == "paused"


def test_what_is_stopped_costs_no_try_and_runs_again():
    ask = (Request(verb="stop", at=5_000), Request(verb="resume", at=60_000))
    found = rehearse(leaf("a"), takes("a", 20), *ask)

    assert when(found, "a", "fail") == [5]
    assert found.sprint.unit("a").tries == 1
    assert found.wall == 80_000
    assert not found.failures


def test_a_cancelled_sprint_is_over():
    found = rehearse(
        leaf("a"), takes("a", 20), Request(verb="cancel", at=5_000), Request(verb="resume", at=60_000)
    )

    assert found.sprint.state == "cancelled"
    assert found.unplayed == ("resume at 0:01:00",)


def test_something_that_failed_can_be_skipped_while_the_sprint_rests():
    ask = (Request(verb="skip", at=90_000, unit="a"), Request(verb="resume", at=100_000))
    found = rehearse(
        Plan(sprint_id="boat", phases=(leaf("a"), leaf("b"))),
        rule("a", ends="failed", takes=(1000, 1000)),
        *ask,
    )

    assert found.sprint.unit("a").state == "skipped"
    assert found.sprint.state == "completed"


def test_a_crash_while_a_resting_sprint_is_set_going_is_no_reason_to_do_it_twice():
    ask = (Request(verb="pause", at=1_000), Request(verb="resume", at=60_000))
    found = rehearse(SIDE, takes("g/a/work", 20), takes("g/b/work", 5, code=1), *ask, limit=1, every=True)

    assert found.sprint.state == "blocked"
    assert sum(row.trigger in ("resume", "retry") and row.unit == "#sprint" for row in found.rows) == 1


def test_what_the_script_has_for_after_the_end_is_told():
    late = Crash(kind="power", at=10_000_000)

    assert rehearse(leaf("a"), late, Crash(kind="power", after_row=900)).unplayed == (
        "crash of the machine at 2:46:40",
        "crash of the machine after row 900",
    )


def test_a_sprint_that_never_ends_is_said_to(monkeypatch):
    monkeypatch.setattr("fsm.scripted.MOST_RUNS", 50)
    endless = leaf("a", retry=Retry(max_attempts=1000))

    with pytest.raises(SprintError, match="does not come to an end"):
        rehearse(endless, rule("a", ends="failed"))


SCRIPTS = {
    "nothing": (),
    "failures": (rule("**", tries=(1,), ends="failed"), Request(verb="resume", at=3_600_000)),
    "a gate that gives up": (rule("check#gate", ends="failed"),),
    "a stop": (Request(verb="stop", at=100_000), Request(verb="resume", at=4_000_000)),
    "background failures": (rule("docs", ends="failed"),),
    "a limit": (rule(tries=(1,), ends="limit", until=3_600_000),),
    "lost": (rule("g/a/work", tries=(1,), ends="lost"), Request(verb="resume", at=3_600_000)),
}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_crashes_at_every_row_change_no_end(name, seed):
    calm = rehearse(MIXED, *SCRIPTS[name], seed=seed)
    found = rehearse(MIXED, *SCRIPTS[name], seed=seed, every=True)

    assert found.crashes > 40
    assert differences(standing(calm.sprint), standing(found.sprint)) == []
    assert found.wall == calm.wall


def test_every_kind_of_row_is_crashed_at():
    found = rehearse(MIXED, rule("check#gate", tries=(1,), ends="failed"), every=True)
    # The last row of one supervisor before the next one's lease.
    killed = {
        before.trigger
        for before, row in zip(found.rows, found.rows[1:], strict=False)
        if row.trigger == "lease"
    }

    assert {"start", "spawn", "abort", "adopt", "succeed", "complete"} <= killed
    assert found.supervisors == found.crashes + 1


def test_another_end_is_told_unit_by_unit():
    calm, other = (
        standing(rehearse(SIDE).sprint),
        standing(rehearse(SIDE, rule("g/b/work", ends="failed")).sprint),
    )

    assert "the sprint is blocked, without crashes completed" in differences(calm, other)
    assert (
        "g/b/work is failed after 1 tries (failed), without crashes completed after 1 tries"
        in differences(calm, other)
    )


def test_a_supervisor_that_forgets_what_it_spawned_is_found_out(monkeypatch):
    """The mutant: recovery takes an attempt that was never told to run for one that has ended well."""

    def careless(sprint, now, *, copied=False):
        yield from ()

    monkeypatch.setattr("fsm.engine.recover", careless)

    with pytest.raises((Violation, SprintError)):
        rehearse(leaf("a"), every=True)


def test_a_code_that_is_not_the_true_one_is_found_out(monkeypatch):
    react = engine.react

    def lying(sprint, event, now):
        lie = event._replace(facts={**event.facts, "code": 4}) if isinstance(event, Ended) else event
        return react(sprint, lie, now)

    monkeypatch.setattr(engine, "react", lying)

    with pytest.raises(Violation, match="I5"):
        rehearse(leaf("a"))


def test_a_task_that_runs_before_its_start_is_on_disk_is_found_out(monkeypatch):
    gated = shim.shim

    def ungated():
        life, result = gated(), None
        while True:
            try:
                operation, fields = life.send(result)
            except StopIteration:
                return
            result = True if operation == shim.GATE else (yield operation, fields)

    monkeypatch.setattr(shim, "shim", ungated)

    with pytest.raises(Violation, match="I4"):
        rehearse(leaf("a"))


def test_the_number_of_crashes_is_bounded(monkeypatch):
    monkeypatch.setattr(rehearsal, "MOST_CRASHES", 7)

    assert rehearse(MIXED, every=True).crashes == 7
