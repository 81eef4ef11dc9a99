"""A plan that changes under way: steps that agents propose and people add, and a plan that was compiled anew."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.amend import MOST_ADDED
from fsm.errors import SprintError
from fsm.plan import Budget, Group, Hook, Leaf, Orchestration, Plan, load
from fsm.proposal import MOST_AT_ONCE
from fsm.sprint import Sprint, fold
from fsm.transition import Facts
from journal.memory import MemoryJournal
from journal.progress import render
from journal.replay import verify
from tests.fsm import naive
from tests.fsm.plans import back, gate, leaf, phase, plan, plans, step
from tests.fsm.scripted import (
    FAIL,
    OK,
    RUN,
    Died,
    End,
    Mortal,
    World,
    ask,
    by_unit,
    engine,
    grown,
    say,
    sprint_rows,
    states,
    supervise,
    to_the_end,
    told,
)

AGREES = Orchestration(enabled=True, auto_approve=True)
ASKS = Orchestration(enabled=True)


def proposes(*steps: object, **more: object) -> End:
    return End(facts={"proposed-steps": list(steps)}, **more)


def one(prompt: str = "more", **said: object) -> Facts:
    return {"prompt": prompt, **said}


def work(name: str, text: str = "the item") -> Group:
    return step(
        name,
        leaf("plan", run=None, prompt=f"Plan this: {text}. Well."),
        leaf("check", run="true", env=(("ITEM_PROMPT", text), ("ITEM_ID", name))),
        prompt=text,
    )


STEPS = plan(phase("p", work("s0"), work("s1")), leaf("x"))


def now(world: World) -> Sprint:
    return fold(iter(world.rows.committed), RUN, world.rows.texts.__getitem__)


# Proposed by agents


def test_a_step_that_an_agent_proposes_comes_after_its_own_and_is_like_it():
    world = World(by_unit(OK, {"p/s0/plan": [proposes(one("wash up", id="wash"))]}))
    sprint = supervise(world, replace(STEPS, orchestration=AGREES))

    assert sprint.state == "completed"
    assert world.executed == [
        *("p/s0/plan", "p/s0/check", "p/wash/plan", "p/wash/check", "p/s1/plan", "p/s1/check", "x")
    ]
    made, check = (sprint.unit(f"p/wash/{name}").node for name in ("plan", "check"))
    assert isinstance(made, Leaf)
    assert made.prompt == "Plan this: wash up. Well."
    assert isinstance(check, Leaf)
    assert (dict(check.env), check.run) == ({"ITEM_PROMPT": "wash up", "ITEM_ID": "wash"}, "true")
    assert sprint_rows(world, "amend")[1]["added"] == ["p/wash"]


@pytest.mark.parametrize(
    ("strategy", "said", "order"),
    [
        ("after-current", {}, ["s0", "added-1", "s1"]),
        ("end-of-phase", {}, ["s0", "s1", "added-1"]),
        ("custom", {"insertAfter": "s1"}, ["s0", "s1", "added-1"]),
        ("custom", {"insertAfter": "nothing there"}, ["s0", "added-1", "s1"]),
    ],
)
def test_where_it_goes_is_what_the_sprint_or_the_proposal_says(strategy: str, said: Facts, order: list[str]):
    wanted = replace(AGREES, insert_strategy=strategy)
    world = World(by_unit(OK, {"p/s0/plan": [proposes(one(**said))]}))
    sprint = supervise(world, replace(STEPS, orchestration=wanted))

    assert [child.path for child in sprint.unit("p").children] == [f"p/{name}" for name in order]


@pytest.mark.parametrize(
    ("owner", "path"), [("p/s0/a", "p/more"), ("p/s0", "p/more"), ("p", "p/more"), ("x", "more")]
)
def test_what_a_fix_proposes_comes_after_what_it_mends(owner: str, path: str):
    world = World(by_unit(OK, {f"{owner}#gate": [FAIL, OK], f"{owner}#fix": [proposes(one(id="more"))]}))
    gates = {name: gate() if name == owner else None for name in ("p", "p/s0", "p/s0/a", "x")}
    steps = step("s0", leaf("a", gate=gates["p/s0/a"]), gate=gates["p/s0"]), step("s1", leaf("b"))
    made = plan(phase("p", *steps, gate=gates["p"]), leaf("x", gate=gates["x"]), leaf("y"))
    sprint = supervise(world, replace(made, orchestration=AGREES))

    assert sprint.state == "completed"
    where = sprint.unit(path).parent
    assert where is not None
    places = [child.path for child in where.children]
    assert places[places.index(path) - 1] == {"p/s0/a": "p/s0", "p": "p/s1"}.get(owner, owner)


def test_what_a_simple_phase_proposes_is_a_phase_after_it():
    world = World(by_unit(OK, {"a": [proposes(one("again"))]}))
    sprint = supervise(world, plan(leaf("a", run=None, prompt="do"), leaf("b"), orchestration=AGREES))

    assert world.executed == ["a", "added-1", "b"]
    assert sprint.state == "completed"


def test_the_last_of_a_phase_still_adds_to_it_before_it_is_complete():
    world = World(by_unit(OK, {"p/s1/check": [proposes(one())]}))
    sprint = supervise(world, replace(STEPS, orchestration=AGREES))

    assert world.executed[-3:] == ["p/added-1/plan", "p/added-1/check", "x"]
    assert told(world, "reopen") == []
    assert sprint.state == "completed"


def test_side_by_side_and_by_dependencies_it_takes_its_part():
    steps = [step("a", leaf("l")), step("b", leaf("l"), depends_on=("a",))]
    made = plan(phase("p", *steps, parallel=True), orchestration=AGREES)
    world = World(by_unit(OK, {"p/a/l": [proposes(one(**{"depends-on": ["b", "nobody"]}))]}))
    sprint = supervise(world, made, limit=3)

    assert world.executed == ["p/a/l", "p/b/l", "p/added-1/l"]
    assert sprint.state == "completed"


def test_without_leave_it_is_queued_and_a_person_decides():
    said = [one("first", reasoning="because", priority="high"), one("second"), {"prompt": ""}, "nonsense"]
    world = World(by_unit(OK, {"p/s0/plan": [proposes(*said)]}))
    sprint = supervise(world, replace(STEPS, orchestration=ASKS))

    assert sprint.state == "completed"
    first, second = sprint.proposed
    assert [found.prompt for found in sprint.proposed.values()] == ["first", "second"]
    text = render(now(world))
    assert "step-queue:\n" in text
    assert "priority: high" in text
    assert say(world, "reject", second) == f"{second} is rejected"
    assert say(world, "approve", first) == f"{first} is added"
    assert now(world).proposed == {}
    sprint = supervise(world, resume=False)
    assert (sprint.state, world.executed[-2:]) == ("completed", ["p/added-1/plan", "p/added-1/check"])
    assert "step-queue: []" in render(now(world))


def test_where_the_sprint_wants_no_steps_none_are_taken():
    world = World(by_unit(OK, {"p/s0/plan": [proposes(one())]}))
    for wanted in (None, Orchestration(enabled=False, auto_approve=True)):
        world = World(by_unit(OK, {"p/s0/plan": [proposes(one())]}))
        sprint = supervise(world, replace(STEPS, orchestration=wanted))
        assert (sprint.proposed, len(sprint_rows(world, "amend"))) == ({}, 1)


def test_an_agent_that_always_wants_one_more_comes_to_an_end():
    greedy = proposes(*[one(f"n{n}") for n in range(MOST_AT_ONCE + 5)])
    world = World(lambda unit, before: greedy if unit.endswith("plan") else OK)
    sprint = supervise(world, replace(STEPS, orchestration=AGREES))

    assert sprint.state == "completed"
    assert sprint.added == MOST_ADDED


def test_a_death_around_the_row_adds_it_once():
    for commits in range(4, 9):
        for before in (True, False):
            world = World(by_unit(OK, {"p/s0/plan": [proposes(one())]}))
            made = replace(STEPS, orchestration=AGREES)
            with pytest.raises(Died):
                supervise(world, made, journal=Mortal(world.rows, commits, before=before))
            world.supervisor_died()
            assert to_the_end(world, made).state == "completed"
            assert world.counts["p/added-1/plan"] == 1


# Added by people


def test_a_person_adds_a_step_to_what_runs():
    world = World()
    world.asked = [(5, ask("add-step", unit="p/s0/plan", text="wash up"))]
    sprint = supervise(world, STEPS)

    assert world.answers == [("q1", "added p/added-1")]
    assert (sprint.state, world.counts["p/added-1/plan"]) == ("completed", 1)
    assert sprint_rows(world, "amend")[1]["who"] == "ann"
    assert sprint.added == 0


@pytest.mark.parametrize(
    ("unit", "path"), [("", "added-1"), ("p", "p/added-1"), ("p/s1", "p/added-1"), ("x", "added-1")]
)
def test_a_person_adds_a_step_to_what_is_completed_and_it_goes_on(unit: str, path: str):
    world = World()
    supervise(world, plan(*STEPS.phases[:1], leaf("x", run=None, prompt="do")))
    world.executed.clear()

    assert say(world, "add-step", unit, text="wash up") == f"added {path}"
    sprint = supervise(world, resume=False)
    assert (sprint.state, states(sprint)[path]) == ("completed", "completed")
    assert all(found.startswith(path) for found in world.executed)


def test_a_phase_whose_gate_has_passed_passes_it_anew():
    world = World()
    supervise(world, plan(phase("p", work("s0"), gate=gate())))
    world.executed.clear()
    say(world, "add-step", "p", text="more")
    supervise(world, resume=False)

    assert world.executed == ["p/added-1/plan", "p/added-1/check", "p#gate"]


def test_a_step_without_words_is_refused():
    world = World()
    supervise(world, STEPS)

    assert say(world, "add-step", "p") == "refused: say what the step is to do"


# Compiled anew


def replanned(world: World, made: Plan) -> Sprint:
    found = engine(world)
    found.take_over({})
    found.amend(made, "ann", "files have changed")
    if found.sprint.at_rest:
        found.resume("ann", "again")
    found.run()
    return found.sprint


def test_a_new_plan_is_taken_in_where_it_leaves_what_has_begun():
    world = World(by_unit(OK, {"b": [FAIL, OK]}))
    supervise(world, plan(leaf("a"), leaf("b"), leaf("c")))
    sprint = replanned(world, plan(leaf("a"), leaf("b", run="false"), leaf("new"), back("d")))

    assert (sprint.state, world.executed) == ("completed", ["a", "b", "b", "new", "d"])
    assert list(states(sprint)) == ["a", "b", "new", "d"]


def test_a_plan_that_leaves_out_what_has_begun_is_refused_and_nothing_changes():
    world = World(by_unit(OK, {"b": [FAIL]}))
    supervise(world, plan(leaf("a"), leaf("b"), leaf("c")))
    before = len(world.rows.committed)

    with pytest.raises(SprintError, match="a is completed and has no place in it"):
        replanned(world, plan(leaf("b")))
    with pytest.raises(SprintError, match="a would become a group"):
        replanned(world, plan(phase("a"), leaf("b")))
    assert len([row for row in world.rows.committed[before:] if row.trigger == "amend"]) == 0


def test_what_is_done_or_where_it_runs_cannot_be_changed_and_how_it_is_run_can():
    world = World(by_unit(OK, {"b": [FAIL]}))
    supervise(world, plan(leaf("a"), back("d"), leaf("b")))

    with pytest.raises(SprintError, match="a is completed and would do something else"):
        replanned(world, plan(leaf("a", gate=gate()), back("d"), leaf("b")))
    with pytest.raises(SprintError, match="d has begun in the background and would leave it"):
        replanned(world, plan(leaf("a"), leaf("d"), leaf("b")))
    replanned(world, plan(leaf("a", timeout=9.0), back("d", env=(("A", "b"),)), leaf("b")))
    assert len(sprint_rows(world, "amend")) == 2


def test_nobody_waits_for_a_background_leaf_that_is_left_out():
    world = World(by_unit(OK, {"b": [FAIL, OK], "e": [End(lasts=100)]}))
    first, second, rest = (
        back("e", exclusive="x"),
        back("d", exclusive="x"),
        (leaf("b"), leaf("c", wait=True)),
    )
    blocked = supervise(world, plan(first, second, *rest), limit=2)
    assert (blocked.state, list(blocked.background)) == ("blocked", ["d"])
    sprint = replanned(world, plan(first, *rest))

    assert (sprint.state, world.executed) == ("completed", ["e", "b", "b", "c"])


def test_something_new_in_a_phase_that_is_done_opens_it_and_its_gate_passes_anew():
    world = World(by_unit(OK, {"z": [FAIL, OK]}))
    supervise(world, plan(phase("p", step("s", leaf("a")), gate=gate()), leaf("z")))
    sprint = replanned(
        world, plan(phase("p", step("s", leaf("a")), step("t", leaf("b")), gate=gate()), leaf("z"))
    )

    assert sprint.state == "completed"
    assert world.executed == ["p/s/a", "p#gate", "z", "p/t/b", "p#gate", "z"]


def test_a_hook_that_is_new_runs_for_what_is_still_to_be_done():
    hooks = (Hook(id="h", leaf=leaf("")),)
    world = World(by_unit(OK, {"b": [FAIL, OK]}))
    supervise(world, plan(leaf("a"), leaf("b")))
    sprint = replanned(world, plan(leaf("a"), leaf("b"), hooks=hooks))

    assert world.executed == ["a", "b", "b", "b#hook.h"]
    assert sprint.units["a#hook.h"].state == "skipped"


def test_a_larger_budget_in_a_new_plan_lets_it_go_on():
    world = World()
    made = plan(*(leaf(f"l{n}") for n in range(4)), budget=Budget(attempts=2))
    assert supervise(world, made).state == "blocked"
    sprint = replanned(world, replace(made, budget=Budget(attempts=4)))

    assert (sprint.state, sprint.purse.spent["attempts"]) == ("completed", 4)


def test_the_same_plan_once_more_is_no_change():
    world = World()
    supervise(world, STEPS)
    replanned(world, STEPS)

    assert len(sprint_rows(world, "amend")) == 1


# Whatever comes


@given(
    plans(breaks=False),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 20)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 14), st.booleans()), max_size=3),
    st.integers(1, 3),
)
def test_whatever_is_added_wherever_and_whoever_dies_everything_is_done_once_and_every_index_is_true(
    made: Plan, adding: list[tuple[int, int]], deaths: list[tuple[int, bool]], limit: int
):
    world = World(by_unit(OK, {unit.path: [FAIL, OK] for unit in grown(made).order[::4]}))
    units = ["", *(unit.path for unit in grown(made).order if unit.owner is None)]
    for count, (at, nth) in enumerate(adding):
        world.asked.append((at, ask("add-step", f"r{count}", unit=units[nth % len(units)], text="more")))
    for commits, before in deaths:
        try:
            supervise(world, made, limit=limit, journal=Mortal(world.rows, commits, before=before))
        except Died:
            world.supervisor_died()
    for _ in range(60):
        sprint = supervise(world, made, limit=limit)
        if sprint.state == "completed" and not world.asked:
            break
    assert sprint.state == "completed"
    again = Sprint(RUN, world.rows.texts.__getitem__)
    for row in world.rows.committed:
        again.apply(row)
        assert naive.kept(again) == naive.indexes(again)
    assert states(again) == states(sprint)
    assert again.purse.spent == sprint.purse.spent
    assert [unit.position for unit in again.order] == list(range(len(again.order)))
    done = [leaf_ for leaf_ in again.order if isinstance(leaf_.node, Leaf) and leaf_.path not in units]
    assert all(world.counts[unit.path] == 1 for unit in done)
    plans_ = [load(world.rows.texts[facts["plan"]]) for facts in sprint_rows(world, "amend")]
    answers = [facts["answer"] for facts in sprint_rows(world, "request")]
    assert len(plans_) == 1 + sum(answer.startswith("added") for answer in answers)
    assert list(verify(world.rows.committed)) == []
    journal = MemoryJournal(world.rows)
    assert states(fold(journal.read(RUN), RUN, journal.text)) == states(sprint)
