"""A simulated world that follows a script: nothing breaks by chance, and the clock goes from one event to the next.

Launcher, shims, attempt files and recovery are those of the simulator; tasks end when and as the script has it. Rule:
it keeps a ledger of what it did, and holds the journal against it: a rehearsal that proves nothing would be a film.
"""

import math
from collections import Counter, deque
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from fsm.errors import SprintError
from fsm.events import Asked, Event
from fsm.outcomes import Cast, Crash, Outcome, Request
from fsm.processes import Child, Kernel, Launcher, Shim
from fsm.stage import SimulatedExecutor
from fsm.states import ENDED, TaskState
from fsm.transition import Facts, Transition
from fsm.world import Killed, PowerCut, Violation, World

BEGIN = 946_684_800_000
"""2000-01-01T00:00:00Z: every rehearsal begins then, so that the same seed gives the same bytes on any day."""

MOST_RUNS = 100_000
"""Processes in one rehearsal; one that needs more counts as one that never ends."""


class _Played(NamedTuple):
    """How the process of an attempt ended."""

    outcome: Outcome | None
    """None when it was stopped."""
    elapsed: int
    ended: int


class ScriptedChild(Child):
    """The user's process, played: from the moment when it may run it takes its time, then ends as it has to."""

    def __init__(self, shim: Shim, world: "ScriptedWorld") -> None:
        super().__init__(shim, world)
        self.deaf = False
        self.began = 0
        self.ends = 0
        self.outcome: Outcome | None = None
        self._world = world

    def runnable(self) -> bool:
        return super().runnable() and (not self.running or self._world.time >= self.ends)

    def step(self, world: Kernel) -> None:
        if not self.running or not self.released:
            super().step(world)
            return
        outcome = self.outcome
        assert outcome is not None, "it runs"
        now = self._world.now()
        self._world.played[self.unit, self.attempt] = _Played(outcome, now - self.began, now)
        status = outcome.ending.status
        if status is None:
            world.kill(self.shim)
        self.end(world, 9 if status is None else status)


