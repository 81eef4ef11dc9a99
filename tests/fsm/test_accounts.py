"""Usage limits and who is asked instead: what waits, until when, and when the first is asked again."""

import pytest

from fsm.accounts import ANYBODY, LONGEST_MS, MARGIN_MS, limited
from fsm.plan import Agent, Leaf, Plan, Retry
from fsm_sprint.agents.registry import DEFAULT
from tests.fsm.plans import gate, leaf, phase, plan, step
from tests.fsm.scripted import (
    BEGIN,
    OK,
    End,
    World,
    ask,
    by_unit,
    engine,
    rows,
    sprint_rows,
    states,
    supervise,
    told,
)

HOUR = 3_600_000
CODEX = Agent(name="codex")
GEMINI = Agent(name="gemini")


def limit(hours: float = 1.0) -> End:
    return End("limit", facts={"until": BEGIN + int(hours * HOUR)})


def prompt(name: str, **fields: object) -> Leaf:
    return leaf(name, run=None, prompt="do it", **fields)


def asked(world: World, unit: str) -> list[str]:
    return [facts.get("agent", "its own") for facts in rows(world, unit, "spawn")]


def beside(*leaves: Leaf) -> Plan:
    return plan(phase("p", *(step(f"s{n}", found) for n, found in enumerate(leaves)), parallel=True))


def test_nobody_named_is_who_the_registry_asks():
    assert ANYBODY == DEFAULT


# Waiting


def test_a_unit_whose_account_has_met_a_limit_waits_until_it_is_over_and_burns_no_try():
    world = World(by_unit(OK, {"a": [limit(), OK]}))
    sprint = supervise(world, plan(prompt("a")))

    assert (sprint.state, sprint.unit("a").tries) == ("completed", 1)
    assert world.ms == pytest.approx(HOUR + MARGIN_MS, abs=50)
    (wait,) = rows(world, "a", "delay")
    assert (wait["why"], wait["account"], wait["until"]) == (
        "usage limit",
        "claude",
        BEGIN + HOUR + MARGIN_MS,
    )
    assert rows(world, "a", "wake") == [{"lifted": ["claude"]}]
    assert sprint.limits == {}


