"""Budgets: what is spent, what is reserved, and that what runs may finish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.explain import explain
from fsm.plan import Budget, Leaf, Plan
from fsm.sprint import fold
from fsm.transition import Facts, Move
from tests.fsm.plans import gate, leaf, phase, plan, step
from tests.fsm.scripted import (
    FAIL,
    OK,
    RUN,
    End,
    World,
    always,
    ask,
    by_unit,
    engine,
    rows,
    sprint_rows,
    supervise,
    told,
)


def cost(usd: float | None, tokens: int = 0, ms: int = 10, **more: object) -> End:
    facts: Facts = {"elapsed-ms": ms, **({} if usd is None else {"cost-usd": usd})}
    if tokens:
        facts["tokens"] = {"input": tokens - 1, "output": 1, "cached": 10**6}
    return End(lasts=ms, facts=facts, **more)


def prompt(name: str, **fields: object) -> Leaf:
    return leaf(name, run=None, prompt="do it", **fields)


def line(count: int, **fields: object) -> Plan:
    return plan(*(prompt(f"l{n}") for n in range(count)), **fields)


def beside(count: int, **fields: object) -> Plan:
    return plan(phase("p", *(step(f"s{n}", prompt("l")) for n in range(count)), parallel=True, **fields))


@pytest.mark.parametrize(
    ("budget", "each", "said"),
    [
        (Budget(cost_usd=3), cost(1.0), "$3.00 of $3.00"),
        (Budget(tokens=300), cost(None, tokens=100), "300 tokens of 300 tokens"),
        (Budget(wall=3), cost(None, ms=1000), "3 s of 3 s"),
        (Budget(attempts=3), cost(None), "3 attempts of 3 attempts"),
    ],
)
def test_when_a_budget_is_used_up_the_sprint_is_blocked_and_says_so(budget: Budget, each: End, said: str):
    world = World(always(each))
    sprint = supervise(world, line(5, budget=budget))

    assert (sprint.state, len(world.executed)) == ("blocked", 3)
    (facts,) = sprint_rows(world, "block")
    assert facts["kind"] == "budget"
    assert facts["why"].startswith(f"the budget of the sprint is used up: {said}")
    assert supervise(world).state == "blocked", "nothing has changed"
    assert len(world.executed) == 3


def test_an_agent_that_stops_at_the_bound_it_was_given_ends_the_budget_and_has_not_failed():
    world = World(always(cost(0.52, verdict="budget")))
    sprint = supervise(world, line(2, budget=Budget(cost_usd=0.5)))

    assert sprint.state == "blocked"
    assert sprint_rows(world, "block")[0]["kind"] == "budget"
    supervise(world, resume=False, spawning=False, events=[ask("resume", budget={"cost-usd": 2})])
    world.script = always(cost(0.5))
    assert supervise(world).state == "completed"


def test_a_sprint_that_ends_with_its_budget_is_completed():
    world = World(always(cost(1.0)))

    assert supervise(world, line(3, budget=Budget(cost_usd=3))).state == "completed"


@pytest.mark.parametrize("where", ["phase", "step", "leaf"])
def test_a_phase_a_step_and_a_leaf_have_budgets_of_their_own(where: str):
    budget = Budget(attempts=2)
    found = {name: budget if name == where else None for name in ("phase", "step", "leaf")}
    inner = prompt("l", budget=found["leaf"])
    made = plan(phase("p", step("s", inner, budget=found["step"]), budget=found["phase"]), leaf("x"))
    world = World(by_unit(OK, {"p/s/l": [FAIL, FAIL, OK]}))
    for _ in range(2):
        assert supervise(world, made).state == "blocked"
    sprint = supervise(world)

    path = {"phase": "p", "step": "p/s", "leaf": "p/s/l"}[where]
    assert (sprint.state, world.counts["p/s/l"]) == ("blocked", 2)
    assert sprint_rows(world, "block")[-1]["unit"] == path


def test_what_runs_side_by_side_is_reserved_at_the_price_of_the_dearest_before():
    world = World(always(cost(1.0, ms=100)))
    made = beside(10, budget=Budget(cost_usd=4.5))
    sprint = supervise(world, made, limit=3)

    assert (sprint.state, len(world.executed)) == ("blocked", 5)
    (p,) = [unit for unit in sprint.order if unit.path == "p"]
    assert p.purse is not None
    assert p.purse.spent["cost-usd"] == 5.0


def test_before_anything_is_known_an_equal_share_is_reserved():
    world = World(always(cost(0.1, ms=100)))
    supervise(world, beside(4, budget=Budget(cost_usd=4)), limit=4)

    assert world.at_once == 4, "four shares of a quarter each"


def test_while_what_runs_may_use_it_up_the_others_wait_and_are_told_why():
    after = [step(f"s{n}", prompt("l"), depends_on=("s0",) if n else ()) for n in range(4)]
    made = plan(phase("p", *after, parallel=True, budget=Budget(cost_usd=7)))
    world = World(always(cost(3.0, ms=100)))
    sprint = supervise(world, made, limit=4)

    assert (sprint.state, world.at_once, len(world.executed)) == ("blocked", 1, 3)
    until = next(row.seq for row in world.rows.committed if (row.unit, row.trigger) == ("p/s1/l", "start"))
    then = fold(iter(world.rows.committed[:until]), RUN, world.rows.texts.__getitem__)
    assert explain(then, then.unit("p/s2/l")) == ["what runs may use up the budget of p (cost-usd)"]


def test_an_attempt_is_told_what_it_may_cost():
    world = World(always(cost(1.0)))
    made = plan(phase("p", step("s", prompt("a"), prompt("b"), leaf("c")), budget=Budget(cost_usd=2.5)))
    supervise(world, made)

    allowed = [rows(world, f"p/s/{name}", "spawn")[0].get("budget-usd") for name in "abc"]
    assert allowed == [2.5, 1.5, None]


def test_unknown_costs_are_not_nothing_they_are_counted_and_said():
    ends = {"l0": [cost(None)], "l1": [cost(2.0)]}
    world = World(by_unit(OK, ends))
    sprint = supervise(world, line(3, budget=Budget(cost_usd=2)))

    assert sprint.state == "blocked"
    assert sprint_rows(world, "block")[0]["why"].endswith(
        "1 attempts of which nobody has told what they cost"
    )


def test_what_a_lost_attempt_had_told_is_charged():
    world = World(always(OK))
    found = engine(world)
    found.take_over({}, plan=line(2, budget=Budget(cost_usd=2)))
    for trigger, facts in [
        ("spawn", {"name": "n", "log": "logs/n"}),
        ("start", {}),
        ("report", {"cost-usd": 2.5}),
    ]:
        found._record([Move("l0", trigger, facts, 1)])
    lost = Move("l0", "fail", {"verdict": "lost"}, 1)
    found._record([lost])

    assert found.sprint.purse.spent["cost-usd"] == 2.5
    assert found.sprint.purse.unpriced == 0


def test_attempts_that_never_ran_cost_nothing():
    world = World(by_unit(OK, {"l0": [End("", "never-ran"), OK]}))

    assert supervise(world, line(2, budget=Budget(attempts=2))).state == "completed"


def test_work_that_is_only_verified_anew_is_paid_for_once():
    """When its gate gave up, and somebody sets the sprint going, the script is tried again and the work is kept."""
    world = World(by_unit(OK, {"a": [cost(1.0)], "a#gate": [FAIL, OK], "b": [cost(None)]}))
    made = plan(prompt("a", gate=gate(1)), prompt("b"), budget=Budget(cost_usd=1.5))
    assert supervise(world, made).state == "blocked"
    sprint = supervise(world)

    assert sprint.state == "completed"
    assert world.executed == ["a", "a#gate", "a#gate", "b"]
    assert (sprint.purse.spent["cost-usd"], sprint.purse.unpriced) == (1.0, 1)
    assert not sprint.purse.live.total()
    exited = sprint.units["a"].exited
    assert exited is not None
    assert exited.decoded()["code"] == 0


def test_work_that_is_cancelled_while_it_is_verified_is_paid_for_once():
    world = World(by_unit(OK, {"a": [cost(1.0)], "a#gate": [End(lasts=1000)]}))
    world.asked = [(100, ask("cancel"))]
    sprint = supervise(world, plan(prompt("a", gate=gate()), budget=Budget(cost_usd=9)))

    assert (sprint.state, sprint.units["a"].state) == ("cancelled", "cancelled")
    assert sprint.purse.spent["cost-usd"] == 1.0
    assert not sprint.purse.live.total()


def test_when_nothing_is_left_for_one_script_no_other_is_started():
    """Two are due in one turn; the first finds that its own budget is used up, and blocks the sprint."""
    world = World(by_unit(OK, {"p/s0/a": [End(lasts=10)], "p/s1/b": [End(lasts=10)]}))
    steps = (
        step("s0", leaf("a", gate=gate(), budget=Budget(attempts=1))),
        step("s1", leaf("b", gate=gate())),
    )
    sprint = supervise(world, plan(phase("p", *steps, parallel=True)), limit=2)

    assert sprint.state == "blocked"
    assert sorted(world.executed) == ["p/s0/a", "p/s1/b"]


def test_fixes_are_charged_to_their_owner():
    budget = Budget(attempts=3)
    world = World(by_unit(OK, {"a#gate": [FAIL, FAIL, OK]}))
    sprint = supervise(world, plan(prompt("a", gate=gate(), budget=budget)))

    assert sprint.state == "blocked"
    assert world.executed == ["a", "a#gate", "a#fix"]
    assert supervise(world).state == "blocked"


def test_a_larger_budget_lets_it_go_on():
    world = World(always(cost(1.0)))
    supervise(world, line(5, budget=Budget(cost_usd=3)))
    request = ask("resume", budget={"cost-usd": 4})
    supervise(world, resume=False, spawning=False, events=[request])
    assert supervise(world).state == "blocked"
    assert len(world.executed) == 4
    found = engine(world)
    found.take_over({})
    found.resume("ann", "more", {"cost-usd": 10})
    found.run()

    assert found.sprint.state == "completed"


@pytest.mark.parametrize(
    ("budget", "why"),
    [
        ({"tokens": 4}, "the sprint has no budget of tokens"),
        ({"cost-usd": "much"}, "cost-usd wants a number, not 'much'"),
        ({"cost-usd": 4, "unit": "l1"}, "l1 has no budget of cost-usd"),
        ({"cost-usd": 4, "unit": "nobody"}, "nobody has no budget of cost-usd"),
    ],
)
def test_a_bound_that_makes_no_sense_is_refused(budget: Facts, why: str):
    world = World(always(cost(1.0)))
    supervise(world, line(5, budget=Budget(cost_usd=3)))
    supervise(world, resume=False, spawning=False, events=[ask("resume", budget=budget)])

    assert world.answers == [("q1", f"refused: {why}")]
    assert told(world, "resume", "retry") == []


@given(
    st.lists(st.floats(0, 2), min_size=12, max_size=12),
    st.integers(1, 4),
    st.sampled_from([1.0, 2.5, 4.0]),
    st.booleans(),
)
def test_nothing_starts_beside_others_unless_it_fits_and_a_replay_knows_the_same(
    costs: list[float], limit: int, bound: float, sequence: bool
):
    ends = {f"p/s{n}/l": [cost(usd, ms=10 + 7 * n % 5)] for n, usd in enumerate(costs)}
    world = World(by_unit(OK, ends))
    fields = {"budget": Budget(cost_usd=bound)}
    made = beside(12, **fields)
    sprint = supervise(world, made, limit=1 if sequence else limit)
    again = fold(iter(world.rows.committed), RUN, world.rows.texts.__getitem__)

    def purse(of: object) -> object:
        return next(unit.purse for unit in of.order if unit.path == "p")  # type: ignore[attr-defined]

    live, replayed = purse(sprint), purse(again)
    assert live.spent == replayed.spent  # type: ignore[attr-defined]
    assert live.largest == replayed.largest  # type: ignore[attr-defined]
    assert sprint.state == ("completed" if len(world.executed) == 12 else "blocked")
    dearest = max(costs)
    assert live.spent["cost-usd"] <= bound + dearest * (1 if sequence else limit)  # type: ignore[attr-defined]
    if sprint.state == "blocked":
        assert live.spent["cost-usd"] >= bound  # type: ignore[attr-defined]
