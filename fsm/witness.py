"""What is seen of the processes of a simulated world, and what must be so of them.

Rule: it sees what really happened, never what somebody believes; see `fsm.invariants`.
"""

from collections.abc import Iterator

from fsm.disk import Directory
from fsm.hooks import is_hook, tasks
from fsm.plan import Gate, Group, Leaf, Plan, nodes
from fsm.processes import Child, Process, Shim
from fsm.scenario import Conditions, conditions
from fsm.shim import WAIT
from fsm.states import ENDED, ENDED_WELL, GroupState, TaskState
from fsm.world import Violation

Key = tuple[str, int]
"""(unit, attempt)"""
_BEGUN = ENDED - {GroupState.SKIPPED} | {GroupState.IN_PROGRESS}
"""Of groups: what is opened again has been begun before, and has its sync points behind it."""


class Witness:
    """Observations of one world's processes."""

    def __init__(self, plan: Plan, limit: int) -> None:
        self.limit = limit
        self.nodes: dict[str, Leaf | Group] = {}
        self.gates: dict[str, Gate] = {}
        self.grow(plan)
        self.states: dict[str, str] = {}
        """The state of every unit by the newest durable row."""
        self.execs: dict[Key, int] = {}
        self.natural: dict[str, int] = {}
        """How many attempts of a unit ended by themselves."""
        self.statuses: dict[Key, int] = {}
        self.running: dict[str, Child] = {}
        """The last child of every unit that has exec'd."""
        self.places: dict[Key, Directory] = {}
        """Directories in which a shim has taken its locks, also when they are deleted since."""
        self.told: set[Key] = set()
        """Attempts whose shim believes that the exit record is durable."""
        self.harmed: set[Key] = set()
        """Attempts whose shim was killed, or whose directory was deleted."""
        self.last: dict[Key, str] = {}
        """The trigger of the newest durable row that ended or aborted an attempt."""
        self.started: set[Key] = set()
        self.spawned: set[str] = set()
        """Units that have had an attempt, whatever became of it."""
        self.again: dict[str, set[str]] = {}
        """By leaf that a person has run again, or what was added, the groups and the leaves that had begun by then."""

    def grow(self, plan: Plan) -> None:
        """The plan that holds from now on; it has all that there was."""
        self.plan = plan
        self.conditions: dict[str, Conditions] = conditions(plan)
        self.nodes.update((node.path, node) for node in (*nodes(plan), *tasks(plan)))
        self.gates.update((path, node.gate) for path, node in self.nodes.items() if node.gate)

    def hold(self, true: object, invariant: str, what: str, *units: str) -> None:
        """Raises the Violation of an invariant that does not hold."""
        if not true:
            raise Violation(invariant, what, units)

    def locked(self, shim: Shim) -> None:
        """A shim takes its locks."""
        self.places[(shim.unit, shim.attempt)] = shim.directory

    def executed(self, child: Child) -> None:
        """A child has exec'd: I1, I4, I6, I7, I8, and that its turn had come."""
        unit, key = child.unit, (child.unit, child.attempt)
        count = self.execs[key] = self.execs.get(key, 0) + 1
        if count > 1:
            raise Violation("I7", f"{key} was executed {count} times", (unit,))
        self.hold(key in self.started, "I4", f"{key} was executed before its start row was durable", unit)
        other = self.running.get(unit)
        self.hold(
            other is None or not other.alive,
            "I1",
            f"two attempts of {unit} are alive, {key} among them",
            unit,
        )
        self.hold(self.last.get(key) != "abort", "I6", f"{key} was aborted and executed", unit)
        for number in range(child.attempt - 1, 0, -1):
            before = (unit, number)
            self.hold(
                before in self.last,
                "I8",
                f"{key} was executed while {before} has no end in the journal",
                unit,
            )
            place = self.places.get(before)
            # In a directory that was deleted nobody sees a shim. Without a `start` row it is never let run.
            unseen = before in self.harmed and before not in self.started
            self.hold(
                place is None or not place.tree or unseen,
                "I8",
                f"{key} was executed while {before} still has processes",
                unit,
            )
        self.running[unit] = child
        self._beside(_slot(unit))

    def ran_again(self, unit: str) -> None:
        """A person runs a leaf again, or a hook. What came after it stays as it is."""
        if isinstance(self.nodes.get(unit), Leaf) or is_hook(unit):
            self.again[unit] = self.begun(unit)

    def begun(self, again: str = "") -> set[str]:
        """The groups and leaves that have begun, or may begin, whatever is put before them now."""
        begun = {path for path, state in self.states.items() if state in _BEGUN}
        return begun | self.spawned | set(self._come_past(again))

    def _come_past(self, again: str) -> Iterator[str]:
        """Background leaves whose turn had come when something before them is run again: they may start."""
        for path, rules in self.conditions.items():
            node = self.nodes.get(path)
            if isinstance(node, Leaf) and node.parallel:
                left = [other for other in rules.after_well if self.states.get(other) not in ENDED_WELL]
                left += [other for other in (*rules.after, *rules.hooks) if self._due(other)]
                if all(self._alone(other, again) or self._had_begun(path, other) for other in left):
                    yield path

    def _alone(self, other: str, again: str) -> bool:
        """Whether it is left for nothing but what is run again, which has opened the groups that it is in."""
        return other == again or (
            again.startswith(f"{other}/")
            and all(
                self.states.get(path) in ENDED_WELL or path == again or node.parallel
                for path, node in self.nodes.items()
                if path.startswith(f"{other}/") and isinstance(node, Leaf) and not is_hook(path)
            )
        )

    def _passed_before(self, path: str, other: str) -> bool:
        """Whether a sync point around a leaf had been passed when what it had waited for was run again."""
        return any(
            path.startswith(f"{group}/") and self.nodes[group].wait
            for group in self.again.get(other, ())
            if group in self.nodes
        )

    def _had_begun(self, path: str, other: str) -> bool:
        """Whether a background leaf, or a group that it is in, had begun when something before it was run again."""
        node = self.nodes[path]
        return node.parallel and any(
            path == group or path.startswith(f"{group}/")
            for leaf, begun in self.again.items()
            if leaf == other or leaf.startswith(f"{other}/")
            for group in begun
        )

    def in_turn(self, path: str) -> None:
        """A leaf is spawned: what it has to follow has ended. An operator may set that going again afterwards."""
        rules = self.conditions.get(path)
        if rules is None:
            return
        for other in rules.after_well:
            if self.states.get(other) not in ENDED_WELL and not self._had_begun(path, other):
                raise Violation("order", f"{path} is spawned before {other} has ended well", (path, other))
        for other in rules.after:
            begun = self._passed_before(path, other) or self._had_begun(path, other)
            if self._due(other) and not begun:
                raise Violation("sync", f"{path} is spawned before {other} has ended", (path, other))

        for other in rules.hooks:
            begun = any(self._had_begun(path, one) for one in (other, other.partition("#")[0]))
            if self._due(other) and not begun:
                raise Violation("hook", f"{path} is spawned before {other} has ended", (path, other))

    def _due(self, path: str) -> bool:
        """Whether a leaf is still to end; a hook is when its leaf has ended well."""
        leaf = path.partition("#")[0]
        counts = not is_hook(path) or self.states.get(leaf) == TaskState.COMPLETED
        return counts and self.states.get(path) not in ENDED

    def _beside(self, path: str) -> None:
        """A leaf runs beside what it may run beside."""
        rules = self.conditions.get(path)
        if rules is None:
            return
        at_work = {_slot(name) for name, child in self.running.items() if child.alive}
        if len(at_work) == 1:
            return
        names = tuple(sorted(at_work))
        leaves = [self.conditions[name] for name in at_work if name in self.conditions]
        self.hold(len(at_work) <= self.limit, "limit", f"{names} at once, of {self.limit}", *names)
        same = rules.exclusive is not None and sum(other.exclusive == rules.exclusive for other in leaves) > 1
        self.hold(not same, "mutex", f"{names} at once", *names)
        agents = self.plan.agents
        self.hold(
            agents is None or sum(other.agent for other in leaves) <= agents,
            "agents",
            f"{names} at once",
            *names,
        )

    def ended(self, child: Child) -> None:
        """A child that had exec'd is over."""
        self.statuses[(child.unit, child.attempt)] = child.status

    def told_to_stop(self, shim: Shim) -> None:
        """A supervisor waits while a shim guards a task: if that is to be stopped, it knows."""
        told = shim.term or shim.why != "exit" or shim.operation != WAIT
        stopping = (
            self.states.get(shim.unit) == TaskState.STOPPING and (shim.unit, shim.attempt) in self.started
        )
        if stopping and not told and (shim.unit, shim.attempt + 1) not in self.started:
            raise Violation(
                "stop", f"{shim.unit} is to be stopped and nobody has told its shim", (shim.unit,)
            )

    def signalled(self, process: Process, key: Key, number: int) -> None:
        """I16."""
        meant = (getattr(process, "unit", ""), getattr(process, "attempt", 0))
        self.hold(
            meant == key, "I16", f"signal {number} for {key} reached the {process.kind} {process.pid}", key[0]
        )


def _slot(unit: str) -> str:
    """In whose slot a unit runs: gates and fixes in their owner's."""
    return unit if is_hook(unit) else unit.partition("#")[0]
