"""What follows: (fold, what happened, now) → moves. All policy stands here: retries, gates, breaks, failing, stopping.

Rule: these are generators, and each move must be recorded before the next is asked for, because the next is decided
on the state that it leaves. What comes out between two commits is one batch.
"""

from collections.abc import Iterator

from fsm.errors import SprintError
from fsm.events import Adopted, Asked, Due, Ended, Event, Learnt, Ready
from fsm.names import name, task_id
from fsm.plan import Gate, Leaf, Retry
from fsm.ready import advance, candidates, checks
from fsm.sprint import Sprint, Unit, ancestors
from fsm.states import ENDED, GroupState, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move

GRACE_MS = 10_000
"""Between TERM and KILL."""

FATAL = frozenset({"auth", "billing", "denied", "needs-human", "budget"})
"""Verdicts that trying again cannot mend, so that `retry` leaves them alone unless it names them."""

HALTABLE = frozenset({SprintState.IN_PROGRESS, SprintState.PAUSED, SprintState.PAUSED_AT_BREAKPOINT})
"""Sprint states from which a failure blocks, or a question stops, the sprint."""

Moves = Iterator[Move]


def react(sprint: Sprint, event: Event, now: int) -> Moves:
    """What an event leads to. Events about attempts that are over are nothing new and lead to nothing."""
    if isinstance(event, Asked):
        yield from _asked(sprint, event, now)
        return
    unit = sprint.units.get(event.unit)
    if unit is None or unit.attempt != event.attempt:
        return
    if isinstance(event, Due):
        if unit.state == TaskState.WAITING:
            yield Move(unit.path, "wake", {}, unit.attempt)
        return
    if event.unit not in sprint.live:
        return
    if isinstance(event, Ready):
        if unit.state == TaskState.SPAWNED:
            yield Move(unit.path, "start", dict(event.identity), unit.attempt)
    elif isinstance(event, Adopted):
        if unit.state in (TaskState.RUNNING, TaskState.STOPPING):
            yield Move(unit.path, "adopt", {}, unit.attempt)
    elif isinstance(event, Learnt):
        yield Move(unit.path, "report", event.facts, unit.attempt)
    elif unit.state != TaskState.VERIFYING:
        yield from _ended(sprint, unit, event, now)


def recover(sprint: Sprint) -> Moves:
    """What a new supervisor can say at once: an attempt that has only been spawned was never told to run."""
    for unit in list(sprint.live.values()):
        spawned = unit.spawned
        if unit.state == TaskState.SPAWNED and spawned is not None and spawned.epoch < sprint.epoch:
            yield Move(
                unit.path, "abort", {"why": "the supervisor ended before it was started"}, unit.attempt
            )


def proceed(sprint: Sprint, limit: int, now: int) -> Moves:
    """Starts what may start within `limit` slots, and closes what is complete."""
    if sprint.state == SprintState.IN_PROGRESS:
        # Gates and fixes first: they run in a slot that is taken already, and free it.
        for unit in [found for owner in sprint.live.values() for found in checks(owner)]:
            yield from _spawn(sprint, unit, now)
    moved = True
    while moved and sprint.state == SprintState.IN_PROGRESS:
        moved = False
        for unit in candidates(sprint):
            if unit.machine != Machine.TASK:
                yield from _close(sprint, unit)
                moved = True
                break
            if unit.slot and sprint.slots >= limit:
                break
            yield from _spawn(sprint, unit, now)
    if sprint.state == SprintState.IN_PROGRESS and not sprint.live and not sprint.waiting:
        yield Move(SPRINT_UNIT, "block", {"why": "nothing that is left can start", "kind": "stuck"})


def resume(sprint: Sprint, who: str, why: str) -> Moves:
    """Sets a resting sprint going: what was interrupted or has failed runs again, what is done stays done."""
    again = [unit for unit in sprint.failed.values() if _again(unit)]
    trigger = "retry" if sprint.state == SprintState.BLOCKED else "resume"
    yield Move(SPRINT_UNIT, trigger, {"who": who, "why": why})
    for unit in again:
        yield from _rerun(unit)
    for unit in list(sprint.live.values()):
        if unit.state == TaskState.VERIFYING:
            yield from _fresh_gate(unit, "gate")


