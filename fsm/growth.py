"""How the plan of a simulated sprint grows: who may add a step, that it is added once, and that all else stays.

Rule: as in `fsm.ledger`, nothing of what decides is used; `fsm.amend`, `fsm.proposal` and `fsm.graft` least of all.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from fsm.hooks import is_hook
from fsm.plan import Group, Node, Plan, nodes
from fsm.transition import Facts, Transition


class Growth:
    """What was proposed, and what has become of it."""

    def __init__(self, hold: Callable[..., None]) -> None:
        self.hold = hold
        self.proposed: list[str] = []
        """Ids of steps that agents have proposed and about which nobody has decided."""
        self._offered: set[str] = set()
        """The same where the sprint agrees beforehand."""
        self._taken: set[str] = set()
        self._asked = ""
        """The answer to the newest request."""

    def told(self, row: Transition, plan: Plan) -> None:
        """An attempt has ended and tells what it would add; hooks add nothing."""
        count = 0 if is_hook(row.unit) else len(row.decoded().get("proposed-steps", ()))
        names = [f"step-{row.seq}-{n}" for n in range(count)]
        if _agrees(plan):
            self._offered.update(names)
        else:
            self.proposed += names

    def requested(self, facts: Facts) -> None:
        """Somebody has asked for something, and was answered."""
        self._asked = facts["answer"]
        unit = facts.get("unit", "")
        if unit in self.proposed and self._asked == f"{unit} is rejected":
            self.proposed.remove(unit)

    def amended(self, facts: Facts, before: Plan, after: Plan) -> list[str]:
        """The plan holds from here on: the paths of what is new in it."""
        (path,), name = facts["added"], facts["proposal"]
        if "by" in facts:
            free = _agrees(before) and name in self._offered
            self.hold(free, "plan", f"{path} is added for {facts['by']}, unasked")
        else:
            said = {f"added {path}", f"{name} is added"}
            self.hold(self._asked in said, "plan", f"{path} is added, and the answer was {self._asked!r}")
        self.hold(name not in self._taken, "plan", f"{name} is taken in twice")
        self._taken.add(name)
        if name in self.proposed:
            self.proposed.remove(name)
        old, new = _flat(before), _flat(after)
        more = [one for one in new if one not in old]
        self.hold(
            bool(more) and all(one == path or one.startswith(f"{path}/") for one in more),
            "plan",
            f"{path} is to be added, and {more} are new",
        )
        same = {one: node for one, node in new.items() if one in old}
        self.hold(list(same.items()) == list(old.items()), "plan", f"{path} is not all that has changed")
        return more


def _agrees(plan: Plan) -> bool:
    """Whether steps are taken in without anybody being asked."""
    wanted = plan.orchestration
    return wanted is not None and wanted.enabled and wanted.auto_approve


def _flat(plan: Plan) -> Mapping[str, Node]:
    """Every node by its path, in plan order, without what it holds."""
    return {
        node.path: replace(node, children=()) if isinstance(node, Group) else node for node in nodes(plan)
    }
