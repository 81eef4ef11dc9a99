"""A world in which things go wrong: the faults of a schedule come to pass at points of its supervisors.

Rule: what a fault strikes follows from its own chances and from the world, so that the same schedule does the same.
"""

from collections import Counter
from collections.abc import Callable, Collection
from random import Random
from typing import ClassVar

from fsm.events import Asked
from fsm.faults import Fault, Kind
from fsm.ledger import Ledger
from fsm.plan import Plan
from fsm.processes import Child, Launcher, Process, Shim
from fsm.states import ENDED, GroupState, TaskState
from fsm.world import YEAR, Killed, PowerCut, Violation, World

_VERBS = [
    *((verb, True) for verb in ("pause", "stop", "cancel", "resume", "retry")),
    *((verb, False) for verb in ("skip", "skip", "stop", "retry", "answer", "approve", "reject")),
]
"""What may be asked, and whether of the whole sprint."""

_MEANT = {
    "stop": frozenset({TaskState.SPAWNED, TaskState.RUNNING, GroupState.IN_PROGRESS}),
    "retry": ENDED | {TaskState.WAITING},
    "skip": frozenset({TaskState.PENDING, TaskState.WAITING, TaskState.FAILED, GroupState.IN_PROGRESS}),
    **dict.fromkeys(("answer", "approve", "reject"), frozenset({TaskState.WAITING, TaskState.FAILED})),
}
"""In which states something is when people mostly ask that of it."""

MOST_POINTS = 100_000
"""More than any sprint of these needs: twice the looks at the clock of a month, which a limit may last (I10)."""


