"""The fold: journal rows in, the state of a sprint out. `Sprint.apply` is the one door through which state moves.

Rule: everything here follows from the rows applied so far, in order, and from nothing else. What is kept beside the
states (`live`, `failed`, cursors, counters) are indexes over them, so that a turn costs what moves and not what exists.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from heapq import heappush

from fsm.errors import SprintError
from fsm.machine import EVENTS, destination
from fsm.past import TOLD
from fsm.plan import Leaf, Plan
from fsm.plan import load as load_plan
from fsm.purse import COST, TOKENS, WALL, Purse, begun, elapsed, taken_back
from fsm.purse import ended as spent
from fsm.states import AT_REST, ENDED, INITIAL, LIVE, GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Transition
from fsm.tree import Tree
from fsm.unit import (
    Kind,
    Unit,
    asks,
    chosen,
    kind_of,
    reached,
    remembered,
    spends_as,
    wake,
)
from fsm.verdicts import counts


class Sprint:
    """The state of one run."""

    def __init__(self, run: str, text: Callable[[str], str]) -> None:
        """`text` gives a stored text by its digest: the plan stands in the journal once."""
        self.run = run
        self._text = text
        self.plan = Plan(sprint_id="", phases=())
        self.plan_digest = ""
        self.nth = 1
        """Which run of its directory it is: names on disk of later ones must not meet those of earlier ones."""
        self.root = Unit(SPRINT_UNIT, Machine.SPRINT, INITIAL[Machine.SPRINT])
        self.units: dict[str, Unit] = {SPRINT_UNIT: self.root}
        self.order: list[Unit] = []
        self.seq = 0
        self.hash = ""
        self.at = 0
        self.epoch = 0
        self.lease: Transition | None = None
        self.begun: Transition | None = None
        self.rested: Transition | None = None
        self.live: dict[str, Unit] = {}
        self.slots = 0
        self.failed: dict[str, Unit] = {}
        self.waiting: dict[str, Unit] = {}
        self.background: dict[str, Unit] = {}
        """Background leaves that the main line has passed and that have not ended: what sync points wait for."""
        self.beside: dict[Kind, list[int]] = {}
        """By kind, a heap of positions: every one of them that is pending, and some that are so no more."""
        self.tasks: dict[str, Unit] = {}
        """ParallelTasks by id, in the order of their first spawn."""
        self.requests: dict[str, Transition] = {}
        self.tolerated: set[str] = set()
        """Background leaves whose failure a sync point has told of and let pass."""
        self.agents = 0
        """Live leaves that prompt an agent."""
        self.mutexes: dict[str, Unit] = {}
        """Who holds each named mutex."""
        self.why: dict[str, str] = {}
        """Why each of those that wait does."""
        self.waits: Counter[str] = Counter()
        """How many wait for each reason."""
        self.timeless: set[str] = set()
        """Those that wait for an answer which may take any time."""
        self.limits: dict[str, int] = {}
        """Until when, in wall ms, accounts have met a usage limit, as far as was known when they did."""
        self.barred: set[str] = set()
        """Accounts that could not log in, since a person last set the run going."""
        self.repeats = 0
        """Attempts beyond the first of their unit, since a person last set the run going."""
        self.purse = Purse(SPRINT_UNIT, None)
        """What the whole run has spent."""
        self.due: dict[str, Unit] = {}
        """Notices that somebody outside is still to be sent."""
        self.breaks: dict[str, Unit] = {}
        """Units that have ended well with a break while the sprint rested; it is to hold when it goes on."""

    @property
    def state(self) -> str:
        """The state of the sprint's own machine."""
        return self.root.state

    @property
    def at_rest(self) -> bool:
        """Nothing new will start until somebody resumes it."""
        return self.root.state in AT_REST

    @property
    def busy(self) -> bool:
        """Whether any attempt may still have a process."""
        return any(unit.state != TaskState.VERIFYING for unit in self.live.values())

    def unit(self, path: str) -> Unit:
        """The unit of a path; SprintError when the plan has none."""
        found = self.units.get(path)
        if found is None:
            raise SprintError(f"no unit is called {path!r} in this plan")
        return found

    def apply(self, row: Transition) -> Unit:
        """Moves one machine by one row, through `transitions`; a row that does not fit raises and changes nothing."""
        unit = self.units.get(row.unit)
        if unit is None and row.trigger == "due" and row.machine == Machine.NOTICE:
            unit = Unit(row.unit, Machine.NOTICE, INITIAL[Machine.NOTICE])
        if row.run != self.run or row.seq <= self.seq:
            raise SprintError(
                f"row {row.seq} of run {row.run} cannot follow row {self.seq} of run {self.run}"
            )
        if unit is None:
            raise SprintError(f"row {row.seq}: the plan has no unit {row.unit!r}")
        if unit.state != row.source or unit.machine != row.machine:
            raise SprintError(f"row {row.seq}: {row.unit} is {unit.state}, not {row.source} as the row says")
        if destination(unit.machine, row.trigger, unit.state, unit.path) != row.dest:
            raise SprintError(f"row {row.seq}: {row.trigger} does not lead from {row.source} to {row.dest}")
        EVENTS[row.machine][row.trigger](unit)
        self.seq, self.hash, self.at, self.epoch = row.seq, row.hash, row.at, row.epoch
        if row.source != row.dest:
            unit.moved = row
            if row.machine == Machine.TASK:
                self._task(unit, row)
            else:
                self._count(unit, row)
                if row.machine == Machine.SPRINT:
                    self._sprint(row)
                elif row.machine == Machine.NOTICE:
                    self._notice(unit, row)
                else:
                    self._group(unit, row)
            wake(unit)
        elif row.machine == Machine.SPRINT:
            self._fact(row)
        elif row.machine == Machine.NOTICE:
            self._notice(unit, row)
        elif row.trigger == "report":
            unit.reported = row
            if any(fact in row.facts for fact in TOLD):
                remembered(unit).told(row.decoded())
        return unit

    def _notice(self, unit: Unit, row: Transition) -> None:
        if row.trigger == "due":
            self.units[unit.path] = self.due[unit.path] = unit
            unit.spawned = row
        elif row.trigger == "retry":
            self.due[unit.path] = unit
            unit.tries = 0
        elif row.source != row.dest:
            del self.due[unit.path]
        else:
            unit.tries += 1

    def _group(self, unit: Unit, row: Transition) -> None:
        if row.source == GroupState.WAITING:
            self._waited(unit, row)
        if row.dest == GroupState.WAITING:
            self._waits(unit, row)
        elif row.dest in ENDED:
            unit.ended = row
            if row.dest == GroupState.COMPLETED:
                self._passed(unit)
                self._broke(unit)
        elif unit.started is None and row.dest != GroupState.PENDING:
            unit.started = row

    def _task(self, unit: Unit, row: Transition) -> None:
        path, dest, source = unit.path, row.dest, row.source
        was, now = source in LIVE, dest in LIVE
        if now and not was:
            self.live[path] = unit
            self._tally(unit, 1)
        elif was and not now:
            del self.live[path]
            self._tally(unit, -1)
        if (source in _PROCESS and dest not in LIVE) or dest == TaskState.VERIFYING:
            self._exited(unit, row)
        self._triggered(unit, row)
        if source == TaskState.FAILED:
            del self.failed[path]
            self.tolerated.discard(path)
        elif source == TaskState.WAITING:
            self._waited(unit, row)
        if dest in ENDED:
            self._ended(unit, row)
        elif unit.background and unit.owner is None and (path in self.background or reached(unit)):
            self.reach(unit)
        if dest == TaskState.WAITING:
            self._waits(unit, row)
        self._count(unit, row)

    def _waits(self, unit: Unit, row: Transition) -> None:
        facts = row.decoded()
        why = str(facts.get("why", ""))
        self.waiting[unit.path] = unit
        self.why[unit.path] = why
        self.waits[why] += 1
        if facts.get("until") is None:
            self.timeless.add(unit.path)
        if "rank" in facts:
            remembered(unit).next = facts["rank"]

    def _waited(self, unit: Unit, row: Transition) -> None:
        del self.waiting[unit.path]
        self.waits[self.why.pop(unit.path)] -= 1
        self.timeless.discard(unit.path)
        facts = row.decoded()
        for name in facts.get("lifted", ()):
            self.limits.pop(name, None)
        if facts.get("approved"):
            remembered(unit).approved = True

    def _triggered(self, unit: Unit, row: Transition) -> None:
        if row.trigger == "spawn":
            self._spawned(unit, row)
        elif row.trigger == "start":
            unit.started = row
        elif row.trigger == "retry":
            facts = row.decoded()
            unit.kept = facts.get("keep", False)
            if facts.get("by") != "gate":
                unit.tries = 0
            if unit.past is not None or "answer" in facts:
                remembered(unit).set_going(facts)
        elif row.trigger == "verify":
            unit.kept = False
        elif row.trigger == "abort":
            if unit.purse is not None:
                taken_back(unit.purse, spends_as(unit))
            past = remembered(unit)
            past.next = past.rank
            past.aborts += unit.spawned is not None and unit.spawned.epoch == row.epoch

    def _exited(self, unit: Unit, row: Transition) -> None:
        unit.exited = row
        if row.trigger == "abort":
            return
        if unit.past is not None:
            unit.past.aborts = 0
        if any(fact in row.facts for fact in TOLD):
            remembered(unit).told(row.decoded())
        if unit.purse is not None:
            self._charge(unit, row)

    def _charge(self, unit: Unit, row: Transition) -> None:
        past = unit.past
        agent = asks(unit) and unit.started is not None
        amounts: dict[str, float | None] = {WALL: elapsed(row.decoded())}
        if agent:
            amounts[COST] = past.cost if past is not None else None
            amounts[TOKENS] = past.tokens if past is not None else None
        spent(unit.purse, spends_as(unit), amounts, agent=agent)

    def _spawned(self, unit: Unit, row: Transition) -> None:
        self.repeats += row.attempt > 1
        if unit.purse is not None:
            begun(unit.purse, spends_as(unit))
        if unit.past is not None or '"agent":' in row.facts:
            remembered(unit).spawned(row.decoded())
        unit.attempt = row.attempt
        unit.spawned = row
        unit.started = unit.exited = unit.reported = None
        unit.kept = False
        if unit.first is None:
            unit.first = row
            if unit.background and unit.owner is None:
                self.tasks[row.decoded()["task"]] = unit

    def _ended(self, unit: Unit, row: Transition) -> None:
        unit.ended = row
        self.background.pop(unit.path, None)
        if row.dest == TaskState.FAILED:
            self.failed[unit.path] = unit
            facts = row.decoded()
            unit.tries += counts(facts)
            if facts.get("verdict") == "limit":
                remembered(unit).limits += 1
                if "account" in facts:
                    self.limits[facts["account"]] = facts["lifts"]
            elif facts.get("verdict") == "auth" and "account" in facts:
                self.barred.add(facts["account"])
            elif unit.past is not None:
                unit.past.limits = 0
        elif row.dest == TaskState.COMPLETED:
            unit.tries += 1
            self._broke(unit)

    def _broke(self, unit: Unit) -> None:
        """A break that cannot take effect now, since the sprint rests, is to hold when it goes on."""
        shown = (SprintState.IN_PROGRESS, SprintState.PAUSED_AT_BREAKPOINT)
        if self.root.state not in shown and getattr(unit.node, "breaks", False):
            self.breaks[unit.path] = unit

    def reach(self, unit: Unit) -> None:
        """The main line has come past a background leaf: until it has ended, sync points wait for it."""
        self.background[unit.path] = unit
        if unit.state == TaskState.PENDING:
            heappush(self.beside.setdefault(kind_of(unit), []), unit.position)

    def _passed(self, group: Unit) -> None:
        """A group has completed; nobody walks through it again, so what it leaves behind is remembered here."""
        for child in group.children:
            if child.background and child.state not in ENDED:
                self.reach(child)

    def _tally(self, unit: Unit, step: int) -> None:
        """Keeps the number of slots taken, and of live foreground leaves in every group above."""
        if unit.slot:
            self.slots += step
        node = unit.node
        if isinstance(node, Leaf):
            self.agents += step * (node.prompt is not None)
            if node.exclusive is not None:
                if step > 0:
                    self.mutexes[node.exclusive] = unit
                elif self.mutexes.get(node.exclusive) is unit:
                    del self.mutexes[node.exclusive]
        if not unit.background:
            above = unit.owner or unit.parent
            while above is not None:
                above.alive += step
                above = above.parent

    def _count(self, unit: Unit, row: Transition) -> None:
        """Keeps the parent's cursor and count of bad ends true when a child enters or leaves a terminal state."""
        parent = unit.parent
        if parent is None:
            return
        if row.source in ENDED and row.dest not in ENDED:
            parent.cursor = min(parent.cursor, unit.index)
        if parent.choice is not None:
            chosen(parent.choice, unit, row)
        if not unit.background:
            parent.broken += (row.dest in _BAD) - (row.source in _BAD)

    def _sprint(self, row: Transition) -> None:
        if row.dest in AT_REST:
            self.rested = row
            if row.trigger == "break":
                self.breaks.clear()
        elif row.source == SprintState.NOT_STARTED:
            self.begun = row
        else:
            self.repeats = 0
            self.barred.clear()
            if '"budget":' in row.facts:
                self._raised(row.decoded()["budget"])

    def _raised(self, bounds: Facts) -> None:
        """A person has set bounds in place of those of the plan."""
        path = bounds.get("unit", SPRINT_UNIT)
        unit = self.units[path]
        purse = self.purse if path == SPRINT_UNIT else unit.purse
        if purse is not None:
            purse.raised |= {name: float(bound) for name, bound in bounds.items() if name != "unit"}

    def _fact(self, row: Transition) -> None:
        if row.trigger == "lease":
            self.lease = row
        elif row.trigger == "amend":
            facts = row.decoded()
            self.plan_digest, self.nth = facts["plan"], facts.get("nth", 1)
            self.plant(load_plan(self._text(self.plan_digest)))
        elif row.trigger == "request":
            self.requests[row.decoded()["id"]] = row
        elif row.trigger == "tolerate":
            self.tolerated.update(row.decoded()["failed"])

    def plant(self, plan: Plan) -> None:
        """Makes the units of a plan, in their first states. A run's first row carries it."""
        self.plan = plan
        tree = Tree(plan, self.root)
        self.units, self.order, self.purse = tree.units, tree.order, tree.purse


_PROCESS = frozenset({TaskState.RUNNING, TaskState.STOPPING})
"""States that the end of a process leaves."""

_BAD = frozenset({TaskState.FAILED, TaskState.CANCELLED})


def fold(rows: Iterable[Transition], run: str, text: Callable[[str], str]) -> Sprint:
    """The state that the rows of one run lead to."""
    sprint = Sprint(run, text)
    apply = sprint.apply
    for row in rows:
        apply(row)
    return sprint
