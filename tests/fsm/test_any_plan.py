"""Whatever the plan, whatever its tasks come to, whenever the supervisor dies: the promises that hold for all."""

from collections import Counter

from hypothesis import event, given
from hypothesis import strategies as st

from fsm.plan import Group, Leaf, Plan, leaves, nodes
from fsm.ready import following
from fsm.sprint import Sprint, fold
from fsm.unit import Unit
from journal.memory import MemoryJournal
from journal.replay import verify
from tests.fsm import naive
from tests.fsm.plans import plans
from tests.fsm.scripted import (
    BEGIN,
    FAIL,
    OK,
    RUN,
    Died,
    End,
    Mortal,
    World,
    ask,
    by_unit,
    grown,
    states,
    supervise,
    to_the_end,
)

BAD = (
    FAIL,
    FAIL,
    End("lost", "lost"),
    End("", "never-ran"),
    End("timeout", lasts=90),
    End("needs-human"),
    End("denied"),
    End("failed", facts={"session": "s-1", "tokens": {"input": 3}}),
    End("context", facts={"session": "s-2"}),
    End("limit", facts={"until": BEGIN + 90_000}),
    End("limit", facts={"session": "s-3"}),
    End("overloaded"),
    End("auth"),
)
Scenario = tuple[Plan, dict[str, list[End]], int]


@st.composite
def scripts(draw: st.DrawFn, of: Plan) -> dict[str, list[End]]:
    """For some units, how they end before they end well; and how long they take."""
    found: dict[str, list[End]] = {}
    for unit in grown(of).order:
        bad = draw(st.lists(st.sampled_from(BAD), max_size=2)) if draw(st.integers(0, 2)) == 0 else []
        lasts = draw(st.sampled_from([10, 10, 1, 45]))
        if unit.machine == "task" and (bad or lasts != 10):
            found[unit.path] = [*bad, OK._replace(lasts=lasts)]
    return found


@st.composite
def scenarios(draw: st.DrawFn, **kinds: bool) -> Scenario:
    """(plan, script, limit)"""
    found = draw(plans(**kinds))
    return found, draw(scripts(found)), draw(st.integers(1, 3))


def done(scenario: Scenario) -> tuple[World, Sprint]:
    plan, script, limit = scenario
    world = World(by_unit(OK, script))
    return world, to_the_end(world, plan, limit=limit)


def allowed(unit: Unit) -> set[str]:
    """What a unit may have come to in a completed sprint, other than a good end."""
    if unit.leaf is not None and unit.leaf.state != "completed":
        return {"pending"}  # or what it was before its leaf was run again
    return {"failed"} if unit.background or unit.leaf is not None else set()


@given(scenarios())
def test_every_sprint_ends_when_its_tasks_do(scenario: Scenario):
    world, sprint = done(scenario)

    for unit in sprint.order:
        if unit.owner is None:
            assert unit.state in {"completed"} | allowed(unit)
    beside = [u for u in sprint.order if u.background and u.owner is None and u.leaf is None]
    failed = [u.path for u in beside if u.state == "failed"]
    assert sprint.root.moved is not None
    assert sorted(sprint.root.moved.decoded().get("failed", [])) == sorted(failed)
    assert list(verify(world.rows.committed)) == []


@given(scenarios())
def test_no_unit_starts_before_its_conditions_hold_and_no_limit_is_exceeded(scenario: Scenario):
    world, _ = done(scenario)

    sprint = Sprint(RUN, world.rows.texts.__getitem__)
    for row in world.rows.committed:
        if row.trigger == "spawn":
            if sprint.state == "in-progress":
                following(sprint)  # lets the main line come to where it stands
            naive.may_spawn(sprint, sprint.unit(row.unit))
        sprint.apply(row)
        assert naive.indexes(sprint)["slots"] <= scenario[2]


@given(scenarios(background=False, side_by_side=False))
def test_the_main_line_runs_in_plan_order_one_after_the_other(scenario: Scenario):
    """Where a step depends on a later one, that one comes first; otherwise the order is the file's."""
    world, _ = done(scenario)

    first = list(dict.fromkeys(unit for unit in world.executed if "#" not in unit))
    assert Counter(first) == Counter(found.path for found in leaves(scenario[0]))
    if "depends_on" not in repr(scenario[0]).replace("depends_on=()", ""):
        assert first == [found.path for found in leaves(scenario[0])]


@given(scenarios() | scenarios(background=False))
def test_after_every_commit_the_replay_is_what_lives_and_every_index_is_true(scenario: Scenario):
    plan, script, limit = scenario
    side_by_side = any(isinstance(node, Group) and node.parallel for node in nodes(plan)) and any(
        found.parallel for found in leaves(plan)
    )
    world = World(by_unit(OK, script))

    class Watched(MemoryJournal):
        live: Sprint | None = None

        def commit(self) -> None:
            super().commit()
            if self.live is None:
                return
            again = fold(self.read(RUN), RUN, self.text)
            assert states(again) == states(self.live)
            for sprint in (self.live, again):
                assert naive.kept(sprint) == naive.indexes(sprint)
            for path, unit in self.live.units.items():
                other = again.units[path]
                assert (unit.attempt, unit.tries, unit.first) == (other.attempt, other.tries, other.first)
                assert repr(unit.past) == repr(other.past)
            for kept in ("limits", "barred", "why", "repeats", "tolerated"):
                assert getattr(again, kept) == getattr(self.live, kept)
            assert +again.waits == +self.live.waits == Counter(again.why.values())
            assert again.why.keys() == again.waiting.keys()
            if again.state == "in-progress" and not side_by_side:
                # Side by side, a background leaf that got no slot is come to again after a crash, later perhaps.
                assert getattr(following(again), "path", None) == getattr(following(self.live), "path", None)
                assert set(again.background) == set(self.live.background)
            naive.passed_soundly(self.live)
            naive.passed_soundly(again)

    for _ in range(50):
        journal = Watched(world.rows)
        sprint = fold(journal.read(RUN), RUN, journal.text)
        journal.live = sprint
        if sprint.state == "completed":
            return
        supervise(world, plan, limit=limit, journal=journal, sprint=sprint)
    raise AssertionError("never completed")