class TroubledWorld(World):
    """A world with a ledger and a schedule of faults."""

    def __init__(
        self, random: Random, plan: Plan, limit: int, schedule: list[Fault], mask: Collection[int] | None
    ) -> None:
        """`mask` holds the numbers of faults that are left out, None leaves out all."""
        super().__init__(random)
        self.plan = plan
        self.limit = limit
        self.schedule = schedule
        self.mask = frozenset(range(len(schedule)) if mask is None else mask)
        self.ledger = Ledger(plan, limit, self.text)
        self.faults: Counter[str] = Counter()
        """By kind, what went wrong."""
        self._pending = list(reversed(schedule))
        self._gap = self._pending[-1].gap if self._pending else -1
        self._points = 0
        self._commit_fails: list[bool] = []
        self._busy = 0
        self._command: Asked | None = None
        """What somebody asks who will find no supervisor."""
        self._nested = False
        """A second supervisor lives, and the first is stopped."""
        self._patience = -1
        """Points that the second supervisor has left."""
        self._lock = self._journal = 0
        """Which lock file and which journal are to be found."""
        self.unlocked = False
        """Locks keep nobody out: all that is left is that a row is appended to the row that one knows."""

    def another(self, *, resume: bool) -> None:
        """A supervisor begins, and lives to its end, while another one is stopped."""
        raise NotImplementedError  # a world without supervisors has no second one

    # the journal's troubles

    def commit_fails(self) -> bool | None:
        if self._commit_fails:
            return self._commit_fails.pop()
        return self._draw() < 0.5 if self.disk_fails() else None

    def busy(self) -> bool:
        if self._busy:
            self._busy -= 1
            return True
        return False

    def files(self) -> tuple[int, int]:
        return self._lock, self._journal

    def point(self, where: str) -> None:
        draw = self._draw
        while draw() < 0.4 and self.step():
            pass
        self._points += 1
        if self._points > MOST_POINTS:
            raise Violation("I10", f"the sprint goes on and on: {MOST_POINTS} points of its supervisors")
        if self._nested:
            self._patience -= 1
            if not self._patience:
                self.tell("killed", where)
                raise Killed
        if self._gap >= 0:
            self._gap -= 1
            if self._gap < 0:
                self._strike(where)

    def stuck(self) -> None:
        if self._nested:
            raise Killed  # the first supervisor, which is stopped, holds what it waits for
        super().stuck()

    def _strike(self, where: str) -> None:
        fault = self._pending.pop()
        self._gap = self._pending[-1].gap if self._pending else -1
        if fault.number in self.mask:
            return
        self.faults[fault.kind] += 1
        self.tell("fault", fault.number, fault.kind, where)
        if fault.kind is Kind.SUPERVISOR:
            raise Killed
        if fault.kind is Kind.POWER:
            raise PowerCut
        self._strikes[fault.kind](self, fault)

    def _victim(self, kind: type[Process], fault: Fault) -> Process | None:
        found = [process for process in self.processes if isinstance(process, kind)]
        return found[int(fault.chance * len(found))] if found else None

    def _kill(self, kind: type[Process], fault: Fault) -> None:
        victim = self._victim(kind, fault)
        if victim is not None:
            self.slain(victim)

    def _freeze(self, fault: Fault) -> None:
        victim = self._victim(Process, fault)
        if victim is not None:
            self.tell("frozen", victim.kind, getattr(victim, "unit", ""), getattr(victim, "attempt", 0))
            victim.frozen = self.tick + 1 + int(fault.size * 60)

    def _fail_disk(self, fault: Fault) -> None:
        self.break_disk(3 + int(fault.size * 40))

    def _fail_commit(self, fault: Fault) -> None:
        self._commit_fails.append(fault.chance < 0.5)

    def _lock_database(self, fault: Fault) -> None:  # noqa: ARG002  # as the others are called
        self._busy += 1

    def _jump(self, fault: Fault) -> None:
        self.ledger.clock_changes += 1
        self.time += int((fault.chance - 0.5) * 20 * YEAR)

    def _suspend(self, fault: Fault) -> None:
        self.ledger.clock_changes += 1
        self.time += int(fault.size * 36_000_000)

    def _second(self, fault: Fault) -> None:
        """Another supervisor starts while this one is stopped, and lives at most as long as it is."""
        if self._nested:
            return
        if fault.chance < 0.6 and not self.unlocked:
            self._lock += 1
            self.tell("cleaned", "lock")
        self._nested, self._patience = True, 5 + int(fault.size**2 * 400)
        try:
            self.another(resume=fault.chance < 0.9)
        finally:
            self._nested, self._patience = False, -1
        self.ledger.restarted(self.uptime)
        self.tell("stopped", "the first supervisor goes on")

    def _unlock(self, fault: Fault) -> None:  # noqa: ARG002  # as the others are called
        """A file system without locks, as some networks have."""
        self.unlocked = True

    def _delete_lock(self, fault: Fault) -> None:  # noqa: ARG002  # as the others are called
        self._lock += 1

    def _delete_attempts(self, fault: Fault) -> None:  # noqa: ARG002  # as the others are called
        self.ledger.harmed.update(self.directories)
        self.directories.clear()

    def _delete_journal(self, fault: Fault) -> None:
        self._journal += 1
        if fault.chance < 0.5:
            self._delete_attempts(fault)

    def _strangers(self, fault: Fault) -> None:
        self.strangers(1 + int(fault.size * 12))

    def _ask(self, fault: Fault) -> None:
        asked = self._request(fault, f"q{len(self.ledger.inbox.asked)}")
        self.tell("asked", asked)
        self.requests.append(asked)

    def _press(self, fault: Fault) -> None:
        verb = ("pause", "stop")[fault.chance < 0.5]
        self.requests.append(Asked("", verb, "", "terminal", "a key"))

    def _send_command(self, fault: Fault) -> None:
        """The supervisor is killed; the next process is an operator's command, which spawns nothing."""
        if not self._nested:
            self._command = self._request(fault, f"q{len(self.ledger.inbox.asked)}")
            raise Killed

    def comes_back(self) -> bool:
        """Somebody wants something of a completed sprint to run again, where anybody is left who asks."""
        while self._pending:
            fault = self._pending.pop()
            self._gap = self._pending[-1].gap if self._pending else -1
            if fault.kind is Kind.COMMAND and fault.number not in self.mask:
                self.faults[fault.kind] += 1
                self._command = self._request(fault, f"q{len(self.ledger.inbox.asked)}", ("retry", False))
                self.tell("asked", self._command)
                return True
        return False

    def _request(self, fault: Fault, name: str, what: tuple[str, bool] | None = None) -> Asked:
        verb, whole = what or _VERBS[int(fault.chance * len(_VERBS))]
        if verb == "answer" and fault.chance * 31 % 1 < 0.4:
            verb, whole = "add-step", fault.size * 53 % 1 < 0.3
        unit = "" if whole else self._meant(verb, fault)
        stale = fault.size * 7 % 1
        epoch = 0 if stale < 0.4 else self.ledger.epoch if stale < 0.8 else max(1, self.ledger.epoch - 1)
        text = "yes" if fault.size < 0.7 else "no"
        asked = self.ledger.inbox.asked[name] = Asked(name, verb, unit, "somebody", name, epoch, text=text)
        return asked

    def _meant(self, verb: str, fault: Fault) -> str:
        """What somebody asks that of: mostly something that it makes sense for."""
        states, units = self.ledger.states, list(self.ledger.nodes)
        likely = [path for path in units if states.get(path) in _MEANT.get(verb, ())]
        if verb in ("approve", "reject"):
            likely += self.ledger.growth.proposed
        found = likely if likely and fault.chance * 97 % 1 < 0.7 else units
        return found[int(fault.size * len(found))] if found else ""

    def _repeat(self, fault: Fault) -> None:
        """A request whose file was taken away is there again: that it was had not reached the disk."""
        old = list(self.ledger.inbox.asked.values())
        if old:
            self.requests.append(old[int(fault.chance * len(old))])

    def _kill_launcher(self, fault: Fault) -> None:
        self._kill(Launcher, fault)

    def _kill_shim(self, fault: Fault) -> None:
        self._kill(Shim, fault)

    def _kill_child(self, fault: Fault) -> None:
        self._kill(Child, fault)

    _strikes: ClassVar[dict[Kind, Callable[["TroubledWorld", Fault], None]]] = {
        Kind.LAUNCHER: _kill_launcher,
        Kind.SHIM: _kill_shim,
        Kind.CHILD: _kill_child,
        Kind.FREEZE: _freeze,
        Kind.DISK: _fail_disk,
        Kind.COMMIT: _fail_commit,
        Kind.BUSY: _lock_database,
        Kind.CLOCK: _jump,
        Kind.SUSPEND: _suspend,
        Kind.SECOND: _second,
        Kind.UNLOCKED: _unlock,
        Kind.LOCK: _delete_lock,
        Kind.ATTEMPTS: _delete_attempts,
        Kind.JOURNAL: _delete_journal,
        Kind.STRANGERS: _strangers,
        Kind.OPERATOR: _ask,
        Kind.KEY: _press,
        Kind.COMMAND: _send_command,
        Kind.REPLAY: _repeat,
    }
