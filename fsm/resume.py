"""What a resting sprint takes up again when it is set going: what was interrupted, has failed or was cancelled.

Rule: what is done stays done. Whatever runs again is named by a row of its own, in one batch with the sprint's.
"""

from collections.abc import Iterable

from fsm.sprint import Sprint
from fsm.states import ENDED, GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, ancestors
from fsm.verdicts import interrupted


def resume(sprint: Sprint, who: str, why: str, budget: Facts | None = None) -> Moves:
    """Sets a resting sprint going: what was interrupted or has failed runs again, what is done stays done.

    `budget`: bounds in place of those of the plan, as `fsm.budget.larger` allows them.
    """
    cancelled = sprint.state == SprintState.CANCELLED
    kind = sprint.rested.decoded().get("kind") if sprint.rested is not None else None
    trigger = "retry" if sprint.state == SprintState.BLOCKED else "resume"
    yield Move(SPRINT_UNIT, trigger, {"who": who, "why": why, **({"budget": budget} if budget else {})})
    if cancelled:
        yield from _uncancel(sprint)
    for unit in list(sprint.failed.values()):
        if unit.state == TaskState.FAILED:
            yield from _rerun(unit, beside=kind == "background")
    yield from _dependents(sprint)
    yield from overdue_break(sprint)


def overdue_break(sprint: Sprint) -> Moves:
    """Stops a sprint that goes on again where something has ended well meanwhile that it was to stop after."""
    broke = unseen(sprint)
    if broke is not None and sprint.state == SprintState.IN_PROGRESS:
        yield Move(SPRINT_UNIT, "break", {"unit": broke.path})


def unseen(sprint: Sprint) -> Unit | None:
    """What has ended well, with a break after it, while the sprint rested: whoever wanted to look at it could not."""
    return next((unit for unit in sprint.breaks.values() if unit.state == TaskState.COMPLETED), None)


def _uncancel(sprint: Sprint) -> Moves:
    """What was cancelled with the sprint takes part again. A leaf sees to its gate when it comes to it."""
    for unit in sprint.order:
        if unit.state != TaskState.CANCELLED:
            continue
        if unit.machine == Machine.GROUP:
            yield from reopen([unit])
        elif unit.owner is None:
            yield Move(unit.path, "retry", {"by": "run"}, unit.attempt)
        elif unit.owner.machine == Machine.GROUP:
            yield Move(unit.path, "retry", {"by": "gate"}, unit.attempt)


def _dependents(sprint: Sprint) -> Moves:
    """Steps that were left out because of a failure that is tried again now.

    Where somebody has run again what had failed, and only that, the phase has ended without them.
    """
    for unit in sprint.order if any(unit.choice is not None for unit in sprint.order) else ():
        if (
            unit.state != GroupState.SKIPPED
            or unit.ended is None
            or unit.ended.decoded().get("by") != "dependency"
            or (unit.parent is not None and unit.parent.state in ENDED)
        ):
            continue
        if unit.machine == Machine.GROUP:
            yield from reopen([unit])
        else:
            yield Move(unit.path, "retry", {"by": "run"}, unit.attempt)


def _rerun(unit: Unit, *, beside: bool) -> Moves:
    """Makes a failed unit ready to run.

    What failed in the background was tolerated, unless it was interrupted or is what has blocked the sprint (`beside`).
    What has become of a hook stays so unless it was interrupted.
    """
    cause = verdict(unit)
    owner = unit.owner
    if owner is not None:
        if owner.state in (TaskState.VERIFYING, GroupState.IN_PROGRESS):
            if cause == "interrupted":
                yield Move(unit.path, "retry", {"by": "gate"}, unit.attempt)
        elif owner.machine == Machine.GROUP and owner.state == GroupState.FAILED and unit is owner.gate:
            yield from reopen([*reversed(list(ancestors(owner))), owner])
            yield from fresh_gate(owner)
        return
    again = Move(unit.path, "retry", {"by": "run"}, unit.attempt)
    if unit.background or unit.leaf is not None:
        if unit.leaf is None:
            due = cause == "interrupted" or beside
        else:
            due = cause == "interrupted" and unit.leaf.state == TaskState.COMPLETED
        if due and not unit.background:
            yield from reopen(reversed(list(ancestors(unit))))
        if due:
            yield again
        return
    yield from reopen(reversed(list(ancestors(unit))))
    if cause == "gate":
        yield Move(unit.path, "retry", {"by": "run", "keep": True}, unit.attempt)
    else:
        yield again


def reopen(groups: Iterable[Unit]) -> Moves:
    """Opens again what of some groups has ended. One that had never begun is pending: it may have to be approved."""
    for group in groups:
        if group.state in ENDED:
            yield Move(group.path, "retry" if group.started is None else "reopen", {})


def fresh_gate(owner: Unit) -> Moves:
    """Makes an owner's script and fix ready to run, and begins their count anew."""
    for unit in (owner.fix, owner.gate):
        if unit is not None and unit.state in ENDED:
            yield Move(unit.path, "retry", {"by": "run"}, unit.attempt)


def verdict(unit: Unit) -> str:
    """What a failed unit's last attempt amounted to; one that was stopped counts as interrupted however it ended."""
    facts = unit.ended.decoded() if unit.ended is not None else {}
    return "interrupted" if interrupted(facts) else str(facts.get("verdict", "failed"))
