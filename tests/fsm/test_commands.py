"""What people ask, verb by verb and state by state: what the table says is what happens."""

import pytest

from fsm import requests
from fsm.commands import COMMANDS, CONDITIONS, VERBS, Command
from fsm.engine import Engine
from fsm.events import Asked
from fsm.plan import Plan, dump
from fsm.sprint import Sprint, fold
from fsm.states import Machine
from fsm.tables import STATES
from fsm.transition import Move, Transition
from journal.memory import MemoryJournal
from journal.replay import verify
from tests.fsm.plans import leaf, phase, plan, step
from tests.fsm.scripted import (
    BEGIN,
    RUN,
    ScriptedExecutor,
    Shown,
    World,
    ask,
    states,
    supervise,
    told,
)

UNITS = {Machine.SPRINT: "", Machine.TASK: "p/s/l", Machine.GROUP: "p/s"}
ROWS = [row for row in COMMANDS.values() if row.machine in UNITS]

WAYS: dict[str, dict[str, list[str]]] = {
    Machine.TASK: {
        "pending": [],
        "spawned": ["spawn"],
        "running": ["spawn", "start"],
        "verifying": ["spawn", "start", "verify"],
        "stopping": ["spawn", "start", "stop"],
        "waiting": ["delay"],
        "completed": ["spawn", "start", "succeed"],
        "failed": ["spawn", "start", "fail"],
        "skipped": ["skip"],
        "cancelled": ["cancel"],
    },
    Machine.GROUP: {
        "pending": [],
        "waiting": ["delay"],
        "in-progress": ["start"],
        "completed": ["start", "complete"],
        "failed": ["start", "fail"],
        "skipped": ["skip"],
        "cancelled": ["cancel"],
    },
    Machine.SPRINT: {
        "not-started": [],
        "in-progress": ["start"],
        "paused": ["start", "pause"],
        "paused-at-breakpoint": ["start", "break"],
        "blocked": ["start", "block"],
        "needs-human": ["start", "ask"],
        "completed": ["start", "complete"],
        "cancelled": ["start", "cancel"],
    },
}
"""How each state is come to, whether or not a run would come to it so."""

FACTS = {
    "spawn": {"name": "n", "log": "logs/n.log"},
    "delay": {"why": "approval", "message": "go?"},
    "fail": {"verdict": "needs-human"},
    "stop": {"kill-at": BEGIN},
    "break": {"unit": "p"},
}


def label(row: Command) -> str:
    return f"{row.verb}-{row.machine}-{row.state}"


def brought(machine: str, state: str) -> tuple[World, Plan]:
    """A journal in which something is in a state, with nobody supervising."""
    world = World()
    made = plan(phase("p", step("s", leaf("l"))))
    journal = MemoryJournal(world.rows)
    sprint = Sprint(RUN, journal.text)
    found = Engine(sprint, journal, ScriptedExecutor(world), world, Shown(world))
    rows = [("#sprint", "amend", {"plan": journal.keep(dump(made))})]
    if machine != Machine.SPRINT:
        rows.append(("#sprint", "start", {}))
    if machine == Machine.TASK:
        rows += [("p", "start", {}), ("p/s", "start", {})]
    for trigger in WAYS[machine][state]:
        rows.append((UNITS[Machine(machine)] or "#sprint", trigger, FACTS.get(trigger, {})))
    for unit, trigger, facts in rows:
        attempt = 1 if unit == "p/s/l" else 0
        found._record([Move(unit, trigger, facts, attempt)])
    journal.commit()
    return world, made


def asked(world: World, request: Asked) -> tuple[Sprint, str, list[Transition]]:
    """What is answered to a request that meets that journal, and the rows that follow the one that records it."""
    journal = MemoryJournal(world.rows)
    sprint = fold(journal.read(RUN), RUN, journal.text)
    found = Engine(sprint, journal, ScriptedExecutor(world), world, Shown(world))

    before = len(world.rows.committed)
    found._record(requests.asked(sprint, request, world.now()))
    journal.commit()
    rows = world.rows.committed[before:]
    assert rows[0].trigger == "request"
    return sprint, rows[0].decoded()["answer"], rows[1:]


def test_there_is_a_row_for_every_verb_machine_and_state():
    expected = {(verb, machine, state) for verb in VERBS for machine in STATES for state in STATES[machine]}

    assert COMMANDS.keys() == expected
    assert CONDITIONS.keys() <= VERBS.keys()


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_what_the_table_says_is_what_happens(row: Command):
    world, _ = brought(row.machine, row.state)
    unit = UNITS[Machine(row.machine)]
    sprint, answer, moves = asked(world, ask(row.verb, unit=unit, text="yes"))

    if row.done:
        excused = (row.verb, row.machine, row.state) in NOTHING_TO_DO
        assert not answer.startswith("refused") or excused, answer
        moved = sprint.unit(unit or "#sprint").state != row.state or row.machine == Machine.GROUP
        stopped = row.verb == "stop" and row.machine == Machine.SPRINT and row.state != "in-progress"
        assert moves or stopped or excused
        added = row.verb == "add-step" and any(move.trigger == "amend" for move in moves)
        assert moved or stopped or excused or added
    else:
        assert answer == f"refused: {unit or 'the sprint'} is {row.state}: {row.meaning}"
        assert moves == []
    assert list(verify(world.rows.committed)) == []


NOTHING_TO_DO = {
    ("stop", Machine.GROUP, "in-progress"),  # nothing in it runs, here
    ("retry", Machine.TASK, "waiting"),  # it waits for an approval, here
    ("retry", Machine.GROUP, "completed"),  # nothing in it has run, here
    ("retry", Machine.GROUP, "failed"),
    ("retry", Machine.GROUP, "skipped"),
    ("retry", Machine.GROUP, "cancelled"),
}
"""Where the smallest example has nothing to do it to; other tests have."""


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_whatever_was_asked_the_sprint_can_be_brought_to_its_end(row: Command):
    if row.machine != Machine.TASK or row.state in ("verifying", "cancelled", "stopping"):
        return  # states in which no run ever is with nothing around it
    world, _ = brought(row.machine, row.state)
    unit = UNITS[Machine(row.machine)]
    asked(world, ask(row.verb, unit=unit, text="yes"))
    for _ in range(6):
        sprint = supervise(world)
        if sprint.state == "needs-human" and sprint.waiting:
            supervise(world, resume=False, spawning=False, events=[ask("approve", "q9", unit=unit)])
        if sprint.state == "completed":
            break

    assert sprint.state == "completed"
    assert set(states(sprint).values()) <= {"completed", "skipped"}


def test_a_request_that_is_met_twice_is_done_once():
    world, _ = brought(Machine.TASK, "completed")
    asked(world, ask("retry", unit="p/s/l"))
    journal = MemoryJournal(world.rows)
    sprint = fold(journal.read(RUN), RUN, journal.text)
    supervise(world, events=[ask("retry", unit="p/s/l")], sprint=sprint, journal=journal)

    assert told(world, "retry").count("p/s/l retry") == 1
