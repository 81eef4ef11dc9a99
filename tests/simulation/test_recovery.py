"""A supervisor step by step, in any order of events, crashes and requests.

Replay is what lives, and from any commit on another supervisor can go on.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fsm.effects import Answer, Attach, Effect, Go, Spawn, Stop
from fsm.engine import Engine
from fsm.events import Adopted, Asked, Ended, Event, Ready
from fsm.plan import Plan, nodes
from fsm.sprint import Sprint, fold
from fsm.supervision import Silent
from journal.errors import JournalError
from journal.memory import CommitFault, MemoryJournal, Rows
from journal.replay import verify
from tests.fsm.plans import plans

RUN = "r1"
BEGIN = 1_700_000_000_000
PICK = st.integers(0, 1 << 16)
VERDICTS = ("ok", "ok", "ok", "failed", "timeout", "lost", "needs-human", "never-ran")
VERBS = ("pause", "stop", "cancel", "skip", "pause")


class Outside:
    """Clock and executor: what is owed is noted, and happens when the test says so."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.wall, self.uptime = BEGIN, 0
        self.spawned: dict[tuple[str, int], bool] = {}
        """Attempts at their gates, and whether that has been reported."""
        self.running: dict[tuple[str, int], bool] = {}
        """Attempts that were let go, and whether the supervisor of now looks after them."""
        self.over: dict[tuple[str, int], Ended] = {}
        self.answers: dict[str, str] = {}
        self.events: list[Event] = []

    def now(self) -> int:
        return self.wall

    def monotonic(self) -> float:
        return self.uptime / 1000

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Answer):
                recorded = [row.decoded() for row in self.rows.committed if row.trigger == "request"]
                assert (effect.id, effect.text) in [(facts["id"], facts["answer"]) for facts in recorded]
                assert self.answers.setdefault(effect.id, effect.text) == effect.text
                continue
            key = (effect.unit, effect.attempt)
            durable = [row.trigger for row in self.rows.committed if (row.unit, row.attempt) == key]
            if isinstance(effect, Spawn):
                assert "spawn" in durable
                if key not in self.running and key not in self.over:
                    self.spawned.setdefault(key, False)
            elif isinstance(effect, Go):
                assert "start" in durable
                if self.spawned.pop(key, None) is not None:
                    assert not [other for other in self.running if other[0] == key[0]], (
                        "one attempt at a time"
                    )
                    self.running[key] = True
            elif isinstance(effect, Attach):
                self._attach(key)
            elif isinstance(effect, Stop):
                self._stop(key)

    def _attach(self, key: tuple[str, int]) -> None:
        if key in self.over:
            self.events.append(self.over[key])
        elif self.running.get(key) is False:
            self.running[key] = True
            self.events.append(Adopted(*key))
        elif key not in self.running:
            self.over[key] = Ended(*key, "never-ran", "", {})
            self.events.append(self.over[key])

    def _stop(self, key: tuple[str, int]) -> None:
        if self.spawned.pop(key, None) is not None:
            self.end(key, Ended(*key, "never-ran", "", {}))

    def end(self, key: tuple[str, int], event: Ended) -> None:
        self.running.pop(key, None)
        self.over[key] = event
        self.events.append(event)

    def supervisor_died(self) -> None:
        """Gates are closed; what was let go goes on; what was not told yet will be found."""
        self.spawned.clear()
        self.running = dict.fromkeys(self.running, False)
        self.events.clear()

    def wait(self, timeout: float | None) -> Sequence[Event]:
        raise AssertionError("the test takes every turn itself")


