"""What the fold keeps in indexes and the walk finds by them, computed anew from the states alone, plainly."""

from collections.abc import Iterator
from typing import Any

from fsm.plan import Gate, Group, Leaf
from fsm.sprint import Sprint
from fsm.states import ENDED, ENDED_WELL, LIVE, Machine
from fsm.unit import Unit

BAD = ("failed", "cancelled")


def leaf_of(unit: Unit) -> bool:
    return isinstance(unit.node, Leaf)


def below(unit: Unit) -> Iterator[Unit]:
    """A unit, its gate and its fix, and the same for everything under it."""
    yield unit
    for found in (unit.gate, unit.fix):
        if found is not None:
            yield found
    for child in unit.children:
        yield from below(child)


def indexes(sprint: Sprint) -> dict[str, Any]:
    """The indexes as they have to be."""
    tasks = [unit for unit in sprint.order if unit.machine == Machine.TASK]
    live = {unit.path for unit in tasks if unit.state in LIVE}
    groups = [sprint.root, *(unit for unit in sprint.order if unit.machine == Machine.GROUP)]
    return {
        "live": live,
        "slots": sum(unit.path in live and not (unit.owner and leaf_of(unit.owner)) for unit in tasks),
        "failed": {unit.path for unit in tasks if unit.state == "failed"},
        "waiting": {unit.path for unit in sprint.order if unit.state == "waiting"},
        "tasks": {
            unit.path for unit in tasks if unit.background and not (unit.owner or unit.leaf) and unit.attempt
        },
        "agents": sum(
            isinstance(unit.node, Leaf) and unit.node.prompt is not None for unit in sprint.live.values()
        ),
        "mutexes": {
            unit.node.exclusive: unit.path
            for unit in sprint.live.values()
            if isinstance(unit.node, Leaf) and unit.node.exclusive is not None
        },
        "broken": {
            group.path: sum(
                child.state in BAD and not child.background and not child.leaf for child in group.children
            )
            for group in groups
        },
        "alive": {
            group.path: sum(
                unit.path in live and not unit.background for unit in below(group) if unit is not group
            )
            for group in groups
        },
        "going": {
            group.path: {child.path for child in group.children if child.state == "in-progress"}
            for group in groups
            if chooses(group)
        },
        "needs": {
            child.path: len(unmet(group, child))
            for group in groups
            if chooses(group)
            for child in group.children
        },
        "fresh": {
            group.path: {
                c.path
                for c in group.children
                if c.state == "pending" and not unmet(group, c) and (c.leaf is None or due(c))
            }
            for group in groups
            if chooses(group)
        },
    }


def kept(sprint: Sprint) -> dict[str, Any]:
    """The indexes as they are; what heaps hold beyond need is left out."""
    groups = [sprint.root, *(unit for unit in sprint.order if unit.machine == Machine.GROUP)]
    choices = {group.path: (group, group.choice) for group in groups if group.choice is not None}
    return {
        "live": set(sprint.live),
        "slots": sprint.slots,
        "failed": set(sprint.failed),
        "waiting": set(sprint.waiting),
        "tasks": {unit.path for unit in sprint.tasks.values()},
        "agents": sprint.agents,
        "mutexes": {name: unit.path for name, unit in sprint.mutexes.items()},
        "broken": {group.path: group.broken for group in groups},
        "alive": {group.path: group.alive for group in groups},
        "going": {path: {c.path for c in choice.going.values()} for path, (_, choice) in choices.items()},
        "needs": {c.path: c.needs for group, _ in choices.values() for c in group.children},
        "fresh": {
            path: {
                group.children[rank].path
                for rank in choice.fresh
                if group.children[rank].state == "pending"
                and not group.children[rank].needs
                and (group.children[rank].leaf is None or due(group.children[rank]))
            }
            for path, (group, choice) in choices.items()
        },
    }


def chooses(group: Unit) -> bool:
    node = group.node
    return isinstance(node, Group) and (
        node.parallel or any(isinstance(child, Group) and child.depends_on for child in node.children)
    )


def unmet(group: Unit, child: Unit) -> list[str]:
    """The siblings that a step depends on and that have not ended well."""
    if not isinstance(child.node, Group) or not isinstance(group.node, Group):
        return []
    wanted = set(child.node.depends_on)
    enough = ENDED if group.node.on_dependency_failure == "continue" else ENDED_WELL
    return [
        sibling.path
        for sibling in group.children
        if isinstance(sibling.node, Group) and sibling.node.id in wanted and sibling.state not in enough
    ]


def well(unit: Unit) -> bool:
    return unit.state in ENDED_WELL


def ended(unit: Unit) -> bool:
    """Whether a leaf, or a hook after it, is over for what follows it."""
    again = unit.state == "failed" and unit.ended is not None and "interrupted" in unit.ended.facts
    return unit.state in ENDED and not again


