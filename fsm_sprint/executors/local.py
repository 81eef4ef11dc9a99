"""Runs attempts as processes of this machine that outlive their supervisor: `fsm.ports.Executor`.

The launcher forks a shim per attempt, which waits at a gate until the `start` row is on disk. Whoever dies, the
attempt's locks and its attempt file say what became of it, and `fsm.judge` is the only one who concludes.
Rule: nothing here blocks on a task, decides what comes next, or signals a process that is not certainly ours.
"""

import errno
import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fsm import attempt as record
from fsm.effects import Answer, Attach, Effect, Spawn, Stop
from fsm.errors import SprintError
from fsm.events import Adopted, Ended, Event, Learnt, Ready
from fsm.judge import Finding, Sector
from fsm.ports import Clock
from fsm.transition import Facts
from fsm_sprint.executors import platform, wire
from fsm_sprint.executors.ears import Ears
from fsm_sprint.executors.ending import Ending
from fsm_sprint.executors.files import TREE_LOCK, bury, held
from fsm_sprint.executors.job import GRACE, Job
from fsm_sprint.executors.leftovers import Leftovers, not_buried
from fsm_sprint.executors.link import Link
from fsm_sprint.executors.listening import Drivers, Listening
from fsm_sprint.executors.marks import lines
from fsm_sprint.executors.outcome import outcome
from fsm_sprint.executors.prepare import Prepared, prepare, settle
from fsm_sprint.executors.sight import Here
from fsm_sprint.executors.watch import Key, Watch
from fsm_sprint.paths import SprintPaths, errors_of

Jobs = Callable[[str, int], Job]
"""(unit, attempt) → what it runs."""
Verdict = Callable[[str, int, dict[str, str], Path, Path | None], tuple[str, Facts]]
"""(unit, attempt, exit fields, log, log of stderr) → what it amounted to, and the facts for its row."""

_TASK = b"task "
"""How a shim's line about its task begins."""
_SLOWEST = 0.25
"""Seconds between two looks at what no descriptor tells of, once they have become rare."""
_LEAVING = 2.0
"""Seconds that something has to leave by itself."""
_LONGEST_GRACE = 60.0
"""Seconds to KILL, at most, however the wall clock has jumped since the stop was recorded."""
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)