def _again(unit: Unit) -> bool:
    """Background failures were tolerated when they happened; only what was interrupted in the background runs again."""
    if unit.owner is not None and unit.owner.machine == Machine.TASK:
        return False
    return not unit.background or verdict(unit) == "interrupted"


def _rerun(unit: Unit) -> Moves:
    owner = unit.owner or unit
    if unit.owner is not None and unit is unit.owner.fix:
        return
    above = [group for group in ancestors(owner) if group.state in ENDED]
    if owner.machine == Machine.GROUP and owner.state in ENDED:
        above.insert(0, owner)
    for group in reversed(above):
        yield Move(group.path, "reopen", {})
    if owner.machine == Machine.GROUP:
        yield from _fresh_gate(owner, "run")
    elif verdict(unit) == "gate":
        yield Move(unit.path, "verify", {}, unit.attempt)
        yield from _fresh_gate(unit, "run")
    else:
        yield Move(unit.path, "retry", {"by": "run"}, unit.attempt)


def _fresh_gate(owner: Unit, by: str) -> Moves:
    """Makes an owner's script and fix ready to run; `by` other than `gate` begins their count anew."""
    for unit in (owner.fix, owner.gate):
        if unit is not None and unit.state in ENDED:
            if by == "gate" and not (unit.state == TaskState.FAILED and verdict(unit) == "interrupted"):
                continue
            yield Move(unit.path, "retry", {"by": by}, unit.attempt)


def verdict(unit: Unit) -> str:
    """What a failed unit's last attempt amounted to."""
    return str(unit.ended.decoded().get("verdict", "failed")) if unit.ended is not None else "failed"


def _spawn(sprint: Sprint, unit: Unit, now: int) -> Moves:
    for group in reversed(list(ancestors(unit))):
        if group.state == GroupState.PENDING:
            yield Move(group.path, "start", {})
    attempt = unit.attempt + 1
    stem = name(unit.path)
    facts: Facts = {"name": stem}
    if unit.background and unit.owner is None:
        if unit.first is None:
            step = unit.parent.node if unit.parent is not None else None
            stem = task_id(getattr(step, "id", None), _leaf(unit).id, now, set(sprint.tasks))
        else:
            stem = unit.first.decoded()["task"]
        facts["task"] = stem
    facts["log"] = f"logs/{stem}.log" if attempt == 1 else f"logs/{stem}.{attempt}.log"
    yield Move(unit.path, "spawn", facts, attempt)


def _leaf(unit: Unit) -> Leaf:
    assert isinstance(unit.node, Leaf), "only leaves are ParallelTasks"
    return unit.node


def _close(sprint: Sprint, unit: Unit) -> Moves:
    """Completes an exhausted group, or the sprint; an empty group starts first."""
    if unit.machine == Machine.SPRINT:
        failed = [found.path for found in sprint.failed.values() if found.background and found.owner is None]
        yield Move(SPRINT_UNIT, "complete", {"failed": failed} if failed else {})
        return
    for group in [*reversed(list(ancestors(unit))), unit]:
        if group.state == GroupState.PENDING:
            yield Move(group.path, "start", {})
    yield from _settle(sprint, unit)


def _break(unit: Unit) -> Moves:
    node = unit.node
    if node is not None and not isinstance(node, Gate) and node.breaks:
        yield Move(SPRINT_UNIT, "break", {"unit": unit.path})


def _ended(sprint: Sprint, unit: Unit, event: Ended, now: int) -> Moves:
    facts = dict(event.facts)
    if event.outcome == "never-ran":
        if unit.state == TaskState.STOPPING:
            yield from _stopped(unit, facts)
        else:
            yield Move(unit.path, "abort", facts, unit.attempt)
    elif event.verdict == "ok":
        if unit.gate is not None and not (unit.state == TaskState.STOPPING and _cancelling(unit)):
            yield Move(unit.path, "verify", facts, unit.attempt)
            yield from _fresh_gate(unit, "run")
        elif unit.gate is None:
            yield Move(unit.path, "succeed", facts, unit.attempt)
            yield from _succeeded(sprint, unit)
        else:
            yield from _stopped(unit, facts)
    elif unit.state == TaskState.STOPPING:
        yield from _stopped(unit, facts)
    else:
        yield from _failed(sprint, unit, {**facts, "verdict": event.verdict}, now)


