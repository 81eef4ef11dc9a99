"""What PROGRESS.yaml says of one unit: plan and rows in, mappings in the predecessor's key order out.

Rule: a key without a value is left out, and unknown stays unknown: no exit code, time or cost is made up.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from fsm.plan import Gate, Group, Leaf
from fsm.states import ENDED, ENDED_WELL, LIVE, GroupState, TaskState
from fsm.transition import Facts, Transition
from fsm.unit import Unit
from fsm.verdicts import counts
from fsm.waits import reason
from journal.emit import Value

Entry = dict[str, Value]


def leaf(unit: Unit, status: str) -> Entry:
    """A simple phase or a sub-phase."""
    node = unit.node
    assert isinstance(node, Leaf), "leaves are made from leaves"
    entry: Entry = {"id": node.id, "status": status}
    if node.run is not None:
        entry["run"] = node.run
    else:
        entry["prompt"] = node.prompt
    if node.parallel:
        entry["parallel"] = True
    if node.wait:
        entry["wait-for-parallel"] = True
    if node.model is not None:
        entry["model"] = node.model
    if node.agent is not None:
        entry["agent"] = node.agent.name
    _checked(entry, node)
    if unit.moved is not None:
        _history(entry, unit)
        _tries(entry, unit)
        _tracked(entry, unit)
    return entry


def opening(unit: Unit, status: str) -> Entry:
    """What stands before the children of a group."""
    node = _group(unit)
    if node.level == "step":
        return {"id": node.id, "prompt": node.prompt or "", "status": status}
    return {"id": node.id, "status": status}


def closing(unit: Unit) -> Entry:
    """What stands after the children of a group."""
    node = _group(unit)
    entry: Entry = {}
    if node.parallel:
        entry["parallel"] = True
    if node.wait:
        entry["wait-for-parallel"] = True
    if node.level == "step":
        if node.model is not None:
            entry["model"] = node.model
        if node.depends_on:
            entry["depends-on"] = node.depends_on
    _checked(entry, node)
    if unit.moved is not None:
        _history(entry, unit)
        if unit.state == GroupState.WAITING:
            entry["reason"] = reason(unit.moved.decoded())
        _tracked(entry, unit)
    return entry


def task(unit: Unit, status: str) -> Entry:
    """The entry of a ParallelTask in `parallel-tasks`."""
    first, spawned, above = unit.first, unit.spawned, unit.parent
    assert first is not None, "it got its id when it was first spawned"
    assert spawned is not None, "and was spawned then"
    step = above.node.id if above is not None and isinstance(above.node, Group) else None
    pid = unit.reported.decoded().get("pid") if unit.reported is not None else None
    entry: Entry = {
        "id": task_id(first),
        "step-id": step,
        "phase-id": unit.node.id if isinstance(unit.node, Leaf) else unit.path,
        "status": status,
        **({"pid": pid} if pid is not None else {}),
        "log-file": spawned.decoded()["log"],
        "spawned-at": moment(first.at),
    }
    return entry | _end(unit)


def _end(unit: Unit) -> Entry:
    """How what has an entry of its own ended; nothing while it has not."""
    if unit.state not in ENDED or unit.ended is None:
        return {}
    facts = _outcome(unit)
    entry: Entry = {"completed-at": moment(unit.ended.at)}
    if "code" in facts:
        entry["exit-code"] = facts["code"]
    if unit.state != TaskState.COMPLETED:
        entry["error"] = _failure(facts) if unit.state == TaskState.FAILED else _reason(unit, facts)
    return entry


def hook(unit: Unit, status: str, iteration: int) -> Entry:
    """The entry of a hook's run in `hook-tasks`; `iteration` is the number of its leaf."""
    first, spawned = unit.first, unit.spawned
    assert first is not None, "it has an entry from its first spawn on"
    assert spawned is not None, "and was spawned then"
    assert unit.leaf is not None, "a hook has a leaf"
    entry: Entry = {
        "iteration": iteration,
        "hook-id": str(getattr(unit.node, "id", "")).removeprefix("hook."),
        "status": status,
        "phase": unit.leaf.path,
        "spawned-at": moment(first.at),
    }
    return entry | _end(unit) | {"transcript": spawned.decoded()["log"]}


def task_id(first: Transition) -> str:
    """The id that a ParallelTask has from its first spawn on."""
    return str(first.decoded()["task"])


def blocked(unit: Unit, siblings: Mapping[str, Unit]) -> Entry:
    """A step's node in the dependency graph."""
    node = _group(unit)
    open_ones = [wanted for wanted in node.depends_on if siblings[wanted].state not in ENDED_WELL]
    return {"id": node.id, "depends-on": node.depends_on, "blocked-by": open_ones}


def moment(at: int) -> str:
    """Wall ms since the epoch as ISO 8601 in UTC, with milliseconds."""
    return f"{_second(at // 1000)}.{at % 1000:03}Z"


@lru_cache(4096)
def _second(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}"


