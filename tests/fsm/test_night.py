"""A night with nobody there: all that goes wrong in it costs as few runs of agents as it can."""

from collections.abc import Callable

import pytest

from fsm.outcomes import Cast, Crash, Outcome, Request, Script
from fsm.plan import Agent, Gate, Group, Leaf, Plan
from fsm.rehearsal import Rehearsal, Rehearsed
from journal.memory import MemoryJournal, Rows

HOUR = 3_600_000
STEPS = 40
LIMITED, LOST, CHECKED, ASKING = (f"build/step-{n}/do" for n in (19, 26, 31, 36))

CLAUDE = Agent(name="claude")


def step(number: int) -> Group:
    path = f"build/step-{number}"
    do = f"{path}/do"
    leaf = Leaf(
        id="do",
        path=do,
        prompt="do it",
        agent=CLAUDE,
        idempotent=do == LOST,
        on_lost="retry" if do == LOST else "fail",
        gate=Gate(script="make test", prompt="mend it", tries=3) if do == CHECKED else None,
    )
    return Group(id=f"step-{number}", path=path, level="step", children=(leaf,))


PLAN = Plan(
    sprint_id="night",
    phases=(Group(id="build", path="build", level="phase", children=tuple(map(step, range(STEPS)))),),
)

EVENTS = (
    Outcome(place=0, unit=LIMITED, tries=(1,), takes=(60_000, 60_000), ends="limit", until=2 * HOUR),
    Outcome(place=1, unit=LOST, tries=(1,), ends="lost"),
    Outcome(place=2, unit=f"{CHECKED}#gate", tries=(1, 2), ends="failed"),
    Outcome(place=3, unit=ASKING, tries=(1,), ends="needs-human", says="which of the two names?"),
    Outcome(place=4, unit="**", takes=(600_000, 600_000)),
)
"""Every run takes ten minutes, so that the limit is met after 190 of them and lasts until 191 + 120."""

LEAST = STEPS + 1 + 1 + 2 + 1
"""Runs of agents: one for each step; one more for the step that met the limit, whose first run came to nothing, and
for no other, since all of that account wait with it; one more for the step whose agent was lost; two that mend what the
gate finds, which passes at its third run; one more for the step that asked, with the answer. None for a crash: what
runs is adopted, what waits goes on waiting."""

ANSWER = (
    Request(verb="answer", at=14 * HOUR, unit=ASKING, text="the shorter one"),
    Request(verb="resume", at=14 * HOUR + 60_000),
)


def night(*entries: Crash | Request) -> tuple[Rehearsed, int]:
    """How it went, and how many runs of agents the world has seen: not what the journal says, but what ran."""
    script = Script(
        outcomes=EVENTS,
        crashes=tuple(one for one in entries if isinstance(one, Crash)),
        requests=tuple(one for one in entries if isinstance(one, Request)),
    )
    rehearsal = Rehearsal(Cast(PLAN, script), 0, "r1", memory(), limit=4)
    played = rehearsal.play()
    return played, sum(count for path, count in rehearsal.world.ran.items() if not path.endswith("#gate"))


def memory() -> Callable[[], MemoryJournal]:
    rows = Rows()
    return lambda: MemoryJournal(rows)


def crash(hours: float, down: int = 60_000) -> Crash:
    return Crash(kind="supervisor", at=round(hours * HOUR), down=down)


TWO = (crash(1.05, down=1_200_000), crash(4.0))
"""In the middle of a run, which ends while nobody supervises; and while all wait for the limit."""


def test_the_night_ends_where_a_person_is_needed_and_nothing_after_that_has_begun():
    found, _ = night(*TWO)

    assert found.sprint.state == "needs-human"
    assert found.sprint.rested is not None
    asked = found.sprint.rested.decoded()
    assert (asked["unit"], asked["why"]) == (ASKING, "which of the two names?")
    assert found.crashes == 2
    assert sum(unit.state == "completed" for unit in found.sprint.units["build"].children) == 36
    assert all(unit.state == "pending" for unit in found.sprint.units["build"].children[37:])


def test_once_answered_it_is_completed_with_the_least_runs_that_its_events_allow():
    found, runs = night(*TWO, *ANSWER)

    assert found.sprint.state == "completed"
    assert not found.unplayed
    assert (found.crashes, runs) == (2, LEAST)
    again = [unit.path for unit in found.sprint.order if unit.attempt > 1]
    assert again == [LIMITED, LOST, f"{CHECKED}#gate", f"{CHECKED}#fix", ASKING]
    spawned = found.sprint.unit(ASKING).spawned
    assert spawned is not None
    assert spawned.decoded()["answer"] == "the shorter one"


def test_nobody_runs_while_the_limit_lasts_and_everybody_right_after_it():
    found, _ = night(*TWO, *ANSWER)
    quiet, _ = night(*ANSWER)

    for one in (found, quiet):
        met, went_on = (row for row in one.rows if row.unit == LIMITED and row.trigger in ("delay", "wake"))
        until = met.decoded()["until"]
        assert until - 2 * HOUR <= met.at + 60_000
        assert went_on.at == until
        assert not [row for row in one.rows if row.trigger == "spawn" and met.at < row.at < until]


@pytest.mark.parametrize("first", range(5, 180, 10))
def test_wherever_the_two_crashes_fall_they_cost_no_run(first):
    crashes = (
        Crash(kind="supervisor", after_row=first, down=1_200_000),
        Crash(kind="supervisor", after_row=first + 3),
    )
    found, runs = night(*crashes, *ANSWER)

    assert found.sprint.state == "completed"
    assert (found.crashes, runs) == (2, LEAST)
