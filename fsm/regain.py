"""What a journal whose last rows are lost is to say of attempts that it has not heard the end of.

The rows that are left are an earlier moment of the same sprint, and what lies in attempts/ is later than they are. An
attempt that stands there did begin, so it is taken up as *running*, whatever the rows say: then the next supervisor
finds out what became of it by the same rules as after any crash, and an exit record gives the true code. Rule: `lost`
is only what nothing can tell of any more, and no number of an attempt is ever used twice.
"""

from collections.abc import Mapping
from typing import NamedTuple

from fsm.decide import opening, react
from fsm.events import Ended
from fsm.names import name
from fsm.plan import Group, Leaf
from fsm.ready import check
from fsm.sprint import Sprint
from fsm.states import ENDED, ENDED_WELL, LIVE, GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, ancestors


class Trace(NamedTuple):
    """What is left on disk of the last attempt of a unit."""

    number: int
    ran: bool
    """It is not certain that it never ran."""
    log: str
    """Where its output stands, from the sprint's directory."""
    task: str | None = None
    """The id of a ParallelTask whose first `spawn` is among the lost rows."""


IDENTITY: Facts = {"pid": "", "start": "", "boot": "", "namespace": ""}
"""Of a shim whose `start` row is lost: nobody can be signalled by it, and its locks alone say whether it lives."""

_WHY = "rows of the journal are lost"


def regain(sprint: Sprint, traces: Mapping[str, Trace], now: int) -> Moves:
    """Brings every unit to where its trace says that it was; `traces` is by path, and holds nothing for no trace.

    To be recorded by who holds the lease, in an epoch of its own; nothing is started by it.
    """
    if sprint.state == SprintState.NOT_STARTED:
        yield from opening(sprint)
    for unit in sprint.order:
        if unit.machine != Machine.TASK:
            continue
        trace = traces.get(unit.path)
        if unit.path in sprint.live and unit.state != TaskState.VERIFYING:
            if trace is None or trace.number < unit.attempt:
                yield from _lost(sprint, unit, "nothing is left of its attempt", now)
            elif trace.number > unit.attempt:
                yield from _superseded(unit)
            elif unit.state == TaskState.SPAWNED and trace.ran:
                yield Move(unit.path, "start", {**IDENTITY, "why": _WHY}, unit.attempt)
        if trace is not None and trace.number > unit.attempt:
            yield from _going(sprint)
            yield from _pending(unit)
            yield from _again(sprint, unit, trace)
    yield from _halves(sprint)


def _halves(sprint: Sprint) -> Moves:
    """What was to follow from the last rows that are left, where nothing would make up for it later.

    A batch is cut anywhere: a script may have passed and its owner not know, a leaf have ended and its break not told.
    """
    assert sprint.lease is not None, "regaining begins with one"
    last = sprint.lease.seq - 1
    for owner in [unit for unit in sprint.order if unit.gate is not None]:
        gate, fix = owner.gate, owner.fix
        assert gate is not None, "it was looked for"
        open_ = owner.state == (
            TaskState.VERIFYING if owner.machine == Machine.TASK else GroupState.IN_PROGRESS
        )
        if not open_ or gate.state not in ENDED or gate.ended is None:
            continue
        since = owner.moved.seq if owner.moved is not None and owner.machine == Machine.TASK else 0
        if gate.state == TaskState.COMPLETED and gate.ended.seq > since:
            if owner.machine == Machine.TASK:
                yield Move(owner.path, "succeed", {}, owner.attempt)
                last = sprint.seq
        elif fix is None or (fix.state not in LIVE and check(owner) is None):
            yield Move(gate.path, "retry", {"by": "gate"}, gate.attempt)
    for unit in sprint.order:
        ended = unit.ended is not None and unit.state in ENDED_WELL and unit.ended.seq == last
        if (
            ended
            and isinstance(unit.node, Leaf | Group)
            and unit.node.breaks
            and sprint.state == SprintState.IN_PROGRESS
        ):
            yield Move(SPRINT_UNIT, "break", {"unit": unit.path})


def _lost(sprint: Sprint, unit: Unit, why: str, now: int) -> Moves:
    """As if its executor had said so: what follows is what always follows."""
    if unit.state == TaskState.SPAWNED:  # its `start` may be among the lost rows
        yield Move(unit.path, "start", {**IDENTITY, "why": _WHY}, unit.attempt)
    yield from react(
        sprint, Ended(unit.path, unit.attempt, "lost", "lost", {"error": f"{_WHY}, and {why}"}), now
    )


def _superseded(unit: Unit) -> Moves:
    """An attempt that is over, since another followed it; why that was is among the lost rows."""
    if unit.state == TaskState.SPAWNED:
        yield Move(unit.path, "start", {**IDENTITY, "why": _WHY}, unit.attempt)
    error = f"{_WHY}; it was over when what is left was written"
    yield Move(unit.path, "fail", {"verdict": "lost", "error": error}, unit.attempt)


def _going(sprint: Sprint) -> Moves:
    """Something was started after the last row that is left: then the sprint was going."""
    if sprint.state in (SprintState.COMPLETED, SprintState.CANCELLED):
        yield Move(SPRINT_UNIT, "resume", {"who": "recover", "why": _WHY})


def _pending(unit: Unit) -> Moves:
    """Whatever it was, it was pending before it was spawned, in groups that had begun."""
    above = unit.owner if unit.owner is not None and unit.owner.machine == Machine.GROUP else None
    for group in [*reversed(list(ancestors(unit.owner or unit))), *([above] if above is not None else [])]:
        if group.state == GroupState.PENDING:
            yield Move(group.path, "start", {})
        elif group.state in ENDED and not unit.background:
            yield Move(group.path, "reopen", {})
    if unit.state == TaskState.VERIFYING:
        for helper in (unit.gate, unit.fix):
            if helper is not None and helper.state in LIVE:
                yield from _superseded(helper)
                yield Move(helper.path, "retry", {"by": "gate"}, helper.attempt)
        yield Move(
            unit.path,
            "fail",
            {"verdict": "lost", "error": f"{_WHY}; what its gate said is lost"},
            unit.attempt,
        )
    if unit.state == TaskState.WAITING:
        yield Move(unit.path, "wake", {}, unit.attempt)
    elif unit.state in ENDED:
        yield Move(unit.path, "retry", {"by": "run" if unit.owner is None else "gate"}, unit.attempt)


def _again(sprint: Sprint, unit: Unit, trace: Trace) -> Moves:
    """The attempt that left the trace. A script's or a fix's is only counted: for whose work it was cannot be told."""
    later = f"~{sprint.nth}" if sprint.nth > 1 else ""
    facts: Facts = {"name": name(unit.path) + later, "log": trace.log, "why": _WHY}
    if unit.background and unit.owner is None and unit.leaf is None:
        task = trace.task if unit.first is None else unit.first.decoded()["task"]
        facts["task"] = task or facts["name"]
    yield Move(unit.path, "spawn", facts, trace.number)
    if unit.owner is not None:
        yield from _superseded(unit)
        yield Move(unit.path, "retry", {"by": "gate"}, trace.number)
    elif trace.ran:
        yield Move(unit.path, "start", {**IDENTITY, "why": _WHY}, trace.number)
