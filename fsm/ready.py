"""Which unit may start now, in plan order.

Rule: waiting for a slot, a dependency or a sync point is not a state. It is derived here, from the fold, each time it
is asked, at a cost that does not grow with the plan: the cursors and heaps that make it so follow from the states.
"""

from heapq import heappop, heappush

from fsm.budget import held as held_by_budget
from fsm.plan import Group, Leaf
from fsm.sprint import Sprint
from fsm.states import ENDED, ENDED_WELL, GroupState, Machine, TaskState
from fsm.unit import Choice, Unit, ancestors, enterable, follows, over

LOOKAHEAD = 64
"""Steps side by side that are looked at, past those that a limit holds back, for one that may start."""


def following(sprint: Sprint) -> Unit | None:
    """The first unit that may move: a pending task that may spawn, or a group or sprint that wants to be closed.

    None when nothing may. The same unit is given again until it has moved.
    """
    # After a fold, the walk comes past what it had come past before; that stands before what it comes to.
    found = _walk(sprint, sprint.root, [])
    return _beside(sprint) or found


def _beside(sprint: Sprint) -> Unit | None:
    """The first background leaf that the main line has passed, that is pending, and that its limits let start."""
    first: Unit | None = None
    for heap in sprint.beside.values():
        aside: list[int] = []
        while heap and len(aside) < LOOKAHEAD:
            unit = sprint.order[heap[0]]
            if unit.state != TaskState.PENDING or unit.path not in sprint.background:
                heappop(heap)
            elif limits(sprint, unit):
                break  # what holds one of its kind back holds them all back
            elif _overtakes(sprint, unit):
                aside.append(heappop(heap))
            else:
                first = unit if first is None or unit.position < first.position else first
                break
        for position in aside:
            heappush(heap, position)
    return first


def _overtakes(sprint: Sprint, unit: Unit) -> bool:
    """Whether a leaf that the main line has come past is in something that must not begin, or not begin again, yet.

    It is a hook of a leaf that runs again. Or the line had come to a sync point, which blocked the sprint, so that
    what it waits for runs again; or to a group that waits for approval.
    """
    if unit.leaf is not None and not follows(unit):
        return True
    place: Unit | None = unit
    while place is not None:
        if place is not unit and place.state == GroupState.WAITING:
            return True
        node = place.node
        waits = isinstance(node, Leaf | Group) and node.wait and place.state == TaskState.PENDING
        if waits and any(other.position < place.position for other in sprint.background.values()):
            return True
        place = place.parent
    return False


def limits(sprint: Sprint, unit: Unit) -> list[str]:
    """What holds a leaf back although its turn has come, apart from the number of slots, in words."""
    node = unit.node
    if not isinstance(node, Leaf):
        return []
    found: list[str] = []
    holder = sprint.mutexes.get(node.exclusive) if node.exclusive is not None else None
    if holder is not None:
        found.append(f"{node.exclusive} is held by {holder.path}")
    if node.prompt is not None and sprint.plan.agents is not None and sprint.agents >= sprint.plan.agents:
        found.append(f"{sprint.agents} of {sprint.plan.agents} agents are at work")
    return found + held_by_budget(unit)


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
        elif child.leaf is not None:
            if child.leaf.state == TaskState.COMPLETED and not over(child):
                return child  # what comes after a leaf that was not accepted has no hook to wait for
        elif child.state not in ENDED_WELL:
            return child
        group.cursor += 1
    return None


def held(sprint: Sprint, unit: Unit) -> bool:
    """Whether a sync point still waits for background leaves that the main line has passed."""
    node = unit.node
    waits = isinstance(node, Leaf | Group) and node.wait
    return waits and any(_before(other, unit) for other in sprint.background.values() if other is not unit)


def _before(other: Unit, unit: Unit) -> bool:
    """Whether the line comes past `other` before it comes to `unit`, or may have come: steps go on in any order."""
    if other.position < unit.position:
        return True
    above = set(map(id, (unit, *ancestors(unit))))
    place = other.parent
    while place is not None and id(place) not in above:
        place = place.parent
    return place is not None and place is not unit and place.choice is not None


def _walk(sprint: Sprint, group: Unit, withheld: list[Unit]) -> Unit | None:
    """What may move in a group; `withheld` collects what could, if others outside of it allowed it."""
    first = advance(sprint, group)
    if first is None:
        return _exhausted(sprint, group)
    if group.choice is None:
        return _enter(sprint, first, withheld)
    side_by_side = isinstance(group.node, Group) and group.node.parallel
    if side_by_side:
        found = _going(sprint, group.choice, withheld)
        if found is not None:
            return found
    else:
        for _, child in sorted(group.choice.going.items()):
            if not child.needs:
                return _enter(sprint, child, withheld)
    found = _fresh(sprint, group, group.choice, withheld, side_by_side=side_by_side)
    over = found is None and group.broken and not group.choice.going and not group.choice.fresh
    return group if over and not group.alive else found


def _going(sprint: Sprint, choice: Choice, withheld: list[Unit]) -> Unit | None:
    """What may move in the children in progress. One in which nothing can until it moves itself is not asked again."""
    found: Unit | None = None
    waiting: list[int] = []
    while choice.calling and found is None:
        rank = choice.calling[0]
        child = choice.awake.get(rank)
        before = len(withheld)
        found = None if child is None or child.needs else _enter(sprint, child, withheld)
        if found is None:
            heappop(choice.calling)
            if len(withheld) > before:
                waiting.append(rank)
            else:
                choice.awake.pop(rank, None)
    for rank in waiting:
        heappush(choice.calling, rank)
    return found


def _fresh(
    sprint: Sprint, group: Unit, choice: Choice, withheld: list[Unit], *, side_by_side: bool
) -> Unit | None:
    """What may be entered first of the children that have not begun."""
    found: Unit | None = None
    waiting: list[int] = []
    while choice.fresh and found is None and len(waiting) < LOOKAHEAD:
        child = group.children[choice.fresh[0]]
        if not enterable(child):
            heappop(choice.fresh)
            continue
        found = _enter(sprint, child, withheld)
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


def _enter(sprint: Sprint, unit: Unit, withheld: list[Unit]) -> Unit | None:
    if unit.state == GroupState.IN_PROGRESS:
        return _walk(sprint, unit, withheld)
    if unit.state != TaskState.PENDING:
        return None
    if held(sprint, unit) or limits(sprint, unit):
        withheld.append(unit)
        return None
    return unit if unit.machine == Machine.TASK else _walk(sprint, unit, withheld)


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
