"""What was spent in a simulated world, added up from the rows in the plainest way, and held against what is allowed.

Rule: as in `fsm.ledger`, nothing of what decides is used; `fsm.budget` and `fsm.purse` least of all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from fsm.hooks import is_hook
from fsm.plan import Budget, Group, Leaf, Plan
from fsm.states import Machine
from fsm.transition import SPRINT_UNIT, Facts, Transition

_COST, _ATTEMPTS = "cost-usd", "attempts"


class Spending:
    """What the sprint, and every part of it with a budget, has spent by the rows that are durable."""

    def __init__(self, plan: Plan, nodes: Mapping[str, Leaf | Group], hold: Callable[..., None]) -> None:
        self.nodes, self.hold = nodes, hold
        self.bounds: dict[tuple[str, str], float] = {}
        """By place and measure; a person may have set them since."""
        self.spent: dict[tuple[str, str], float] = {}
        self._bound(SPRINT_UNIT, plan.budget)
        self.grow(nodes)

    def grow(self, paths: Iterable[str]) -> None:
        """Parts of the plan with whatever they may spend from now on."""
        for path in paths:
            self._bound(path, self.nodes[path].budget)

    def _bound(self, place: str, budget: Budget | None) -> None:
        told = {} if budget is None else {_COST: budget.cost_usd, _ATTEMPTS: budget.attempts}
        for measure, bound in told.items():
            if bound is not None:
                self.bounds[place, measure] = bound
                self.spent[place, measure] = 0.0

    def commit(self, rows: Sequence[Transition]) -> None:
        """Rows of one commit have become durable."""
        if not self.bounds:
            return
        for row in rows:
            if row.machine == Machine.SPRINT:
                self._sprint(row, row.decoded())
            elif row.machine == Machine.TASK:
                self._task(row, row.decoded())

    def _sprint(self, row: Transition, facts: Facts) -> None:
        raised = facts.get("budget", {})
        for measure, bound in raised.items():
            if measure != "unit":
                self.bounds[raised.get("unit", SPRINT_UNIT), measure] = bound
        if row.trigger == "block" and "measure" in facts:
            at = facts.get("unit", SPRINT_UNIT), facts["measure"]
            self.hold(
                self.spent[at] >= self.bounds[at],
                "budget",
                f"{at} counts as used up: {self.spent[at]} of {self.bounds[at]}",
            )

    def _task(self, row: Transition, facts: Facts) -> None:
        if row.trigger == "spawn":
            for at in self._above(row.unit):
                left = self.bounds[at] - self.spent[at]
                self.hold(left > 0, "budget", f"{row.unit} is spawned, and nothing is left of {at}", row.unit)
                told = facts.get("budget-usd", 0.0)
                self.hold(
                    at[1] != _COST or told <= left + 1e-6,
                    "budget",
                    f"{row.unit} is told that it may cost {told}, and {left} is left of {at}",
                    row.unit,
                )
        for place, measure in self._above(row.unit):
            if measure == _ATTEMPTS:
                self.spent[place, measure] += (row.trigger == "spawn") - (row.trigger == "abort")
            else:
                self.spent[place, measure] += facts.get(_COST, 0.0)

    def asks(self, unit: str) -> bool:
        """Whether an attempt of the unit asks an agent."""
        return unit.endswith("#fix") or getattr(self.nodes.get(unit), "prompt", None) is not None

    def _above(self, unit: str) -> Iterator[tuple[str, str]]:
        """Of what a unit spends. What hooks cost is not charged to the leaf that they follow."""
        path, agent = unit.partition("#")[0], self.asks(unit)
        places = [SPRINT_UNIT]
        while path:
            places.append(path)
            path = path.rpartition("/")[0]
        if is_hook(unit):
            places.remove(unit.partition("#")[0])
        for at in self.bounds:
            if at[0] in places and (agent or at[1] == _ATTEMPTS):
                yield at
