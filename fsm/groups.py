"""How groups end, and what a unit's end means for the sprint: complete, fail, block, break, skip dependents.

Rule: these are moves, as in `fsm.decide`. What one end causes, up to the sprint, is one batch with it.
"""

from fsm.budget import over
from fsm.plan import Gate, Group
from fsm.ready import advance
from fsm.resume import verdict
from fsm.sprint import Sprint
from fsm.states import GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, ancestors, below, harmless

HALTABLE = frozenset({SprintState.IN_PROGRESS, SprintState.PAUSED, SprintState.PAUSED_AT_BREAKPOINT})
"""Sprint states from which a failure blocks, or a question stops, the sprint."""


def done(sprint: Sprint, unit: Unit) -> Moves:
    """A unit has ended well: its break takes effect, and its group may be complete with it."""
    if sprint.state == SprintState.IN_PROGRESS:
        node = unit.node
        if node is not None and not isinstance(node, Gate) and node.breaks:
            yield Move(SPRINT_UNIT, "break", {"unit": unit.path})
    if unit.parent is not None and unit.parent.machine == Machine.GROUP:
        yield from settle(sprint, unit.parent)


def settle(sprint: Sprint, group: Unit) -> Moves:
    """Completes a group of which every child has ended well, if its gate has passed."""
    passed = group.gate is None or group.gate.state == TaskState.COMPLETED
    if group.state == GroupState.IN_PROGRESS and passed and advance(sprint, group) is None:
        yield Move(group.path, "complete", {})
        yield from done(sprint, group)


def block(sprint: Sprint, unit: Unit, error: str, kind: str = "failed") -> Moves:
    """Blocks the sprint for a unit of the main line, unless a group above goes on with its other steps."""
    if not unit.background and sprint.state in HALTABLE and keeper(unit) is None:
        move = Move(SPRINT_UNIT, "block", {"unit": unit.path, "why": error, "kind": kind})
        yield (over(unit) if _at_its_bound(unit) else None) or move


def _at_its_bound(unit: Unit) -> bool:
    """Whether its agent has stopped because what it was told that it may cost was used up."""
    return unit.ended is not None and unit.ended.decoded().get("verdict") == "budget"


def keeper(unit: Unit) -> Unit | None:
    """The group above that goes on with its other steps when one of them fails."""
    for group in ancestors(unit):
        follows = group.choice is None  # where each step waits for the one before, none can do without it
        if isinstance(group.node, Group) and group.node.on_dependency_failure != "fail-phase" and not follows:
            return group
    return None


def end_groups(sprint: Sprint, unit: Unit) -> Moves:
    """When the last of what ran in a group has ended, what failed in it for good fails it, and a cancel cancels it.

    While the sprint goes on, that holds only below a group that goes on with its other steps.
    """
    cancelled = sprint.state == SprintState.CANCELLED
    halted = cancelled or sprint.state in (SprintState.BLOCKED, SprintState.NEEDS_HUMAN)
    kept = keeper(unit.owner or unit)
    under = kept is not None
    owner = unit.owner
    for group in [
        *([owner] if owner is not None and owner.machine == Machine.GROUP else []),
        *ancestors(unit),
    ]:
        under = under and group is not kept
        if not halted and not under:
            return
        if group.state == GroupState.IN_PROGRESS and not group.alive and (cancelled or group.broken):
            if not halted and not _for_good(group):
                return
            yield Move(group.path, "cancel" if cancelled else "fail", {})
            if kept is not None and group.parent is kept and not halted:
                yield from skip_dependents(kept, group)


def _for_good(group: Unit) -> bool:
    """Whether something in a group has failed that nobody will try again by himself."""
    bad = [child for child in group.children if child.state == TaskState.FAILED and not harmless(child)]
    return any(child.machine == Machine.GROUP or verdict(child) != "interrupted" for child in bad)


def skip_dependents(kept: Unit, failed: Unit) -> Moves:
    """Leaves out, with all in them, the steps that cannot be done without one that failed."""
    if isinstance(kept.node, Group) and kept.node.on_dependency_failure == "continue":
        return
    for step in failed.dependents:
        if step.state not in (GroupState.PENDING, GroupState.WAITING, GroupState.IN_PROGRESS) or step.alive:
            continue  # one that is in progress was left out before, and taken up again with what it depends on
        facts: Facts = {"by": "dependency", "why": f"it depends on {failed.path}, which failed"}
        for unit in below(step):
            if unit.state in (TaskState.PENDING, TaskState.WAITING, TaskState.FAILED):
                yield Move(unit.path, "skip", facts, unit.attempt)
        yield Move(step.path, "skip", facts)
        yield from skip_dependents(kept, step)
