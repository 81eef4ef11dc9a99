"""The fold: journal rows in, the state of a sprint out. `Sprint.apply` is the one door through which state moves.

Rule: everything here follows from the rows applied so far, in order, and from nothing else. What is kept beside the
states (`live`, `failed`, cursors, counters) are indexes over them, so that a turn costs what moves and not what exists.
"""

from collections.abc import Callable, Iterable
from heapq import heappush

from fsm.errors import SprintError
from fsm.graft import beside, graft, refusals, sketch
from fsm.machine import EVENTS, destination
from fsm.past import telling
from fsm.plan import Leaf, Plan
from fsm.plan import load as load_plan
from fsm.proposal import proposals
from fsm.purse import COST, TOKENS, WALL, begun, elapsed, taken_back
from fsm.purse import ended as spent
from fsm.standing import Standing
from fsm.states import AT_REST, ENDED, INITIAL, LIVE, GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Transition
from fsm.tree import Tree
from fsm.unit import (
    Unit,
    asks,
    chosen,
    follows,
    kind_of,
    reached,
    remembered,
    spends_as,
    wake,
)
from fsm.verdicts import counts


class Sprint(Standing):
    """The state of one run."""

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
            if telling(row.facts):
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
        # What was verifying when it was cancelled has exited before.
        if unit.exited is None and source in _PROCESS and (dest not in LIVE or dest == TaskState.VERIFYING):
            self._exited(unit, row)
        self._triggered(unit, row)
        if source == TaskState.FAILED:
            del self.failed[path]
            self.tolerated.discard(path)
        elif source == TaskState.COMPLETED:
            for hook in unit.hooks:  # their turn comes again when it has
                self.background.pop(hook.path, None)
        elif source == TaskState.WAITING:
            self._waited(unit, row)
        if dest in ENDED:
            self._ended(unit, row)
        elif unit.background and unit.owner is None and (path in self.background or reached(unit, row)):
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
        if telling(row.facts):
            remembered(unit).told(row.decoded())
        if unit.purse is not None:
            self._charge(unit, row)
        wanted = self.plan.orchestration
        queued = wanted is not None and wanted.enabled and not wanted.auto_approve
        if queued and unit.leaf is None and '"proposed-steps":' in row.facts:
            self.proposed |= {found.id: found for found in proposals(row.seq, unit.path, row.decoded())}

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
            if unit.background and unit.owner is None and unit.leaf is None:
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
        for hook in (unit.leaf or unit).hooks:
            if hook.background and hook.state not in ENDED:
                self.reach(hook)

    def _broke(self, unit: Unit) -> None:
        """A break that cannot take effect now, since the sprint rests, is to hold when it goes on."""
        shown = (SprintState.IN_PROGRESS, SprintState.PAUSED_AT_BREAKPOINT)
        if self.root.state not in shown and getattr(unit.node, "breaks", False):
            self.breaks[unit.path] = unit

    def reach(self, unit: Unit) -> None:
        """The main line has come past a background leaf: until it has ended, sync points wait for it.

        Past a hook it comes when the hook's turn has come: nobody waits for one of a leaf that is not accepted.
        """
        if unit.leaf is not None and not follows(unit):
            return
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
        if not unit.background and unit.leaf is None:
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
            self.proposed.pop(facts.get("proposal", ""), None)
            self.added += "by" in facts
        elif row.trigger == "request":
            facts = row.decoded()
            self.requests[facts["id"]] = row
            if str(facts.get("answer", "")).endswith("is rejected"):
                self.proposed.pop(facts.get("unit", ""), None)
        elif row.trigger == "tolerate":
            self.tolerated.update(row.decoded()["failed"])

    def plant(self, plan: Plan) -> None:
        """Makes the units of a plan, in their first states; those that are there keep theirs."""
        if self.order:
            tree = sketch(plan)
            wrong = refusals(self.units, tree)
            if wrong:
                raise SprintError(f"the plan cannot be changed so: {'; '.join(wrong)}")
            self.units, self.order, self.purse = graft(self.units, self.purse, tree)
            still = self.background.items()
            self.background = {path: unit for path, unit in still if unit.background and path in self.units}
            self.beside = beside(self.background)
        else:
            tree = Tree(plan, self.root)
            self.units, self.order, self.purse = tree.units, tree.order, tree.purse
        self.plan = plan


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
