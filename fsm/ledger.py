"""What becomes durable in a simulated world, held against what was really seen there.

Rule: an invariant stands in one place, under its name in INVARIANTS, and is checked at the moment it could first break.
Nothing of what decides (`fsm.decide`, `fsm.ready`, `fsm.judge`) is used here: what has to be so is read off the plan.
"""

from collections.abc import Callable, Iterable, Sequence

from fsm.growth import Growth
from fsm.hooks import is_hook
from fsm.inbox import Inbox
from fsm.plan import Leaf, Plan, load
from fsm.promises import Promises
from fsm.scenario import policy_of
from fsm.spending import Spending
from fsm.states import ENDED, INITIAL, Machine, SprintState, TaskState
from fsm.tables import TABLES
from fsm.transition import SPRINT_UNIT, Facts, Transition
from fsm.witness import Key, Witness
from fsm.world import Violation

_LEGAL = {(str(name), row.trigger, row.source): row.dest for name, rows in TABLES.items() for row in rows}
_FIRST = {str(machine): str(state) for machine, state in INITIAL.items()}
_PROCESS = frozenset({TaskState.RUNNING, TaskState.STOPPING})
_SLACK_MS = 5_000
_STOPPED_MS = 25_000
"""After so long, TERM, KILL, and whatever has to come after that, have had their time."""
_ASKED_FOR = frozenset({"pause", "cancel", "stop", "skip"})
"""Triggers whose row says why, in the words of who asked."""


