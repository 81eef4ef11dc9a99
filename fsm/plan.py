"""What compiling a sprint gives: an immutable tree of phases, steps and sub-phases, with everything needed to run it.

Rule: the plan is a value. Its canonical JSON is its identity, is stored in the journal, and is all that replay needs.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who answers a prompt: a driver by name, or a program that gets the prompt on stdin."""

    name: str
    command: tuple[str, ...] = ()
    """The argv of a `{command: […]}` agent; empty for a named driver."""
    account: str | None = None
    """Whose limits it meets: agents of one account wait together. None for one account per name."""
    permissions: str | None = None
    """The agent's own word for what it may do without asking; None for the driver's choice."""
    args: tuple[str, ...] = ()
    """More arguments for a named driver's program, as written."""
    model: str | None = None
    """The model of this agent alone; None for what its leaf says, which is meant for the first agent of a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A check that has to pass before its owner counts as done."""

    script: str
    """Text for `/bin/sh -c`."""
    prompt: str | None = None
    """What the fix agent is told after a failed check; None when failing is final."""
    tries: int = 3
    """Script runs in all; between them run tries - 1 fixes."""
    timeout: float = 60.0
    """Seconds that one script run may take."""
    agent: Agent | None = None
    """Who mends; None for the agent that is asked when nobody is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and after what a leaf is tried again."""

    max_attempts: int = 1
    backoff: tuple[float, ...] = ()
    """Seconds before the second, third, … try; the last one repeats."""
    on: tuple[str, ...] = ()
    """Verdicts or classes that are retried; empty means the default classes."""
    jitter: bool = False
    """Full jitter: what is waited is drawn between nothing and the back-off, from the attempt's own name."""
    resume: bool = True
    """Whether a second try may go on in the agent's session once, before later ones begin afresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent; None for no bound of that kind. What runs when it is reached may finish."""

    cost_usd: float | None = None
    tokens: int | None = None
    wall: float | None = None
    """Seconds, added up over attempts; time during which the machine slept is not charged."""
    attempts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person has to agree before its leaf or phase starts."""

    message: str
    timeout: float | None = None
    """Seconds until `on_timeout` answers for the person; None for no such time."""
    on_timeout: str = "reject"
    """`approve` or `reject`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Whom to tell when the sprint comes into a state: a command for `/bin/sh -c`, or a web address."""

    event: str
    """`blocked`, `completed`, `waiting`, `needs-human`, `paused` or `cancelled`."""
    run: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A simple phase or a sub-phase: one unit that runs a process. Exactly one of `prompt` and `run` is set."""

    id: str
    path: str
    """Key of the unit: the escaped ids from the top, joined by `/`."""
    prompt: str | None = None
    run: str | tuple[str, ...] | None = None
    """Text for `/bin/sh -c`, or an argv."""
    agent: Agent | None = None
    model: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    """Names and values added to the task's environment: the item's values and what `env:` says."""
    cwd: str | None = None
    """Relative to the working directory of the sprint, or absolute."""
    timeout: float | None = None
    """Seconds for one attempt; None for no bound."""
    idle_timeout: float | None = None
    """Seconds without a byte of output; None for no bound."""
    parallel: bool = False
    """A ParallelTask: the main line does not wait for it except at sync points."""
    wait: bool = False
    """A sync point: starts only when every background task reached before it has ended."""
    breaks: bool = False
    """The sprint pauses when it has ended well."""
    gate: Gate | None = None
    retry: Retry | None = None
    exclusive: str | None = None
    """Name of a mutex: two units with the same name never overlap."""
    on_parallel_failure: str | None = None
    """At a sync point: `warn` or `block` in place of the sprint's word."""
    failover: tuple[Agent, ...] = ()
    """Who is asked, in this order, when the agent before has met a limit, is overloaded or may not log in."""
    first_output: float | None = None
    """Seconds until the first byte of output; None for no bound."""
    on_lost: str = "fail"
    """What a lost attempt leads to: `fail`, `retry` or `ask`."""
    idempotent: bool = False
    """Running it twice does what running it once does, so that `on_lost: retry` is safe."""
    budget: Budget | None = None
    approval: Approval | None = None
    hook: bool = False
    """Made by `fsm.hooks`: what comes of it decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A step, or a phase that holds steps, or a pure sync point (no children, `wait`)."""

    id: str
    path: str
    level: str
    """`phase` or `step`."""
    children: "tuple[Node, ...]" = ()
    prompt: str | None = None
    """A step's item prompt as written, for PROGRESS.yaml and background prompts."""
    model: str | None = None
    depends_on: tuple[str, ...] = ()
    """Ids of sibling steps that have to be completed first."""
    parallel: bool = False
    """Its children run side by side, up to the limit."""
    on_dependency_failure: str = "fail-phase"
    """When a step fails: `fail-phase`, `skip-dependents`, or `continue` with them as if it had not."""
    wait: bool = False
    on_parallel_failure: str | None = None
    breaks: bool = False
    gate: Gate | None = None
    budget: Budget | None = None
    approval: Approval | None = None


