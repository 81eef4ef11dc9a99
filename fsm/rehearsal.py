"""A rehearsal: a given plan from its first start to its rest, under a script, with the engine that ships.

Rule: a seed and a script decide everything, so the same two give the same journal, byte for byte; and whatever the
script kills, the next supervisor starts from what is on disk and from nothing else.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from fsm.engine import Engine
from fsm.outcomes import Cast, Request
from fsm.ports import Journal, Seed
from fsm.scripted import BEGIN, ScriptedExecutor, ScriptedWorld, asked
from fsm.sprint import Sprint, fold
from fsm.states import Machine, SprintState, TaskState
from fsm.story import told
from fsm.transition import SPRINT_UNIT, Facts, Transition
from fsm.world import Killed, PowerCut

MOST_CRASHES = 5_000
"""Crashes after rows in one rehearsal: each of them folds the journal anew."""

_OVER = frozenset({SprintState.COMPLETED, SprintState.CANCELLED})
"""What `run` does not go on from."""

_TRIED = frozenset({"succeed", "verify", "fail"})
"""Triggers by which an attempt's end is told."""


class Mortal(Journal, Protocol):
    """A journal whose process can be killed: what was not committed is gone."""

    def kill(self) -> None:
        """The connection's process is over."""
        ...


class Standing(NamedTuple):
    """What of an end must not depend on crashes: numbers of attempts do, and times."""

    sprint: str
    units: dict[str, tuple[str, int, str]]
    """State, tries and verdict, by path."""
    tolerated: frozenset[str]


class Rehearsed(NamedTuple):
    """How a rehearsal went."""

    seed: int
    sprint: Sprint
    rows: tuple[Transition, ...]
    supervisors: int
    wall: int
    """ms from the beginning of the run until it came to rest."""
    attempts: int
    """Attempts that were allowed to run."""
    failures: Counter[str]
    """How often attempts of each unit came to a bad end."""
    cost: float | None
    """US dollars; None when nobody reported any."""
    tokens: int | None
    unplayed: tuple[str, ...]
    """What the script had for later than the end."""
    crashes: int
    """How often the supervisor was killed."""


class Silent:
    """A publisher for nobody."""

    def publish(self, changed: object, *, resting: bool) -> float | None:  # noqa: ARG002  # the port's names
        """Shows nothing."""
        return None


class Recorded:
    """The journal as one supervisor has it: what becomes durable is looked at, and may be the last thing it did."""

    def __init__(self, inner: Mortal, watch: "Rehearsal") -> None:
        self._inner, self._watch = inner, watch
        self._batch: list[Transition] = []

    @property
    def head(self) -> tuple[int, str]:
        """As the journal's."""
        return self._inner.head

    def append(self, transition: Transition) -> Transition:
        """As the journal does."""
        row = self._inner.append(transition)
        self._batch.append(row)
        return row

    def keep(self, text: str) -> str:
        """As the journal does."""
        return self._inner.keep(text)

    def text(self, digest: str) -> str:
        """As the journal does."""
        return self._inner.text(digest)

    def seed(self, run: str, units: Iterable[Seed]) -> None:
        """As the journal does."""
        self._inner.seed(run, units)

    def commit(self) -> None:
        """As the journal does; raises Killed where the script wants it."""
        self._inner.commit()
        batch, self._batch = self._batch, []
        self._watch.committed(batch)

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Transition]:
        """As the journal does."""
        return self._inner.read(run, after)


