"""What a new supervisor does with what the last one left: tables computed by asking the rules themselves.

Rule: nothing of the rules is written down here a second time; every cell is an answer of `fsm.judge`, `fsm.decide` or
`fsm.owed`.
"""

from collections.abc import Iterator

from diagrams.markdown import grid
from fsm.decide import recover
from fsm.judge import Finding, Sight, judge
from fsm.machine import destination
from fsm.owed import owed
from fsm.plan import Gate, Leaf, Plan, dump
from fsm.sprint import Sprint
from fsm.states import LIVE, Machine, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Transition, encode_facts

SIGNS = ("started anew", "shim.lock", "exit record", "tree.lock", "*started*", "attempt file", "`start` row")
"""What can be seen of an attempt, in the order in which it is asked."""

_FOLLOWS = {
    Finding.ALIVE: "`adopt`: it is watched as if nothing had happened",
    Finding.EXITED: "the terminal row, or `verify`, with the true code",
    Finding.ORPHANED: "its tree is ended, then it is looked at again",
    Finding.LEAVING: "it is given two seconds to leave by itself, then ended, then looked at again",
    Finding.NEVER_RAN: "`abort`: it runs under a new number",
    Finding.LOST: "`fail` with the verdict `lost`, without a code",
}

_UNIT = "work"


def findings() -> str:
    """`fsm.judge` as a decision table in Markdown: `·` where the answer does not hang on a sign."""
    found = [
        [
            *("·" if sign is None else "yes" if sign else "no" for sign in signs),
            str(finding),
            _FOLLOWS[finding],
        ]
        for signs, finding in _decided(())
    ]
    return grid([*SIGNS, "finding", "what follows"], found)


def _decided(known: tuple[bool, ...]) -> Iterator[tuple[tuple[bool | None, ...], Finding]]:
    answers = {judge(sight, allowed=allowed) for sight, allowed in _sights(known)}
    if len(answers) == 1:
        yield (*known, *[None] * (len(SIGNS) - len(known))), answers.pop()
    elif answers:
        for sign in (True, False):
            yield from _decided((*known, sign))


def _sights(known: tuple[bool, ...]) -> Iterator[tuple[Sight, bool]]:
    """Every sight that can be had when the first signs are these."""
    for number in range(2 ** (len(SIGNS) - len(known))):
        rest = tuple(bool(number >> place & 1) for place in range(len(SIGNS) - len(known)))
        rebooted, shim, ended, tree, started, file, allowed = (*known, *rest)
        written = ended or started
        if (written and not file) or (rebooted and (shim or tree)):
            continue  # records stand in the file, and no lock outlives the machine
        sight = Sight(shim, tree, file, {} if ended else None, {} if started else None, rebooted)
        yield sight, allowed


def takeover() -> str:
    """What each live state of a task owes to its own supervisor and to the next, in Markdown."""
    found = []
    for state in TaskState:
        if state not in LIVE:
            continue
        sprint = _in(state)
        before = [type(effect).__name__ for effect in owed(sprint)]
        sprint = _in(state)
        _move(sprint, SPRINT_UNIT, "lease", {}, epoch=2)
        moves = []
        for move in recover(sprint, 0):
            moves.append(f"`{move.trigger}`")
            _move(sprint, move.unit, move.trigger, move.facts, attempt=move.attempt, epoch=2)
        after = [type(effect).__name__ for effect in owed(sprint)]
        found.append([f"`{state}`", _list(before), _list(moves), _list(after)])
    return grid(
        ["state", "owed by its own supervisor", "moves of the next one", "owed by the next one"], found
    )


def _list(words: list[str]) -> str:
    return ", ".join(words) or "–"


def _in(state: TaskState) -> Sprint:
    """A sprint of one task with a gate, in that state."""
    plan = Plan(sprint_id="one", phases=(Leaf(id=_UNIT, path=_UNIT, run="true", gate=Gate(script="true")),))
    sprint = Sprint("r1", {"plan": dump(plan)}.__getitem__)
    _move(sprint, SPRINT_UNIT, "amend", {"plan": "plan"})
    _move(sprint, SPRINT_UNIT, "start", {})
    for trigger, facts in (
        ("spawn", {"name": _UNIT, "log": "logs/work.log"}),
        ("start", {"pid": "1"}),
        ("verify", {}) if state is TaskState.VERIFYING else ("stop", {"kill-at": 0}),
    ):
        if sprint.units[_UNIT].state != state:
            _move(sprint, _UNIT, trigger, facts, attempt=1)
    return sprint


def _move(sprint: Sprint, unit: str, trigger: str, facts: Facts, *, attempt: int = 0, epoch: int = 1) -> None:
    machine = Machine.SPRINT if unit == SPRINT_UNIT else Machine.TASK
    source = sprint.units[unit].state
    sprint.apply(
        Transition(
            seq=sprint.seq + 1,
            run=sprint.run,
            epoch=epoch,
            at=0,
            unit=unit,
            machine=machine,
            trigger=trigger,
            source=source,
            dest=destination(machine, trigger, source, unit),
            attempt=attempt,
            facts=encode_facts(facts),
        )
    )
