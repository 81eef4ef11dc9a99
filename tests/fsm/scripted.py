"""An executor that does what a script says, over a world that outlives it; honest to the contract of `ports.Executor`.

It holds the engine to its own: every effect is looked at against what is durable at that moment, so that something that
leaves the process before its row is committed fails the test in which it happens.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fsm.effects import Answer, Attach, Effect, Go, Notify, Spawn, Stop
from fsm.engine import Engine
from fsm.events import Adopted, Asked, Ended, Event, Notified, Ready
from fsm.plan import Plan
from fsm.sprint import Sprint, fold
from fsm.transition import SPRINT_UNIT, Facts, Transition
from journal.memory import MemoryJournal, Rows

BEGIN = 1_700_000_000_000
RUN = "run-1"


class End(NamedTuple):
    """How one execution goes."""

    verdict: str = "ok"
    outcome: str = "exit"
    lasts: int = 10
    """ms"""
    stubborn: bool = False
    """Told to stop, it still ends in its own way."""
    facts: Facts = {}  # noqa: RUF012  # never changed


OK = End()
FAIL = End("failed")
Script = Callable[[str, int], End]
"""(unit, how often it was executed before) → how it goes this time."""


def always(end: End = OK, **others: Sequence[End]) -> Script:
    """`end` for every unit, but for those named: theirs one after the other, the last again and again."""
    return by_unit(end, others)


def by_unit(end: End, others: "dict[str, Sequence[End]]") -> Script:
    def script(unit: str, before: int) -> End:
        ends = others.get(unit)
        return end if ends is None else ends[min(before, len(ends) - 1)]

    return script


@dataclass(slots=True)
class Attempt:
    unit: str
    number: int
    end: End | None = None
    """None until GO."""
    due: int = 0
    over: bool = False


class Died(BaseException):
    """The supervisor is gone. Not an Exception, so that nothing it runs can catch it."""


@dataclass
class World:
    """What is outside: the durable rows, the running attempts, the clock, and what people ask for."""

    script: Script = field(default_factory=always)
    rows: Rows = field(default_factory=Rows)
    ms: int = 0
    """The monotonic clock."""
    wall: int = BEGIN
    """What the wall clock is ahead of it."""
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)
    """Units in the order of GO."""
    at_once: int = 0
    """The most attempts that were ever alive at the same time, gates and fixes of leaves not counted."""
    asked: list[tuple[int, Asked]] = field(default_factory=list)
    """What people will ask for, and when."""
    answers: list[tuple[str, str]] = field(default_factory=list)
    stops: list[tuple[str, int]] = field(default_factory=list)
    told: list[Notify] = field(default_factory=list)
    """Every try to tell somebody outside, in order."""
    deaf: int = 0
    """So many of those tries fail; -1: nobody ever answers at all."""

    # Clock

    def now(self) -> int:
        return self.wall + self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    # Who was there

    def supervisor_died(self) -> None:
        """What had not been told to run never will be: the gate's end of file ends it."""
        for attempt in self.attempts.values():
            if attempt.end is None:
                attempt.over = True

    def durable(self, unit: str, number: int) -> list[str]:
        return [row.trigger for row in self.rows.committed if (row.unit, row.attempt) == (unit, number)]

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.executed)


