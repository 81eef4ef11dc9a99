"""The executor of the simulated world: one supervisor's hands in it.

It obeys `fsm.judge`, the very table that ships; every place where the real executor could be interrupted is a `point`.
"""

from collections import deque
from collections.abc import Callable, Sequence

from fsm import attempt as records
from fsm.disk import Directory, Pipe
from fsm.effects import Answer, Attach, Effect, Go, Notify, Spawn, Stop
from fsm.events import Adopted, Ended, Event, Notified, Ready
from fsm.handles import Ending, Handle, Trouble
from fsm.judge import Finding, Sight, judge
from fsm.processes import KILL, TERM, USR1, Launcher, Process, Shim
from fsm.world import World

LEAVING_MS = 2_000
"""What something gets to leave by itself."""
LONGEST_GRACE_MS = 60_000
"""Until KILL, at most, however the wall clock has jumped since the stop was recorded."""
REACTION_MS = 5_000
"""What a shim gets to act on being told to kill."""
AGAIN_MS = 1_000


class SimulatedExecutor:
    """`ports.Executor` over a world: one supervisor's hands."""

    def __init__(self, world: World, look: Callable[[], None] | None = None) -> None:
        """`look` raises when the journal was taken away; it is asked when nothing else happens."""
        self.world = world
        self.look = look
        self.launcher: Launcher | None = None
        self.handles: dict[tuple[str, int], Handle] = {}
        self.endings: dict[tuple[str, int], Ending] = {}
        self.held: dict[str, Spawn] = {}
        """By unit, spawns that wait until what is left of an earlier attempt is gone."""
        self.leftovers: dict[str, tuple[Directory, int]] = {}
        """By unit, what may still live of an attempt that is over, and until when it may leave by itself."""
        self.queue: list[Event] = []
        self.notified: set[tuple[str, int]] = set()
        """Tries to tell somebody that were made."""
        self.met: set[str] = set()
        """Requests that were collected from the inbox."""

    def close(self) -> None:
        """The supervisor is gone: its gates show their end, and so does the launcher's socket."""
        for handle in self.handles.values():
            if handle.pipe is not None:
                handle.pipe.closed = not handle.pipe.go
        if self.launcher is not None:
            self.launcher.hung_up = True

    # effects

    def perform(self, effects: Sequence[Effect]) -> None:
        world = self.world
        for effect in effects:
            if isinstance(effect, Answer):
                world.point("answer")
                self.answer(effect)
                continue
            if isinstance(effect, Notify):
                self._notify(effect)
                continue
            key = (effect.unit, effect.attempt)
            handle = self.handles.get(key)
            if handle is not None and handle.over:
                continue
            if isinstance(effect, Spawn):
                if handle is None and self.held.get(effect.unit) != effect:
                    world.point("spawn")
                    if not self._obstructed(effect):
                        self._spawn(effect)
            elif isinstance(effect, Go):
                if handle is not None and handle.pipe is not None and not handle.pipe.go:
                    world.point("go")
                    self._go(handle)
            elif isinstance(effect, Attach):
                if handle is None:
                    world.point("attach")
                    self._attach(effect)
            elif key not in self.endings:
                world.point("stop")
                self._stop(effect, handle)

    def answer(self, effect: Answer) -> None:
        """Puts an answer down, and takes the request away."""
        world = self.world
        world.requests = deque(found for found in world.requests if found.id != effect.id)
        world.answered(effect)
        self.met.discard(effect.id)

    def _notify(self, effect: Notify) -> None:
        """One try, once for a supervisor: the next one makes it again, with the same cause."""
        key = (effect.unit, effect.attempt)
        if key not in self.notified:
            self.notified.add(key)
            self.world.point("notify")
            taken = self.world.notified(effect)
            self.world.point("notified")
            self.queue.append(Notified(*key, taken, "" if taken else "nobody there"))

    def _go(self, handle: Handle) -> None:
        assert handle.pipe is not None, "only what was spawned here is released here"
        handle.allowed = True
        if not handle.pipe.closed:
            handle.pipe.go = True

    def _obstructed(self, effect: Spawn) -> bool:
        """Whether an earlier attempt still lives in part; the spawn is then held back until it does not."""
        number = effect.attempt - 1
        while number and not self._began(effect.unit, number):
            number -= 1
        # Upwards: where there is an attempt file, there is one in every attempt before it.
        for earlier in range(max(1, number), effect.attempt):
            directory = self._bury(effect.unit, earlier)
            if directory is not None:
                self.leftovers.setdefault(effect.unit, (directory, self.world.uptime + LEAVING_MS))
                self.held[effect.unit] = effect
                return True
        return False

    def _began(self, unit: str, number: int) -> bool:
        directory = self.world.directories.get((unit, number))
        return directory is not None and directory.file is not None

    def _bury(self, unit: str, number: int) -> Directory | None:
        """Sees to it that nothing can begin in an attempt any more; its directory while something lives there.

        Its order may still lie unread in a launcher's socket, or with a supervisor that was stopped before it made the
        directory: both then find it made, or its file.
        """
        world = self.world
        directory = world.directories.setdefault((unit, number), Directory((unit, number)))
        world.point("bury")
        if directory.shim is not None or directory.tree:
            return directory
        directory.create()
        return None

    def _spawn(self, effect: Spawn) -> None:
        world = self.world
        key = (effect.unit, effect.attempt)
        if world.disk_fails():
            raise Trouble(f"the directory of {key} cannot be made")
        if key in world.directories:
            raise Trouble(f"the directory of {key} exists already")
        directory = world.directories[key] = Directory(key)
        world.point("mkdir")
        if self.launcher is None or not self.launcher.alive:
            self.launcher = Launcher()
            world.born(self.launcher)
        pipe = Pipe()
        job = (effect, directory, pipe)
        pipe.writer = job
        self.launcher.jobs.append(job)
        self.handles[key] = Handle(effect.unit, effect.attempt, directory, pipe, allowed=False)
        world.point("sync of attempts/")
        if world.disk_fails():
            raise Trouble("attempts/ cannot be synced")
        directory.durable = True

    def _attach(self, effect: Attach) -> None:
        directory = self.world.directories.get((effect.unit, effect.attempt))
        identity = dict(effect.identity)
        handle = Handle(effect.unit, effect.attempt, directory, None, bool(identity), identity)
        self.handles[handle.key] = handle

    def _stop(self, effect: Stop, handle: Handle | None) -> None:
        held = self.held.get(effect.unit)
        if held is not None and held.attempt == effect.attempt:
            del self.held[effect.unit]
            self.queue.append(Ended(effect.unit, effect.attempt, "never-ran", "", {"why": "stopped before"}))
        if handle is None:
            return
        left = effect.kill_at - self.world.now()
        due = self.world.uptime + min(max(0, left), LONGEST_GRACE_MS)
        ending = self.endings[handle.key] = Ending(handle, due)
        self._tell(ending)

    def _tell(self, ending: Ending) -> None:
        pipe = ending.handle.pipe
        if ending.told:
            return
        if pipe is not None and not pipe.go:
            pipe.closed = ending.told = True
        else:
            ending.told = self._signal(ending.handle, TERM)

    def _signal(self, handle: Handle, number: int) -> bool:
        """Signals the shim if it is the recorded one."""
        process = self.resolve(handle.identity)
        if process is None:
            return False
        self.world.signal(process, handle.key, number)
        return True

    def resolve(self, identity: dict[str, str]) -> Process | None:
        """The very process that was recorded, if it lives."""
        if not identity or identity["boot"] != str(self.world.boot):
            return None
        process = self.world.pids.get(int(identity["pid"]))
        return process if process is not None and str(process.start) == identity["start"] else None

    # events

    def sight(self, handle: Handle) -> Sight:
        """What can be seen of an attempt: locks first, the file after."""
        directory = handle.directory
        rebooted = self.rebooted(handle)
        if directory is None or self.world.directories.get(handle.key) is not directory:
            # Without its lock file, a shim is known by its pid and start time.
            return Sight(self.resolve(handle.identity) is not None, False, False, None, None, rebooted)
        shim, tree = directory.shim is not None, bool(directory.tree)
        if shim:
            return Sight(shim, tree, directory.file is not None, None, None, rebooted)
        self.world.point("between lock and file")
        found, started = records.read(directory.file or b"")
        return Sight(shim, tree, directory.file is not None, found, started, rebooted)

    def rebooted(self, handle: Handle) -> bool:
        """Whether the machine was started anew since the attempt's start was recorded."""
        return handle.identity.get("boot", str(self.world.boot)) != str(self.world.boot)

    def wait(self, timeout: float | None) -> Sequence[Event]:
        world = self.world
        deadline = None if timeout is None else world.uptime + int(timeout * 1000) + 1
        looked = -1
        world.waits()
        while True:
            world.point("wait")
            self._tick()
            if world.tick != looked or self.queue:
                looked = world.tick
                events = self._collect()
                if events:
                    return events
                if world.tick != looked:
                    continue
            if deadline is not None and world.uptime >= deadline:
                return []
            if world.step():
                continue
            if self.look is not None:
                self.look()
            if not world.idle(self._next(deadline)):
                world.stuck()
            looked = -1

    def _next(self, deadline: int | None) -> int | None:
        """When something has to be done without being called, by the uptime."""
        dues = [ending.due for ending in self.endings.values()]
        dues += [until for _, until in self.leftovers.values()]
        dues += [handle.patience for handle in self.handles.values() if handle.patience is not None]
        if deadline is not None:
            dues.append(deadline)
        return min(dues, default=None)

    def _tick(self) -> None:
        """Does what is due without anybody having called."""
        if self.launcher is not None and not self.launcher.alive:
            self.launcher = None
            for handle in self.handles.values():
                if handle.pipe is not None:
                    # What has not been released leaves at the end of its gate, or was never forked.
                    handle.pipe.closed = not handle.pipe.go
        for ending in list(self.endings.values()):
            self._press(ending)
        for unit, (directory, until) in list(self.leftovers.items()):
            left = list(directory.tree) or ([directory.shim] if directory.shim is not None else [])
            if left and self.world.uptime >= until:
                for process in left:
                    self.world.signal(process, directory.key, KILL)
            if not directory.tree and directory.shim is None:
                del self.leftovers[unit]
                if unit in self.held:
                    effect = self.held.pop(unit)
                    if not self._obstructed(effect):
                        self._spawn(effect)

    def _press(self, ending: Ending) -> None:
        """Takes the next step of an ending, if it is due."""
        self._tell(ending)
        handle = ending.handle
        if self.world.uptime < ending.due:
            return
        ending.step += 1
        ending.due = self.world.uptime + (REACTION_MS if ending.step == 1 else AGAIN_MS)
        if ending.step == 1:
            self._signal(handle, USR1)
            return
        self._kill_tree(handle)
        if ending.step > 2:
            self._signal(handle, KILL)

    def members(self, handle: Handle) -> list[Process]:
        """What lives of an attempt, its shim excepted: what holds its tree lock, and what carries its marks."""
        held = handle.directory.tree if handle.directory is not None else {}
        return [
            found
            for found in self.world.processes
            if not isinstance(found, Shim)
            and (found in held or (getattr(found, "unit", ""), getattr(found, "attempt", 0)) == handle.key)
        ]

    def _kill_tree(self, handle: Handle) -> bool:
        found = self.members(handle)
        for process in found:
            self.world.signal(process, handle.key, KILL)
        return bool(found)

    def _collect(self) -> list[Event]:
        events, self.queue = self.queue, []
        if self.world.requests:
            for asked in self.world.requests:
                if not asked.id or asked.id not in self.met:
                    self.met.add(asked.id)
                    events.append(asked)
            self.world.requests = deque(found for found in self.world.requests if found.id)  # keys are gone
        for handle in self.handles.values():
            if not handle.over:
                events += self._hear(handle)
        return events

    def _hear(self, handle: Handle) -> list[Event]:
        pipe = handle.pipe
        events: list[Event] = []
        if pipe is not None:
            while pipe.messages:
                said = pipe.messages.popleft()
                if "error" in said:
                    raise Trouble(f"cannot prepare {handle.unit}: {said['error']}")
                handle.identity = said
                events.append(Ready(handle.unit, handle.attempt, said))
            if pipe.writer is not None:
                return events
            if pipe.ended is not None:
                events += self._exited(handle, pipe.ended)
                return events
        events += self._conclude(handle)
        return events

    def _exited(self, handle: Handle, record: dict[str, str]) -> list[Event]:
        """Its shim is dead: what it could not sweep any more is ended before anybody is told of the end."""
        if self._kill_tree(handle):
            return []
        self._over(handle)
        status = int(record["status"])
        verdict, facts = self.world.verdict(handle.unit, handle.attempt, status)
        if record.get("why") == "timeout" and verdict != "ok":
            verdict = "timeout"
        return [Ended(handle.unit, handle.attempt, "exit", verdict, facts)]

    def _over(self, handle: Handle) -> None:
        handle.over = True
        handle.patience = None
        self.endings.pop(handle.key, None)

    def _conclude(self, handle: Handle) -> list[Event]:
        found = self.sight(handle)
        finding = judge(found, allowed=handle.allowed)
        if finding is Finding.ALIVE:
            if handle.pipe is None and not handle.adopted:
                handle.adopted = True
                return [Adopted(handle.unit, handle.attempt)]
            return []
        if finding is Finding.LEAVING and self._patient(handle):
            return []
        if finding is Finding.ORPHANED or finding is Finding.LEAVING:
            # What held the lock may have died while the file was read, with nobody left to tell of it.
            return [] if self._kill_tree(handle) else self._conclude(handle)
        if finding is Finding.LOST and not found.rebooted and self._kill_tree(handle):
            return []
        if finding is Finding.EXITED:
            assert found.exit is not None, "exited means an exit record"
            return self._exited(handle, found.exit)
        self._over(handle)
        if finding is Finding.NEVER_RAN:
            return [Ended(handle.unit, handle.attempt, "never-ran", "", {})]
        return [Ended(handle.unit, handle.attempt, "lost", "lost", {})]

    def _patient(self, handle: Handle) -> bool:
        if handle.patience is None:
            handle.patience = self.world.uptime + LEAVING_MS
        return self.world.uptime < handle.patience