class Rehearsal:
    """One of them. `connect` opens a connection to one and the same journal at each call."""

    def __init__(
        self,
        cast: Cast,
        seed: int,
        run: str,
        connect: Callable[[], Mortal],
        *,
        limit: int,
        every_row: bool = False,
    ) -> None:
        """`limit` is the number of slots; `every_row`: the supervisor is killed at every row, before and after it acts.

        A row that only recovery writes, or that is written anew because of a crash, is no new one.
        """
        self.cast = cast
        self.world = ScriptedWorld(cast, seed)
        self.crashes = 0
        self._run = run
        self._connect = connect
        self._limit = limit
        self._every_row = every_row
        self._met: Counter[tuple[str, str, int]] = Counter()
        self._tries: Counter[str] = Counter()
        self._marks = {crash.after_row: crash for crash in cast.script.crashes if crash.after_row is not None}
        self._supervisors = 0
        self._wish: Request | None = None
        """Why the next supervisor is started, once the sprint rests."""

    def play(self) -> Rehearsed:
        """Supervisors one after another until the sprint rests for good.

        Raises Violation when something does not hold, SprintError when the sprint does not come to an end.
        """
        while True:
            journal = self._connect()
            try:
                sprint = fold(journal.read(self._run), self._run, journal.text)
                self._supervise(sprint, journal)
            except PowerCut:
                journal.kill()
                self.world.power_cut()
                self._down()
            except Killed:
                journal.kill()
                self.world.supervisor_died()
                self._down()
            except BaseException:  # whatever it is goes on, without this connection
                journal.kill()
                raise
            else:
                rows = tuple(journal.read(self._run))
                self._same(sprint, fold(iter(rows), self._run, journal.text))
                journal.kill()
                self.world.supervisor_died()
                self.world.doomed = False
                self._wish = self._next(sprint)
                if self._wish is None:
                    return self._report(sprint, rows)

    def _supervise(self, sprint: Sprint, journal: Mortal) -> None:
        """One supervisor's life."""
        self._supervisors += 1
        world, wish = self.world, self._wish
        world.tell(f"supervisor {self._supervisors} starts")
        engine = Engine(
            sprint, Recorded(journal, self), ScriptedExecutor(world), world, Silent(), limit=self._limit
        )
        new = sprint.state == SprintState.NOT_STARTED
        resumes = wish is not None and wish.verb == "resume"
        facts: Facts = {"boot": str(world.boot), "slots": self._limit, "rehearsal": world.seed}
        engine.take_over(facts, plan=self.cast.plan if new else None, resuming=resumes)
        if wish is not None and not resumes:
            engine.run([asked(wish)], spawning=False)
            return
        if wish is not None and sprint.at_rest:
            engine.resume("script", wish.why)
        else:
            self._wish = None  # whoever runs it again finds that it goes on by itself
        engine.run()

    def committed(self, batch: list[Transition]) -> None:
        """Rows are durable. Raises Killed where that was the last that this supervisor did."""
        first = second = False
        for row in batch:
            self.world.durable(row)
            times = self._times(row)
            first |= times == 1
            second |= times == 2
            if row.unit == SPRINT_UNIT and self._heeded(row):
                self._wish = None
        marked = [self._marks.pop(row.seq) for row in batch if row.seq in self._marks]
        for mark in marked:
            self.world.crash(mark)
        if self._every_row and (first or second) and self.crashes < MOST_CRASHES:
            when = "before" if first else "after"
            self.world.tell(f"the supervisor is killed {when} it acts on row {batch[-1].seq}")
            if first:
                raise Killed
            self.world.doomed = True

    def _times(self, row: Transition) -> int:
        """How often there was a row like this, counting it: recovery, and what has to be done again, writes such."""
        tries = self._tries[row.unit]
        if row.trigger in _TRIED and row.machine == Machine.TASK:
            self._tries[row.unit] += 1
        key = row.unit, row.trigger, tries
        self._met[key] += 1
        return self._met[key]

    def _heeded(self, row: Transition) -> bool:
        """Whether a row of the sprint is what the wish has led to: from then on a crash is no reason to ask again."""
        if self._wish is None:
            return False
        if self._wish.verb == "resume":
            return row.trigger in ("resume", "retry")
        return row.trigger == "request" and row.decoded()["id"] == asked(self._wish).id

    def _down(self) -> None:
        """Nobody supervises for a while."""
        self.crashes += 1
        self.world.doomed = False
        down, self.world.down = self.world.down, 0
        self.world.pass_until(self.world.time + down)

    def _next(self, sprint: Sprint) -> Request | None:
        """For whom the next supervisor is started, with the clock at that moment; None when the story is over."""
        world = self.world
        while sprint.state not in _OVER and world.agenda:
            entry = world.agenda.popleft()
            assert entry.at is not None, "it stands on the agenda"
            world.pass_until(BEGIN + entry.at)
            if isinstance(entry, Request):
                return entry
            world.tell(f"{entry}: nobody supervises")
        return None

    def _same(self, live: Sprint, again: Sprint) -> None:
        for path, unit in live.units.items():
            other = again.units[path]
            same = (unit.state, unit.attempt, unit.tries) == (other.state, other.attempt, other.tries)
            self.world.hold(true=same, what=f"replay of {path} gives {other.state}, live it was {unit.state}")

    def _report(self, sprint: Sprint, rows: tuple[Transition, ...]) -> Rehearsed:
        rested = sprint.rested.at if sprint.rested is not None else sprint.at
        began = sprint.begun.at if sprint.begun is not None else rested
        costs: list[float] = []
        tokens: list[int] = []
        failures: Counter[str] = Counter()
        for row in rows:
            if row.machine != Machine.TASK or row.trigger not in _TRIED:
                continue
            facts = row.decoded()
            if "cost-usd" in facts:
                costs.append(facts["cost-usd"])
            if "tokens" in facts:
                tokens.append(sum(facts["tokens"].values()))
            failures[row.unit] += (
                row.trigger == "fail"
                and row.source != TaskState.VERIFYING
                and facts.get("verdict") != "interrupted"
            )
        return Rehearsed(
            seed=self.world.seed,
            sprint=sprint,
            rows=rows,
            supervisors=self._supervisors,
            wall=max(0, rested - began),
            attempts=sum(row.trigger == "start" and row.machine == Machine.TASK for row in rows),
            failures=+failures,
            cost=round(sum(costs), 6) if costs else None,
            tokens=sum(tokens) if tokens else None,
            unplayed=tuple(map(str, [*self.world.agenda, *self._marks.values()])),
            crashes=self.crashes,
        )


