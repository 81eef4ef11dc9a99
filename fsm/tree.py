"""The units of a plan: one for every node, gate, fix and hook, in plan order, each with its place and its purse.

Rule: it follows from the plan alone; everything stands in its first state.
"""

from fsm.errors import SprintError
from fsm.hooks import in_line, made
from fsm.plan import Gate, Group, Leaf, Node, Plan
from fsm.purse import Purse, chain
from fsm.states import INITIAL, Machine
from fsm.transition import SPRINT_UNIT
from fsm.unit import Unit, choice_of


class Tree:
    """The units that a plan has grown under the sprint's own."""

    def __init__(self, plan: Plan, root: Unit) -> None:
        self.order: list[Unit] = []
        self.units: dict[str, Unit] = {SPRINT_UNIT: root}
        self.purse = Purse(SPRINT_UNIT, plan.budget)
        self._line = in_line(plan)
        root.children.clear()
        for node in plan.phases:
            self._grow(node, root, self.purse)

    def _grow(self, node: Node, parent: Unit, purse: Purse) -> None:
        machine = Machine.TASK if isinstance(node, Leaf) else Machine.GROUP
        around = purse
        unit = self._made(node.path, machine, node, parent=parent)
        unit.index = len(parent.children)
        unit.background = isinstance(node, Leaf) and node.parallel
        parent.children.append(unit)
        if node.budget is not None:
            purse = unit.purse = Purse(node.path, node.budget, purse)
        if isinstance(node, Group):
            for child in node.children:
                self._grow(child, unit, purse)
            if node.parallel or any(isinstance(child, Group) and child.depends_on for child in node.children):
                unit.choice = choice_of(unit)
        else:
            unit.purse = purse if purse.bounded or node.prompt is not None else None
            for one in chain(purse):
                one.leaves += 1
        if node.gate is not None:
            unit.gate = self._made(f"{node.path}#gate", Machine.TASK, node.gate, owner=unit)
            unit.fix = self._made(f"{node.path}#fix", Machine.TASK, node.gate, owner=unit)
            unit.gate.background = unit.fix.background = unit.background
            unit.fix.purse = purse
            unit.gate.purse = purse if purse.bounded else None
        if isinstance(node, Leaf):
            self._hang(unit, node, around)

    def _hang(self, leaf: Unit, node: Leaf, purse: Purse) -> None:
        """The hooks after a leaf: each follows the one before, those beside one another the last that is waited for."""
        assert leaf.parent is not None, "a leaf stands in a group or in the sprint"
        after = leaf
        for hook in self._line:
            found = made(hook, node)
            unit = self._made(found.path, Machine.TASK, found, parent=leaf.parent)
            unit.index, unit.background = len(leaf.parent.children), found.parallel
            unit.leaf, unit.after = leaf, after
            unit.purse = purse if purse.bounded or found.prompt is not None else None
            for one in chain(purse):
                one.leaves += 1
            leaf.parent.children.append(unit)
            leaf.hooks.append(unit)
            if not hook.parallel:
                after = unit

    def _made(
        self,
        path: str,
        machine: str,
        node: Node | Gate,
        *,
        parent: Unit | None = None,
        owner: Unit | None = None,
    ) -> Unit:
        if path in self.units:
            raise SprintError(f"the plan has two units called {path!r}")
        unit = Unit(path, machine, INITIAL[Machine(machine)], node, parent, owner, position=len(self.order))
        self.units[path] = unit
        self.order.append(unit)
        return unit