class Ledger(Witness):
    """Observations of one world, with everything that must follow from them."""

    def __init__(self, plan: Plan, limit: int, text: Callable[[str], str]) -> None:
        """`text` gives the texts of the journal, by digest."""
        super().__init__(plan, limit)
        self._text = text
        self.breaks = frozenset(path for path, node in self.nodes.items() if node.breaks)
        self.stopped: dict[Key, int] = {}
        """Attempts that were to be stopped, with the uptime."""
        self.tries: dict[str, int] = {}
        self.waits: dict[str, tuple[Facts, int, int]] = {}
        """What the `delay` row of a waiting unit says, how often the clock had been changed by then, and the uptime."""
        self.lifts: dict[str, tuple[int, int]] = {}
        """By account, until when nobody of it is asked, and how often the clock had been changed by then."""
        self.passed: dict[str, int] = {}
        """By owner, the row at which its script passed last."""
        self.verified: dict[str, int] = {}
        """By owner, the row at which it began to be verified, or its gate's count began anew."""
        self.inbox = Inbox(self.hold)
        self.growth = Growth(self.hold)
        self.approved: set[str] = set()
        self.taken: set[str] = set()
        """Notices that somebody has taken."""
        self.owed: set[str] = set()
        """What has ended well and stops the sprint, which has not been seen stopping since."""
        self.promises = Promises(plan, self.nodes, self.states, self.hold)
        self.spending = Spending(plan, self.nodes, self.hold)
        self.clock_changes = 0
        self.spawning = True
        """The supervisor wakes who waits: it is no command that only does what was asked."""
        self.uptime = self.since = 0
        """Now, and when the supervisor began or went on, on the monotonic clock."""
        self.epoch = 0
        self.head = self.acknowledged = (0, "")
        self.writer: object = None
        self._changes = 0
        """How often the clock had been changed at the last commit."""

    def opened(self, rows: Sequence[Transition]) -> None:
        """Somebody has read the journal: I2, and rows whose commit was in doubt have happened after all."""
        seq, last = self.acknowledged
        head = (rows[-1].seq, rows[-1].hash) if rows else (0, "")
        kept = seq == 0 or (len(rows) >= seq and rows[seq - 1].hash == last)
        self.hold(kept, "I2", f"acknowledged up to row {seq}, found {head[0]} rows")
        if len(rows) > self.head[0]:
            self.durable(rows[self.head[0] :], None)

    def restarted(self, uptime: int) -> None:
        """A supervisor begins, or goes on after it was stopped: what it has to do in time is counted from here."""
        self.uptime = self.since = uptime

    def durable(self, rows: Sequence[Transition], by: object, uptime: int = 0) -> None:
        """Rows of one commit have become durable; `by` is their supervisor, None when it did not live to know."""
        self.uptime = max(self.uptime, uptime)
        for row in rows:
            self._row(row, by)
        self._settled(rows)
        self.promises.commit(rows)
        self.spending.commit(rows)
        self.head = (rows[-1].seq, rows[-1].hash)

    def _row(self, row: Transition, by: object) -> None:
        unit, trigger, dest = row.unit, row.trigger, row.dest
        key = (unit, row.attempt)
        was = self.states.get(unit) or _FIRST[row.machine]
        if row.source != was or _LEGAL.get((row.machine, trigger, row.source)) != dest:
            raise Violation(
                "I3", f"row {row.seq}: {unit} is {was}; {trigger} from {row.source} to {dest}", (unit,)
            )
        if row.seq != self.head[0] + 1:
            self.head = (row.seq - 1, "")
        self.states[unit] = dest
        if row.epoch < self.epoch:
            raise Violation("I11", f"row {row.seq} has epoch {row.epoch} after {self.epoch}", (unit,))
        self.epoch = row.epoch
        first = trigger == "amend" and '"added":' not in row.facts
        if trigger == "lease":
            self.writer = by
        elif by is not None and self.writer is not None and not first and by is not self.writer:
            raise Violation("I13", f"row {row.seq} was written by one who has lost the lease", (unit,))
        elif trigger == "amend" and not first:
            self._grown(row.decoded())
        at_break = self.states.get(SPRINT_UNIT) == SprintState.PAUSED_AT_BREAKPOINT  # is to be seen already
        if dest == TaskState.COMPLETED and unit in self.breaks and not at_break:
            self.owed.add(unit)
        if row.machine == Machine.TASK:
            self._task(row, key)
        elif row.machine == Machine.SPRINT:
            self._sprint(row)
        elif trigger == "sent":
            self.hold(unit in self.taken, "notice", f"{unit} counts as sent and nobody has taken it", unit)
        elif trigger == "delay":
            self._check_delay(row)
        elif trigger == "wake":
            self._check_wake(row)
        elif trigger == "complete" and unit in self.gates:
            self._check_passed(unit)
        if trigger in _ASKED_FOR:
            self.inbox.applied(row)

    def _grown(self, facts: Facts) -> None:
        """A step more. What has begun goes on."""
        plan = load(self._text(facts["plan"]))
        new, begun = self.growth.amended(facts, self.plan, plan), self.begun()
        self.grow(plan)
        hooks = (path for path in self.conditions if is_hook(path) and path.partition("#")[0] in new)
        self.again.update(dict.fromkeys((*new, *hooks), begun))
        self.breaks = frozenset(path for path, node in self.nodes.items() if node.breaks)
        self.promises.plan = plan
        self.spending.grow(new)

    def _task(self, row: Transition, key: Key) -> None:
        trigger, unit = row.trigger, row.unit
        if trigger == "spawn":
            self._check_spawn(row)
        elif trigger == "start":
            self.started.add(key)
        elif trigger == "stop":
            self.stopped[key] = self.uptime
        elif trigger == "abort":
            self.hold(not self.execs.get(key), "I6", f"{key} was executed and aborted", unit)
            self.last[key] = trigger
        elif trigger == "verify":
            self.verified[unit] = row.seq
            if row.attempt and row.source in _PROCESS:
                self.last[key] = trigger
                self._check_end(key, row)
                self.growth.told(row, self.plan)
        elif trigger == "retry":
            self._check_retry(row)
        elif trigger == "delay":
            self._check_delay(row)
        elif trigger == "wake":
            self._check_wake(row)
        elif row.dest in ENDED:
            self._task_ended(row, key)

    def _task_ended(self, row: Transition, key: Key) -> None:
        unit = row.unit
        facts = row.decoded()
        verdict = facts.get("verdict")
        if row.attempt and row.source in _PROCESS:
            self.last[key] = row.trigger
            self._check_end(key, row)
            self.growth.told(row, self.plan)
        if row.dest == TaskState.COMPLETED:
            self.tries[unit] = self.tries.get(unit, 0) + 1
            owner, _, part = unit.rpartition("#")
            if part == "gate" and owner:
                self.passed[owner] = row.seq
            if unit in self.gates:
                self._check_passed(unit)
        elif row.dest == TaskState.FAILED:
            if "lifts" in facts:
                self.lifts[facts["account"]] = (facts["lifts"], self._changes)
            stopped = verdict == "interrupted" or facts.get("stopped", False)
            self.tries[unit] = self.tries.get(unit, 0) + (not stopped and verdict != "limit")
            if stopped:
                self.hold(key in self.stopped, "unasked", f"{key} was interrupted, and nobody asked", unit)
            elif verdict == "gate":
                self._check_given_up(unit)

    def _check_end(self, key: Key, row: Transition) -> None:
        """I5, I17, I18: what the row says of the end is what the process did."""
        facts = row.decoded()
        status = self.statuses.get(key)
        if key in self.stopped:
            took = self.uptime - max(self.stopped[key], self.since)
            soon = took <= _STOPPED_MS or key not in self.started  # who holds its gate may be stopped himself
            self.hold(soon, "stop", f"{key} ends {took} ms after it was to be stopped", key[0])
        undone = row.dest == TaskState.FAILED and facts.get("code") == 0
        self.hold(not undone, "done", f"{key} ended well and counts as failed", key[0])
        if facts.get("verdict") == "lost":
            self.hold(
                "code" not in facts and "signal" not in facts, "I18", f"{key} is lost with a code", key[0]
            )
            self.hold(
                key not in self.told or key in self.harmed,
                "I17",
                f"{key} is lost although its exit record was durable",
                key[0],
            )
            self.hold(key in self.harmed, "I17", f"{key} is lost although nobody harmed its shim", key[0])
        elif "code" in facts or "signal" in facts:
            if status is None:
                raise Violation("I5", f"{key} has a code and never ended", (key[0],))
            true = (
                facts.get("code") == status >> 8
                if not status & 0x7F
                else facts.get("signal") == status & 0x7F
            )
            self.hold(true, "I5", f"{key} ended with {status}, recorded {facts}", key[0])
        elif row.dest in (TaskState.COMPLETED, TaskState.VERIFYING):
            raise Violation("I5", f"{key} counts as done without an exit record", (key[0],))

    def _check_spawn(self, row: Transition) -> None:
        unit = row.unit
        state = self.states.get(SPRINT_UNIT)
        self.hold(
            state == SprintState.IN_PROGRESS, "rest", f"{unit} is spawned in a sprint that is {state}", unit
        )
        self.in_turn(unit)
        self.spawned.add(unit)
        self._check_breaks(f"{unit} is spawned")
        self._check_account(row)
        self._check_approved(unit.partition("#")[0])
        owner, _, part = unit.rpartition("#")
        if owner and part == "gate":
            gate = self.gates[owner]
            self.hold(
                self.tries.get(unit, 0) < (gate.tries if gate.prompt else 1),
                "gate",
                f"the script of {owner} is tried more than {gate.tries} times",
                owner,
            )

    def _check_account(self, row: Transition) -> None:
        node = self.nodes.get(row.unit)
        if not self.lifts or not isinstance(node, Leaf) or node.agent is None:
            return
        agent = (node.agent, *node.failover)[row.decoded().get("rank", 0)]
        until, changes = self.lifts.get(agent.account or agent.name, (0, 0))
        over = row.at >= until or changes != self.clock_changes
        self.hold(over, "account", f"{row.unit} asks {agent.name} {until - row.at} ms too early", row.unit)

    def _check_approved(self, path: str) -> None:
        while path:
            node = self.nodes.get(path)
            if node is not None and node.approval is not None:
                self.hold(
                    path in self.approved,
                    "approval",
                    f"something of {path} is spawned without approval",
                    path,
                )
            path = path.rpartition("/")[0]

    def _check_breaks(self, what: str) -> None:
        for unit in self.owed:
            seen = (
                self.states.get(unit) != TaskState.COMPLETED
            )  # it is tried again, and will stop the sprint then
            self.hold(seen, "break", f"{what} and nobody has seen the break after {unit}", unit)

    def _check_retry(self, row: Transition) -> None:
        unit, facts = row.unit, row.decoded()
        helper = "#" in unit and not is_hook(unit)
        again = row.source != TaskState.COMPLETED or helper or facts.get("by") not in ("run", "gate")
        self.hold(again, "again", f"{unit} had completed and is to run again", unit)
        node = self.nodes.get(unit)
        # The sync point at which somebody has stopped it, and the line has gone on, is passed.
        beside = isinstance(node, Leaf) and node.parallel
        if facts.get("by") == "operator" or (beside and facts.get("by") == "run"):
            self.ran_again(unit)
        if facts.get("by") != "gate":
            self.tries[unit] = 0
            if unit.endswith("#gate"):
                self.verified[unit.rpartition("#")[0]] = row.seq

    def _check_delay(self, row: Transition) -> None:
        unit, facts = row.unit, row.decoded()
        if facts.get("why") == "back-off":
            policy = policy_of(self.plan, self.nodes.get(unit), facts["after"])
            tries = self.tries.get(unit, 0)
            if policy is None or tries >= policy.max_attempts:
                raise Violation("tries", f"{unit} is tried again after {tries} tries", (unit,))
            backoff = policy.backoff[min(tries, len(policy.backoff)) - 1] if policy.backoff else 0
            just = (
                facts["delay"] <= int(backoff * 1000)
                if policy.jitter
                else facts["delay"] == int(backoff * 1000)
            )
            self.hold(just, "tries", f"{unit} waits for {facts['delay']} ms", unit)
        self.waits[unit] = (facts, self._changes, self.uptime)

    def _check_wake(self, row: Transition) -> None:
        facts, changes, began = self.waits.pop(row.unit)
        told = row.decoded()
        if told.get("approved"):
            self.approved.add(row.unit)
        if facts["why"] == "usage limit":
            self.lifts.pop(
                facts["account"], None
            )  # whoever has waited for it may ask, whatever the clock says
        cancelled = self.states.get(SPRINT_UNIT) == SprintState.CANCELLED
        if "until" not in facts or "who" in told or cancelled:
            return  # somebody has answered, or it is not to go on
        early = changes == self.clock_changes and row.at < facts["until"] - 1
        self.hold(not early, "early", f"{row.unit} is woken {facts['until'] - row.at} ms early", row.unit)
        late = self.uptime - max(began, self.since) - facts["delay"]
        self.hold(
            late <= _SLACK_MS or not self.spawning,
            "late",
            f"{row.unit} is woken {late} ms too late",
            row.unit,
        )

    def _check_passed(self, owner: str) -> None:
        passed = self.passed.get(owner, 0)
        self.hold(
            passed > self.verified.get(owner, 0),
            "gate",
            f"{owner} is done and its script has not passed",
            owner,
        )

    def _check_given_up(self, owner: str) -> None:
        gate = self.gates[owner]
        tries = self.tries.get(f"{owner}#gate", 0)
        self.hold(
            tries >= (gate.tries if gate.prompt else 1),
            "gate",
            f"{owner} is given up after {tries} of {gate.tries} scripts",
            owner,
        )

    def _sprint(self, row: Transition) -> None:
        if row.trigger == "request":
            self.inbox.request(row)
            self.growth.requested(row.decoded())
        elif row.trigger == "break":
            self.owed.clear()
        elif row.trigger == "complete":
            self._check_breaks("the sprint completes")
            for path in self.conditions:
                left = is_hook(path) and self._due(path)
                self.hold(not left, "hook", f"the sprint completes before {path} has ended", path)

    def notified(self, unit: str, cause: int, *, taken: bool) -> None:
        """Somebody outside was told of a row."""
        self.hold(
            0 < cause <= self.head[0], "notice", f"{unit} tells of row {cause}, which is not on disk", unit
        )
        self.promises.tries[unit] = self.promises.tries.get(unit, 0) + 1
        if taken:
            self.taken.add(unit)

    def _settled(self, rows: Iterable[Transition]) -> None:
        """What must be so after a whole commit."""
        for row in rows:
            if row.machine == Machine.SPRINT:
                continue
            if row.dest == TaskState.FAILED and row.trigger == "fail" and row.unit in self.conditions:
                self._check_tried(row)
        self._changes = self.clock_changes

    def _check_tried(self, row: Transition) -> None:
        facts = row.decoded()
        verdict = facts.get("verdict", "")
        if verdict in ("interrupted", "gate", "limit") or facts.get("stopped"):
            return
        policy = policy_of(self.plan, self.nodes.get(row.unit), verdict)
        state = self.states[row.unit]
        tries = self.tries.get(row.unit, 0)
        given_up = policy is not None and state == TaskState.FAILED and 0 < tries < policy.max_attempts
        self.hold(not given_up, "tries", f"{row.unit} is given up after {tries} tries", row.unit)
