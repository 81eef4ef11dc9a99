"""The last rows are lost, what stands in attempts/ is not: nothing runs twice, and what has ended keeps its end."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fsm.machine import destination
from fsm.names import name
from fsm.plan import leaves
from fsm.regain import Trace, regain
from fsm.sprint import Sprint, fold
from fsm.transition import SPRINT_UNIT, Move, Transition, encode_facts
from journal.memory import MemoryJournal, Rows
from journal.replay import verify
from tests.fsm import naive
from tests.fsm.plans import chain, gate, leaf, plan
from tests.fsm.scripted import FAIL, OK, RUN, Died, Mortal, World, by_unit, supervise, to_the_end
from tests.fsm.test_any_plan import Scenario, scenarios


def run(scenario: Scenario, commits: int) -> World:
    """A world in which a supervisor has died after so many commits, or has come to an end before."""
    made, script, limit = scenario
    world = World(by_unit(OK, script))
    journal = Mortal(world.rows, commits, before=False)
    try:
        supervise(world, made, limit=limit, journal=journal)
    except Died:
        world.supervisor_died()
    return world


def traces(world: World, sprint: Sprint) -> dict[str, Trace]:
    """What the attempts of a world have left on its disk."""
    found: dict[str, Trace] = {}
    for (unit, number), attempt in sorted(world.attempts.items()):
        task = f"{name(unit)}-1" if sprint.units[unit].background else None
        found[unit] = Trace(number, attempt.end is not None, f"logs/{name(unit)}.{number}.log", task)
    return found


def cut(world: World, rows: int) -> Sprint:
    """Leaves so many rows of the journal, and records what is to be said of the attempts that are there."""
    before = world.rows
    world.rows = Rows()
    world.rows.committed, world.rows.texts = before.committed[:rows], before.texts
    journal = MemoryJournal(world.rows)
    sprint = fold(journal.read(RUN), RUN, journal.text)
    epoch = sprint.epoch + 1

    def record(move: Move) -> None:
        unit = sprint.unit(move.unit)
        dest = destination(unit.machine, move.trigger, unit.state, unit.path)
        row = Transition(
            *(journal.head[0] + 1, RUN, epoch, world.now(), unit.path, str(unit.machine), move.trigger),
            *(str(unit.state), dest, move.attempt, encode_facts(move.facts)),
        )
        sprint.apply(journal.append(row))

    record(Move(SPRINT_UNIT, "lease", {"recovered": {}}))
    for move in regain(sprint, traces(world, sprint), world.now()):
        record(move)
    journal.commit()
    return sprint


@given(scenarios(), st.integers(1, 40), st.floats(0, 1))
def test_whatever_was_lost_nothing_is_executed_twice_and_all_comes_to_an_end(
    scenario: Scenario, commits: int, part: float
):
    world = run(scenario, commits)
    ended_well = {
        unit
        for (unit, number), attempt in world.attempts.items()
        if attempt.end is not None and attempt.end.verdict == "ok"
    }
    rows = 1 + round(part * (len(world.rows.committed) - 1))

    sprint = cut(world, rows)

    assert naive.kept(sprint) == naive.indexes(sprint)
    for unit, number in world.attempts:
        assert sprint.units[unit].attempt >= number
    before = Counter(world.executed)
    # The world itself refuses a number that is used twice, and a GO whose row is not on disk.
    to_the_end(world, scenario[0], limit=scenario[2])
    again = Counter(world.executed) - before
    # What has a gate may have to be done once more because of it.
    plain = {found.path for found in leaves(scenario[0]) if found.gate is None}
    assert plain & ended_well & set(again) == set()
    assert list(verify(world.rows.committed)) == []


def test_what_a_batch_had_not_come_to_is_made_up_for():
    made = plan(leaf("a", gate=gate(1), breaks=True))
    world = run((made, {}, 1), 40)
    passed = next(row.seq for row in world.rows.committed if (row.unit, row.trigger) == ("a#gate", "succeed"))

    sprint = cut(world, passed)

    assert (sprint.units["a"].state, sprint.state) == ("completed", "paused-at-breakpoint")


def test_what_ran_unknown_to_the_rows_that_are_left_gets_its_true_end():
    made = chain(3)
    world = run((made, {}, 1), 40)
    spawned = next(row.seq for row in world.rows.committed if row.trigger == "spawn")

    sprint = cut(world, spawned - 1)

    assert [unit.state for unit in sprint.order if unit.machine == "task"] == ["running"] * 3
    assert to_the_end(world, made).state == "completed"
    assert Counter(world.executed) == Counter({f"p/s{n}/l": 1 for n in range(3)})


def test_an_attempt_of_which_nothing_is_left_is_lost():
    world = run((plan(leaf("a")), {}, 1), 2)
    world.attempts.clear()

    sprint = cut(world, len(world.rows.committed))

    assert (sprint.units["a"].state, sprint.state) == ("failed", "blocked")
    assert sprint.units["a"].ended is not None
    facts = sprint.units["a"].ended.decoded()
    assert (facts["verdict"], "code" in facts) == ("lost", False)


def test_an_attempt_that_certainly_never_ran_is_only_aborted():
    made = plan(leaf("a"))
    world = run((made, {}, 1), 2)

    sprint = cut(world, len(world.rows.committed) - 1)

    assert sprint.units["a"].state == "spawned"
    done = to_the_end(world, made)
    assert (done.units["a"].state, done.units["a"].attempt, done.units["a"].tries) == ("completed", 2, 1)


def test_an_earlier_attempt_that_another_one_followed_is_over():
    made = plan(leaf("a"))
    world = run((made, {"a": [FAIL, OK]}, 1), 40)
    assert to_the_end(world, made).state == "completed"
    running = next(row.seq for row in world.rows.committed if row.dest == "running")

    sprint = cut(world, running)

    assert (sprint.units["a"].state, sprint.units["a"].attempt) == ("running", 2)
    assert to_the_end(world, made).state == "completed"
    assert world.executed == ["a", "a"]


def test_a_gate_is_asked_again_under_a_number_of_its_own():
    made = plan(leaf("a", gate=gate()))
    world = run((made, {}, 1), 40)

    sprint = cut(world, 4)

    assert sprint.units["a#gate"].attempt == 1
    assert to_the_end(world, made).state == "completed"
    assert world.executed == ["a", "a#gate", "a#gate"]
    assert [number for unit, number in world.attempts if unit == "a#gate"] == [1, 2]
