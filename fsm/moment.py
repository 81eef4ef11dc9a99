"""A sprint and the world around it at one moment, with everything that a supervisor may do in it.

The fold and the decisions are the shipped ones; made up are the processes, in the conditions that the decisions can
tell apart. Rule: each law that a single row or turn can break is held here, at that row or turn.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fsm.decide import opening
from fsm.effects import Attach, Effect, Go, Spawn, Stop
from fsm.events import Asked, Due, Ended, Event, Ready
from fsm.machine import destination
from fsm.plan import Plan
from fsm.scope import Broken, Owner, Process, Rules, Scope
from fsm.snapshot import copied, mark
from fsm.sprint import Sprint
from fsm.states import LIVE, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Move, Transition, encode_facts
from fsm.unit import Unit
from fsm.waits import APPROVAL

RUN = "r"
NOW = 0
TURN = 2_000
"""Moves in one turn, beyond twenty for each unit, after which it counts as one that never ends."""


class Moment:
    """The whole of it. What may follow it is in `fsm.steps`."""

    __slots__ = (
        "_mark",
        "_own",
        "moved",
        "owner",
        "processes",
        "rules",
        "scope",
        "sprint",
        "turning",
        "watched",
    )

    def __init__(self, sprint: Sprint, rules: Rules, scope: Scope) -> None:
        self.sprint = sprint
        self._own = True
        """Nobody else has this fold: else it is copied before a decision is asked for."""
        self._mark: tuple[Any, ...] | None = None
        """What tells the fold apart, until a decision is asked for."""
        self.rules = rules
        self.scope = scope
        self.owner = Owner.GONE
        self.turning = False
        """Something has been taken notice of, and the turn's commit is still to come."""
        self.processes: dict[str, Process] = {}
        self.watched: set[str] = set()
        """Units whose newest attempt this supervisor hears of."""
        self.moved: list[Transition] = []
        """The rows of the step that led here."""

    # the supervisor

    def proceed(self) -> None:
        """Decides what follows; the turn is over with that."""
        if self.owner == Owner.RUNNING:
            self._alone()
            self._record(self.rules.proceed(self.sprint, self.scope.limit, NOW))
        self.turning = False
        if self.owner == Owner.RUNNING and not self.sprint.at_rest:
            self._verified()

    def set_going(self) -> None:
        """What `run` does when the sprint rests."""
        self._alone()
        if self.sprint.at_rest:
            self._record(self.rules.resume(self.sprint, "somebody", ""))

    def take_over(self, event: Asked | None = None) -> None:
        """A lease, and what recovery says at once; `event` is what a supervisor that starts nothing was begun for."""
        sprint = self._alone()
        self.owner = Owner.RUNNING if event is None else Owner.CLOSING
        intents = list(sprint.live.values())
        self._record([Move(SPRINT_UNIT, "lease", {})], epoch=sprint.epoch + 1)
        if sprint.state == SprintState.NOT_STARTED:
            self._record(opening(sprint))
        self._record(self.rules.recover(sprint, NOW))
        self._recovered(intents)
        if event is not None:
            self._record(self.rules.react(sprint, event, NOW))

    def _recovered(self, intents: Sequence[Unit]) -> None:
        """Holds that everything in flight is seen to: by a row, by an effect, or by a unit that works for it."""
        owed = self.rules.owed(self.sprint)
        cared = {effect.unit for effect in owed if isinstance(effect, Spawn | Attach)}
        for unit in intents:
            if unit.state in LIVE - {TaskState.VERIFYING} and unit.path not in cared:
                raise Broken(
                    "recovery", f"{unit.path} is {unit.state}, and the next supervisor does nothing about it"
                )
        for unit in self.sprint.waiting.values():
            facts = unit.moved.decoded() if unit.moved is not None else {}
            if not facts.get("why"):
                raise Broken("recovery", f"{unit.path} waits, and its row does not say for what")

    def _verified(self) -> None:
        """Holds that something works for each unit whose gate has to pass: nothing else would ever end it."""
        for unit in self.sprint.live.values():
            helpers = [one for one in (unit.gate, unit.fix) if one is not None]
            helped = any(one.state in LIVE or one.state == TaskState.WAITING for one in helpers)
            if unit.state == TaskState.VERIFYING and not helped:
                raise Broken(
                    "recovery", f"{unit.path} is verifying, and neither its script nor its fix is under way"
                )

    def react(self, event: Event) -> None:
        """Takes notice of something; the turn goes on."""
        self.turning = True
        self._record(self.rules.react(self._alone(), event, NOW))

    def end(self, event: Ended) -> None:
        """Hears the end of an attempt, then the same news again: one row ends it, and the second leads to nothing."""
        before = self.sprint.units[event.unit].state
        self.react(event)
        ends = [row for row in self.moved if row.unit == event.unit and row.source == before != row.dest]
        if len(ends) != 1:
            raise Broken("one end", f"{len(ends)} rows end attempt {event.attempt} of {event.unit}")
        count = len(self.moved)
        self._record(self.rules.react(self.sprint, event, NOW))
        if len(self.moved) > count:
            again = self.moved[count]
            raise Broken("one end", f"told twice, {event.unit} moves twice: {again.trigger}")

    def _new(self, effect: Effect) -> bool:
        process = self.processes.get(effect.unit)  # type: ignore[union-attr]  # no answers are owed
        if isinstance(effect, Spawn | Attach):
            return effect.unit not in self.watched
        if isinstance(effect, Go):
            return process is not None and process.where == "gate"
        return isinstance(effect, Stop) and process is not None and process.where in ("gate", "runs")

    def effects(self) -> list[Effect]:
        """What is owed and was not asked for yet."""
        return [effect for effect in self.rules.owed(self.sprint) if self._new(effect)]

    def perform(self, effects: Sequence[Effect]) -> None:
        """The world does what is owed."""
        for effect in effects:
            path: str = effect.unit  # type: ignore[union-attr]  # no answers are owed
            if isinstance(effect, Spawn):
                self._forked(path)
            elif isinstance(effect, Go):
                self.processes[path] = Process("runs")
            elif isinstance(effect, Attach):
                self.watched.add(path)
                self.processes.setdefault(path, Process("over", "never-ran"))
            elif path in self.processes:
                stopped = self.processes[path].where == "gate"
                self.processes[path] = Process("over", "never-ran") if stopped else Process("told")

    def _forked(self, path: str) -> None:
        there = self.processes.get(path)
        if there is not None and there.where != "over":
            raise Broken("one attempt", f"{path} is started while an earlier attempt of it {there.where}")
        spawned = self.sprint.units[path].spawned
        if spawned is not None and spawned.epoch < self.sprint.epoch:
            raise Broken("recovery", f"{path}: an attempt of an earlier supervisor is started once more")
        self.watched.add(path)
        self.processes[path] = Process("gate")

    def leave(self) -> None:
        """A supervisor with nothing left to watch or to start leaves."""
        if not self.sprint.busy and (self.sprint.at_rest or self.owner == Owner.CLOSING):
            self.owner = Owner.GONE
            self.watched.clear()

    def happen(self, path: str, process: Process) -> None:
        """Something becomes of a process."""
        self.processes[path] = process

    def die(self) -> None:
        """The supervisor is gone, and what it had not committed with it."""
        self.owner = Owner.GONE
        self.turning = False
        self.watched.clear()
        for path in [path for path, process in self.processes.items() if process.where == "gate"]:
            del self.processes[path]  # its gate is closed: it leaves, and has run nothing

    # one life

    def play(self, verdict: Callable[[str], str]) -> None:
        """`run`, to the end of that supervisor's life: every process ends at once, as `verdict` says of its unit."""
        self._alone()
        self.take_over()
        self.set_going()
        while self.owner != Owner.GONE:
            self.moved = []
            self.proceed()
            news = [self._ended_as(effect, verdict) for effect in self.effects()]
            self.leave()
            for event in news:
                self.react(event)
            for path, unit in list(self.sprint.waiting.items()):
                asks = self.sprint.why[path] == APPROVAL
                self.react(Asked("", "approve", path, "", "") if asks else Due(path, unit.attempt))
            if not (news or self.turning):
                return

    def _ended_as(self, effect: Effect, verdict: Callable[[str], str]) -> Event:
        path: str = effect.unit  # type: ignore[union-attr]  # no answers are owed
        if isinstance(effect, Spawn):
            self._forked(path)
            return Ready(path, effect.attempt, {"pid": "1"})
        self.processes[path] = Process("over", "exit", verdict(path))
        return Ended(path, effect.attempt, "exit", verdict(path), {})  # type: ignore[union-attr]  # likewise

    # rows

    def _record(self, moves: Iterable[Move], *, epoch: int | None = None) -> None:
        sprint = self.sprint
        for move in moves:
            if len(self.moved) > TURN + 20 * len(sprint.order):
                raise Broken("legal", "a turn never ends")
            unit = sprint.unit(move.unit)
            source = str(unit.state)
            dest = destination(unit.machine, move.trigger, source, unit.path)
            row = Transition(
                seq=sprint.seq + 1,
                run=RUN,
                epoch=sprint.epoch if epoch is None else epoch,
                at=NOW,
                unit=unit.path,
                machine=str(unit.machine),
                trigger=move.trigger,
                source=source,
                dest=dest,
                attempt=move.attempt,
                facts=encode_facts(move.facts),
            )
            if unit.machine == Machine.TASK:
                self._hold(unit, row)
            sprint.apply(row)
            self.moved.append(row)

    def _hold(self, unit: Unit, row: Transition) -> None:
        """Holds a row of a task against what there is of its newest attempt."""
        process = self.processes.get(unit.path)
        if row.trigger == "spawn" and row.attempt <= unit.attempt:
            raise Broken("one attempt", f"{unit.path} spawns attempt {row.attempt} after {unit.attempt}")
        if row.trigger == "spawn" and process is not None:
            raise Broken("one attempt", f"{unit.path} is spawned while an attempt of it is not over")
        if row.trigger == "abort" and process is not None and process.outcome != "never-ran":
            raise Broken("one attempt", f"attempt {row.attempt} of {unit.path} is aborted although it ran")
        done = row.dest not in LIVE or row.dest == TaskState.VERIFYING
        if done and row.source in LIVE and row.source != TaskState.VERIFYING:
            if process is not None and process.where != "over":
                raise Broken("one attempt", f"{unit.path} becomes {row.dest} while its process lives")
            self.processes.pop(unit.path, None)
            self.watched.discard(unit.path)

    # copies

    def _alone(self) -> Sprint:
        if not self._own:
            self.sprint = copied(self.sprint)
            self._own = True
        self._mark = None
        return self.sprint

    def copy(self) -> "Moment":
        """A moment of its own. The fold is shared until one of the two decides something."""
        made = Moment(self.sprint, self.rules, self.scope)
        made._own = self._own = False
        made._mark = self._mark
        made.owner, made.turning, made.moved = self.owner, self.turning, self.moved
        made.processes, made.watched = dict(self.processes), set(self.watched)
        return made

    def key(self) -> tuple[Any, ...]:
        """Equal for two moments from which the same may follow. Attempt numbers, times and names do not tell apart."""
        if self._mark is None:
            self._mark = mark(self.sprint)
        outside = tuple(sorted(self.processes.items())), tuple(sorted(self.watched))
        return self.owner, self.turning, outside, self._mark


def beginning(plan: Plan, rules: Rules, scope: Scope) -> Moment:
    """Before the first `run` of a plan."""
    sprint = Sprint(RUN, _no_text)
    sprint.plant(plan)
    return Moment(sprint, rules, scope)


def _no_text(digest: str) -> str:
    raise LookupError(digest)