class ScriptedWorld(World):
    """The world of one rehearsal."""

    def __init__(self, cast: Cast, seed: int) -> None:
        super().__init__(Random(seed))
        self.time = BEGIN
        self.cast = cast
        self.seed = seed
        self.ran: Counter[str] = Counter()
        """How often each part has really run."""
        self.played: dict[tuple[str, int], _Played] = {}
        self.doomed = False
        """The supervisor is to be killed as soon as it waits."""
        script = cast.script
        timed: list[Crash | Request] = [crash for crash in script.crashes if crash.at is not None]
        self.agenda: deque[Crash | Request] = deque(sorted([*timed, *script.requests], key=_at))
        """What the script has for later, by its time."""
        self.down = 0
        """How long nobody supervises after the crash that has just been."""
        self._nudge = 0.0
        self._executed: set[tuple[str, int]] = set()
        self._started: set[tuple[str, int]] = set()
        self._running: dict[str, ScriptedChild] = {}

    # time

    @property
    def uptime(self) -> int:
        """The wall clock, from the beginning: the machine never sleeps."""
        return self.time - BEGIN

    @uptime.setter
    def uptime(self, ms: int) -> None:
        """It goes with the wall clock."""

    def monotonic(self) -> float:
        return (self.time - BEGIN) / 1000 + self._nudge

    def nudge(self, seconds: float) -> None:
        """Lets a time pass that is shorter than the clock's step: seconds as floats add up to a little less or more."""
        self._nudge += seconds

    def pass_until(self, moment: int) -> None:
        """Lets everybody but a supervisor live until then."""
        self.settle()
        while (due := self.next_end()) is not None and due <= moment:
            self.time = max(self.time, due)
            self.settle()
        self.time = max(self.time, moment)

    def next_end(self) -> int | None:
        """When the next process will do something by itself."""
        dues = [BEGIN + due for process in self.processes if (due := process.due()) is not None]
        return min([*dues, *(child.ends for child in self._running.values())], default=None)

    def settle(self) -> None:
        """Lets happen all that can at this moment, in the same order every time."""
        while self.step():
            pass

    def step(self) -> bool:
        for process in self.processes:
            if process.runnable():
                process.step(self)
                return True
        return False

    def point(self, where: str) -> None:
        """Nobody goes on and nothing breaks in between."""

    def supervisor_died(self) -> None:
        """Its ends of every gate are closed, and the launcher sees the end of its socket."""
        for process in self.processes:
            if isinstance(process, Shim):
                process.pipe.closed = not process.pipe.go
            elif isinstance(process, Launcher):
                process.hung_up = True
                for _, _, pipe in process.jobs:
                    pipe.closed = True

    # the script

    def child(self, shim: Shim) -> Child:
        return ScriptedChild(shim, self)

    def agenda_at(self) -> int | None:
        """When the script has something next."""
        return BEGIN + _at(self.agenda[0]) if self.agenda else None

    def play(self) -> None:
        """Does what the script has for this moment, while somebody supervises; raises Killed."""
        while self.agenda and BEGIN + _at(self.agenda[0]) <= self.time:
            entry = self.agenda.popleft()
            if isinstance(entry, Request):
                self.requests.append(asked(entry))
            else:
                self.crash(entry)

    def crash(self, crash: Crash) -> None:
        """Kills what has to be killed."""
        self.tell(str(crash))
        self.down = crash.down
        if crash.kind == "launcher":
            for process in [found for found in self.processes if isinstance(found, Launcher)]:
                self.kill(process)
            return
        raise PowerCut if crash.kind == "power" else Killed

    def verdict(self, unit: str, attempt: int, status: int) -> tuple[str, Facts]:
        played = self.played.get((unit, attempt)) or _Played(None, 0, self.time)
        facts: Facts = {"elapsed-ms": played.elapsed, "ended": played.ended}
        outcome = played.outcome
        if outcome is None:
            return "killed", facts | {"signal": _SIGNALS[status], "why": "stopped", "error": "stopped"}
        if status & 0x7F:
            facts |= {"signal": _SIGNALS[status], "error": f"killed by {_SIGNALS[status]}"}
        else:
            facts["code"] = status >> 8
        verdict = outcome.ending.verdict
        if verdict == "failed":
            facts["error"] = f"exit code {status >> 8}"
        elif verdict in _ENFORCED:
            facts |= {"why": verdict, "error": _ENFORCED[verdict]}
        if outcome.until is not None:
            facts["until"] = played.ended + outcome.until
        if outcome.cost is not None:
            facts["cost-usd"] = outcome.cost
        if outcome.tokens is not None:
            facts["tokens"] = {"output": outcome.tokens}
        if outcome.says is not None:
            facts["summary" if verdict == "ok" else "error"] = outcome.says
            if verdict == "needs-human":
                facts["human-needed"] = {"reason": outcome.says}
        return verdict, facts

    # the ledger

    def executed(self, child: Child) -> None:
        assert isinstance(child, ScriptedChild), "this world makes no other"
        key = child.unit, child.attempt
        self.hold(true=key not in self._executed, what=f"I7: attempt {key[1]} of {key[0]} ran twice")
        self.hold(true=key in self._started, what=f"I4: {key[0]} ran before its start was on disk")
        self.hold(true=child.unit not in self._running, what=f"I1: two attempts of {child.unit} run at once")
        self._executed.add(key)
        self._running[child.unit] = child
        self.ran[child.unit] += 1
        if len(self._executed) > MOST_RUNS:
            raise SprintError(
                f"this sprint does not come to an end: after {MOST_RUNS:,} runs of its tasks {child.unit} runs again",
                hint="see that what is tried again ends well at last, or give it `max-attempts`",
            )
        child.outcome, takes = self.cast.outcome(self.seed, child.unit, self.ran[child.unit])
        child.began, child.ends = self.time, self.time + takes

    def ended(self, child: Child) -> None:
        self._running.pop(child.unit, None)
        if isinstance(child, ScriptedChild) and child.began:
            stopped = _Played(None, self.time - child.began, self.time)
            self.played.setdefault((child.unit, child.attempt), stopped)

    def durable(self, row: Transition) -> None:
        """Holds a row that is on disk now against what has really happened."""
        self.tell(f"row {row.seq} e{row.epoch} {row.unit} {row.trigger} {row.attempt} {row.facts}".rstrip())
        key = row.unit, row.attempt
        if row.machine != "task" or not row.attempt:
            return
        if row.trigger == "start":
            self._started.add(key)
        elif row.trigger == "abort":
            self.hold(
                true=key not in self._executed, what=f"I6: {row.unit} ran, and is recorded as never run"
            )
        elif row.source in _PROCESS and (row.dest in ENDED or row.dest == TaskState.VERIFYING):
            self._check(row, row.decoded())

    def _check(self, row: Transition, facts: Facts) -> None:
        played = self.played.get((row.unit, row.attempt))
        if facts.get("verdict") == "lost" or ("code" not in facts and "signal" not in facts):
            good = row.dest not in (TaskState.COMPLETED, TaskState.VERIFYING)
            self.hold(true=good, what=f"I5: {row.unit} counts as done, and nobody knows how it ended")
            return
        self.hold(true=played is not None, what=f"I5: {row.unit} is recorded as ended and has not")
        assert played is not None, "held"
        status = 15 if played.outcome is None else played.outcome.ending.status
        code = facts["code"] << 8 if "code" in facts else _NUMBERS[facts["signal"]]
        self.hold(true=code == status, what=f"I5: {row.unit} ended with {status}, and is recorded as {facts}")

    def hold(self, *, true: bool, what: str) -> None:
        """Violation when something is not so."""
        if not true:
            raise Violation(what)


class ScriptedExecutor(SimulatedExecutor):
    """The hands of one supervisor in a scripted world."""

    world: ScriptedWorld

    def wait(self, timeout: float | None) -> Sequence[Event]:
        world = self.world
        deadline = None
        if timeout is not None:
            deadline = world.time + math.ceil(round(timeout * 1000, 3))
            if deadline == world.time:
                world.nudge(timeout)
        while True:
            if world.doomed:
                world.doomed = False
                raise Killed
            world.settle()
            self._tick()
            tick = world.tick
            found = self._collect()
            if not found and world.tick != tick:
                continue  # something was killed, which changes what there is to see
            if found:
                self.handles = {key: handle for key, handle in self.handles.items() if not handle.over}
                return found
            own = self._next(None)
            planned = (world.next_end(), world.agenda_at(), deadline, None if own is None else BEGIN + own)
            moments = [at for at in planned if at is not None]
            if not moments:
                raise Violation("the supervisor waits, and nothing can happen any more")
            world.time = max(world.time, min(moments))
            if deadline is not None and world.time >= deadline:
                return []
            world.play()


def asked(request: Request) -> Asked:
    """A person's wish as it reaches a supervisor."""
    return Asked(
        f"{request.verb}-{request.at}", request.verb, request.unit, "script", request.why, text=request.text
    )


def _at(entry: Crash | Request) -> int:
    assert entry.at is not None, "only what has a time stands on the agenda"
    return entry.at


_PROCESS = frozenset({TaskState.RUNNING, TaskState.STOPPING})
_SIGNALS = {6: "SIGABRT", 9: "SIGKILL", 15: "SIGTERM"}
_NUMBERS = {name: number for number, name in _SIGNALS.items()}
_ENFORCED = {"timeout": "ran out of time", "idle": "printed nothing for too long"}