def standing(sprint: Sprint) -> Standing:
    """What of a sprint's end must be the same however often its supervisor was killed."""
    units: dict[str, tuple[str, int, str]] = {}
    for unit in sprint.order:
        verdict = str(unit.ended.decoded().get("verdict", "")) if unit.ended is not None else ""
        units[unit.path] = unit.state, unit.tries, verdict
    return Standing(sprint.state, units, frozenset(sprint.tolerated))


def differences(calm: Standing, crashed: Standing) -> list[str]:
    """In which respects an end differs from the one without crashes, in words; empty when it is the same."""
    found = (
        []
        if calm.sprint == crashed.sprint
        else [f"the sprint is {crashed.sprint}, without crashes {calm.sprint}"]
    )
    for path, expected in calm.units.items():
        got = crashed.units[path]
        if got != expected:
            found.append(f"{path} is {_told(got)}, without crashes {_told(expected)}")
    if calm.tolerated != crashed.tolerated:
        found.append("other failures in the background were let pass")
    return found


def started(rehearsed: Rehearsed) -> tuple[str, ...]:
    """What was started, in the order in which it first was."""
    found = (row.unit for row in rehearsed.rows if row.trigger == "start" and row.machine == Machine.TASK)
    return tuple(dict.fromkeys(found))


def story(rehearsal: Rehearsal, last: int = 40) -> list[str]:
    """The last steps of a rehearsal, for somebody who wants to know what went wrong in it."""
    return list(told(rehearsal.world.story[-last:]))


def _told(unit: tuple[str, int, str]) -> str:
    state, tries, verdict = unit
    return f"{state} after {tries} tries{f' ({verdict})' if verdict else ''}"