Node = Leaf | Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A per-iteration hook that is enabled for this sprint."""

    id: str
    prompt: str | None = None
    workflow: str | None = None
    parallel: bool = False
    leaf: Leaf | None = None
    """What it runs, wherever it runs; its path is empty. None in plans of versions that ran no hooks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktree:
    """The git worktree that the sprint runs in."""

    branch: str
    path: str
    cleanup: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestration:
    """What happens to steps that an agent proposes while the sprint runs."""

    enabled: bool
    insert_strategy: str = "after-current"
    auto_approve: bool = False
    prompt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One compiled sprint."""

    sprint_id: str
    phases: tuple[Node, ...]
    name: str | None = None
    workflow: str = ""
    """Name of the main workflow."""
    prompts: tuple[tuple[str, str], ...] = ()
    """Replaced prompt sections by name."""
    hooks: tuple[Hook, ...] = ()
    worktree: Worktree | None = None
    orchestration: Orchestration | None = None
    retry: Retry | None = None
    concurrency: int | None = None
    """At most this many tasks at once; None leaves it to the command line."""
    agents: int | None = None
    """At most this many of them may prompt an agent; None for no bound of their own."""
    alone: bool = False
    """No other sprint may work in the same git work tree."""
    on_parallel_failure: str = "warn"
    """`warn` or `block`: what a failed background task means at a sync point."""
    budget: Budget | None = None
    most_attempts: int = 10_000
    """A backstop against loops: attempts beyond the first of their units, of all units together, after which the sprint
    is blocked. Whoever sets it going again allows as many more."""
    subscriptions: tuple[Subscription, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    """Relative path and sha256 of every file that the plan was made from."""
    version: int = 1
    """Left out of the JSON while it is 1; raised when a released plan could no longer be read as it was meant."""


def escape(text: str) -> str:
    """An id as one segment of a unit path: `%`, `/` and `#` are percent-escaped, so paths split unambiguously."""
    return text.replace("%", "%25").replace("/", "%2F").replace("#", "%23")


def nodes(plan: Plan) -> Iterator[Node]:
    """Every node, parents before children, in plan order."""
    stack = list(reversed(plan.phases))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Group):
            stack.extend(reversed(node.children))


def leaves(plan: Plan) -> Iterator[Leaf]:
    """Every leaf in plan order."""
    return (node for node in nodes(plan) if isinstance(node, Leaf))


def digest(text: str) -> str:
    """sha256 of a text's UTF-8 bytes, in hex: the name under which the journal keeps it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def dump(plan: Plan) -> str:
    """The plan as canonical JSON: sorted keys, defaults left out, groups marked by their `level`."""
    return json.dumps(_plain(plan), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load(text: str) -> Plan:
    """The plan that `dump` wrote. Raises ValueError, KeyError or TypeError when the text is not one."""
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("not a plan")  # noqa: TRY004  # of texts that are none, this is one more
    return _made(Plan, data)  # type: ignore[no-any-return]  # by construction


_DEFAULTS: dict[type, tuple[tuple[str, Any], ...]] = {
    kind: tuple((field.name, field.default) for field in fields(kind))
    for kind in (
        Gate,
        Retry,
        Budget,
        Approval,
        Subscription,
        Agent,
        Leaf,
        Group,
        Hook,
        Worktree,
        Orchestration,
        Plan,
    )
}
_HINTS: dict[type, dict[str, Any]] = {kind: get_type_hints(kind) for kind in _DEFAULTS}


def _plain(value: Any) -> Any:
    pairs = _DEFAULTS.get(type(value))
    if pairs is not None:
        found = ((name, getattr(value, name), default) for name, default in pairs)
        return {name: _plain(item) for name, item, default in found if default is MISSING or item != default}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _made(kind: type, data: dict[str, Any]) -> Any:
    hints = _HINTS[kind]
    return kind(**{name: _typed(hints[name], item) for name, item in data.items()})


def _typed(hint: Any, value: Any) -> Any:
    if isinstance(value, dict):
        if "level" in value:
            return _made(Group, value)
        return _made(next((kind for kind in (get_args(hint) or (hint,)) if kind in _HINTS), Leaf), value)
    if isinstance(value, list):
        inner = _element(hint)
        return tuple(_typed(inner, item) for item in value)
    return value


def _element(hint: Any) -> Any:
    """The type of a tuple field's elements; unions are searched for their tuple."""
    if get_origin(hint) is tuple:
        return get_args(hint)[0]
    return next((get_args(part)[0] for part in get_args(hint) if get_origin(part) is tuple), str)