class LocalExecutor:
    """The hands of one supervisor."""

    def __init__(
        self,
        paths: SprintPaths,
        jobs: Jobs,
        verdict: Verdict,
        clock: Clock,
        run: str,
        *,
        answer: Callable[[Answer], None] | None = None,
        drivers: Drivers | None = None,
    ) -> None:
        """`run` names the run in the marks of its tasks; `answer` performs the effects that are no attempt's; `drivers`
        give who listens to what agents print.
        """
        self._paths = paths
        self._jobs = jobs
        self._verdict = verdict
        self._clock = clock
        self._run = run
        self._answer = answer
        self._here = Here()
        self._link = Link(paths.output)
        self._linked = -1
        self._ears = Ears()
        self._watched: dict[Key, Watch] = {}
        self._endings: dict[Key, Ending] = {}
        self._leftovers = Leftovers(clock)
        self._listening = Listening(drivers)
        self._held: dict[str, Spawn] = {}
        """By unit, spawns that wait until what is left of an earlier attempt is gone."""
        self._events: deque[Event] = deque()
        self._over_now: set[Key] = set()
        """Attempts whose end has not been handed out yet: what is still owed to them is nothing."""
        self._woken = False

    def start(self) -> None:
        """Execs the launcher ahead of the first spawn, so that both start at once."""
        self._link.start()
        if self._linked != self._link.fileno():
            self._linked = self._link.fileno()
            self._ears.follow(self._linked, self._launcher_died)

    def wake_on(self, fd: int, heard: Callable[[], Sequence[Event]]) -> None:
        """Lets `wait` return when `fd` is readable; `heard` empties it and may report events."""

        def told(_: int) -> None:
            self._events.extend(heard())
            self._woken = True

        self._ears.follow(fd, told)

    def close(self) -> None:
        """Lets go of everything: what was never released leaves, what runs goes on and can be adopted."""
        for watch in list(self._watched.values()):
            self._forget(watch)
        self._unlink()
        self._link.close()

    # Effects

    def perform(self, effects: Sequence[Effect]) -> None:
        """Starts what is asked for, each (unit, attempt) once. SprintError when the machine refuses."""
        fresh: list[Spawn] = []
        for effect in effects:
            if isinstance(effect, Answer):
                if self._answer is not None:
                    self._answer(effect)
                continue
            if (effect.unit, effect.attempt) in self._over_now:
                continue
            watch = self._watched.get((effect.unit, effect.attempt))
            if isinstance(effect, Spawn):
                if watch is None and effect != self._held.get(effect.unit) and not self._obstructed(effect):
                    fresh.append(effect)
            elif isinstance(effect, Stop):
                self._stop(effect, watch)
            elif isinstance(effect, Attach):
                if watch is None:
                    self._attach(effect)
            elif watch is not None:
                self._go(watch)
        if fresh:
            self._spawn(fresh)

    def _obstructed(self, effect: Spawn) -> bool:
        """Whether an earlier attempt still lives in part; the spawn is then held back until it does not."""
        earlier = [(number, self._paths.attempt(effect.name, number)) for number in range(1, effect.attempt)]
        for number, folder in not_buried(earlier):
            with _refusals(folder):
                bury(str(folder))
            if self._leftovers.add(effect.unit, folder, self._marks(effect.unit, number), patience=_LEAVING):
                self._held[effect.unit] = effect
                return True
        return False

    def _spawn(self, effects: Sequence[Spawn]) -> None:
        self.start()
        prepared: list[Prepared] = []
        with _refusals(self._paths.attempts):
            try:
                for effect in effects:
                    prepared.append(self._prepare(effect))  # noqa: PERF401  # what was prepared before one fails counts
            except OSError as error:
                # Without descriptors it is owed again next turn, when others have given theirs back.
                if error.errno not in _NO_DESCRIPTOR or not (prepared or self._watched):
                    raise
            for ready in prepared:
                watch = ready.watch
                self._watch(watch)
                self._follow(watch, watch.status)
                # A dead launcher shows as the end of its socket and of the pipe.
                self._link.send(ready.order, ready.fds)
                ready.close_handed()
            if prepared:
                # While the shims come up: it has to have returned before the first of them is reported as ready.
                settle(self._paths.attempts)

    def _prepare(self, effect: Spawn) -> Prepared:
        folder, log = self._paths.attempt(effect.name, effect.attempt), self._paths.log(effect.log)
        return prepare(effect, self._jobs(effect.unit, effect.attempt), folder, log, self._run)

    def _go(self, watch: Watch) -> None:
        if watch.gate < 0 or not watch.identity:
            return
        watch.allowed = True
        with suppress(BrokenPipeError):  # its shim is dead, which the status pipe tells
            os.write(watch.gate, wire.GO)
        _close_gate(watch)

    def _attach(self, effect: Attach) -> None:
        watch = Watch(
            unit=effect.unit,
            number=effect.attempt,
            folder=self._paths.attempt(effect.name, effect.attempt),
            log=self._paths.log(effect.log),
            marks=self._marks(effect.unit, effect.attempt),
            identity=dict(effect.identity),
            allowed=bool(effect.identity),
            found=True,
        )
        self._watch(watch)
        self._look(watch)

    def _stop(self, effect: Stop, watch: Watch | None) -> None:
        held = self._held.get(effect.unit)
        if held is not None and held.attempt == effect.attempt:
            del self._held[effect.unit]
            self._end(held.unit, held.attempt, "never-ran", "", {"why": "stopped before it was started"})
        if watch is None:
            return
        ending = self._endings.get(watch.key)
        if ending is None:
            left = (effect.kill_at - self._clock.now()) / 1000
            due = self._clock.monotonic() + min(max(0.0, left), _LONGEST_GRACE)
            ending = self._endings[watch.key] = Ending(watch, due)
        ending.tell(self._here)

    # Events

    def wait(self, timeout: float | None) -> Sequence[Event]:
        """What has happened; waits up to `timeout` seconds for it. Empty too when a `wake_on` had nothing to report."""
        now = self._clock.monotonic()
        end = math.inf if timeout is None else now + timeout
        self._woken = False
        while True:
            self._tick(now)
            self._ears.listen(0.0 if self._events else min(end, self._next()) - now)
            if self._events or self._woken:
                break
            now = self._clock.monotonic()
            if now >= end:
                break
        found = list(self._events)
        self._events.clear()
        self._over_now.clear()
        return found

    def _next(self) -> float:
        """When something has to be done without being called."""
        looks = [watch.due for watch in self._watched.values() if watch.due is not None]
        steps = [ending.due for ending in self._endings.values()]
        return min([self._listening.due(), *looks, *steps, *self._leftovers.dues()])

    def _tick(self, now: float) -> None:
        """Does what is due without anybody having called."""
        for ending in list(self._endings.values()):
            ending.press(self._here, now)
        for watch in list(self._watched.values()):
            if watch.due is not None and watch.due <= now:
                self._look(watch)
        for key, facts in self._listening.tick(now):
            self._learnt(self._watched[key], facts)
        for unit in self._leftovers.tick(now):
            effect = self._held.pop(unit, None)
            if effect is not None and not self._obstructed(effect):
                self._spawn([effect])

    def _hear(self, watch: Watch, fd: int) -> None:
        if fd == watch.end:
            self._ears.unfollow(fd)
            watch.end = -1
            self._look(watch)
            return
        more = os.read(fd, 65536)
        watch.heard += more
        if not watch.identity and b"\n" in watch.heard:
            line, _, watch.heard = watch.heard.partition(b"\n")
            self._ready(watch, line)
        if watch.heard.startswith(_TASK) and b"\n" in watch.heard:
            line, _, watch.heard = watch.heard.partition(b"\n")
            self._learnt(watch, {"pid": int(line[len(_TASK) :])})
        if not more:
            self._ears.unfollow(fd)
            watch.status = -1
            # Sent once it was durable: the same as in the attempt file, which the task may have deleted.
            ended = record.parse(watch.heard, "exit")
            if ended is None or held(str(watch.folder / TREE_LOCK)):
                self._look(watch)
            else:
                self._over(watch, Finding.EXITED, ended, tree=False)

    def _ready(self, watch: Watch, line: bytes) -> None:
        identity, error = wire.heard(line)
        if identity is None:
            raise SprintError(
                f"cannot prepare {watch.unit}: {error}",
                hint="nothing was lost; run again when the cause is gone",
            )
        watch.identity = identity
        self._link.worked()
        self._events.append(Ready(watch.unit, watch.number, identity))

    def _launcher_died(self, _: int) -> None:
        self._unlink()
        self._link.died()
        for watch in self._watched.values():
            # What has not been released leaves at the end of its gate, or was never forked.
            _close_gate(watch)

    # Judgement

    def _look(self, watch: Watch) -> None:
        """Finds out what has become of an attempt of which nothing is heard, and acts on it."""
        watch.due = None
        with _refusals(watch.folder):
            found = outcome(watch, self._here, self._clock.monotonic())
        if found is None:
            return
        finding, sight = found
        if finding == Finding.ALIVE:
            self._alive(watch, sight.started)
            return
        ended = sight.exit or record.parse(watch.heard, "exit")
        self._over(watch, finding if ended is None else Finding.EXITED, ended, tree=sight.tree)

    def _alive(self, watch: Watch, started: Sector) -> None:
        if watch.found:
            watch.found = False
            self._events.append(Adopted(watch.unit, watch.number))
            if started is not None and started.get("pid", "").isdecimal():
                watch.learnt["pid"] = int(started["pid"])
        if self._here.lives(watch.identity):
            watch.end = platform.watchable(int(watch.identity["pid"]), watch.identity["start"])
        if watch.end >= 0:
            self._follow(watch, watch.end)
        else:
            watch.due = self._clock.monotonic() + watch.pause
            watch.pause = min(_SLOWEST, watch.pause * 1.5)

    def _over(self, watch: Watch, finding: Finding, ended: dict[str, str] | None, *, tree: bool) -> None:
        self._forget(watch)
        unit, number = watch.key
        if finding == Finding.NEVER_RAN:
            self._end(unit, number, "never-ran", "", {"why": "it ended before it was started"})
        else:
            errors = errors_of(watch.log)
            fields = {"why": "lost"} if ended is None else ended
            verdict, facts = self._verdict(
                unit, number, fields, watch.log, errors if errors.exists() else None
            )
            self._end(unit, number, *(("lost", "lost") if ended is None else ("exit", verdict)), facts)
        if tree:
            self._leftovers.add(unit, watch.folder, watch.marks, patience=0.0)

    def _end(self, unit: str, number: int, outcome: str, verdict: str, facts: Facts) -> None:
        self._events.append(Ended(unit, number, outcome, verdict, facts))
        self._over_now.add((unit, number))

    # What is held

    def _watch(self, watch: Watch) -> None:
        self._watched[watch.key] = watch
        self._listening.begin(watch.key, watch.log, self._clock.monotonic())

    def _learnt(self, watch: Watch, facts: Facts) -> None:
        """Tells all that is known of an attempt, since the last that is told is all that is seen."""
        if "end" in facts:  # waiting for it is of no use; its verdict follows from its log, like any other
            facts["ending"] = facts.pop("end")
            ending = Ending(watch, self._clock.monotonic() + GRACE)
            self._endings.setdefault(watch.key, ending).tell(self._here)
        watch.learnt |= facts
        self._events.append(Learnt(watch.unit, watch.number, dict(watch.learnt)))

    def _marks(self, unit: str, number: int) -> frozenset[bytes]:
        return lines(self._run, unit, number)

    def _follow(self, watch: Watch, fd: int) -> None:
        self._ears.follow(fd, lambda fd: self._hear(watch, fd))

    def _forget(self, watch: Watch) -> None:
        del self._watched[watch.key]
        self._endings.pop(watch.key, None)
        self._listening.end(watch.key)
        _close_gate(watch)
        for fd in (watch.status, watch.end):
            if fd >= 0:
                self._ears.unfollow(fd)
        watch.status = watch.end = -1

    def _unlink(self) -> None:
        if self._linked >= 0:
            self._ears.unfollow(self._linked, close=False)
            self._linked = -1


def _close_gate(watch: Watch) -> None:
    if watch.gate >= 0:
        os.close(watch.gate)
        watch.gate = -1


@contextmanager
def _refusals(place: Path) -> Iterator[None]:
    """What the system refuses, as an error that says where and what to do."""
    try:
        yield
    except OSError as error:
        few = error.errno in _NO_DESCRIPTOR
        raise SprintError(
            f"cannot work in {error.filename or place}: {error.strerror}",
            hint="nothing was lost; run again "
            + ("with more of them: `ulimit -n 1024`" if few else "when the cause is gone"),
        ) from error