def _cancelling(unit: Unit) -> bool:
    return unit.moved is not None and unit.moved.decoded().get("verb") == "cancel"


def _stopped(unit: Unit, facts: Facts) -> Moves:
    if _cancelling(unit):
        yield Move(unit.path, "cancel", facts, unit.attempt)
        return
    yield Move(unit.path, "fail", {**facts, "verdict": "interrupted"}, unit.attempt)


def _succeeded(sprint: Sprint, unit: Unit) -> Moves:
    owner = unit.owner
    if owner is None:
        yield from _done(sprint, unit)
    elif unit is owner.fix:
        yield from _script_again(owner)
    elif owner.machine == Machine.GROUP:
        yield from _settle(sprint, owner)
    elif owner.state == TaskState.VERIFYING:
        yield Move(owner.path, "succeed", {}, owner.attempt)
        yield from _done(sprint, owner)
    yield from _fail_groups(unit)


def _done(sprint: Sprint, unit: Unit) -> Moves:
    """A unit has ended well: its break takes effect, and its group may be complete with it."""
    if sprint.state == SprintState.IN_PROGRESS:
        yield from _break(unit)
    if unit.parent is not None and unit.parent.machine == Machine.GROUP:
        yield from _settle(sprint, unit.parent)


def _settle(sprint: Sprint, group: Unit) -> Moves:
    passed = group.gate is None or group.gate.state == TaskState.COMPLETED
    if group.state == GroupState.IN_PROGRESS and passed and advance(sprint, group) is None:
        yield Move(group.path, "complete", {})
        yield from _done(sprint, group)


def _script_again(owner: Unit) -> Moves:
    if owner.gate is not None and owner.gate.state == TaskState.FAILED:
        yield Move(owner.gate.path, "retry", {"by": "gate"}, owner.gate.attempt)


def _failed(sprint: Sprint, unit: Unit, facts: Facts, now: int) -> Moves:
    yield Move(unit.path, "fail", facts, unit.attempt)
    owner = unit.owner
    if owner is None:
        yield from _retry(sprint, unit, str(facts["verdict"]), now)
    elif unit is owner.fix:
        yield from _script_again(owner)  # what the fix did is judged by the script, not by its own status
    else:
        yield from _gate_failed(sprint, owner, unit)
    yield from _fail_groups(unit)


def _gate_failed(sprint: Sprint, owner: Unit, script: Unit) -> Moves:
    gate = script.node
    assert isinstance(gate, Gate), "a gate's unit carries the gate"
    assert owner.fix is not None, "who has a gate has a fix"
    if gate.prompt is not None and script.tries < gate.tries:
        if owner.fix.state != TaskState.PENDING:
            yield Move(owner.fix.path, "retry", {"by": "gate"}, owner.fix.attempt)
        return
    error = f"gate failed after {script.tries} of {gate.tries} tries" if gate.prompt else "gate failed"
    facts: Facts = {"verdict": "gate", "error": error}
    if owner.machine == Machine.TASK:
        yield Move(owner.path, "fail", facts, owner.attempt)
    else:
        yield Move(owner.path, "fail", facts)
    yield from _block(sprint, owner, error)


def _retry(sprint: Sprint, unit: Unit, cause: str, now: int) -> Moves:
    policy = _leaf(unit).retry or sprint.plan.retry
    if policy is not None and unit.tries < policy.max_attempts and _wanted(policy, cause):
        wait = policy.backoff[min(unit.tries, len(policy.backoff)) - 1] if policy.backoff else 0.0
        delay = int(wait * 1000)
        facts: Facts = {"delay": delay, "until": now + delay, "why": "back-off", "after": cause}
        yield Move(unit.path, "delay", facts, unit.attempt)
        return
    if unit.background:
        return
    assert unit.ended is not None, "it has just failed"
    error = str(unit.ended.decoded().get("error") or cause)
    if cause == "needs-human" and sprint.state in HALTABLE:
        yield Move(SPRINT_UNIT, "ask", {"unit": unit.path, "why": error})
    else:
        yield from _block(sprint, unit, error)


