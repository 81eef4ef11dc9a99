"""The simulator: whole lives of sprints in a simulated world, by seed, with everything breaking, under watch.

The engine, the core and the journal's codec are the shipped ones; see `fsm.world` for what is made up. Rule: a seed
decides everything, so a failing seed replays exactly; and an invariant is checked at the moment it could first break.
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import NamedTuple, Protocol

from fsm.engine import Engine
from fsm.events import Asked
from fsm.plan import nodes
from fsm.ports import Journal, Seed
from fsm.scenario import Conditions, conditions, random_plan
from fsm.sprint import Sprint, fold
from fsm.stage import SimulatedExecutor
from fsm.states import ENDED, ENDED_WELL, SprintState, TaskState
from fsm.transition import Transition
from fsm.world import Child, Killed, PowerCut, Process, Shim, Violation, World

RUN = "r1"
LIVES = 60
"""Supervisors that a sprint may need before it counts as one that never ends (I10)."""


class Mortal(Journal, Protocol):
    """A journal whose process can be killed: what was not committed is gone."""

    def kill(self) -> None:
        """The connection's process is over."""
        ...


class Report(NamedTuple):
    """How a simulated sprint went."""

    seed: int
    state: str
    rows: int
    lives: int
    story: tuple[str, ...]


class Watched:
    """A journal as the supervisor sees it: every call is a place to die, and every commit is looked at."""

    def __init__(self, inner: Mortal, watch: "Simulation") -> None:
        self._inner, self._watch = inner, watch
        self._batch: list[Transition] = []

    @property
    def head(self) -> tuple[int, str]:
        return self._inner.head

    def append(self, transition: Transition) -> Transition:
        self._watch.point("append")
        row = self._inner.append(transition)
        self._batch.append(row)
        return row

    def keep(self, text: str) -> str:
        return self._inner.keep(text)

    def text(self, digest: str) -> str:
        return self._inner.text(digest)

    def seed(self, run: str, units: Iterable[Seed]) -> None:
        self._inner.seed(run, units)

    def commit(self) -> None:
        self._watch.point("before commit")
        self._inner.commit()
        batch, self._batch = self._batch, []
        for row in batch:
            self._watch.durable(row)
        self._watch.point("after commit, not acknowledged")
        self._watch.acknowledged = self._watch.head = self._inner.head

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Transition]:
        return self._inner.read(run, after)


class Silent:
    """A publisher for nobody."""

    def publish(self, changed: object, *, resting: bool) -> float | None:  # noqa: ARG002  # the port's names
        return None


