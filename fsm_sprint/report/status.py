"""Where a sprint stands, as one document, from the quick-read tables alone: no fold, no plan, however long the journal.

Rule: nothing is imported here that costs time, and every question costs what moves, not what exists; the one pass over
`units` takes 25 ms for a plan of 100,000 tasks. The keys are documented in docs/reference/json.md.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fsm.ports import Clock
from fsm.states import AT_REST, LIVE, GroupState, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Transition
from fsm.waits import APPROVAL, LIMIT, reason
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.advice import advice
from fsm_sprint.report.asking import UNSTARTED, Question, answers, rejected, spent
from fsm_sprint.report.queue import queued
from fsm_sprint.report.times import iso
from journal.lease import holder
from journal.reader import NEAR, Reader, UnitRow

if TYPE_CHECKING:
    from fsm.proposal import Proposal

Document = dict[str, Any]

FAILURES = 5
"""The last failures that are shown in full unless all are wanted."""


def status(paths: SprintPaths, reader: Reader | None, clock: Clock, *, every: bool = False) -> Document:
    """The document; `reader` is None where nothing was ever run. `every` adds all units and all failures."""
    held = holder(paths.lock)
    if reader is None:
        return _never(paths, held)
    with reader.snapshot():
        return _Look(paths, reader, clock.now(), held).document(every=every)


def _never(paths: SprintPaths, held: Facts | None) -> Document:
    return {
        **_head(paths, SprintState.NOT_STARTED, held),
        "next": _next(advice(SprintState.NOT_STARTED, paths.directory, supervised=held is not None)),
    }


def _head(paths: SprintPaths, state: str, held: Facts | None) -> Document:
    return {
        "version": 1,
        "directory": str(paths.directory),
        "sprint": None,
        "run": None,
        "state": state,
        "kind": None,
        "why": None,
        "unit": None,
        "began": None,
        "since": None,
        "elapsed_ms": None,
        "head": {"seq": 0, "hash": ""},
        "epoch": 0,
        "supervisor": _supervisor(held),
        "alive": None,
        "tasks": {},
        "moving": [],
        "waiting": [],
        "asks": [],
        "proposed": [],
        "failed": [],
        "tolerated": [],
        "note": None,
    }


class _Look:
    """One look at the latest run of a journal."""

    def __init__(self, paths: SprintPaths, reader: Reader, now: int, held: Facts | None) -> None:
        self._paths = paths
        self._reader = reader
        self._now = now
        self._held = held
        self._seq, self._hash = reader.head()
        self._run = reader.latest_run() or ""

    def document(self, *, every: bool) -> Document:
        reader, run = self._reader, self._run
        root = reader.unit(run, SPRINT_UNIT)
        if root is None:
            return _never(self._paths, self._held)
        state = root.state
        rested = self._rested(root) if state in AT_REST else {}
        began = self._began()
        end = root.since if state in AT_REST and root.since is not None else self._now
        totals = reader.totals(run)
        known = totals.get("task", {})
        there = [state for state in _SHOWN if known.get(state)]
        if totals.get("group", {}).get(GroupState.WAITING) and TaskState.WAITING not in there:
            there.append(TaskState.WAITING)
        standing = reader.standing(run, *there) if there else []  # a pass over all units
        waiting = [self._waiting(unit) for unit in standing if unit.state == TaskState.WAITING]
        standing = [unit for unit in standing if unit.machine == "task"]
        live = [unit for unit in standing if unit.state in LIVE]
        tasks = reader.tasks(run)
        moving = [self._moving(unit) for unit in live]
        failed = list(
            self._failed([unit for unit in standing if unit.state == TaskState.FAILED], every=every)
        )
        alive = None if self._held is not None else sum(bool(one["alive"]) for one in moving)
        last = reader.rows(after=self._seq - 1, limit=1)
        proposed = queued(reader, run)
        asks = self._asks(rested if state == SprintState.NEEDS_HUMAN else {}, waiting, failed)
        asks += [Question(one.id, approval=True, proposed=True) for one in proposed]
        blamed = None if rested.get("kind") in UNSTARTED or not failed else rested.get("unit")
        blamed = blamed or (failed[0]["unit"] if failed else None)
        document = {
            **_head(self._paths, state, self._held),
            "sprint": root.label or None,
            "run": run,
            "kind": _text(rested.get("kind")),
            "why": _text(rested.get("why")),
            "unit": _text(rested.get("unit")),
            "began": iso(began),
            "since": iso(root.since) if root.since is not None else None,
            "elapsed_ms": max(0, end - began),
            "head": {"seq": self._seq, "hash": self._hash},
            "epoch": last[0].epoch if last else 0,
            "alive": alive,
            "tasks": {"all": sum(tasks.values()), **{str(one): tasks.get(one, 0) for one in TaskState}},
            "moving": moving,
            "waiting": [one for one, _ in waiting],
            "asks": [{"unit": one.unit, "kind": _kind(one)} for one in asks if not one.proposed],
            "proposed": [_proposed(one) for one in proposed],
            "failed": failed,
            "tolerated": [str(path) for path in rested.get("failed") or ()],
            "note": reader.note or (self._copied() if moving and self._held is None else None),
            "next": _next(
                advice(
                    state,
                    self._paths.directory,
                    supervised=self._held is not None,
                    alive=bool(alive),
                    failed=_text(blamed),
                    asked=answers(asks, self._paths.directory),
                    rejected=rejected(rested),
                    spent=spent(rested),
                    failing=bool(failed),
                    limited=next((one["unit"] for one, why in waiting if why == LIMIT), None),
                )
            ),
        }
        if every:
            ended = {(row.unit, row.attempt): row for row in reader.saying(run, '"changes":', NEAR)}
            document["units"] = [
                _standing(unit) | {"changes": _changes(ended.get((unit.path, unit.attempt)))}
                for unit in reader.units(run)
            ]
        return document

    def _began(self) -> int:
        """When the run's first row was written: the runs of a journal follow one another, so halving finds it."""
        rows = range(1, self._seq + 1)
        place = bisect_left(
            rows, True, key=lambda seq: self._reader.rows(after=seq - 1, limit=1)[0].run == self._run
        )
        return self._reader.rows(after=place, limit=1)[0].at

    def _rested(self, root: UnitRow) -> Facts:
        """The facts of the row that brought the sprint to rest; near its last one, since little happens at rest."""
        for trigger in ("block", "complete", "pause", "break", "ask", "cancel"):
            if _RESTS[trigger] == root.state:
                row = self._reader.before(root, trigger, self._run)
                return row.decoded() if row is not None else {}
        return {}

    def _moving(self, unit: UnitRow) -> Document:
        spawned = self._reader.before(unit, "spawn", self._run)
        facts = spawned.decoded() if spawned is not None else {}
        since = unit.since if unit.since is not None else self._now
        return {
            "unit": unit.path,
            "state": unit.state,
            "attempt": unit.attempt,
            "since": iso(since),
            "elapsed_ms": max(0, self._now - since),
            "background": unit.background,
            "task": _text(facts.get("task")),
            "log": _text(facts.get("log")),
            "alive": None if self._held is not None else self._lives(unit, facts),
        }

    def _copied(self) -> str | None:
        """Asked only where something is under way without a supervisor: the lease may be far back."""
        from journal.watch import Place, place

        lease = self._reader.last(self._run, "lease", SPRINT_UNIT)
        if lease is None or place(lease.decoded(), self._paths.journal) is not Place.COPIED:
            return None
        return "this is a copy; what was running belongs to the original, and `run` wants --copy to go on without"

    def _lives(self, unit: UnitRow, facts: Facts) -> bool:
        """Whether something of the attempt runs although its supervisor is gone: its locks say so."""
        from fsm_sprint.executors.files import SHIM_LOCK, TREE_LOCK, held

        if unit.state not in (TaskState.RUNNING, TaskState.STOPPING) or not facts.get("name"):
            return False
        folder = self._paths.attempt(str(facts["name"]), unit.attempt)
        return any(bool(held(str(folder / name))) for name in (SHIM_LOCK, TREE_LOCK))

    def _asks(
        self, rested: Facts, waiting: Sequence[tuple[Document, object]], failed: Sequence[Document]
    ) -> list[Question]:
        """What is asked: approvals that are waited for, and the questions of agents that have ended with one."""
        found = [Question(one["unit"], approval=True) for one, why in waiting if why == APPROVAL]
        asked = [one["unit"] for one in failed if one["verdict"] == "needs-human"]
        if asked:
            from fsm.hooks import is_hook  # brings the plan along, which costs more than all the rest

            asked = [unit for unit in asked if not is_hook(unit)]
        unit = rested.get("unit")
        if unit is not None and rested.get("kind") != "approval":
            asked.insert(0, str(unit))
        return found + [Question(path, approval=False) for path in dict.fromkeys(asked)]

    def _waiting(self, unit: UnitRow) -> tuple[Document, object]:
        """A waiting unit, and why in the core's word."""
        row = self._reader.before(unit, "delay", self._run)
        facts = row.decoded() if row is not None else {}
        until = facts.get("until")
        end = until if isinstance(until, int) else None
        return {
            "unit": unit.path,
            "attempt": unit.attempt,
            "until": None if end is None else iso(end),
            "left_ms": None if end is None else min(max(0, end - self._now), int(facts.get("delay", end))),
            "why": reason(facts) if facts.get("why") else None,
            "after": _text(facts.get("after")),
        }, facts.get("why")

    def _failed(self, units: list[UnitRow], *, every: bool) -> Iterator[Document]:
        """Failed tasks, the last ones first. A gate's script speaks through its owner, whose error names the gate."""
        owners = {unit.path for unit in units}
        shown = [unit for unit in units if not unit.path.endswith("#fix") and _owner(unit) not in owners]
        shown.sort(key=lambda unit: -unit.seq)
        for unit in shown if every else shown[:FAILURES]:
            row = self._reader.before(unit, "fail", self._run)
            facts = row.decoded() if row is not None else {}
            yield {
                "unit": unit.path,
                "attempt": unit.attempt,
                "at": iso(row.at) if row is not None else None,
                "verdict": _text(facts.get("verdict")),
                "code": facts.get("code"),
                "signal": _text(facts.get("signal")),
                "error": _text(facts.get("error")),
                "log": self._log(unit, facts),
                "changes": facts.get("changes"),
                "background": unit.background,
            }

    def _log(self, unit: UnitRow, facts: Facts) -> str | None:
        speaker: UnitRow | None = unit
        if facts.get("verdict") == "gate":
            speaker = self._reader.unit(self._run, f"{unit.path}#gate")
        spawned = self._reader.before(speaker, "spawn", self._run) if speaker is not None else None
        return _text(spawned.decoded().get("log")) if spawned is not None else None