def test_without_a_word_about_its_end_it_waits_longer_from_time_to_time():
    world = World(by_unit(OK, {"a": [*[End("limit")] * 5, OK]}))
    supervise(world, plan(prompt("a")))

    minutes = [facts["delay"] // 60_000 for facts in rows(world, "a", "delay")]
    assert minutes == [5, 15, 30, 60, 60]


def test_a_limit_that_would_last_for_ever_is_asked_about_now_and_then():
    world = World(by_unit(OK, {"a": [End("limit", facts={"until": BEGIN + 10**15}), OK]}))
    supervise(world, plan(prompt("a")))

    assert rows(world, "a", "delay")[0]["delay"] == LONGEST_MS


def test_every_other_unit_of_the_account_waits_instead_of_being_started():
    world = World(by_unit(OK, {"p/s0/l": [limit(), OK]}))
    made = beside(prompt("l"), prompt("l"), prompt("l", agent=CODEX), leaf("l"))
    sprint = supervise(world, made)

    assert sprint.state == "completed"
    assert world.executed == ["p/s0/l", "p/s2/l", "p/s3/l", "p/s0/l", "p/s1/l"]
    assert told(world, "delay", "wake") == ["p/s0/l delay", "p/s1/l delay", "p/s0/l wake", "p/s1/l wake"]
    ends = [rows(world, f"p/s{n}/l", "delay")[0]["until"] for n in range(2)]
    assert ends[0] == ends[1]


def test_agents_of_one_account_wait_together_whatever_they_are_called():
    shared = [Agent(name=name, account="team") for name in ("claude", "codex")]
    world = World(by_unit(OK, {"p/s0/l": [limit(), OK]}))
    supervise(world, beside(*(prompt("l", agent=agent) for agent in shared)))

    assert told(world, "delay") == ["p/s0/l delay", "p/s1/l delay"]


def test_what_runs_on_the_account_already_goes_on():
    world = World(by_unit(OK, {"p/s0/l": [limit(), OK], "p/s1/l": [OK._replace(lasts=500)]}))
    supervise(world, beside(prompt("l"), prompt("l")), limit=2)

    assert world.counts == {"p/s0/l": 2, "p/s1/l": 1}


def test_a_limit_survives_its_supervisor():
    world = World(by_unit(OK, {"p/s0/l": [limit(), OK]}))
    world.asked = [(20 * 60_000, ask("stop"))]
    made = beside(prompt("l"), prompt("l"))
    assert supervise(world, made).state == "paused"
    sprint = supervise(world)

    assert sprint.state == "completed"
    assert world.ms == pytest.approx(HOUR + MARGIN_MS, abs=100)


def test_a_limit_that_ended_while_the_machine_slept_is_over():
    world = World(by_unit(OK, {"a": [limit(5), OK]}))
    world.asked = [(600_000, ask("nothing"))]
    found = engine(world)
    found.take_over({}, plan=plan(prompt("a")))
    inner = found._executor.wait

    def wait(timeout: float | None) -> object:
        events = inner(timeout)
        if world.ms == 600_000:
            world.wall += 6 * HOUR
        return events

    found._executor.wait = wait  # type: ignore[method-assign, assignment]
    found.run()

    assert found.sprint.state == "completed"
    assert world.ms < 600_000 + 120_000


def test_a_clock_set_back_does_not_make_them_wait_again():
    world = World(by_unit(OK, {"a": [limit(), OK]}))
    world.asked = [(600_000, ask("nothing"))]
    found = engine(world)
    found.take_over({}, plan=plan(prompt("a"), prompt("b")))
    inner = found._executor.wait

    def wait(timeout: float | None) -> object:
        events = inner(timeout)
        if world.ms == 600_000:
            world.wall -= 48 * HOUR
        return events

    found._executor.wait = wait  # type: ignore[method-assign, assignment]
    found.run()

    assert found.sprint.state == "completed"
    assert world.ms == pytest.approx(HOUR + MARGIN_MS, abs=100)


def test_the_session_that_met_the_limit_goes_on_however_often():
    met = End("limit", facts={"session": "s-1"})
    world = World(by_unit(OK, {"a": [met, met, OK]}))
    supervise(world, plan(prompt("a")))

    assert [facts.get("resume") for facts in rows(world, "a", "spawn")] == [None, "s-1", "s-1"]


def test_a_fix_that_meets_a_limit_waits_and_is_no_fix():
    made = plan(prompt("a", gate=gate(2)))
    failed = End("failed")
    world = World(by_unit(OK, {"a#gate": [failed, OK], "a#fix": [limit(), OK]}))
    sprint = supervise(world, made)

    assert sprint.state == "completed"
    assert world.executed == ["a", "a#gate", "a#fix", "a#fix", "a#gate"]


def test_a_supervisor_that_is_not_to_wait_does_what_can_be_done_and_pauses():
    world = World(by_unit(OK, {"p/s0/l": [limit(), OK]}))
    made = beside(prompt("l"), prompt("l"), leaf("l"))
    for plan_ in (made, None):
        found = engine(world, wait_for_limits=False)
        found.take_over({}, plan=plan_)
        if found.sprint.at_rest:
            found.resume("ann", "again")
        found.run()
        assert found.sprint.state == "paused"
        assert sprint_rows(world, "pause")[-1] == {
            "why": "usage limit of claude, and told not to wait",
            "kind": "limit",
            "until": BEGIN + HOUR + MARGIN_MS,
        }
    assert world.executed == ["p/s0/l", "p/s2/l"]
    world.ms += 2 * HOUR
    found = engine(world, wait_for_limits=False)
    found.take_over({})
    found.resume("ann", "again")
    found.run()

    assert found.sprint.state == "completed"


# Asking another


@pytest.mark.parametrize("verdict", ["limit", "overloaded", "auth"])
def test_the_next_agent_is_asked_at_once_and_the_journal_says_why(verdict: str):
    world = World(by_unit(OK, {"a": [End(verdict, facts={"session": "s"}), OK]}))
    sprint = supervise(world, plan(prompt("a", failover=(CODEX, GEMINI))))

    assert (sprint.state, asked(world, "a")) == ("completed", ["its own", "codex"])
    spawn = rows(world, "a", "spawn")[1]
    assert spawn["failover"] == {"from": "claude", "to": "codex", "why": verdict}
    assert "resume" not in spawn
    assert world.ms < 1000


def test_other_failures_are_no_reason_to_ask_another():
    world = World(by_unit(OK, {"a": [End("failed"), OK]}))
    supervise(world, plan(prompt("a", failover=(CODEX,), retry=Retry(max_attempts=2))))

    assert asked(world, "a") == ["its own", "its own"]


def test_what_begins_while_the_first_is_limited_asks_the_second_and_later_the_first_again():
    slow = End("failed", lasts=2 * HOUR)
    world = World(by_unit(OK, {"a": [limit(), OK], "b": [slow, OK]}))
    line = (CODEX,)
    retry = Retry(max_attempts=2)
    supervise(world, plan(prompt("a", failover=line), prompt("b", failover=line, retry=retry)))

    assert asked(world, "b") == ["codex", "its own"]
    moves = [facts.get("failover") for facts in rows(world, "b", "spawn")]
    assert moves[0] == {"from": "claude", "to": "codex", "why": "limit"}
    assert moves[1] == {"from": "codex", "to": "claude", "why": "its limit is over"}


def test_when_all_have_met_a_limit_the_first_that_is_free_again_is_asked():
    world = World(by_unit(OK, {"a": [limit(3), limit(1), OK]}))
    sprint = supervise(world, plan(prompt("a", failover=(CODEX,))))

    assert (sprint.state, asked(world, "a")) == ("completed", ["its own", "codex", "codex"])
    assert world.ms == pytest.approx(HOUR + MARGIN_MS, abs=50)


def test_when_the_whole_line_is_overloaded_the_policy_decides():
    world = World(by_unit(OK, {"a": [*[End("overloaded")] * 3, OK]}))
    retry = Retry(max_attempts=4, backoff=(100.0,))
    supervise(world, plan(prompt("a", failover=(CODEX, GEMINI), retry=retry)))

    assert asked(world, "a") == ["its own", "codex", "gemini", "its own"]
    assert [facts["why"] for facts in rows(world, "a", "delay")] == ["failover", "failover", "back-off"]


def test_who_could_not_log_in_is_not_asked_again_by_those_who_have_others_until_a_person_has_come():
    world = World(by_unit(OK, {"a": [End("auth"), OK], "x": [End("failed"), OK]}))
    line = (CODEX,)
    made = plan(prompt("a", failover=line), prompt("b", failover=line), leaf("x"), prompt("c", failover=line))
    supervise(world, made)
    assert asked(world, "b") == ["codex"]
    supervise(world)

    assert asked(world, "c") == ["its own"]


def test_an_attempt_that_never_ran_is_made_again_with_the_same_agent():
    world = World(by_unit(OK, {"a": [End("overloaded"), End("", "never-ran"), OK]}))
    supervise(world, plan(prompt("a", failover=(CODEX,))))

    assert asked(world, "a") == ["its own", "codex", "codex"]


def test_a_fix_asks_the_next_of_its_owners_agents():
    world = World(by_unit(OK, {"a#gate": [End("failed"), OK], "a#fix": [End("auth"), OK]}))
    supervise(world, plan(prompt("a", gate=gate(2), failover=(CODEX,))))

    assert asked(world, "a#fix") == ["its own", "codex"]


def test_what_waits_for_a_limit_can_be_skipped():
    world = World(by_unit(OK, {"a": [limit()]}))
    world.asked = [(1000, ask("skip", unit="a"))]
    sprint = supervise(world, plan(prompt("a"), leaf("b")))

    assert (sprint.state, states(sprint)) == ("completed", {"a": "skipped", "b": "completed"})
    assert world.ms < 2000


def test_a_limit_that_a_clock_set_back_makes_last_for_years_is_not_waited_for():
    world = World()
    sprint = supervise(world, plan(prompt("a")))
    sprint.limits["claude"] = BEGIN + HOUR

    assert limited(sprint, ANYBODY, BEGIN)
    assert limited(sprint, ANYBODY, BEGIN + HOUR - LONGEST_MS)
    assert not limited(sprint, ANYBODY, BEGIN - 7 * 365 * 24 * HOUR)
