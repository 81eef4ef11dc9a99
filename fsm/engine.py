"""The loop: events → decide → record → commit → publish → owed → perform → wait.

Rule: record, then act. Every move is checked, appended and applied; nothing leaves the process before the turn's one
commit has returned; whatever a port raises ends the engine, and the next start reads what is on disk. Recovery is the
first turn.
"""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from fsm.amend import problems, replanned
from fsm.decide import opening, proceed, react, recover
from fsm.effects import Answer, Effect
from fsm.errors import SprintError
from fsm.events import Asked, Due, Event
from fsm.machine import destination
from fsm.notices import caused, is_due
from fsm.owed import owed
from fsm.plan import Plan, dump
from fsm.ports import Clock, Executor, Journal, Publisher, Seed
from fsm.resume import resume
from fsm.sprint import Sprint
from fsm.states import Machine
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves, Transition, encode_facts
from fsm.unit import Unit

_LOOK = 60.0
"""Seconds after which the wall clock is asked whether anything that waits is due."""


_NOTICES = 30.0
"""Seconds that a run which has come to rest stays for those outside that are still to be told."""
_IN_PASSING = 5.0
"""The same where nothing was to be run, and somebody only waits for the answer to a request."""


class Engine:
    """One supervisor's life over one run."""

    def __init__(
        self,
        sprint: Sprint,
        journal: Journal,
        executor: Executor,
        clock: Clock,
        publisher: Publisher,
        *,
        limit: int = 1,
        wait_for_limits: bool = True,
    ) -> None:
        """`sprint` is the fold of what the journal holds of the run; `limit` is the number of slots.

        Without `wait_for_limits` the sprint is paused when all that is left to do is to wait for a usage limit.
        """
        self.sprint = sprint
        self._journal = journal
        self._executor = executor
        self._clock = clock
        self._publisher = publisher
        self._limit = limit
        self._wait_for_limits = wait_for_limits
        self._epoch = sprint.epoch
        self._now = clock.now()
        self._batch: list[Transition] = []
        self._spawning = True
        self._alarms: list[tuple[float, int, str]] = []
        """A heap: when a unit wakes on the monotonic clock, the seq of the row that made it wait, and its path."""
        self._dates: list[tuple[float, int, str]] = []
        """The same by the wall clock, which goes on while the machine sleeps."""
        self._again: float | None = None
        self._until: float | None = None
        """When, by the monotonic clock, notices are no longer waited for; None while there is other work."""

    def take_over(
        self, lease: Facts, *, plan: Plan | None = None, copied: bool = False, resuming: bool = False
    ) -> None:
        """Records this supervisor's lease under the next epoch; `plan` begins a new run with it. Commits.

        `copied`: the journal is a copy, so what had not ended belongs to the original and is lost here. `resuming`:
        `resume` follows, so a sprint that rests is not shown as one that has come to its end.
        """
        self._epoch = self._journal_epoch() + 1
        self._now = self._clock.now()
        if plan is not None:
            nth = len({row.run for row in self._journal.read()}) + 1
            self._record([Move(SPRINT_UNIT, "amend", {"plan": self._journal.keep(dump(plan)), "nth": nth})])
            self._journal.seed(self.sprint.run, seeds(self.sprint))
        self._record([Move(SPRINT_UNIT, "lease", lease)])
        for unit in self.sprint.waiting.values():
            self._alarm(unit)
        if plan is not None:
            self._record(opening(self.sprint))
        self._record(recover(self.sprint, self._now, copied=copied))
        self._journal.commit()
        self._publish(going_on=resuming)

    def resume(self, who: str, why: str, budget: Facts | None = None) -> None:
        """Sets a resting sprint going, with other bounds of its budget perhaps; committed with the next turn."""
        self._now = self._clock.now()
        self._record(resume(self.sprint, who, why, budget))

    def amend(self, plan: Plan, who: str, why: str) -> None:
        """Takes in a plan that was compiled anew; committed with the next turn. SprintError when it cannot be."""
        wrong = problems(self.sprint, plan)
        if wrong:
            raise SprintError(
                f"the new plan cannot be taken in: {'; '.join(wrong)}", hint="`run --new` begins anew"
            )
        self._now = self._clock.now()
        self._record(replanned(self.sprint, plan, who, why))

    def run(self, events: Sequence[Event] = (), *, spawning: bool = True) -> None:
        """Turns until the sprint rests and nothing runs; without `spawning`, until nothing runs.

        `events` are what the first turn begins with: the request of a person who found no supervisor, for example.
        """
        self._spawning = spawning
        while True:
            self.turn(events)
            if not self.sprint.busy and (self.sprint.at_rest or not spawning):
                if not self._telling():
                    return
            else:
                self._until = None
            events = [*self._executor.wait(self._patience()), *self._due()]

    def hurry(self) -> None:
        """Stays no longer for those outside that are still to be told; without effect while there is other work."""
        if self._until is not None:
            self._until = self._clock.monotonic()

    def _telling(self) -> bool:
        """Whether somebody outside is still being told; the next supervisor goes on with what takes too long."""
        if not self.sprint.due:
            return False
        if self._until is None:
            self._until = self._clock.monotonic() + (_NOTICES if self._spawning else _IN_PASSING)
        return self._clock.monotonic() < self._until

    def turn(self, events: Sequence[Event]) -> None:
        """One turn: everything that the events and the state lead to, in one commit, and then what that owes."""
        self._now = self._clock.now()
        for event in events:
            self._record(react(self.sprint, event, self._now))
        if self._spawning:
            patient = self._wait_for_limits
            self._record(proceed(self.sprint, self._limit, self._now, wait_for_limits=patient))
        self._journal.commit()
        effects: list[Effect] = [
            Answer(event.id, self.sprint.requests[event.id].decoded()["answer"])
            for event in events
            if isinstance(event, Asked) and event.id
        ]
        effects += owed(self.sprint)
        if effects:
            self._executor.perform(effects)
        self._publish()

    def _record(self, moves: Moves | Iterable[Move]) -> None:
        sprint, journal = self.sprint, self._journal
        for move in moves:
            if move.text:
                journal.keep(move.text)
            made = is_due(move.unit, move.trigger)
            unit = sprint.unit(move.unit) if made is None else None
            machine, source = (unit.machine, unit.state) if unit is not None else made or ("", "")
            row = Transition(
                seq=journal.head[0] + 1,
                run=sprint.run,
                epoch=self._epoch,
                at=self._now,
                unit=move.unit,
                machine=str(machine),
                trigger=move.trigger,
                source=str(source),
                dest=destination(machine, move.trigger, source, move.unit),
                attempt=move.attempt,
                facts=encode_facts(move.facts),
            )
            row = journal.append(row)
            sprint.apply(row)
            self._batch.append(row)
            if row.trigger == "delay" and unit is not None:
                self._alarm(unit)
            if move.text:
                journal.seed(sprint.run, seeds(sprint))
            if sprint.plan.subscriptions:
                self._record(caused(sprint, row))

    def _publish(self, *, going_on: bool = False) -> None:
        batch, self._batch = self._batch, []
        resting = self.sprint.at_rest and not self.sprint.busy and not going_on
        self._again = self._publisher.publish(batch, resting=resting)

    def _journal_epoch(self) -> int:
        """The highest epoch of the whole journal: an earlier run's supervisors count too."""
        return max((row.epoch for row in self._journal.read(after=self._journal.head[0] - 1)), default=0)

    def _alarm(self, unit: Unit) -> None:
        assert unit.moved is not None, "a waiting unit was moved there"
        facts = unit.moved.decoded()
        if facts.get("until") is None:
            return  # it waits for somebody
        # What is left by the wall clock, but never more than the whole delay: clocks are set back.
        left = min(max(0, facts["until"] - self._now), facts["delay"])
        heappush(self._alarms, (self._clock.monotonic() + left / 1000, unit.moved.seq, unit.path))
        heappush(self._dates, (facts["until"], unit.moved.seq, unit.path))

    def _patience(self) -> float | None:
        """Seconds until a waiting unit is due or the publisher wants a turn; None when only an event matters."""
        ends = [] if self._again is None else [self._again]
        if self._alarms and self._spawning:
            left = max(0.0, self._alarms[0][0] - self._clock.monotonic())
            # The monotonic clock stands still while the machine sleeps: now and then the other one is looked at.
            ends.append(min(left, _LOOK))
        if self._until is not None:
            ends.append(max(0.0, self._until - self._clock.monotonic()))
        return min(ends, default=None)

    def _due(self) -> list[Due]:
        found: list[Due] = []
        clocks: list[tuple[list[tuple[float, int, str]], float]] = [
            (self._alarms, self._clock.monotonic()),
            (self._dates, self._clock.now()),
        ]
        for heap, now in clocks:
            while heap and heap[0][0] <= now:
                _, seq, path = heappop(heap)
                unit = self.sprint.waiting.get(path)
                if unit is not None and unit.moved is not None and unit.moved.seq == seq:
                    found.append(Due(path, unit.attempt))
        return found


def seeds(sprint: Sprint) -> Iterable[Seed]:
    """Every unit of the plan as the quick-read table first shows it."""
    yield Seed(SPRINT_UNIT, Machine.SPRINT, sprint.root.state, "", -1, sprint.plan.sprint_id, False)
    for unit in sprint.order:
        above = unit.owner or unit.leaf or unit.parent
        label = unit.path.rpartition("#")[2] if unit.owner else str(getattr(unit.node, "id", unit.path))
        parent = above.path if above is not None else ""
        yield Seed(unit.path, unit.machine, unit.state, parent, unit.position, label, unit.background)