def _wanted(policy: Retry, cause: str) -> bool:
    return cause in policy.on if policy.on else cause not in FATAL


def _block(sprint: Sprint, unit: Unit, error: str) -> Moves:
    if not unit.background and sprint.state in HALTABLE:
        yield Move(SPRINT_UNIT, "block", {"unit": unit.path, "why": error, "kind": "failed"})


def _fail_groups(unit: Unit) -> Moves:
    """Groups in which something failed for good fail when the last of what still ran in them has ended."""
    for group in [
        *([unit.owner] if unit.owner and unit.owner.machine == Machine.GROUP else []),
        *ancestors(unit),
    ]:
        if group.state == GroupState.IN_PROGRESS and group.broken and not group.alive:
            yield Move(group.path, "fail", {})


def _asked(sprint: Sprint, event: Asked, now: int) -> Moves:
    """An operator's request: recorded with its answer, then done. One that was met before is only answered again."""
    if event.id and event.id in sprint.requests:
        return  # the engine answers it again
    answer, moves = _answer(sprint, event, now)
    facts: Facts = {"id": event.id, "verb": event.verb, "who": event.who, "why": event.why, "answer": answer}
    if event.unit:
        facts["unit"] = event.unit
    yield Move(SPRINT_UNIT, "request", facts)
    yield from moves


def _answer(sprint: Sprint, event: Asked, now: int) -> tuple[str, Moves]:
    nothing: Moves = iter(())
    if event.epoch not in (0, sprint.epoch):
        return "refused: another supervisor has taken over since you asked", nothing
    running = sum(unit.state != TaskState.VERIFYING for unit in sprint.live.values())
    if event.verb == "pause":
        if sprint.state != SprintState.IN_PROGRESS:
            return f"refused: the sprint is {sprint.state}", nothing
        return f"paused; {running} running tasks go on to their end", _pause(event)
    if event.verb in ("stop", "cancel"):
        if event.verb == "cancel" and sprint.state in (SprintState.COMPLETED, SprintState.CANCELLED):
            return f"refused: the sprint is {sprint.state}", nothing
        return f"stopping {running} tasks", _stop(sprint, event, now)
    return f"refused: {event.verb} is not something this supervisor does", nothing


def _pause(event: Asked) -> Moves:
    yield Move(SPRINT_UNIT, "pause", {"who": event.who, "why": event.why})


def _stop(sprint: Sprint, event: Asked, now: int) -> Moves:
    if event.verb == "cancel":
        yield Move(SPRINT_UNIT, "cancel", {"who": event.who, "why": event.why})
    elif sprint.state == SprintState.IN_PROGRESS:
        yield from _pause(event)
    facts: Facts = {"verb": event.verb, "who": event.who, "why": event.why, "kill-at": now + GRACE_MS}
    for unit in list(sprint.live.values()):
        if unit.state in (TaskState.SPAWNED, TaskState.RUNNING):
            yield Move(unit.path, "stop", facts, unit.attempt)
    if event.verb == "cancel":
        yield from _cancel_rest(sprint, facts)


def _cancel_rest(sprint: Sprint, facts: Facts) -> Moves:
    for unit in list(sprint.live.values()):
        if unit.state == TaskState.VERIFYING:
            yield Move(unit.path, "stop", facts, unit.attempt)
            yield Move(unit.path, "cancel", {}, unit.attempt)
    for unit in list(sprint.waiting.values()):
        yield Move(unit.path, "cancel", {}, unit.attempt)


def opening(sprint: Sprint) -> Moves:
    """The first move of a run whose plan and lease are recorded."""
    if sprint.state != SprintState.NOT_STARTED:
        raise SprintError(f"this run is {sprint.state} already")
    yield Move(SPRINT_UNIT, "start", {})
