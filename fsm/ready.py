"""Which unit may start now, in plan order.

Rule: waiting for a slot, a dependency or a sync point is not a state. It is derived here, from the fold, each time it
is asked, at a cost that does not grow with the plan: the cursors and heaps that make it so follow from the states.
"""

from heapq import heappop, heappush

from fsm.plan import Group, Leaf
from fsm.sprint import Choice, Sprint, Unit
from fsm.states import ENDED, ENDED_WELL, GroupState, Machine, TaskState


def following(sprint: Sprint) -> Unit | None:
    """The first unit that may move: a pending task that may spawn, or a group or sprint that wants to be closed.

    None when nothing may. The same unit is given again until it has moved.
    """
    found = _beside(sprint)
    if found is None:
        found = _walk(sprint, sprint.root)
        # What this walk has come past stands before what it has come to.
        found = _beside(sprint) or found
    return found


def _beside(sprint: Sprint) -> Unit | None:
    """The first background leaf that the main line has passed and that is pending."""
    while sprint.beside:
        unit = sprint.order[sprint.beside[0]]
        if unit.state == TaskState.PENDING:
            return unit
        heappop(sprint.beside)
    return None


def advance(sprint: Sprint, group: Unit) -> Unit | None:
    """The first foreground child that has not ended well, or None when the group is exhausted.

    Background leaves on the way are passed, that is: reached; a sync point holds the line until they have ended.
    """
    children = group.children
    while group.cursor < len(children):
        child = children[group.cursor]
        if child.background:
            if child.state not in ENDED:
                if child.path not in sprint.background and held(sprint, child):
                    return child
                sprint.reach(child)
        elif child.state not in ENDED_WELL:
            return child
        group.cursor += 1
    return None


def held(sprint: Sprint, unit: Unit) -> bool:
    """Whether a sync point still waits for background leaves that the main line has passed."""
    node = unit.node
    waits = isinstance(node, Leaf | Group) and node.wait
    return waits and len(sprint.background) > (unit.path in sprint.background)


def _walk(sprint: Sprint, group: Unit) -> Unit | None:
    first = advance(sprint, group)
    if first is None:
        return _exhausted(sprint, group)
    if group.choice is None:
        return _enter(sprint, first)
    side_by_side = isinstance(group.node, Group) and group.node.parallel
    for _, child in sorted(group.choice.going.items()):
        if not side_by_side:
            return _enter(sprint, child)
        found = None if child.needs else _enter(sprint, child)
        if found is not None:
            return found
    return _fresh(sprint, group, group.choice, side_by_side=side_by_side)


def _fresh(sprint: Sprint, group: Unit, choice: Choice, *, side_by_side: bool) -> Unit | None:
    """What may be entered first of the children that have not begun."""
    found: Unit | None = None
    waiting: list[int] = []
    while choice.fresh and found is None:
        child = group.children[choice.fresh[0]]
        if child.state != GroupState.PENDING or child.needs:
            heappop(choice.fresh)
            continue
        found = _enter(sprint, child)
        if found is None:
            if not side_by_side:
                break
            waiting.append(heappop(choice.fresh))
    for rank in waiting:
        heappush(choice.fresh, rank)
    return found


def _exhausted(sprint: Sprint, group: Unit) -> Unit | None:
    """What a group of which every child is passed still wants: its gate, or to be closed."""
    if group.machine == Machine.SPRINT:
        return None if sprint.background or sprint.live else group
    if group.gate is not None and group.gate.state != TaskState.COMPLETED:
        return group if group.state == GroupState.PENDING else check(group)
    return group if group.state in (GroupState.PENDING, GroupState.IN_PROGRESS) else None


def _enter(sprint: Sprint, unit: Unit) -> Unit | None:
    if unit.machine == Machine.TASK:
        return unit if unit.state == TaskState.PENDING and not held(sprint, unit) else None
    if unit.state == GroupState.IN_PROGRESS or (unit.state == GroupState.PENDING and not held(sprint, unit)):
        return _walk(sprint, unit)
    return None


def check(owner: Unit) -> Unit | None:
    """The gate's script, or the fix that has to run before the script is tried again; None in other states."""
    if (
        owner.gate is None
        or owner.fix is None
        or owner.state not in (TaskState.VERIFYING, GroupState.IN_PROGRESS)
    ):
        return None
    if owner.gate.state == TaskState.PENDING:
        return owner.gate
    return (
        owner.fix if owner.gate.state == TaskState.FAILED and owner.fix.state == TaskState.PENDING else None
    )
