"""Why a unit is not moving: each thing that it waits for, in words, from the fold alone.

Rule: what is said here is read off the same states and the same limits by which `fsm.ready` lets things start.
"""

from fsm.plan import Gate, Group, Leaf
from fsm.ready import limits
from fsm.sprint import Sprint
from fsm.states import AT_REST, ENDED, ENDED_WELL, GroupState, Machine, TaskState
from fsm.transition import Facts
from fsm.unit import Unit, ancestors, follows, over
from fsm.waits import reason


def explain(sprint: Sprint, unit: Unit) -> list[str]:
    """What a unit waits for, or where it stands when it waits for nothing."""
    if unit.machine == Machine.SPRINT:
        return _sprint(sprint)
    if unit.state in ENDED:
        return [_over(unit)]
    if unit.state == GroupState.WAITING or (unit.machine == Machine.TASK and unit.state != TaskState.PENDING):
        return _alive(unit)
    if sprint.state in AT_REST:
        return _sprint(sprint)
    return _held(sprint, unit) or _slots(sprint, unit)


def _sprint(sprint: Sprint) -> list[str]:
    facts = sprint.rested.decoded() if sprint.rested is not None and sprint.at_rest else {}
    why = f": {facts['why']}" if facts.get("why") else ""
    said = [f"the sprint is {sprint.state}{why}"]
    if not sprint.at_rest:
        said += [f"{unit.path} is {unit.state}" for unit in sprint.live.values()]
        said += [_waiting(unit) for unit in sprint.waiting.values()]
    return said


def _over(unit: Unit) -> str:
    facts: Facts = unit.ended.decoded() if unit.ended is not None else {}
    why = facts.get("error") or facts.get("why") or facts.get("verdict")
    return f"it is {unit.state}" + (f": {why}" if why else "")


def _alive(unit: Unit) -> list[str]:
    if unit.state == TaskState.WAITING:
        return [_waiting(unit)]
    if unit.state == TaskState.VERIFYING and unit.gate is not None and unit.fix is not None:
        doing = unit.fix if unit.gate.state == TaskState.FAILED else unit.gate
        return [f"its process has ended well; {doing.path} is {doing.state}"]
    meaning = {
        TaskState.SPAWNED: "its shim is being prepared; nothing of it runs yet",
        TaskState.RUNNING: f"attempt {unit.attempt} runs",
        TaskState.STOPPING: "it has been told to end",
    }
    return [meaning[TaskState(unit.state)]]


def _waiting(unit: Unit) -> str:
    facts = unit.moved.decoded() if unit.moved is not None else {}
    why = reason(facts)
    if facts.get("until") is None:
        return f"{unit.path} waits ({why}) until somebody answers"
    return f"{unit.path} waits ({why}) until its time has come"


def _held(sprint: Sprint, unit: Unit) -> list[str]:
    """What holds a pending unit back, apart from slots: owners, order, dependencies, sync points, limits."""
    if isinstance(unit.node, Gate):
        owner = unit.owner
        assert owner is not None, "a gate has an owner"
        return [f"it is needed when {owner.path} has ended well; that is {owner.state}"]
    if unit.leaf is not None and unit.after is not None and not follows(unit):
        asked = unit.leaf if unit.leaf.state != TaskState.COMPLETED else unit.after
        return [f"it is a hook and comes after {asked.path}, which is {asked.state}"]
    said: list[str] = []
    for place in (unit, *ancestors(unit)):
        group = place.parent
        if place.state == GroupState.WAITING and place is not unit:
            said.append(_waiting(place))
        if group is None or place.state not in (TaskState.PENDING, GroupState.IN_PROGRESS):
            continue
        said += _order(group, place)
        if place.state == TaskState.PENDING and isinstance(place.node, Leaf | Group) and place.node.wait:
            said += [
                f"{place.path} is a sync point and waits for {other.path}, which is {other.state}"
                for other in sprint.background.values()
                if other.position < place.position
            ]
    return said + limits(sprint, unit)


def _order(group: Unit, unit: Unit) -> list[str]:
    """What has to end well before a unit of this group may start."""
    if group.choice is None:
        before = group.children[: unit.index]
        return [
            f"it comes after {other.path}, which is {other.state}"
            for other in before
            if not other.background and not _passed(other)
        ][:1]
    wanted = set(unit.node.depends_on) if isinstance(unit.node, Group) else set()
    said = [
        f"{unit.path} depends on {other.path}, which is {other.state}"
        for other in group.children
        if isinstance(other.node, Group) and other.node.id in wanted and other.state not in ENDED_WELL
    ]
    one_by_one = not (isinstance(group.node, Group) and group.node.parallel)
    if one_by_one and unit.state == GroupState.PENDING and not said:
        said = [f"one step at a time: {other.path} is in progress" for other in group.choice.going.values()]
    return said


def _passed(unit: Unit) -> bool:
    """Whether what comes after a unit of the main line has not to wait for it."""
    if unit.leaf is None:
        return unit.state in ENDED_WELL
    return unit.leaf.state != TaskState.COMPLETED or over(unit)


def _slots(sprint: Sprint, unit: Unit) -> list[str]:
    facts = sprint.lease.decoded() if sprint.lease is not None else {}
    slots = facts.get("slots")
    if slots is not None and sprint.slots >= slots and unit.machine == Machine.TASK:
        return [f"{sprint.slots} of {slots} slots are taken: {', '.join(sorted(sprint.live))}"]
    return ["nothing holds it back: it starts with the supervisor's next turn"]