class ScriptedExecutor:
    """One supervisor's hands."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mine: dict[tuple[str, int], Attempt] = {}
        self.events: list[Event] = []
        self.heard: set[tuple[str, int]] = set()

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self._one(effect)
        world = self.world
        alive = sum(not a.over and "#" not in a.unit for a in world.attempts.values())
        world.at_once = max(world.at_once, alive)

    def _one(self, effect: Effect) -> None:
        world = self.world
        if isinstance(effect, Answer):
            recorded = [row.decoded() for row in world.rows.committed if row.trigger == "request"]
            assert {"id": effect.id, "answer": effect.text}.items() <= recorded[-1].items() or any(
                facts["id"] == effect.id and facts["answer"] == effect.text for facts in recorded
            ), "answered before it was on disk"
            world.answers.append((effect.id, effect.text))
            return
        key = (effect.unit, effect.attempt)
        if isinstance(effect, Notify):
            self._tell(effect)
            return
        known = self.mine.get(key)
        if isinstance(effect, Spawn):
            if known is None:
                assert "spawn" in world.durable(*key), f"{key} is spawned before its row is on disk"
                assert key not in world.attempts, f"{key} is used a second time"
                self.mine[key] = world.attempts[key] = Attempt(*key)
                self.events.append(Ready(*key, {"pid": str(len(world.attempts)), "boot": "b"}))
        elif isinstance(effect, Go):
            assert known is not None, f"GO for {key}, which was not spawned here"
            if known.end is None and not known.over:
                assert "start" in world.durable(*key), f"{key} is told to run before its row is on disk"
                self._go(known)
        elif isinstance(effect, Attach):
            if known is None:
                found = world.attempts.get(key, Attempt(*key, over=True))
                self.mine[key] = found
                if found.end is None:
                    found.over = True
                    self.events.append(Ended(*key, "never-ran", "", {}))
                else:
                    assert "start" in world.durable(*key), f"{key} runs without a row"
                    self.events.append(Adopted(*key) if not found.over else self._ended(found))
        elif isinstance(effect, Stop):
            world.stops.append(key)
            if known is not None and not known.over:
                self._stop(known)

    def _tell(self, effect: Notify) -> None:
        world = self.world
        assert [row for row in world.rows.committed if (row.unit, row.trigger) == (effect.unit, "due")], (
            "somebody is told of what is not on disk"
        )
        if (effect.unit, effect.attempt) in self.heard:
            return
        self.heard.add((effect.unit, effect.attempt))
        world.told.append(effect)
        if world.deaf < 0:
            return
        failed = len(world.told) <= world.deaf
        self.events.append(Notified(effect.unit, effect.attempt, not failed, "no answer" if failed else ""))

    def _go(self, attempt: Attempt) -> None:
        world = self.world
        attempt.end = world.script(attempt.unit, world.counts[attempt.unit])
        attempt.due = world.ms + attempt.end.lasts
        world.executed.append(attempt.unit)

    def _stop(self, attempt: Attempt) -> None:
        if attempt.end is None:
            attempt.over = True
            self.events.append(Ended(attempt.unit, attempt.number, "never-ran", "", {}))
        elif not attempt.end.stubborn:
            attempt.end = End("killed", facts={"signal": 15})
            attempt.due = min(attempt.due, self.world.ms + 1)

    def _ended(self, attempt: Attempt) -> Ended:
        assert attempt.end is not None, "it ran"
        facts = attempt.end.facts
        if attempt.end.outcome == "exit":
            facts = {"code": 0 if attempt.end.verdict == "ok" else 1, **facts}
        return Ended(attempt.unit, attempt.number, attempt.end.outcome, attempt.end.verdict, facts)

    def wait(self, timeout: float | None) -> Sequence[Event]:
        world = self.world
        if not self.events:
            running = [a.due for a in self.mine.values() if a.end is not None and not a.over]
            times = running + [at for at, _ in world.asked]
            if timeout is not None:
                times.append(world.ms + round(timeout * 1000 + 0.5))
            assert times, "the supervisor waits, and nothing can happen any more"
            world.ms = max(world.ms, min(times))
        for attempt in self.mine.values():
            if attempt.end is not None and not attempt.over and attempt.due <= world.ms:
                attempt.over = True
                self.events.append(self._ended(attempt))
        for item in [item for item in world.asked if item[0] <= world.ms]:
            world.asked.remove(item)
            self.events.append(item[1])
        found, self.events = self.events, []
        # What is over and told is of no more interest; the list of a long run must stay short.
        for key in [key for key, attempt in self.mine.items() if attempt.over]:
            if not any(getattr(event, "unit", "") == key[0] for event in found):
                del self.mine[key]
        return found


@dataclass
class Shown:
    """A publisher that remembers, and that accepts only what is on disk."""

    world: World
    changed: list[Transition] = field(default_factory=list)
    resting: bool = False
    again: float | None = None

    def publish(self, changed: Sequence[Transition], *, resting: bool) -> float | None:
        assert not changed or changed[-1] in self.world.rows.committed[-len(changed) :], (
            "shown before it is on disk"
        )
        self.changed += changed
        self.resting = resting
        return self.again


class Mortal(MemoryJournal):
    """A connection whose process dies at one of its commits: `before` it, so that all of it is lost, or right after."""

    def __init__(self, rows: Rows, commits: int, *, before: bool) -> None:
        super().__init__(rows)
        self.commits, self.before = commits, before

    def commit(self) -> None:
        self.commits -= 1
        if self.commits < 0 and self.before:
            self.kill()
            raise Died
        super().commit()
        if self.commits < 0:
            self.kill()
            raise Died


def grown(plan: Plan) -> Sprint:
    """The units of a plan, before anything has happened."""
    sprint = Sprint(RUN, str)
    sprint.plant(plan)
    return sprint


def engine(
    world: World,
    limit: int = 1,
    journal: MemoryJournal | None = None,
    run: str = RUN,
    sprint: Sprint | None = None,
    *,
    wait_for_limits: bool = True,
) -> Engine:
    """A supervisor that has read the journal and has done nothing yet."""
    journal = MemoryJournal(world.rows) if journal is None else journal
    sprint = fold(journal.read(run), run, journal.text) if sprint is None else sprint
    return Engine(
        sprint,
        journal,
        ScriptedExecutor(world),
        world,
        Shown(world),
        limit=limit,
        wait_for_limits=wait_for_limits,
    )


def supervise(
    world: World,
    plan: Plan | None = None,
    *,
    limit: int = 1,
    resume: bool = True,
    events: Sequence[Event] = (),
    spawning: bool = True,
    journal: MemoryJournal | None = None,
    run: str = RUN,
    sprint: Sprint | None = None,
) -> Sprint:
    """One supervisor's whole life, from reading the journal to rest; `plan` begins the run where there is none yet."""
    found = engine(world, limit, journal, run, sprint)
    found.take_over({}, plan=plan if found.sprint.state == "not-started" else None)
    if found.sprint.at_rest and resume:
        found.resume("somebody", "again")
    found.run(events, spawning=spawning)
    world.supervisor_died()
    return found.sprint