@given(scenarios(), st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=6))
def test_a_supervisor_that_dies_at_any_commit_changes_nothing_about_the_end(
    scenario: Scenario, deaths: list[tuple[int, bool]]
):
    """Nothing is executed twice, nothing is left out, and everything ends in the same state."""
    undisturbed, expected = done(scenario)
    plan, script, limit = scenario
    world = World(by_unit(OK, script))
    for commits, before in deaths:
        try:
            sprint = supervise(world, plan, limit=limit, journal=Mortal(world.rows, commits, before=before))
        except Died:
            world.supervisor_died()
            event("died")
        else:
            if sprint.state == "completed":
                break
    sprint = to_the_end(world, plan, limit=limit) if not done_already(world) else last(world)

    assert states(sprint) == states(expected)
    assert world.counts == undisturbed.counts
    assert list(verify(world.rows.committed)) == []


def last(world: World) -> Sprint:
    journal = MemoryJournal(world.rows)
    return fold(journal.read(RUN), RUN, journal.text)


def done_already(world: World) -> bool:
    return last(world).state == "completed"


@given(scenarios(), st.data())
def test_every_prefix_of_a_journal_folds(scenario: Scenario, data: st.DataObject):
    world, _ = done(scenario)

    rows = world.rows.committed
    sprint = fold(rows[: data.draw(st.integers(0, len(rows)))], RUN, world.rows.texts.__getitem__)
    assert naive.kept(sprint) == naive.indexes(sprint)
    assert all(isinstance(unit.node, Leaf) for unit in sprint.tasks.values())


askings = st.lists(
    st.tuples(
        st.integers(0, 150),
        st.sampled_from(["stop", "pause", "cancel", "skip", "skip"]),
        st.integers(1, 4),
        st.integers(0, 20),
    ),
    max_size=4,
)


@given(
    scenarios(),
    askings,
    st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=4),
    st.booleans(),
)
def test_whatever_people_ask_and_whoever_dies_everything_can_be_resumed_to_its_end(
    scenario: Scenario,
    asked: list[tuple[int, str, int, int]],
    deaths: list[tuple[int, bool]],
    stubborn: bool,
):
    """From every state of rest, with whatever still runs or is being stopped when it is resumed."""
    plan, script, limit = scenario
    bad = {unit: [end._replace(stubborn=stubborn) for end in ends] for unit, ends in script.items()}
    world = World(by_unit(OK._replace(stubborn=stubborn), bad))
    units = [unit.path for unit in grown(plan).order] or [""]
    for at, verb, id_, nth in asked:
        unit = units[nth % len(units)] if verb == "skip" else ""
        world.asked.append((at, ask(verb, f"q{id_}", unit=unit)))
    for commits, before in deaths:
        try:
            supervise(world, plan, limit=limit, journal=Mortal(world.rows, commits, before=before))
        except Died:
            world.supervisor_died()
    sprint = to_the_end(world, plan, limit=limit)

    for unit in sprint.order:
        if unit.owner is None:
            well = {"completed", "skipped"} if any(verb == "skip" for _, verb, *_ in asked) else {"completed"}
            assert unit.state in well | allowed(unit), unit
    again = Sprint(RUN, world.rows.texts.__getitem__)
    for row in world.rows.committed:
        if row.trigger == "spawn":
            if again.state == "in-progress":
                following(again)
            naive.may_spawn(again, again.unit(row.unit))
        again.apply(row)
        assert naive.kept(again) == naive.indexes(again)
        assert again.slots <= limit
    assert not any(row.facts.startswith('{"kind":"stuck"') for row in world.rows.committed)


@given(scenarios(), st.lists(st.none() | st.integers(0, 20), max_size=6))
def test_whatever_is_skipped_while_the_sprint_rests_the_rest_is_done(
    scenario: Scenario, skips: list[int | None]
):
    plan, script, limit = scenario
    world = World(by_unit(OK, script))
    units = [unit.path for unit in grown(plan).order] or [""]
    for count, nth in enumerate(skips):
        sprint = supervise(world, plan, limit=limit)
        if sprint.state == "completed":
            break
        if nth is not None:
            asking = ask("skip", f"q{count}", unit=units[nth % len(units)])
            supervise(world, resume=False, spawning=False, events=[asking])
    sprint = to_the_end(world, plan, limit=limit)

    for unit in sprint.order:
        if unit.owner is None:
            well = {"completed", "skipped"}
            assert unit.state in well | allowed(unit), unit
    assert not any(row.facts.startswith('{"kind":"stuck"') for row in world.rows.committed)
    assert list(verify(world.rows.committed)) == []