def due(hook: Unit) -> bool:
    """Whether the turn of a hook of the main line has come."""
    if hook.leaf is None or hook.after is None or hook.background:
        return False
    return hook.leaf.state == "completed" and ended(hook.after)


def passed_soundly(sprint: Sprint) -> None:
    """Nothing that a cursor has passed, or a completed group left behind, is forgotten."""
    for group in [sprint.root, *(unit for unit in sprint.order if unit.machine == Machine.GROUP)]:
        passed = group.children if group.state == "completed" else group.children[: group.cursor]
        for child in passed:
            if child.leaf is not None:
                due = child.leaf.state == "completed" and child.after is not None and ended(child.after)
                assert not due or ended(child) or child.path in sprint.background, f"{child} is forgotten"
            elif child.background:
                assert child.state in ENDED or child.path in sprint.background, f"{child} is forgotten"
            else:
                assert well(child), f"{child} was passed"
        if group.choice is not None:
            assert group.choice.awake.items() <= group.choice.going.items()
            assert group.choice.awake.keys() <= set(group.choice.calling)
    for path, unit in sprint.background.items():
        assert unit.background
        assert unit.owner is None
        assert unit.state not in ENDED, f"{path} is waited for although it has ended"
        waiting = unit.state != "pending" or any(unit.position in heap for heap in sprint.beside.values())
        assert waiting, f"{path} would never start"


def may_spawn(sprint: Sprint, unit: Unit) -> None:
    """Asserts that a unit's conditions hold, in a fold that stands right before its `spawn` row."""
    assert sprint.state == "in-progress", f"{unit} starts although the sprint is {sprint.state}"
    if isinstance(unit.node, Gate):
        owner = unit.owner
        assert owner is not None, "a gate has an owner"
        assert owner.gate is not None
        assert owner.state in ("verifying", "in-progress"), f"{unit} runs for {owner}"
        if unit is owner.fix:
            assert owner.gate.state == "failed", f"{unit} mends nothing"
            assert unit.node.prompt is not None, f"{unit} has nothing to do"
            assert owner.gate.tries < unit.node.tries, f"{unit} is one too many"
            assert owner.gate.ended is not None
            assert "interrupted" not in owner.gate.ended.facts, f"{unit} mends what did not fail"
        else:
            assert owner.gate.tries < unit.node.tries, f"{unit} is one too many"
            assert all(
                well(child) or child.background or (child.leaf is not None and ended(child))
                for child in owner.children
            ), f"{unit} is too early"
        return
    _line_has_come_to(sprint, unit)


def _line_has_come_to(sprint: Sprint, unit: Unit) -> None:
    leaf = unit.node
    assert isinstance(leaf, Leaf)
    others = [other.node for other in sprint.live.values() if isinstance(other.node, Leaf)]
    assert leaf.exclusive is None or leaf.exclusive not in [other.exclusive for other in others]
    prompts = sum(other.prompt is not None for other in others)
    assert leaf.prompt is None or sprint.plan.agents is None or prompts < sprint.plan.agents
    if unit.leaf is not None:
        assert unit.leaf.state == "completed", f"{unit} starts before its leaf is done"
        before_it = [hook for hook in unit.leaf.hooks if hook.index < unit.index and hook is unit.after]
        assert all(map(ended, before_it)), f"{unit} starts before {before_it}"
        return
    group = unit.parent
    again = unit.background and unit.attempt > 0
    if group is None or again:
        return
    node = group.node
    side_by_side = isinstance(node, Group) and node.parallel
    if not side_by_side:
        for earlier in group.children:
            if earlier.index >= unit.index or earlier.background:
                continue
            if earlier.leaf is not None:
                assert ended(earlier) or earlier.leaf.state != "completed", f"{unit} starts before {earlier}"
                continue
            if chooses(group) and not well(earlier):
                goes_on = isinstance(node, Group) and node.on_dependency_failure != "fail-phase"
                failed = goes_on and earlier.state == "failed"
                assert failed or unmet(group, earlier), f"{unit} starts before {earlier}"
            else:
                assert well(earlier), f"{unit} starts before {earlier}"
    assert not unmet(group, unit), f"{unit} starts before what it depends on"
    if leaf.wait:
        # Side by side, what comes later in the plan may have been reached after a sync point that got no slot.
        before = [
            path
            for path, other in sprint.background.items()
            if other.attempt and other is not unit and (not unit.background or other.position < unit.position)
        ]
        assert not before, f"{unit} does not wait for {before}"
    if group.machine == Machine.GROUP:
        assert group.state == "in-progress" or unit.background, f"{unit} starts in {group}"