def to_the_end(world: World, plan: Plan, *, limit: int = 1, lives: int = 50) -> Sprint:
    """Supervisors one after the other, each resuming what rests, until the sprint is completed."""
    for _ in range(lives):
        sprint = supervise(world, plan, limit=limit)
        if sprint.state == "completed":
            return sprint
    raise AssertionError(f"not completed after {lives} supervisors: {sprint.root.moved}")


def ask(
    verb: str, id_: str = "q1", *, unit: str = "", epoch: int = 0, text: str = "", **options: object
) -> Asked:
    return Asked(id_, verb, unit, "ann", "for a reason", epoch, text, options)


def states(sprint: Sprint) -> dict[str, str]:
    return {unit.path: str(unit.state) for unit in sprint.order}


def told(world: World, *triggers: str) -> list[str]:
    """What the journal says, as `unit trigger`; of all triggers, or of some."""
    return [
        f"{row.unit} {row.trigger}" for row in world.rows.committed if not triggers or row.trigger in triggers
    ]


def sprint_rows(world: World, trigger: str) -> list[Facts]:
    return [
        row.decoded() for row in world.rows.committed if (row.unit, row.trigger) == (SPRINT_UNIT, trigger)
    ]


def rows(world: World, unit: str, trigger: str) -> list[Facts]:
    """The facts of the rows by which a unit was moved so."""
    return [row.decoded() for row in world.rows.committed if (row.unit, row.trigger) == (unit, trigger)]


def say(world: World, verb: str, unit: str = "", id_: str = "q", **more: object) -> str:
    """What is answered to a request when nobody supervises."""
    supervise(
        world,
        resume=False,
        spawning=False,
        events=[ask(verb, f"{id_}{len(world.answers)}", unit=unit, **more)],
    )
    return world.answers[-1][1]
