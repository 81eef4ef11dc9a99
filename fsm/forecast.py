"""What a compiled plan can come to: what never starts, what may never end, and the most that it may take.

Rule: what is said to be at most so much is at most so much, until a person sets something going again; where that
cannot be said, it is unknown. Nothing is estimated. Attempts that burn no try (never begun, interrupted, at a usage
limit) are no part of it: they have no number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from fsm.errors import SprintError
from fsm.hooks import hooks_of, in_line, tasks
from fsm.moment import Moment, beginning
from fsm.plan import Budget, Gate, Group, Leaf, Node, Plan, Retry, leaves, nodes
from fsm.retry import AGENTS, ONCE_MORE
from fsm.scope import RULES, Broken, Scope
from fsm.states import ENDED_WELL, Machine, SprintState, TaskState

PLAYED = 4_000
"""Tasks of the largest plan that is played."""

EFFORT = 5_000
"""Tasks that are played in all, over the plays in which one of them fails."""


_N = TypeVar("_N", int, float)


class Note(NamedTuple):
    """Something to know about a plan. `kind` is its stable name, `severity` is `error` or `note`."""

    kind: str
    severity: str
    unit: str
    """Empty for the whole sprint."""
    what: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """The most that something may take. None is unknown, or without a bound."""

    attempts: int
    """Spawned processes: every try of the work, every run of a gate's script, every fix."""
    prompts: int
    """Those of them that ask an agent."""
    ms: int | None
    """Time of all of them, one after the other, with what is waited between tries; nothing for people and limits."""
    cost: float | None
    """US dollars, by budgets alone."""
    tokens: int | None
    """By budgets alone."""


NOTHING = Most(attempts=0, prompts=0, ms=0, cost=0.0, tokens=0)


class Play(NamedTuple):
    """What came of playing the plan with the shipped decisions."""

    tasks: int
    """0 when the plan is too large to be played."""
    failing: int
    """Tasks of which each was made to fail once, by all its tries, before the sprint was set going again."""
    stuck: tuple[str, ...]
    """Those of them after which the sprint could not be completed."""
    unreached: tuple[str, ...]
    """Tasks that do not end well although all goes well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """All of it. `units` has what each leaf, and each group's gate, may take by itself."""

    notes: tuple[Note, ...]
    whole: Most
    units: tuple[tuple[str, Most], ...]
    play: Play


def forecast(plan: Plan) -> Forecast:
    """Looks at a plan, and plays it where it is not too large."""
    units = {node.path: own(node, plan) for node in (*nodes(plan), *tasks(plan))}
    play = played(plan)
    never = list(_never(plan))
    # Where a budget is too small for all, what it keeps from starting is no fault of its own.
    unreached = () if any(note.kind == "budget-attempts" for note in never) else _unreached(play)
    notes = [*never, *unreached, *_endless(plan)]
    whole = _capped(_sum(_total(node, units, plan) for node in plan.phases), plan.budget)
    firsts = sum(1 + 2 * (node.gate is not None) for node in nodes(plan))
    firsts += len(in_line(plan)) * sum(1 for _ in leaves(plan))
    return Forecast(
        notes=tuple(notes),
        whole=_attempts(whole, firsts + plan.most_attempts),
        units=tuple((path, most) for path, most in units.items() if most.attempts),
        play=play,
    )


# ------------------------------------------------------------------------------------------------- at most


def own(node: Node, plan: Plan) -> Most:
    """What a leaf may take with its gate, or a group's gate alone."""
    gate = _gate(node)
    if isinstance(node, Group):
        return gate
    retry = _retry(node, plan)
    line = 1 + len(node.failover) if node.prompt is not None else 1
    chosen = _asked(retry.max_attempts, line)
    waits = sum(_waits(retry, in_turn=line == 1))
    work = Most(
        attempts=chosen,
        prompts=chosen if node.prompt is not None else 0,
        ms=None if node.timeout is None else round(1000 * (chosen * node.timeout + waits)),
        cost=0.0 if node.prompt is None else None,
        tokens=0 if node.prompt is None else None,
    )
    return _capped(_sum([work, gate]), node.budget)


def _retry(leaf: Leaf, plan: Plan) -> Retry:
    """The policy under which a leaf is tried most often, as `fsm.retry` chooses it by verdict."""
    policy = leaf.retry
    if policy is None and leaf.prompt is not None:
        policy = plan.retry or AGENTS
    if leaf.on_lost == "retry" and (policy is None or policy.max_attempts < ONCE_MORE.max_attempts):
        return ONCE_MORE
    return policy or Retry()


def _waits(retry: Retry, *, in_turn: bool) -> Iterator[float]:
    """Seconds between tries at most; not `in_turn` where tries by other agents may lie between two of them."""
    for count in range(1, retry.max_attempts) if retry.backoff else ():
        yield retry.backoff[min(count, len(retry.backoff)) - 1] if in_turn else max(retry.backoff)


