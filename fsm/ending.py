"""What follows when an attempt has ended: its verdict becomes its unit's move, and whatever hangs on that.

Rule: these are moves, as in `fsm.decide`.
"""

from fsm.accounts import elsewhere, met
from fsm.amend import proposed
from fsm.events import Ended
from fsm.groups import HALTABLE, block, done, end_groups, keeper, settle, skip_dependents
from fsm.plan import Gate
from fsm.resume import fresh_gate
from fsm.retry import retried
from fsm.sprint import Sprint
from fsm.states import Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit
from fsm.verdicts import BOUNDS, ELSEWHERE

MOST_ABORTS = 5
"""Attempts in a row that may never run before the sprint is blocked; a person who sets it going allows as many more."""


def ended(sprint: Sprint, unit: Unit, event: Ended, now: int) -> Moves:
    """What an attempt's end leads to."""
    facts = dict(event.facts)
    stopping, cancelled = unit.state == TaskState.STOPPING, sprint.state == SprintState.CANCELLED
    if event.outcome == "never-ran" and not stopping:
        yield from aborted(sprint, unit, facts)
    elif event.outcome != "never-ran" and event.verdict == "ok" and unit.gate is None:
        yield Move(unit.path, "succeed", facts, unit.attempt)
        if unit.leaf is None:
            yield from proposed(sprint, unit, facts)
        yield from _succeeded(sprint, unit)
    elif event.outcome != "never-ran" and event.verdict == "ok" and not (stopping and cancelled):
        yield Move(unit.path, "verify", facts, unit.attempt)
        yield from proposed(sprint, unit, facts)
        yield from fresh_gate(unit)
    elif stopping and (cancelled or event.verdict not in BOUNDS):
        lost = event.outcome == "lost"
        yield from _stopped(sprint, unit, {**facts, "verdict": "lost", "stopped": True} if lost else facts)
    else:
        yield from failed(sprint, unit, {**facts, "verdict": event.verdict}, now)


def aborted(sprint: Sprint, unit: Unit, facts: Facts) -> Moves:
    """An attempt certainly never ran: there is another one, unless that has happened too often in a row."""
    yield Move(unit.path, "abort", facts, unit.attempt)
    yield from end_groups(sprint, unit)
    aborts = unit.past.aborts if unit.past is not None else 0
    if aborts and aborts % MOST_ABORTS == 0 and sprint.state in HALTABLE:
        why = f"{aborts} attempts in a row never ran"
        if facts.get("error"):
            why += f"; the last one: {facts['error']}"
        yield Move(SPRINT_UNIT, "block", {"unit": unit.path, "why": why, "kind": "aborts"})


def _stopped(sprint: Sprint, unit: Unit, facts: Facts) -> Moves:
    assert unit.moved is not None, "a stopping unit was moved there"
    why = unit.moved.decoded()
    if sprint.state == SprintState.CANCELLED:
        facts.pop("stopped", None)
        yield Move(unit.path, "cancel", facts, unit.attempt)
    else:
        yield Move(unit.path, "fail", {"verdict": "interrupted", **facts}, unit.attempt)
        if why.get("alone"):
            said = f"stopped by {why.get('who') or 'somebody'}{': ' if why.get('why') else ''}{why.get('why', '')}"
            yield from block(sprint, unit, said, kind="stopped")
        elif sprint.state == SprintState.IN_PROGRESS:  # somebody has resumed it in the meantime
            yield Move(unit.path, "retry", {"by": "gate" if unit.owner else "run"}, unit.attempt)
    yield from end_groups(sprint, unit)


def _succeeded(sprint: Sprint, unit: Unit) -> Moves:
    owner = unit.owner
    if owner is None:
        yield from done(sprint, unit)
    elif unit is owner.fix:
        yield from _script_again(owner)
    elif owner.machine == Machine.GROUP:
        yield from settle(sprint, owner)
    elif owner.state == TaskState.VERIFYING:
        yield Move(owner.path, "succeed", {}, owner.attempt)
        yield from done(sprint, owner)
    yield from end_groups(sprint, unit)


def _script_again(owner: Unit) -> Moves:
    if owner.gate is not None and owner.gate.state == TaskState.FAILED:
        yield Move(owner.gate.path, "retry", {"by": "gate"}, owner.gate.attempt)


def failed(sprint: Sprint, unit: Unit, facts: Facts, now: int) -> Moves:
    """A bad end, with its verdict among the facts."""
    cause = str(facts["verdict"])
    yield Move(unit.path, "fail", {**facts, **met(sprint, unit, cause, facts, now)}, unit.attempt)
    owner = unit.owner
    other = elsewhere(sprint, unit, cause, now) if cause in ELSEWHERE else None
    if other is not None:
        yield Move(unit.path, "delay", other, unit.attempt)
    elif owner is None:
        yield from retried(sprint, unit, cause, now)
        if unit.leaf is not None and unit.parent is not None and unit.parent.machine == Machine.GROUP:
            yield from settle(sprint, unit.parent)
    elif unit is owner.fix:
        yield from _script_again(owner)  # what the fix did is judged by the script, not by its own status
    else:
        yield from _gate_failed(sprint, owner, unit)
    yield from end_groups(sprint, unit)


def _gate_failed(sprint: Sprint, owner: Unit, script: Unit) -> Moves:
    gate = script.node
    assert isinstance(gate, Gate), "a gate's unit carries the gate"
    assert owner.fix is not None, "who has a gate has a fix"
    if gate.prompt is not None and script.tries < gate.tries:
        if owner.fix.state != TaskState.PENDING:
            yield Move(owner.fix.path, "retry", {"by": "gate"}, owner.fix.attempt)
        return
    error = f"gate failed after {script.tries} of {gate.tries} tries" if gate.prompt else "gate failed"
    facts: Facts = {"verdict": "gate", "error": error}
    if owner.machine == Machine.TASK:
        yield Move(owner.path, "fail", facts, owner.attempt)
    else:
        yield Move(owner.path, "fail", facts)
        kept = keeper(owner)
        if kept is not None and owner.parent is kept and sprint.state in HALTABLE:
            yield from skip_dependents(kept, owner)
    yield from block(sprint, owner, error)
