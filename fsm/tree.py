"""The units of a plan: one for every node, gate and fix, in plan order, each with its place and its purse.

Rule: it follows from the plan alone; everything stands in its first state.
"""

from fsm.errors import SprintError
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
        root.children.clear()
        for node in plan.phases:
            self._grow(node, root, self.purse)

    def _grow(self, node: Node, parent: Unit, purse: Purse) -> None:
        machine = Machine.TASK if isinstance(node, Leaf) else Machine.GROUP
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