def _asked(tries: int, line: int) -> int:
    """How often one of a line of agents is asked: each may be overloaded, and all but one be locked out, in turn."""
    return line * (tries + line - 1)


def _gate(node: Node) -> Most:
    gate = node.gate
    if gate is None:
        return NOTHING
    runs, fixes = _runs(gate)
    if isinstance(node, Leaf) and gate.agent is None:
        fixes *= _asked(1, 1 + len(node.failover))
    bound = node.timeout if isinstance(node, Leaf) else None
    return Most(
        attempts=runs + fixes,
        prompts=fixes,
        ms=round(1000 * (runs * gate.timeout + fixes * (bound or 0)))
        if bound is not None or not fixes
        else None,
        cost=None if fixes else 0.0,
        tokens=None if fixes else 0,
    )


def _runs(gate: Gate) -> tuple[int, int]:
    """How often a gate's script and its fix may run."""
    return (gate.tries, gate.tries - 1) if gate.prompt is not None else (1, 0)


def _total(node: Node, units: dict[str, Most], plan: Plan) -> Most:
    if isinstance(node, Leaf):
        return _sum([units[node.path], *(units[hook.path] for hook in hooks_of(plan, node))])
    inside = [_total(child, units, plan) for child in node.children]
    return _capped(_sum([*inside, units[node.path]]), node.budget)


def _sum(parts: "list[Most] | Iterator[Most]") -> Most:
    attempts = prompts = 0
    ms: int | None = 0
    cost: float | None = 0.0
    tokens: int | None = 0
    for part in parts:
        attempts += part.attempts
        prompts += part.prompts
        ms = None if ms is None or part.ms is None else ms + part.ms
        cost = None if cost is None or part.cost is None else cost + part.cost
        tokens = None if tokens is None or part.tokens is None else tokens + part.tokens
    return Most(attempts=attempts, prompts=prompts, ms=ms, cost=cost, tokens=tokens)


def _capped(most: Most, budget: Budget | None) -> Most:
    """What is left of it under a budget. Time is not capped: what runs when it is used up may finish."""
    if budget is None:
        return most
    capped = _attempts(most, budget.attempts)
    return Most(
        attempts=capped.attempts,
        prompts=capped.prompts,
        ms=most.ms,
        cost=_least(most.cost, budget.cost_usd),
        tokens=_least(most.tokens, budget.tokens),
    )


def _attempts(most: Most, cap: int | None) -> Most:
    if cap is None or most.attempts <= cap:
        return most
    return Most(attempts=cap, prompts=min(most.prompts, cap), ms=most.ms, cost=most.cost, tokens=most.tokens)


def _least(one: _N | None, other: _N | None) -> _N | None:
    known = [value for value in (one, other) if value is not None]
    return min(known) if known else None


# ------------------------------------------------------------------------------------------- never, or for ever


def _never(plan: Plan) -> Iterator[Note]:
    """What the numbers of the plan make impossible."""
    known = list(tasks(plan))
    if plan.concurrency is not None and plan.concurrency < 1 and known:
        yield Note(
            "no-slot", "error", "", "no task may run: concurrency is 0", "set `concurrency: 1` or more"
        )
    asking = [leaf for leaf in known if leaf.prompt is not None]
    if plan.agents is not None and plan.agents < 1 and asking:
        yield Note(
            "no-agent",
            "error",
            asking[0].path,
            "no agent may be asked: their limit is 0",
            "set it to 1 or more",
        )
    for path, budget, inside in _budgets(plan):
        if budget.attempts is not None and budget.attempts < inside:
            what = f"{inside} tasks need {inside} attempts, and its budget is {budget.attempts}"
            yield Note("budget-attempts", "error", path, what, f"set `attempts: {inside}` or more")
    for node in nodes(plan):
        if isinstance(node, Group):
            for names in _circles(node):
                what = f"steps that wait for one another: {' → '.join(names)}"
                yield Note("circle", "error", node.path, what, "take one of the `depends-on` away")


def _budgets(plan: Plan) -> Iterator[tuple[str, Budget, int]]:
    """What is bounded, and how many tasks it has. Hooks spend of what is around their leaf."""
    each = 1 + len(in_line(plan))
    if plan.budget is not None:
        yield "", plan.budget, each * sum(1 for _ in leaves(plan))
    for node in nodes(plan):
        if node.budget is not None:
            yield node.path, node.budget, 1 if isinstance(node, Leaf) else each * _count(node)


def _count(node: Node) -> int:
    return 1 if isinstance(node, Leaf) else sum(_count(child) for child in node.children)


def _circles(group: Group) -> Iterator[list[str]]:
    """One circle of dependencies among the steps of a group, if there is any."""
    wanted = {child.id: child.depends_on for child in group.children if isinstance(child, Group)}
    left = dict(wanted)
    while free := [name for name, needs in left.items() if not any(need in left for need in needs)]:
        for name in free:
            del left[name]
    if left:
        name, path = next(iter(left)), list[str]()
        while name not in path:
            path.append(name)
            name = next(need for need in wanted[name] if need in left)
        yield [*path[path.index(name) :], name]


