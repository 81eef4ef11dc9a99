"""The fold: what does not fit is refused and changes nothing; what fits keeps every index true."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fsm.errors import IllegalMove, SprintError
from fsm.machine import destination
from fsm.plan import Plan, dump
from fsm.ready import following
from fsm.sprint import Sprint, fold
from fsm.tables import TABLES
from fsm.transition import SPRINT_UNIT, Facts, Transition, encode_facts
from tests.fsm import naive
from tests.fsm.plans import back, gate, leaf, phase, plan, plans, step
from tests.fsm.scripted import RUN, World, always, grown, states, supervise

LINE = plan(leaf("a"), phase("p", step("s", leaf("l", gate=gate()), back("b"))))


def row(sprint: Sprint, path: str, trigger: str, facts: Facts | None = None, **other: object) -> Transition:
    """The row of a legal move, or of one that differs from it in what is said."""
    unit = sprint.unit(path)
    dest = next((r.dest for r in TABLES[unit.machine] if (r.trigger, r.source) == (trigger, unit.state)), "")
    made = Transition(
        seq=sprint.seq + 1,
        run=sprint.run,
        epoch=1,
        at=0,
        unit=path,
        machine=str(unit.machine),
        trigger=trigger,
        source=str(unit.state),
        dest=dest,
        attempt=unit.attempt + (trigger == "spawn"),
        facts=encode_facts(facts or {}),
    )
    return made._replace(**other)  # type: ignore[arg-type]


LINKS = {"parent", "owner", "children", "gate", "fix", "dependents", "choice"}


def everything(sprint: Sprint) -> object:
    """All that a fold knows, as a value."""
    units = {
        path: [
            getattr(unit, name)
            for name in unit.__slots__
            if name not in {"parent", "owner", "children", "gate", "fix"}
        ]
        for path, unit in sprint.units.items()
    }
    rest = {
        name: value for name, value in vars(sprint).items() if name not in {"units", "order", "root", "_text"}
    }
    return repr((units, rest))


MISFITS: dict[str, Callable[[Sprint], Transition]] = {
    "of a unit that the plan does not have": lambda s: row(s, "a", "spawn", unit="b"),
    "of another machine": lambda s: row(s, "a", "note", machine="group"),
    "from another state": lambda s: row(s, "a", "start", source="spawned", dest="running"),
    "by a trigger that the state does not allow": lambda s: row(s, "a", "start", dest="running"),
    "by a trigger that there is not": lambda s: row(s, "a", "fly", dest="running"),
    "to where the trigger does not lead": lambda s: row(s, "a", "spawn", dest="running"),
    "of another run": lambda s: row(s, "a", "spawn", run="run-2"),
    "that was applied before": lambda s: row(s, "a", "spawn", seq=s.seq),
    "from before": lambda s: row(s, "a", "spawn", seq=0),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_row_that_does_not_fit_is_refused_and_changes_nothing(misfit: str):
    sprint = grown(LINE)
    sprint.apply(row(sprint, "p", "start"))
    before = everything(sprint)

    with pytest.raises(SprintError) as refused:
        sprint.apply(MISFITS[misfit](sprint))
    assert everything(sprint) == before
    assert str(refused.value)


def test_an_illegal_row_says_what_is_allowed():
    sprint = grown(LINE)
    with pytest.raises(IllegalMove) as refused:
        sprint.apply(row(sprint, "a", "start", dest="running"))

    assert refused.value.hint is not None
    assert "spawn" in refused.value.hint


def test_rows_of_other_runs_may_lie_between():
    sprint = grown(LINE)
    sprint.apply(row(sprint, "a", "spawn", seq=5))
    sprint.apply(row(sprint, "a", "start", seq=9))

    assert (sprint.seq, sprint.units["a"].state) == (9, "running")


def test_no_unit_is_called_that():
    with pytest.raises(SprintError, match="no unit is called 'q'"):
        grown(LINE).unit("q")


def test_a_plan_with_two_units_of_one_path_is_refused():
    with pytest.raises(SprintError, match="two units"):
        grown(plan(leaf("a"), leaf("a")))


def test_a_step_that_depends_on_no_sibling_is_refused():
    with pytest.raises(SprintError, match="depends on 'nobody'"):
        grown(plan(phase("p", step("s", depends_on=("nobody",)))))


def test_the_plan_stands_in_the_journal_and_the_fold_needs_nothing_else():
    world = World()
    supervise(world, LINE)
    sprint = fold(iter(world.rows.committed), RUN, world.rows.texts.__getitem__)

    assert sprint.plan == LINE
    assert world.rows.texts[sprint.plan_digest] == dump(LINE)


def test_a_fold_remembers_the_rows_that_people_ask_about():
    world = World(always())
    sprint = supervise(world, LINE, limit=2)
    unit = sprint.units["a"]
    by = {(r.unit, r.trigger): r for r in world.rows.committed}

    assert sprint.lease == by[SPRINT_UNIT, "lease"]
    assert sprint.begun == by[SPRINT_UNIT, "start"]
    assert sprint.rested == by[SPRINT_UNIT, "complete"]
    assert (unit.first, unit.spawned) == (by["a", "spawn"], by["a", "spawn"])
    assert (unit.started, unit.ended, unit.moved) == (
        by["a", "start"],
        by["a", "succeed"],
        by["a", "succeed"],
    )
    group = sprint.units["p/s"]
    assert (group.started, group.ended) == (by["p/s", "start"], by["p/s", "complete"])


def moved(sprint: Sprint, *moves: tuple[str, str]) -> Sprint:
    for path, trigger in [(SPRINT_UNIT, "start"), *moves]:
        sprint.apply(row(sprint, path, trigger, {"by": "run", "task": path}))
    return sprint


DONE = ("spawn", "start", "succeed")


def test_the_line_goes_back_to_what_is_to_be_done_again():
    made = plan(leaf("a"), leaf("b"))
    sprint = moved(grown(made), *(("a", trigger) for trigger in DONE))
    assert following(sprint) is sprint.units["b"]
    sprint.apply(row(sprint, "a", "retry", {"by": "run"}))

    assert following(sprint) is sprint.units["a"]


def test_a_step_in_progress_stands_still_while_what_it_depends_on_is_done_again():
    made = plan(
        phase("p", step("s", leaf("l")), step("t", leaf("l"), leaf("m"), depends_on=("s",)), parallel=True)
    )
    sprint = moved(
        grown(made),
        ("p", "start"),
        ("p/s", "start"),
        *(("p/s/l", trigger) for trigger in DONE),
        ("p/s", "complete"),
        ("p/t", "start"),
        *(("p/t/l", trigger) for trigger in DONE),
    )
    assert following(sprint) is sprint.units["p/t/m"]
    sprint.apply(row(sprint, "p/s", "reopen"))
    sprint.apply(row(sprint, "p/s/l", "retry", {"by": "run"}))
    assert following(sprint) is sprint.units["p/s/l"]
    sprint.apply(row(sprint, "p/s/l", "spawn"))
    assert following(sprint) is None
    for path, trigger in (("p/s/l", "start"), ("p/s/l", "succeed"), ("p/s", "complete")):
        sprint.apply(row(sprint, path, trigger))
    assert following(sprint) is sprint.units["p/t/m"]


def test_a_background_leaf_that_its_step_left_behind_is_waited_for_after_a_replay():
    sprint = grown(plan(phase("p", step("s", back("b"), back("c")))))
    for path, trigger in (("p", "start"), ("p/s", "start"), ("p/s", "complete"), ("p", "complete")):
        sprint.apply(row(sprint, path, trigger))

    assert set(sprint.background) == {"p/s/b", "p/s/c"}


@pytest.mark.parametrize(
    ("moves", "tries"),
    [
        (["spawn", "abort"], 0),
        (["spawn", "start", "abort"], 0),
        (["spawn", "start", "fail"], 1),
        (["spawn", "start", "fail:interrupted"], 0),
        (["spawn", "start", "fail:limit"], 0),
        (["spawn", "start", "fail", "delay", "wake", "spawn", "start", "fail"], 2),
        (["spawn", "start", "fail", "delay", "wake", "spawn", "start", "succeed"], 2),
        (["spawn", "start", "fail", "retry"], 0),
        (["spawn", "start", "fail", "retry:gate"], 1),
        (["spawn", "start", "verify", "fail:gate", "retry:run", "verify", "succeed"], 1),
        (["spawn", "stop", "cancel"], 0),
        (["spawn", "start", "fail", "skip"], 1),
    ],
)
def test_tries_are_the_attempts_whose_verdict_counts(moves: list[str], tries: int):
    sprint = grown(LINE)
    for move in moves:
        trigger, _, word = move.partition(":")
        key = {"fail": "verdict", "retry": "by"}.get(trigger, "")
        sprint.apply(row(sprint, "a", trigger, {key: word} if word else {}))

    assert sprint.units["a"].tries == tries


class AnyMoves(RuleBasedStateMachine):
    """Any legal move of any unit, whether it makes sense or not: the indexes follow from the states all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.sprint: Sprint | None = None
        self.rows: list[Transition] = []

    @precondition(lambda self: self.sprint is None)
    @rule(of=plans())
    def begin(self, of: Plan) -> None:
        self.plan = of
        self.sprint = grown(of)

    @precondition(lambda self: self.sprint is not None and self.sprint.order)
    @rule(data=st.data(), count=st.integers(1, 8))
    def move(self, data: st.DataObject, count: int) -> None:
        assert self.sprint is not None
        for _ in range(count):
            unit = self.sprint.order[data.draw(st.integers(0, len(self.sprint.order) - 1))]
            triggers = sorted({r.trigger for r in TABLES[unit.machine] if r.source == unit.state})
            trigger = data.draw(st.sampled_from(triggers))
            verdict = data.draw(st.sampled_from(["failed", "limit", "gate"]))
            facts = {"task": unit.path, "verdict": verdict, "by": data.draw(st.sampled_from(["run", "gate"]))}
            moved = row(self.sprint, unit.path, trigger, facts)
            assert moved.dest == destination(unit.machine, trigger, unit.state, unit.path)
            self.sprint.apply(moved)
            self.rows.append(moved)

    @invariant()
    def every_index_is_true(self) -> None:
        if self.sprint is not None:
            kept, indexes = naive.kept(self.sprint), naive.indexes(self.sprint)
            # A mutex has one holder as long as only what may start is started.
            assert kept | {"mutexes": ()} == indexes | {"mutexes": ()}

    def teardown(self) -> None:
        if self.sprint is not None:
            again = grown(self.plan)
            for found in self.rows:
                again.apply(found)
            assert states(again) == states(self.sprint)
            assert naive.kept(again) == naive.kept(self.sprint)


AnyMoves.TestCase.settings = settings(max_examples=40, stateful_step_count=15)
TestAnyMoves = AnyMoves.TestCase


@given(plans())
def test_a_plan_grows_units_in_plan_order(of: Plan):
    sprint = grown(of)

    assert [unit.position for unit in sprint.order] == list(range(len(sprint.order)))
    assert [unit.path for unit in sprint.order] == [
        unit.path for phase in sprint.root.children for unit in in_order(phase)
    ]
    assert naive.kept(sprint) == naive.indexes(sprint)


def in_order(unit: object) -> list[object]:
    found = [unit]
    for child in unit.children:  # type: ignore[attr-defined]
        found += in_order(child)
    return found + [other for other in (unit.gate, unit.fix) if other is not None]  # type: ignore[attr-defined]
