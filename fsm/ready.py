"""Which units may start now, in plan order, and why the others may not.

Rule: waiting for a slot, a dependency or a sync point is not a state. It is derived here, from the fold, each time
it is asked. Only the cursors and the set of passed background leaves are kept, and they follow from the states alone.
"""

from collections.abc import Iterator

from fsm.plan import Group, Leaf
from fsm.sprint import Sprint, Unit
from fsm.states import ENDED, ENDED_WELL, GroupState, Machine, TaskState


def candidates(sprint: Sprint) -> Iterator[Unit]:
    """Units that may move now: pending tasks that may spawn, and groups that are exhausted and want to be closed.

    Lazy, so that a caller whose slots are taken asks no further; it may move what it is given before it goes on.
    """
    # Leaves passed earlier come first: they stand before the main line in plan order.
    seen = set(sprint.background)
    for unit in sorted(sprint.background.values(), key=lambda unit: unit.position):
        yield from _task(unit)
    for unit in _walk(sprint, sprint.root):
        yield from _passed_since(sprint, seen)
        yield unit
    yield from _passed_since(sprint, seen)


def _passed_since(sprint: Sprint, seen: set[str]) -> Iterator[Unit]:
    for path, unit in list(sprint.background.items()):
        if path not in seen:
            seen.add(path)
            yield from _task(unit)


def advance(sprint: Sprint, group: Unit) -> Unit | None:
    """The first foreground child that has not ended well, or None when the group is exhausted.

    Background leaves on the way are passed, that is: reached; a sync point holds the line until they have ended.
    """
    children = group.children
    while group.cursor < len(children):
        child = children[group.cursor]
        if child.background:
            if child.state not in ENDED:
                if held(sprint, child):
                    return child
                sprint.background[child.path] = child
        elif child.state not in ENDED_WELL:
            return child
        group.cursor += 1
    return None


def held(sprint: Sprint, unit: Unit) -> bool:
    """Whether a sync point still waits for background leaves that the main line has passed."""
    node = unit.node
    return isinstance(node, Leaf | Group) and node.wait and bool(sprint.background.keys() - {unit.path})


def unmet(group: Unit, child: Unit) -> list[str]:
    """The ids of the siblings that a step depends on and that have not ended well."""
    if not isinstance(child.node, Group) or not child.node.depends_on:
        return []
    by_id = {sibling.node.id: sibling for sibling in group.children if isinstance(sibling.node, Group)}
    return [wanted for wanted in child.node.depends_on if by_id[wanted].state not in ENDED_WELL]


def _walk(sprint: Sprint, group: Unit) -> Iterator[Unit]:
    first = advance(sprint, group)
    if first is None:
        if group.machine == Machine.SPRINT:
            if not sprint.background and not sprint.live:
                yield group
        elif group.gate is not None and group.gate.state != TaskState.COMPLETED:
            if group.state == GroupState.PENDING:
                yield group
            else:
                yield from checks(group)
        elif group.state in (GroupState.PENDING, GroupState.IN_PROGRESS):
            yield group
        return
    side_by_side = isinstance(group.node, Group) and group.node.parallel
    ordered = side_by_side or any(isinstance(c.node, Group) and c.node.depends_on for c in group.children)
    if not ordered:
        yield from _enter(sprint, first)
        return
    started = [c for c in group.children[group.cursor :] if c.state == GroupState.IN_PROGRESS]
    if not side_by_side and started:
        yield from _enter(sprint, started[0])
        return
    for child in group.children[group.cursor :]:
        if child.state not in ENDED and not unmet(group, child):
            yield from _enter(sprint, child)
            if not side_by_side:
                return


def _enter(sprint: Sprint, unit: Unit) -> Iterator[Unit]:
    if unit.machine == Machine.TASK:
        if unit.state != TaskState.PENDING or not held(sprint, unit):
            yield from _task(unit)
    elif unit.state == GroupState.IN_PROGRESS or (
        unit.state == GroupState.PENDING and not held(sprint, unit)
    ):
        yield from _walk(sprint, unit)


def _task(unit: Unit) -> Iterator[Unit]:
    if unit.state == TaskState.PENDING:
        yield unit


def checks(owner: Unit) -> Iterator[Unit]:
    """The gate's script, or the fix that has to run before the script is tried again; nothing for other states."""
    if (
        owner.gate is None
        or owner.fix is None
        or owner.state not in (TaskState.VERIFYING, GroupState.IN_PROGRESS)
    ):
        return
    if owner.gate.state == TaskState.PENDING:
        yield owner.gate
    elif owner.gate.state == TaskState.FAILED and owner.fix.state == TaskState.PENDING:
        yield owner.fix