def _unreached(play: Play) -> Iterator[Note]:
    for path in play.unreached:
        yield Note(
            "unreached", "error", path, "it never starts, although all goes well", "look at what it waits for"
        )
    for path in play.stuck:
        what = "when it has failed and is tried again, the sprint cannot be completed"
        yield Note(
            "stuck", "error", path, what, "this is a fault of fsm-sprint: please report it with the plan"
        )


def _endless(plan: Plan) -> Iterator[Note]:
    """What has no bound of its own, and what waits for it."""
    open_tasks = {leaf.path for leaf in leaves(plan) if leaf.timeout is None}
    holders: dict[str, list[str]] = {}
    for leaf in leaves(plan):
        if leaf.exclusive is not None:
            holders.setdefault(leaf.exclusive, []).append(leaf.path)
    beside: list[str] = []
    for node in nodes(plan):
        if node.wait and any(path in open_tasks for path in beside):
            names = [path for path in beside if path in open_tasks]
            what = f"a sync point that waits for {_few(names)}, which may run for ever"
            yield Note("endless-sync", "note", node.path, what, f"set a `timeout` for {_few(names)}")
        if node.wait:
            beside.clear()  # they have ended
        if node.approval is not None and node.approval.timeout is None:
            what = "waits for a person for as long as it takes"
            yield Note("endless-approval", "note", node.path, what, "set `timeout: 8h` for its approval")
        if isinstance(node, Group):
            if node.gate is not None and _runs(node.gate)[1]:
                what = "the agent that mends what its gate finds has no timeout, and may run for ever"
                yield Note("endless-fix", "note", node.path, what, "put the gate on a task with a `timeout`")
            continue
        if node.timeout is None:
            yield _open(node)
        others = [
            path for path in holders.get(node.exclusive or "", ()) if path in open_tasks and path != node.path
        ]
        if others:
            what = f"may wait for ever for {node.exclusive}, which {_few(others)} may hold"
            yield Note("endless-mutex", "note", node.path, what, f"set a `timeout` for {_few(others)}")
        if node.parallel:
            beside.append(node.path)
    for hook in in_line(plan):
        if hook.leaf is not None and hook.leaf.timeout is None:
            what = f"the hook `{hook.id}` has no timeout: after each task it may run for ever"
            yield Note("endless-hook", "note", "", what, "set `timeout: 10m` for the hook")
    named = [path for path in beside if path in open_tasks]
    if named:
        what = f"the end of the sprint waits for {_few(named)}, which may run for ever"
        yield Note("endless-sync", "note", "", what, f"set a `timeout` for {_few(named)}")


def _open(leaf: Leaf) -> Note:
    if leaf.idle_timeout is not None:
        what = "no timeout: it may run for as long as it prints something"
        return Note("endless-talk", "note", leaf.path, what, "set `timeout: 30m`")
    return Note("endless", "note", leaf.path, "no timeout: it may run for ever", "set `timeout: 30m`")


def _few(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


# ------------------------------------------------------------------------------------------------------- played


def played(plan: Plan) -> Play:
    """Plays a plan through the shipped decisions: with all going well, then with one task failing after another."""
    paths = [leaf.path for leaf in tasks(plan)]
    if len(paths) > PLAYED:
        return Play(0, 0, (), ())
    well, done = _play(plan, None)
    left = tuple(path for path in paths if well.sprint.units[path].state not in ENDED_WELL)
    if left or not done:
        return Play(len(paths), 0, (), left)
    chosen = paths[: max(1, EFFORT // max(1, len(paths)))]
    return Play(len(paths), len(chosen), tuple(path for path in chosen if not _play(plan, path)[1]), ())


def _play(plan: Plan, failing: str | None) -> tuple[Moment, bool]:
    """What it comes to, and whether the sprint is completed."""
    limit = plan.concurrency if plan.concurrency is not None else 4
    moment = beginning(plan, RULES, Scope(("ok", "failed"), limit=limit, faults=False))
    for life in range(_LIVES):
        bad = failing if life == 0 else None
        try:
            moment.play(lambda path, bad=bad: "failed" if path == bad else "ok")  # type: ignore[misc]  # bound now
        except (Broken, SprintError, AssertionError):
            return moment, False
        if moment.sprint.state == SprintState.COMPLETED:
            return moment, True
        if _hopeless(moment):
            break
    return moment, False


_LIVES = 1_000
"""Breakpoints and failures after which a sprint is set going again."""


def _hopeless(moment: Moment) -> bool:
    """Blocked without a failure: to set it going again would come to the same."""
    sprint = moment.sprint
    return sprint.state == SprintState.BLOCKED and not any(
        unit.state == TaskState.FAILED for unit in sprint.order if unit.machine != Machine.SPRINT
    )
