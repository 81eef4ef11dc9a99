"""The simulator: whole lives of sprints in a simulated world, by seed, with everything breaking, under watch.

The engine, the core and the journal's codec are the shipped ones; see `fsm.world` for what is made up. Rule: a seed
decides everything, so a failing seed replays exactly; and an invariant is checked at the moment it could first break.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fsm.effects import Answer, Notify
from fsm.engine import Engine
from fsm.errors import SprintError
from fsm.events import Asked
from fsm.faults import schedule
from fsm.handles import Trouble
from fsm.hooks import is_hook
from fsm.mishaps import TroubledWorld
from fsm.plan import Leaf, Plan, nodes
from fsm.ports import Publisher
from fsm.processes import Child, Process, Shim, Stranger
from fsm.scenario import VERDICTS, costs, proposes, random_plan, random_script
from fsm.sprint import Sprint, fold
from fsm.stage import SimulatedExecutor
from fsm.states import ENDED, SprintState, TaskState
from fsm.story import told
from fsm.supervision import Mortal, Silent, Watched
from fsm.transition import Facts, Transition
from fsm.world import Killed, PowerCut, Violation

__all__ = ["RUN", "Mortal", "Report", "Simulation", "Violation", "simulate"]

RUN = "r1"
LIVES = 60
"""Supervisors that a sprint may need before it counts as one that never ends (I10); see `_spent`."""
PATIENCE = 20
"""Supervisors after which somebody answers at once what they ask for."""
GONE = "the journal is gone"
"""The state of a sprint whose journal was deleted: nobody may go on."""


@dataclass(slots=True, kw_only=True)
class Report:
    """How a simulated sprint went."""

    seed: int
    state: str
    rows: int
    lives: int
    faults: Counter[str]
    """By kind, what went wrong."""
    end: dict[str, str]
    """The state of every unit in the end."""
    runs: dict[str, int]
    """By unit, how many of its attempts were executed."""
    events: list[tuple[Any, ...]] = field(repr=False)

    @property
    def story(self) -> tuple[str, ...]:
        """What happened, a line each."""
        return told(self.events)


class Simulation(TroubledWorld):
    """A world that keeps its own ledger of what really happened and holds the journal against it."""

    def __init__(
        self,
        seed: int,
        connect: Callable[[], Mortal],
        *,
        mask: Collection[int] | None = (),
        plan: Plan | None = None,
        limit: int | None = None,
        publisher: Callable[[Sprint], Publisher] | None = None,
    ) -> None:
        """`connect` opens a connection to one and the same journal at each call.

        `mask` holds the numbers of faults that are left out, None leaves out all.
        """
        scene = Random(seed ^ 0x5CE4E)
        plan = random_plan(scene) if plan is None else plan
        limit = scene.randint(1, 3) if limit is None else limit
        self.script = random_script(scene, plan)
        super().__init__(Random(seed), plan, limit, schedule(Random(seed ^ 0xFA17)), mask)
        self.seed = seed
        self.connect = connect
        self.publisher = publisher
        self._first = {node.path for node in nodes(plan)} if plan.orchestration is not None else set()
        """Whose agents may propose steps: not what was added itself, or it might never end."""
        self.lives = 0
        self._troubled = 0
        self._leases: dict[int, object] = {}
        self._locks: list[int] = []
        """The lock files of those who live, however they came by them."""
        self._before: Sprint | None = None
        self._connection: Mortal | None = None
        """That of the supervisor which is at work."""

    # the script

    def outcome(self, unit: str, attempt: int) -> int:  # noqa: ARG002  # the world's signature
        script = self.script.get(unit, ())
        nth = self.ledger.natural.get(unit, 0)
        self.ledger.natural[unit] = nth + 1
        return script[nth] if nth < len(script) else 0

    def verdict(self, unit: str, attempt: int, status: int) -> tuple[str, Facts]:
        verdict, facts = super().verdict(unit, attempt, status)
        if status > 0xFF and not status & 0x7F and ("#" not in unit or is_hook(unit)):
            verdict = VERDICTS.get(status >> 8, verdict)
        if verdict == "limit" and attempt % 3:  # every third time it is not told
            facts["until"] = self.time + 20_000 * attempt
        if self.ledger.spending.asks(unit):
            by = f"{unit}.{self.ledger.natural.get(unit, 0)}"  # an attempt that never ran has no say in it
            if self.ledger.spending.bounds:
                facts |= costs(Random(f"{self.seed} {by}"))
            if unit.partition("#")[0] in self._first and not status:
                facts |= proposes(Random(f"{self.seed} {by} adds"), by)
        return verdict, facts

    def bound(self, unit: str) -> int | None:
        path, _, part = unit.partition("#")
        node = self.ledger.nodes[unit if is_hook(unit) else path]
        if part and not is_hook(unit):
            return int(node.gate.timeout * 1000) if node.gate is not None else None
        return int(node.timeout * 1000) if isinstance(node, Leaf) and node.timeout is not None else None

    def text(self, digest: str) -> str:
        assert self._connection is not None, "somebody lives, or has lived"
        return self._connection.text(digest)

    # the ledger

    def executed(self, child: Child) -> None:
        self.tell("exec", child.unit, child.attempt, child.pid)
        self.ledger.executed(child)

    def ended(self, child: Child) -> None:
        self.tell("end", child.unit, child.attempt, child.status)
        self.ledger.ended(child)

    def recorded(self, shim: Shim) -> None:
        self.ledger.told.add((shim.unit, shim.attempt))

    def locked(self, shim: Shim) -> None:
        super().locked(shim)
        self.ledger.locked(shim)

    def harmed(self, process: Process) -> None:
        if isinstance(process, Shim):
            self.ledger.harmed.add((process.unit, process.attempt))
        self.tell("harm", process.kind, getattr(process, "unit", ""), getattr(process, "attempt", 0))

    def signalled(self, process: Process, key: tuple[str, int], number: int) -> None:
        self.tell("signal", number, process.kind, process.pid, *key)
        self.ledger.signalled(process, key, number)

    def answered(self, answer: Answer) -> None:
        self.tell("answer", answer.id, answer.text)
        self.ledger.inbox.answered(answer.id, answer.text)

    def notified(self, effect: Notify) -> bool:
        taken = self._draw() < 0.7
        self.tell("notify", effect.unit, effect.attempt, effect.event, taken)
        self.ledger.notified(effect.unit, effect.cause, taken=taken)
        return taken

    def waits(self) -> None:
        for process in self.processes:
            if isinstance(process, Shim):
                self.ledger.told_to_stop(process)

    # the journal

    def durable(self, rows: list[Transition], by: object) -> None:
        time = self.time
        self.story.extend((time, "row", row) for row in rows)
        if self.lives > PATIENCE:
            self._agree(rows)
        self.ledger.durable(rows, by, self.uptime)

    def _agree(self, rows: list[Transition]) -> None:
        """Somebody who sits before the screen by now agrees to whatever is asked."""
        for row in rows:
            if row.trigger == "delay" and row.decoded().get("why") == "approval":
                self.requests.append(Asked(f"y{row.seq}", "approve", row.unit, "somebody", f"y{row.seq}"))

    def acknowledge(self, head: tuple[int, str]) -> None:
        self.ledger.acknowledged = head

    def taken_away(self) -> None:
        raise Violation("W17", "rows were committed after the journal or the lock file was taken away")

    # lives

    def run(self) -> Report:
        """Supervisors one after another until the sprint is completed; raises Violation when an invariant breaks."""
        while self._spent < LIVES:
            ended = self._life()
            if self._journal or (ended and not self.comes_back()):
                return self._report()
            self._answer_questions()
            self.tick += 3  # a disk that fails does not do so for ever
            while self._draw() < 0.8 and self.step():
                pass
        raise Violation("I10", f"the sprint is not done after {self.lives} supervisors")

    @property
    def _spent(self) -> int:
        """The lives of all supervisors; of four that a failing disk ended, one counts: they had little chance."""
        return self.lives - self._troubled * 3 // 4

    def _report(self) -> Report:
        while self.step() or self.idle(None):
            pass
        ours = [process for process in self.processes if not isinstance(process, Stranger)]
        if not self._journal:
            for process in ours:
                unit = getattr(process, "unit", "")
                raise Violation(
                    "I14", f"{process.kind} {process.pid} of {unit} has outlived the sprint", (unit,)
                )
        return Report(
            seed=self.seed,
            state=GONE if self._journal else self.ledger.states["#sprint"],
            rows=self.ledger.head[0],
            lives=self.lives,
            faults=self.faults,
            end=dict(self.ledger.states),
            runs=_counted(self.ledger.execs),
            events=self.story,
        )

    def another(self, *, resume: bool) -> None:
        spawning = self.ledger.spawning
        self._life(resume=resume)
        self.ledger.spawning = spawning

    def _life(self, *, resume: bool = True) -> bool:
        """One supervisor from its lease to its end; whether there was nothing left to do."""
        lock = self._lock
        if lock in self._leases and not self.unlocked:
            self.tell("refused")
            return False
        alone = self.unlocked or lock not in self._locks
        self.ledger.hold(alone, "I13", "a supervisor takes the lease of one who lives")
        self._locks.append(lock)
        self.lives += 1
        self.tell("life", self.lives)
        self.ledger.restarted(self.uptime)
        self._leases[lock] = self
        journal, before = self.connect(), self._connection
        self._connection = journal
        executor = SimulatedExecutor(self)
        sprint: Sprint | None = None
        try:
            rows = list(journal.read())
            known = self.ledger.head[0]
            self.story.extend((self.time, "row", row) for row in rows[known:])
            self.ledger.opened(rows)
            sprint = self._begun(rows)
            if sprint.state == SprintState.COMPLETED and self._command is None and not self._nested:
                self._settled(sprint)
                return True
            self._supervise(sprint, journal, executor, resume=resume)
        except PowerCut:
            journal.kill()
            if self._nested:
                raise
            self.power_cut()
        except Killed:
            pass
        finally:
            self._before = sprint
            journal.kill()
            self._connection = before
            self._leases.pop(lock, None)
            self._locks.remove(lock)
            executor.close()
            if executor.launcher is not None and not executor.launcher.alive:
                executor.launcher = None
        return False

    def _answer_questions(self) -> None:
        """Somebody comes to a sprint that asks for approval, of a unit or of a step more, and gives it or not."""
        if self._command is not None:
            return
        states = self.ledger.states
        waits = [unit for unit in self.ledger.waits if states[unit] == TaskState.WAITING]
        asking = [unit for unit in waits if self.ledger.waits[unit][0].get("why") == "approval"]
        for unit in (*asking, *self.ledger.growth.proposed):
            if self._draw() < 0.7:
                name = f"q{len(self.ledger.inbox.asked)}"
                verb = "approve" if self._draw() < 0.9 else "reject"
                asked = self.ledger.inbox.asked[name] = Asked(name, verb, unit, "somebody", name)
                self.tell("asked", asked)
                self._command = asked
                return

    def _trouble(self, error: Exception) -> None:
        self._troubled += 1
        self.tell("trouble", str(error))

    def _begun(self, rows: list[Transition]) -> Sprint:
        """The fold that a supervisor begins with.

        Where the one before left nothing that is not on disk, its own fold has to be what the journal gives. To fold
        it costs more than all the rest of a world, so every other time that is taken for granted.
        """
        before, self._before = self._before, None
        if (
            self._nested
            or before is None
            or not rows
            or (before.seq, before.hash) != (rows[-1].seq, rows[-1].hash)
        ):
            return self._folded(rows)
        if self._draw() < 0.5:
            return before
        sprint = self._folded(rows)
        self._same(before, sprint)
        return sprint

    def _folded(self, rows: list[Transition]) -> Sprint:
        try:
            return fold(iter(rows), RUN, self.text)
        except SprintError as error:
            raise Violation("I3", f"the journal cannot be folded: {error}") from error

    def _supervise(
        self, sprint: Sprint, journal: Mortal, executor: SimulatedExecutor, *, resume: bool
    ) -> None:
        watched = Watched(journal, self)
        executor.look = watched.look
        publisher = Silent() if self.publisher is None else self.publisher(sprint)
        engine = Engine(sprint, watched, executor, self, publisher, limit=self.limit)
        command, self._command = self._command, None
        self.ledger.spawning = command is None
        try:
            fresh = sprint.state == SprintState.NOT_STARTED
            resuming = resume and command is None
            engine.take_over({"boot": str(self.boot)}, plan=self.plan if fresh else None, resuming=resuming)
            if sprint.at_rest and resuming:
                engine.resume("simulation", "again", self._more(sprint))
            engine.run([command] if command is not None else (), spawning=command is None)
        except Trouble as error:
            self._trouble(error)
            return
        except SprintError as error:
            if not watched.trouble:
                raise Violation("I3", str(error)) from error
            self._trouble(error)
            return
        if command is None:
            self.ledger.hold(
                sprint.at_rest and not sprint.busy,
                "I10",
                f"a supervisor ends in a sprint that is {sprint.state}",
            )
        self.tell("left", sprint.state)

    def _more(self, sprint: Sprint) -> Facts | None:
        """Whoever comes back to a sprint that has used up a budget mostly allows more; or nothing else is done."""
        facts = sprint.rested.decoded() if sprint.rested is not None else {}
        if "measure" not in facts or self._draw() < 0.3:
            return None
        named = {"unit": facts["unit"]} if "unit" in facts else {}
        more = 1 + int(self._draw() * 6)
        return {**named, facts["measure"]: facts["spent"] + (more if self.lives < PATIENCE else 100)}

    def _same(self, live: Sprint, again: Sprint) -> None:
        """Holds the fold that a supervisor left against what its journal gives."""
        for path, unit in live.units.items():
            other = again.units[path]
            if (unit.state, unit.attempt, unit.tries) != (other.state, other.attempt, other.tries):
                raise Violation(
                    "I3", f"replay of {path} gives {other.state}, live it was {unit.state}", (path,)
                )

    def _settled(self, sprint: Sprint) -> None:
        for unit in sprint.order:
            beside = unit.background or unit.leaf is not None
            if unit.owner is None and not beside and unit.state not in ENDED:
                raise Violation("I10", f"{unit.path} is {unit.state} in a completed sprint", (unit.path,))


def _counted(execs: dict[tuple[str, int], int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (unit, _), count in execs.items():
        found[unit] += count
    return dict(found)


def simulate(seed: int, connect: Callable[[], Mortal], *, mask: Collection[int] | None = ()) -> Report:
    """One sprint from first start to completion under the faults of `seed`. Raises Violation."""
    return Simulation(seed, connect, mask=mask).run()