class Simulation(World):
    """A world that keeps its own ledger of what really happened and holds the journal against it."""

    def __init__(self, seed: int, connect: Callable[[], Mortal]) -> None:
        super().__init__(Random(seed))
        self.seed = seed
        self.connect = connect
        self.plan = random_plan(self.random)
        self.limit = self.random.randint(1, 3)
        self.faults = self.random.choice((0, 1, 2, 4, 8))
        self.execs: dict[tuple[str, int], int] = {}
        self.statuses: dict[tuple[str, int], int] = {}
        self.running: dict[str, Child] = {}
        self.states: dict[str, str] = {}
        """The state of every unit by the newest durable row."""
        self.conditions: dict[str, Conditions] = conditions(self.plan)
        self.told: set[tuple[str, int]] = set()
        """Attempts whose shim believes that the exit record is durable."""
        self.last: dict[tuple[str, int], Transition] = {}
        """The newest durable row that ended, aborted or started an attempt."""
        self.started: set[tuple[str, int]] = set()
        self.head = self.acknowledged = (0, "")
        self.epoch = 0

    # the script

    def outcome(self, unit: str, attempt: int) -> int:  # noqa: ARG002  # the world's signature
        """Early attempts fail at times, later ones never, so that every sprint can end."""
        if attempt <= 2 and self.random.random() < 0.15:
            return self.random.choice((1 << 8, 7 << 8, 137 << 8, 11))
        return 0

    # the ledger

    def executed(self, child: Child) -> None:
        key = (child.unit, child.attempt)
        self.tell(f"exec {key}")
        self.execs[key] = self.execs.get(key, 0) + 1
        self._hold(self.execs[key] == 1, f"I7: {key} was executed {self.execs[key]} times")
        self._hold(key in self.started, f"I4: {key} executed before its start row was durable")
        other = self.running.get(child.unit)
        self._hold(other is None or not other.alive, f"I1: two attempts of {child.unit} are alive")
        row = self.last.get(key)
        self._hold(row is None or row.trigger != "abort", f"I6: {key} was aborted and executed")
        if child.attempt > 1:
            before = (child.unit, child.attempt - 1)
            over = self.last.get(before)
            self._hold(over is not None, f"I8: {key} executed while {before} has no end in the journal")
            left = self.directories.get(before)
            able = [process for process in left.tree if not _barred(process)] if left is not None else []
            self._hold(not able, f"I8: {key} executed while {before} still has processes")
        self.running[child.unit] = child
        self._in_turn(child.unit.partition("#")[0])

    def _in_turn(self, path: str) -> None:
        """A leaf runs only after what it has to follow, and beside what it may run beside."""
        rules = self.conditions.get(path)
        if rules is None:
            return
        for other in rules.after_well:
            self._hold(
                self.states.get(other) in ENDED_WELL, f"order: {path} executed before {other} had ended well"
            )
        for other in rules.after:
            self._hold(self.states.get(other) in ENDED, f"sync: {path} executed before {other} had ended")
        at_work = {name.partition("#")[0] for name, child in self.running.items() if child.alive}
        leaves = [self.conditions[name] for name in at_work if name in self.conditions]
        self._hold(len(at_work) <= self.limit, f"limit: {sorted(at_work)} at once")
        self._hold(
            rules.exclusive is None or sum(other.exclusive == rules.exclusive for other in leaves) <= 1,
            f"mutex: {sorted(at_work)} at once",
        )
        agents = self.plan.agents
        self._hold(
            agents is None or sum(other.agent for other in leaves) <= agents,
            f"agents: {sorted(at_work)} at once",
        )

    def ended(self, child: Child) -> None:
        self.tell(f"end {(child.unit, child.attempt)} {child.status}")
        self.statuses[(child.unit, child.attempt)] = child.status

    def recorded(self, shim: Shim) -> None:
        self.told.add((shim.job.unit, shim.job.attempt))

    def durable(self, row: Transition) -> None:
        """Holds one row that has just become durable against the ledger."""
        self.tell(f"row {row.seq} e{row.epoch} {row.unit} {row.trigger} {row.attempt} {row.facts}")
        key = (row.unit, row.attempt)
        self.states[row.unit] = row.dest
        self._hold(row.epoch >= self.epoch, f"I11: epoch {row.epoch} after {self.epoch}")
        self.epoch = row.epoch
        if row.trigger == "start" and row.attempt:
            self.started.add(key)
        elif row.trigger == "abort":
            self._hold(not self.execs.get(key), f"I6: {key} was executed and aborted")
            self.last[key] = row
        elif (
            row.source in _PROCESS and (row.dest in ENDED or row.dest == TaskState.VERIFYING) and row.attempt
        ):
            self.last[key] = row
            self._check_end(key, row)

    def _check_end(self, key: tuple[str, int], row: Transition) -> None:
        facts = row.decoded()
        status = self.statuses.get(key)
        if facts.get("verdict") == "lost":
            self._hold("code" not in facts and "signal" not in facts, f"I18: {key} is lost with a code")
            self._hold(key not in self.told, f"I17: {key} is lost although its exit record was durable")
        elif "code" in facts or "signal" in facts:
            self._hold(status is not None, f"I5: {key} has a code and never ended")
            assert status is not None, "held"
            true = (
                facts.get("code") == status >> 8
                if not status & 0x7F
                else facts.get("signal") == status & 0x7F
            )
            self._hold(true, f"I5: {key} ended with {status}, recorded {facts}")
        elif row.dest in (TaskState.COMPLETED, TaskState.VERIFYING):
            raise Violation(f"I5: {key} counts as done without an exit record")

    def _hold(self, true: bool, what: str) -> None:  # noqa: FBT001  # the condition is the argument
        if not true:
            raise Violation(f"seed {self.seed}: {what}")

    # lives

    def run(self) -> Report:
        """Supervisors one after another until the sprint is completed; raises Violation when an invariant breaks."""
        for life in range(1, LIVES + 1):
            journal = self.connect()
            rows = list(journal.read())
            head = (rows[-1].seq, rows[-1].hash) if rows else (0, "")
            kept = self.acknowledged[0] == 0 or (
                len(rows) >= self.acknowledged[0]
                and rows[self.acknowledged[0] - 1].hash == self.acknowledged[1]
            )
            self._hold(kept, f"I2: acknowledged up to {self.acknowledged}, found {head}")
            for row in rows[self.head[0] :]:
                self.durable(row)  # a commit in doubt that happened
            self.head = head
            sprint = fold(iter(rows), RUN, journal.text)
            if sprint.state == SprintState.COMPLETED:
                self._settled(sprint)
                return Report(self.seed, sprint.state, len(rows), life, tuple(self.story))
            try:
                self._live(sprint, journal)
            except PowerCut:
                journal.kill()
                self.tell("power cut")
                self.power_cut()
            except Killed:
                journal.kill()
                self.supervisor_died()
            else:
                self._same(sprint, journal)
                journal.kill()
                self.supervisor_died()
            while self.random.random() < 0.8 and self.step():
                pass
        raise Violation(f"seed {self.seed}: I10: not done after {LIVES} supervisors")

    def _live(self, sprint: Sprint, journal: Mortal) -> None:
        self.tell("a supervisor starts")
        watched = Watched(journal, self)
        engine = Engine(sprint, watched, SimulatedExecutor(self), self, Silent(), limit=self.limit)
        self.requests.clear()
        if self.faults and self.random.random() < 0.2:
            self.faults -= 1
            verb = self.random.choice(("stop", "pause", "skip"))
            unit = self.random.choice([node.path for node in nodes(self.plan)]) if verb == "skip" else ""
            self.requests.append(Asked(f"q{len(self.story)}", verb, unit, "somebody", "for a reason"))
        engine.take_over({"boot": str(self.boot)}, plan=self.plan if sprint.state == "not-started" else None)
        if sprint.at_rest:
            engine.resume("simulation", "again")
        engine.run()

    def _same(self, sprint: Sprint, journal: Mortal) -> None:
        again = fold(journal.read(), RUN, journal.text)
        for path, unit in sprint.units.items():
            other = again.units[path]
            same = (unit.state, unit.attempt, unit.tries) == (other.state, other.attempt, other.tries)
            self._hold(same, f"replay of {path} gives {other.state}, live it was {unit.state}")

    def _settled(self, sprint: Sprint) -> None:
        for unit in sprint.order:
            if unit.owner is None and not unit.background:
                self._hold(unit.state in ENDED, f"I10: {unit.path} is {unit.state} in a completed sprint")


_PROCESS = frozenset({TaskState.RUNNING, TaskState.STOPPING})


def simulate(seed: int, connect: Callable[[], Mortal]) -> Report:
    """One sprint from first start to completion under the faults of `seed`.

    `connect` opens a connection to one and the same journal at each call. Raises Violation.
    """
    return Simulation(seed, connect).run()


def _barred(process: Process) -> bool:
    """A shim behind a closed gate can run nothing, ever.

    It may come late: its order lay unread in the launcher's socket when the supervisor died, the next one found nothing
    of it, aborted the attempt and went on. Then it locks, finds the gate closed, and leaves.
    """
    return isinstance(process, Shim) and process.pipe.closed and not process.pipe.go
