"""A changed plan taken into a fold that is under way: new units grow, those that are there keep all that they are.

Rule: what a unit is (its states, rows, attempts) is untouched; its place in the plan, and every index that follows from
places and states, is made anew. What has begun is never taken out.
"""

from heapq import heapify

from fsm.plan import Gate, Group, Leaf, Plan
from fsm.purse import Purse, chain
from fsm.states import ENDED, ENDED_WELL, LIVE, GroupState, Machine, TaskState
from fsm.transition import SPRINT_UNIT
from fsm.tree import Tree
from fsm.unit import Choice, Unit, enterable, kind_of, spends_as

_BAD = frozenset({TaskState.FAILED, TaskState.CANCELLED})


def refusals(units: dict[str, Unit], tree: Tree) -> list[str]:
    """Why a plan cannot be taken in: it leaves out, or makes into something else, what has begun."""
    found = []
    for path, unit in units.items():
        if unit.machine not in (Machine.TASK, Machine.GROUP):
            continue
        new = tree.units.get(path)
        if new is None and (unit.state != TaskState.PENDING or unit.attempt or unit.moved is not None):
            found.append(f"{path} is {unit.state} and has no place in it")
        elif new is not None and new.machine != unit.machine:
            found.append(f"{path} would become a {new.machine}")
        elif new is not None and new.node != unit.node and unit.state in LIVE and isinstance(new.node, Leaf):
            found.append(f"{path} is {unit.state} and would be changed")
        elif new is not None and unit.state == TaskState.COMPLETED and _does(new.node) != _does(unit.node):
            found.append(f"{path} is completed and would do something else")
        elif new is not None and unit.first is not None and new.background != unit.background:
            where = "the background" if unit.background else "the main line"
            found.append(f"{path} has begun in {where} and would leave it")
    return found


def _does(node: Leaf | Group | Gate | None) -> tuple[object, ...]:
    """What is done where a node is: settings aside, which hold for what is still to run."""
    if isinstance(node, Gate) or node is None:
        return () if node is None else (node.script, node.prompt)
    own = (node.prompt, node.run) if isinstance(node, Leaf) else ()
    return (*own, _does(node.gate))


def sketch(plan: Plan) -> Tree:
    """The units that a plan grows by itself."""
    return Tree(plan, Unit(SPRINT_UNIT, Machine.SPRINT, ""))


def graft(units: dict[str, Unit], purse: Purse, tree: Tree) -> tuple[dict[str, Unit], list[Unit], Purse]:
    """(units by path, units in plan order, the sprint's purse) of a changed plan; `units` are those there are."""
    purses = {found.path: found for unit in units.values() for found in chain(unit.purse)} | {
        purse.path: purse
    }
    known = {path: unit for path, unit in units.items() if path in tree.units}

    def same(unit: Unit | None) -> Unit | None:
        return None if unit is None else known.get(unit.path, unit)

    def all_same(found: "list[Unit] | tuple[Unit, ...]") -> list[Unit]:
        return [known.get(unit.path, unit) for unit in found]

    for new in tree.units.values():
        unit = known.get(new.path, new)
        unit.node, unit.index, unit.position, unit.background = (
            new.node,
            new.index,
            new.position,
            new.background,
        )
        unit.parent, unit.owner, unit.gate, unit.fix = map(same, (new.parent, new.owner, new.gate, new.fix))
        unit.leaf, unit.after, unit.hooks = same(new.leaf), same(new.after), all_same(new.hooks)
        unit.children, unit.dependents = all_same(new.children), tuple(all_same(new.dependents))
        unit.choice, unit.purse = new.choice, new.purse
        unit.cursor = unit.broken = unit.alive = unit.needs = 0
    order = all_same(tree.order)
    for unit in (units[SPRINT_UNIT], *order):
        _indexed(unit)
    _spent(order, purses, tree.purse)
    others = {path: unit for path, unit in units.items() if unit.machine == Machine.NOTICE}
    return {SPRINT_UNIT: units[SPRINT_UNIT]} | {unit.path: unit for unit in order} | others, order, tree.purse


def _indexed(unit: Unit) -> None:
    """What a unit and those above it keep of the states."""
    if unit.state in LIVE and unit.machine == Machine.TASK and not unit.background:
        above = unit.owner or unit.parent
        while above is not None:
            above.alive += 1
            above = above.parent
    unit.broken = sum(
        child.state in _BAD and not child.background and child.leaf is None for child in unit.children
    )
    if unit.choice is not None:
        _chosen(unit, unit.choice)


def _chosen(group: Unit, choice: Choice) -> None:
    enough = ENDED if choice.regardless else ENDED_WELL
    for child in group.children:
        for other in child.dependents:
            other.needs += child.state not in enough
    choice.going = {child.index: child for child in group.children if child.state == GroupState.IN_PROGRESS}
    choice.awake = dict(choice.going)
    choice.calling = sorted(choice.going)
    choice.fresh = [child.index for child in group.children if enterable(child)]


def _spent(order: list[Unit], before: dict[str, Purse], root: Purse) -> None:
    """What was spent stays spent; a budget that is new counts from now on."""
    purses = {found.path: found for unit in order for found in chain(unit.purse)} | {root.path: root}
    for path, purse in purses.items():
        old = before.get(path)
        if old is not None:
            purse.raised, purse.spent, purse.unpriced, purse.largest = (
                old.raised,
                old.spent,
                old.unpriced,
                old.largest,
            )
    for unit in order:
        if unit.machine == Machine.TASK and unit.state in LIVE and unit.state != TaskState.VERIFYING:
            for purse in chain(unit.purse):
                purse.live[spends_as(unit)] += 1


def beside(units: dict[str, Unit]) -> dict[tuple[bool, bool, str | None], list[int]]:
    """The heaps of pending background leaves that the main line has passed, by kind; `units` are those passed."""
    found: dict[tuple[bool, bool, str | None], list[int]] = {}
    for unit in units.values():
        if unit.state == TaskState.PENDING:
            found.setdefault(kind_of(unit), []).append(unit.position)
    for heap in found.values():
        heapify(heap)
    return found
