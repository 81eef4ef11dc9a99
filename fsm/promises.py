"""What a row promises of its own commit, in a simulated world: that a request does what its answer says, that whoever
is to be told is, and that what counts as done is.

Rule: as in `fsm.ledger`, nothing of what decides is used.
"""

from collections.abc import Callable, Mapping, Sequence

from fsm.plan import Group, Leaf, Plan
from fsm.states import ENDED_WELL, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Transition

_EVENTS = {
    SprintState.BLOCKED: "blocked",
    SprintState.COMPLETED: "completed",
    SprintState.NEEDS_HUMAN: "needs-human",
    SprintState.PAUSED: "paused",
    SprintState.PAUSED_AT_BREAKPOINT: "paused",
    SprintState.CANCELLED: "cancelled",
}
_TRIES = 5
_AT_WORK = (TaskState.SPAWNED, TaskState.RUNNING)


class Promises:
    """Held against whole commits."""

    def __init__(
        self,
        plan: Plan,
        nodes: Mapping[str, Leaf | Group],
        states: Mapping[str, str],
        hold: Callable[..., None],
    ) -> None:
        self.plan, self.nodes, self.states, self.hold = plan, nodes, states, hold
        self.tries: dict[str, int] = {}
        """By notice, how often somebody was called."""
        self.tolerated: set[str] = set()
        self.agreed: dict[str, bool] = {}

    def commit(self, rows: Sequence[Transition]) -> None:
        """Holds the rows of one commit to what they promise; the states are those after it."""
        for place, row in enumerate(rows):
            after, facts = rows[place + 1 :], row.decoded()
            if row.trigger == "request" and not facts["answer"].startswith("refused"):
                self._asked(facts, after)
            if row.machine == Machine.SPRINT:
                self._sprint(row, facts, after)
            elif row.machine == Machine.GROUP and row.trigger == "complete":
                node = self.nodes[row.unit]
                assert isinstance(node, Group)
                self._well(row.unit, node.children)
            elif row.trigger == "give-up":
                tried = self.tries.get(row.unit, 0)
                self.hold(tried >= _TRIES, "notice", f"{row.unit} is given up after {tried} tries", row.unit)
            elif row.trigger == "wake" and facts.get("approved"):
                node = self.nodes[row.unit]
                approval = node.approval
                late = (
                    approval is not None and approval.timeout is not None and approval.on_timeout == "approve"
                )
                said = late if facts.get("who") == "nobody" else self.agreed.get(row.unit)
                self.hold(said, "approval", f"{row.unit} counts as approved, and nobody has", row.unit)

    def _asked(self, facts: Facts, after: Sequence[Transition]) -> None:
        verb, unit = facts["verb"], facts.get("unit", "")
        inside = [
            row
            for row in after
            if not unit or row.unit == unit or row.unit.startswith((f"{unit}/", f"{unit}#"))
        ]
        done: object = True
        if verb == "pause":
            done = any(row.machine == Machine.SPRINT and row.trigger == "pause" for row in after)
        elif verb in ("stop", "cancel") and not unit:
            resumed = any(row.trigger == "request" for row in after)  # or whatever was asked next
            done = resumed or not any(state in _AT_WORK for state in self.states.values())
            if verb == "cancel":
                done = done and any(
                    row.machine == Machine.SPRINT and row.trigger == "cancel" for row in after
                )
        elif verb in ("stop", "skip"):
            done = any(row.trigger == verb for row in inside)
        elif verb in ("retry", "resume") and not unit:
            done = any(row.machine == Machine.SPRINT and row.trigger in ("retry", "resume") for row in after)
        elif verb == "add-step" or unit.startswith("step-"):
            grown = any(row.trigger == "amend" for row in after)
            done = grown == (not facts["answer"].endswith("is rejected"))
        elif verb in ("retry", "approve", "reject", "answer"):
            done = bool(inside)
            self.agreed[unit] = verb == "approve" or (verb == "answer" and facts.get("text") == "yes")
        self.hold(
            done,
            "request",
            f"{verb} of {unit or 'the sprint'} was answered {facts['answer']!r}, and not done",
        )

    def _sprint(self, row: Transition, facts: Facts, after: Sequence[Transition]) -> None:
        event = (
            _EVENTS.get(SprintState(row.dest))
            if row.source != row.dest and facts.get("kind") != "approval"
            else None
        )
        due = {later.unit for later in after if later.trigger == "due"}
        for place, wanted in enumerate(self.plan.subscriptions):
            name = f"#notice.{row.seq}.{place}"
            self.hold(
                wanted.event != event or name in due,
                "notice",
                f"nobody is to be told that row {row.seq} {event}",
            )
        if row.trigger == "tolerate":
            node = self.nodes.get(facts["unit"])
            policy = (node.on_parallel_failure if node is not None else None) or self.plan.on_parallel_failure
            self.hold(policy == "warn", "sync", f"{facts['failed']} are tolerated, and were not to be")
            self.tolerated.update(facts["failed"])
        if row.trigger == "complete":
            self._well(SPRINT_UNIT, self.plan.phases)
            for path, node in self.nodes.items():
                bad = isinstance(node, Leaf) and node.parallel and not node.hook
                bad = bad and self.states.get(path) == TaskState.FAILED and path not in self.tolerated
                self.hold(not bad, "sync", f"{path} has failed in the background, and nobody was told", path)

    def _well(self, unit: str, children: Sequence[Leaf | Group]) -> None:
        for child in children:
            beside = isinstance(child, Leaf) and child.parallel
            well = beside or self.states.get(child.path) in ENDED_WELL
            self.hold(
                well,
                "order",
                f"{unit} is completed, and {child.path} is {self.states.get(child.path)}",
                child.path,
            )