_SHOWN = (*sorted(LIVE), TaskState.WAITING, TaskState.FAILED)

_RESTS = {
    "block": SprintState.BLOCKED,
    "complete": SprintState.COMPLETED,
    "pause": SprintState.PAUSED,
    "break": SprintState.PAUSED_AT_BREAKPOINT,
    "ask": SprintState.NEEDS_HUMAN,
    "cancel": SprintState.CANCELLED,
}


def _standing(unit: UnitRow) -> Document:
    return {
        "unit": unit.path,
        "machine": unit.machine,
        "state": unit.state,
        "attempt": unit.attempt,
        "since": iso(unit.since) if unit.since is not None else None,
        "background": unit.background,
    }


def _changes(row: Transition | None) -> Any:
    return None if row is None else row.decoded().get("changes")


def _kind(one: Question) -> str:
    return "approval" if one.approval else "question"


def _proposed(one: "Proposal") -> Document:
    return {
        "id": one.id,
        "by": one.by,
        "prompt": one.prompt,
        "reasoning": one.reasoning or None,
        "priority": one.priority,
    }


def _supervisor(held: Facts | None) -> Document | None:
    if held is None:
        return None
    return {"pid": held.get("pid"), "host": _text(held.get("host")), "started": _text(held.get("started"))}


def _next(told: list[tuple[str, str]]) -> list[Document]:
    return [{"command": command, "what": what} for command, what in told]


def _owner(unit: UnitRow) -> str:
    owner, mark, _ = unit.path.rpartition("#")
    return owner if mark else ""


def _text(value: object) -> str | None:
    return None if value is None else str(value)