class Recovery(RuleBasedStateMachine):
    """One sprint; each rule is something that happens to it."""

    @initialize(plan=plans(), limit=st.integers(1, 3))
    def begin(self, plan: Plan, limit: int) -> None:
        self.plan, self.limit = plan, limit
        self.units = [node.path for node in nodes(plan)] or [""]
        self.faults: list[CommitFault] = []
        self.cuts: set[int] = set()
        """How many rows there were after each commit."""
        self.rows = Rows(self.at_commit)
        self.outside = Outside(self.rows)
        self.engine: Engine | None = None
        self.asked = 0
        self.start()

    def at_commit(self) -> CommitFault | None:
        self.cuts.add(len(self.rows.committed))
        return self.faults.pop() if self.faults else None

    # supervisors

    @precondition(lambda self: self.engine is None)
    @rule()
    def start(self) -> None:
        journal = MemoryJournal(self.rows)
        sprint = fold(journal.read(), RUN, journal.text)
        self.journal = journal
        self.engine = Engine(sprint, journal, self.outside, self.outside, Silent(), limit=self.limit)
        self.alive(lambda engine: self.take_over(engine, sprint))

    def take_over(self, engine: Engine, sprint: Sprint) -> None:
        engine.take_over({}, plan=self.plan if sprint.state == "not-started" else None, resuming=True)
        if sprint.at_rest:
            engine.resume("somebody", "again")
        engine.turn([])

    def alive(self, work: Any) -> None:
        assert self.engine is not None
        try:
            work(self.engine)
        except JournalError:
            self.crash()

    def turn(self, *events: Event) -> None:
        heard, self.outside.events = [*self.outside.events, *events], []
        self.alive(lambda engine: engine.turn(heard))

    @precondition(lambda self: self.engine is not None)
    @rule()
    def crash(self) -> None:
        self.journal.kill()
        self.engine = None
        self.outside.supervisor_died()

    @precondition(lambda self: self.engine is not None)
    @rule(kept=st.booleans())
    def the_next_commit_fails(self, kept: bool) -> None:
        self.faults = [CommitFault.KEPT if kept else CommitFault.LOST]

    # processes

    @precondition(lambda self: self.engine is not None and self.outside.spawned)
    @rule(pick=PICK)
    def a_shim_is_ready(self, pick: int) -> None:
        waiting = sorted(key for key, told in self.outside.spawned.items() if not told)
        if waiting:
            key = waiting[pick % len(waiting)]
            self.outside.spawned[key] = True
            self.turn(Ready(*key, {"pid": "7", "start": "1", "boot": "1"}))

    @precondition(lambda self: self.outside.running)
    @rule(pick=PICK, verdict=st.sampled_from(VERDICTS))
    def an_attempt_ends(self, pick: int, verdict: str) -> None:
        running = sorted(self.outside.running)
        key = running[pick % len(running)]
        outcome = verdict if verdict in ("lost", "never-ran") else "exit"
        facts = {"code": int(verdict != "ok")} if outcome == "exit" else {}
        looked_after = self.outside.running[key]
        self.outside.end(key, Ended(*key, outcome, verdict, facts))
        if not looked_after or self.engine is None:
            self.outside.events.clear()
        if self.engine is not None:
            self.turn()

    @precondition(lambda self: self.engine is not None)
    @rule(
        seconds=st.sampled_from((0, 1, 60, 3_600)),
        jump=st.sampled_from((0, 0, -315_576_000_000, 315_576_000_000)),
    )
    def time_passes(self, seconds: int, jump: int) -> None:
        self.outside.uptime += seconds * 1000
        self.outside.wall += seconds * 1000 + jump
        assert self.engine is not None
        self.turn(*self.engine._due())

    # people

    @precondition(lambda self: self.engine is not None)
    @rule(verb=st.sampled_from(VERBS), pick=PICK, again=st.booleans(), stale=st.booleans())
    def somebody_asks(self, verb: str, pick: int, again: bool, stale: bool) -> None:
        assert self.engine is not None
        self.asked += not again or not self.asked
        unit = self.units[pick % len(self.units)] if verb == "skip" else ""
        epoch = max(1, self.engine.sprint.epoch - 1) if stale else 0
        before = len(self.rows.committed)
        self.turn(Asked(f"q{self.asked}", verb, unit, "somebody", "for a reason", epoch))
        rows = [row for row in self.rows.committed[before:] if row.trigger == "request"]
        assert len(rows) <= 1

    @precondition(lambda self: self.engine is not None and self.engine.sprint.at_rest)
    @rule()
    def somebody_sets_it_going(self) -> None:
        def going(engine: Engine) -> None:
            if not engine.sprint.busy:
                engine.resume("somebody", "again")
                engine.turn([])

        self.alive(going)

    # what holds

    @invariant()
    def replay_is_what_lives(self) -> None:
        if getattr(self, "engine", None) is None:
            return
        assert self.engine is not None
        live = self.engine.sprint
        again = fold(self.rows.committed, RUN, self.rows.texts.__getitem__)
        assert again.seq == live.seq
        for path, unit in live.units.items():
            other = again.units[path]
            assert (unit.state, unit.attempt, unit.tries) == (other.state, other.attempt, other.tries), path

    @invariant()
    def a_request_is_recorded_once(self) -> None:
        if hasattr(self, "rows"):
            names = [row.decoded()["id"] for row in self.rows.committed if row.trigger == "request"]
            assert len(names) == len(set(names))

    @precondition(lambda self: self.rows.committed)
    @rule(pick=PICK)
    def any_prefix_goes_on(self, pick: int) -> None:
        """What a supervisor finds that starts when so much was on disk, it can fold, take over and go on from."""
        cuts = sorted({*self.cuts, len(self.rows.committed)} - {0})
        length = cuts[pick % len(cuts)]
        rows = Rows()
        rows.committed, rows.texts = self.rows.committed[:length], dict(self.rows.texts)
        journal = MemoryJournal(rows)
        sprint = fold(journal.read(), RUN, journal.text)
        outside = Outside(rows)
        outside.wall = self.outside.wall
        engine = Engine(sprint, journal, outside, outside, Silent(), limit=self.limit)
        self.take_over(engine, sprint)
        engine.turn(outside.events)
        again = fold(rows.committed, RUN, rows.texts.__getitem__)
        assert {path: unit.state for path, unit in again.units.items()} == {
            path: unit.state for path, unit in sprint.units.items()
        }

    def teardown(self) -> None:
        if hasattr(self, "rows"):
            assert list(verify(self.rows.committed)) == []


Recovery.TestCase.settings = settings(stateful_step_count=30)
TestRecovery = Recovery.TestCase