def span(ms: int) -> str:
    """A duration for people: `87ms`, `4.2s`, `12s`, `3m 20s`, `1h 0m 5s`."""
    if ms < 1_000:
        return f"{ms}ms"
    if ms < 10_000:
        return f"{ms // 1000}.{ms % 1000 // 100}s"
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}m {seconds}s"
    return f"{minutes}m {seconds}s" if minutes else f"{seconds}s"


def _group(unit: Unit) -> Group:
    assert isinstance(unit.node, Group), "groups are made from groups"
    return unit.node


def _checked(entry: Entry, node: Leaf | Group) -> None:
    if node.breaks:
        entry["break"] = True
    gate = node.gate
    if gate is not None:
        prompt: Entry = {} if gate.prompt is None else {"on-fail-prompt": gate.prompt}
        timeout = int(gate.timeout) if gate.timeout == int(gate.timeout) else gate.timeout
        entry["gate"] = {"script": gate.script, **prompt, "max-retries": gate.tries, "timeout": timeout}


def _history(entry: Entry, unit: Unit) -> None:
    """When it began and ended, how long that took and what came of it."""
    state, started, ended = unit.state, unit.started, unit.ended
    begun = state in LIVE or state == GroupState.IN_PROGRESS
    if started is not None and (begun or (state in ENDED and state != TaskState.SKIPPED)):
        entry["started-at"] = moment(started.at)
    if ended is None or begun or state == TaskState.PENDING:
        return
    facts = _outcome(unit)
    if state in ENDED:
        entry["completed-at"] = moment(ended.at)
        if started is not None and state != TaskState.SKIPPED:
            entry["elapsed"] = span(int(facts.get("elapsed-ms", max(0, ended.at - started.at))))
    # A waiting unit shows what it failed of; a group only what is its own failure.
    if ended.dest == TaskState.FAILED and (facts or isinstance(unit.node, Leaf)):
        entry["error"] = _failure(facts)
    if state == TaskState.COMPLETED and facts.get("summary"):
        entry["summary"] = str(facts["summary"])
    if state in (TaskState.SKIPPED, TaskState.CANCELLED):
        entry["reason"] = _reason(unit, facts)


def _tries(entry: Entry, unit: Unit) -> None:
    state, ended, moved = unit.state, unit.ended, unit.moved
    retries = unit.tries
    if state in ENDED:
        # An attempt that burns no try has not ended one either.
        uncounted = state == TaskState.FAILED and ended is not None and not counts(ended.decoded())
        retries -= not uncounted
    if retries > 0:
        entry["retry-count"] = retries
    if state == TaskState.WAITING and moved is not None:
        facts = moved.decoded()
        if facts.get("until") is not None:
            entry["next-retry-at"] = moment(facts["until"])
        after = f" after {facts['after']}" if facts.get("after") else ""
        entry["reason"] = f"{reason(facts)}{after}"
    if unit.background and unit.first is not None and unit.leaf is None:
        entry["parallel-task-id"] = task_id(unit.first)


def _tracked(entry: Entry, unit: Unit) -> None:
    """How its gate stands, once a script has run since the unit itself was last begun."""
    gate = unit.gate
    since = unit.spawned if isinstance(unit.node, Leaf) else unit.started
    if gate is None or gate.spawned is None or since is None or gate.spawned.seq < since.seq:
        return
    assert isinstance(gate.node, Gate), "a gate's unit carries the gate"
    live = gate.state in LIVE
    tracking: Entry = {"attempts": gate.tries + live}
    if live:
        tracking["status"] = "running"
    elif gate.state == TaskState.COMPLETED:
        tracking["status"] = "passed"
    else:
        tracking["status"] = "blocked" if unit.state in ENDED else "retrying"
    if gate.ended is not None:
        facts = gate.ended.decoded()
        if "code" in facts:
            tracking["last-exit-code"] = facts["code"]
        if gate.ended.dest == TaskState.FAILED:
            tracking["error"] = _failure(facts)
    entry["gate-tracking"] = tracking


def _outcome(unit: Unit) -> Facts:
    """How its process ended, and over that what its end itself says: of a gated task they are two rows."""
    exited = unit.exited.decoded() if unit.exited is not None else {}
    return {**exited, **(unit.ended.decoded() if unit.ended is not None else {})}


def _failure(facts: Facts) -> str:
    """Why an attempt came to a bad end, in its own words or in those of its exit status."""
    if facts.get("error"):
        return str(facts["error"])
    verdict = str(facts.get("verdict", "failed"))
    if "code" in facts:
        status = f"exit code {facts['code']}"
    elif "signal" in facts:
        status = f"killed by signal {facts['signal']}"
    else:
        return verdict
    return status if verdict == "failed" else f"{verdict} ({status})"


def _reason(unit: Unit, facts: Facts) -> str:
    """Why it is over although it neither ended well nor failed: its status alone would not say."""
    why = [str(facts[key]) for key in ("why", "who") if facts.get(key)]
    return f"{unit.state}: {', '.join(why)}" if why else unit.state
