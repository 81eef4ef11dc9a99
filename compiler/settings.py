"""What the levels of a sprint say about running something, settled into what one leaf is told.

Rule: the nearest level counts: item, phase, the references around it, sprint, workflow. Environments add up instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compiler import clauses, source
from compiler.atoms import kebab
from compiler.expand import Outlined
from compiler.scalars import as_text, is_scalar
from compiler.template import Scope, variable
from compiler.values import LONGEST as FOREVER
from compiler.values import RETRIED, RETRIED_OF_OLD
from fsm.plan import Agent, Approval, Budget, Gate, Retry, Subscription

Pairs = tuple[tuple[str, str], ...]

LONGEST = 100_000
"""Bytes of one variable that every system can take: Linux allows 131,072 with name and sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The settings of a phase before an item has its say."""

    model: str | None
    agents: tuple[Agent, ...]
    """Who is asked, the first first; () for whoever is asked when nobody is named."""
    env: Pairs
    cwd: str | None
    timeout: float | None
    idle_timeout: float | None
    first_output: float | None
    retry: Retry | None
    on_lost: str
    idempotent: bool
    exclusive: str | None


def settle(outlined: Outlined, sprint: source.Sprint) -> Settled:
    """The settings of a phase in its place."""
    levels = (*outlined.near, sprint, *outlined.far)
    env: dict[str, str] = {}
    for level in reversed(levels):
        env.update(level.env or {})
    # The sprint's own retry is the plan's. A command is tried again only where its phase, or one around it, says so.
    deep = outlined.far[:-1] if sprint.retry is None and outlined.phase.run is None else ()
    tried = (*outlined.near, *deep)
    # And it may well do its work in silence, where an agent that works says something soon.
    awaited = levels if outlined.phase.run is None else outlined.near
    return Settled(
        model=next((level.model for level in levels if level.model is not None), None),
        agents=next((line for level in levels if (line := agents(level))), ()),
        env=tuple(env.items()),
        cwd=next((level.cwd for level in levels if level.cwd is not None), None),
        timeout=next((level.timeout for level in levels if level.timeout is not None), None),
        idle_timeout=next((level.idle_timeout for level in levels if level.idle_timeout is not None), None),
        first_output=next((level.first_output for level in awaited if level.first_output is not None), None),
        retry=next((retry(level.retry) for level in tried if level.retry is not None), None),
        on_lost=next((level.on_lost for level in levels if level.on_lost is not None), "fail"),
        idempotent=next((level.idempotent for level in levels if level.idempotent is not None), False),
        exclusive=next((phase.exclusive for phase in outlined.near if phase.exclusive is not None), None),
    )


def agents(level: source.Settings | source.Item) -> tuple[Agent, ...]:
    """Whom a level names, the first first."""
    written = [level.agent] if level.agent is not None else level.agents or ()
    return tuple(agent(one) for one in written)


def agent(written: clauses.Agent) -> Agent:
    """An agent as the plan has it."""
    if isinstance(written, str):
        return Agent(name=written)
    return Agent(
        name="command" if isinstance(written, clauses.Program) else written.name,
        command=tuple(written.command) if isinstance(written, clauses.Program) else (),
        args=() if isinstance(written, clauses.Program) else tuple(written.args or ()),
        account=written.account,
        permissions=written.permissions,
        model=written.model,
    )


def at_once(written: int | source.Concurrency | None) -> tuple[int | None, int | None]:
    """The limits (of all tasks, of those that prompt an agent)."""
    if isinstance(written, source.Concurrency):
        return written.total, written.agents
    return written, None


def gate(written: clauses.Gate | None, fixer: Agent | None) -> Gate | None:
    """A gate as the plan has it; `fixer` mends what it finds. Without on-fail there is nothing between two runs."""
    if written is None:
        return None
    fail = written.on_fail
    if fail is None:
        return Gate(script=written.script, tries=1, timeout=written.timeout)
    return Gate(
        script=written.script,
        prompt=fail.prompt,
        tries=fail.max_retries,
        timeout=written.timeout,
        agent=fixer,
    )


def retry(written: clauses.Retry | None) -> Retry | None:
    """A retry block, in either spelling, as the plan has it. Waits that are listed mean one try more than there are."""
    if written is None:
        return None
    tries = written.max_attempts or written.old_max_attempts
    if isinstance(written.backoff, clauses.Growth):
        tries = tries or 3
        waits = tuple(_growing(written.backoff, tries - 1))
    else:
        waits = tuple(written.backoff or [amount / 1000 for amount in written.old_backoff or ()])
        tries = tries or (len(waits) + 1 if waits else 3)
    on = [(word,) if word in RETRIED else RETRIED_OF_OLD[word] for word in written.on or ()]
    on = on or [RETRIED_OF_OLD.get(word, (word,)) for word in written.old_on or ()]
    return Retry(
        max_attempts=tries,
        backoff=waits,
        on=tuple(dict.fromkeys(verdict for verdicts in on for verdict in verdicts)),
        jitter=bool(written.jitter),
        resume=written.resume is not False,
    )


def _growing(growth: clauses.Growth, count: int) -> Iterator[float]:
    """At most `count` waits; the last one repeats, so none follows the longest."""
    wait, longest = growth.initial, growth.max or FOREVER
    for _ in range(count):
        yield round(min(wait, longest), 3)
        if wait >= longest or growth.factor == 1:
            return
        wait *= growth.factor


def budget(written: clauses.Budget | None) -> Budget | None:
    """What may be spent, as the plan has it; None when nothing is said."""
    if written is None:
        return None
    found = Budget(
        cost_usd=written.cost_usd, tokens=written.tokens, wall=written.wall, attempts=written.attempts
    )
    return None if found == Budget() else found


def approval(written: clauses.Approve | None, message: str | None = None) -> Approval | None:
    """What a person is asked, as the plan has it; `message` in place of the one that is written."""
    if written is None:
        return None
    if isinstance(written, str):
        return Approval(message=written if message is None else message)
    return Approval(
        message=written.message if message is None else message,
        timeout=written.timeout,
        on_timeout=written.on_timeout or "reject",
    )


def subscriptions(on: clauses.On | None) -> tuple[Subscription, ...]:
    """Whom to tell of what, in the order in which the events are known."""
    if on is None:
        return ()
    events = ((kebab(name), getattr(on, name)) for name in clauses.On.model_fields)
    return tuple(_subscription(event, one) for event, written in events for one in _listed(written))


def _listed(written: clauses.Notices | None) -> Sequence[clauses.Notice]:
    return () if written is None else written if isinstance(written, list) else [written]


def _subscription(event: str, written: clauses.Notice) -> Subscription:
    if isinstance(written, clauses.Web):
        return Subscription(event=event, url=written.url)
    return Subscription(event=event, run=written if isinstance(written, str) else written.run)


def sprint_variables(scope: Scope) -> Pairs:
    """The variables that every leaf of a sprint has."""
    name = () if not scope.sprint_name else (("SPRINT_NAME", scope.sprint_name),)
    return (("SPRINT_ID", scope.sprint_id), *name)


def item_variables(values: dict[str, object], own: frozenset[str]) -> tuple[Pairs, list[str]]:
    """The variables of an item, and the keys whose values are too long for one. `own` are the item's custom keys."""
    found = {
        "ITEM_ID": as_text(values["id"]),
        "ITEM_PROMPT": as_text(values["prompt"]),
        "ITEM_INDEX": as_text(values["index"]),
    }
    keys = {"ITEM_PROMPT": "prompt"}
    for key, value in values.items():
        if key in own and is_scalar(value):
            name = "ITEM_" + variable(key)
            if name not in found:
                found[name], keys[name] = "" if value is None else as_text(value), key
    long = [
        name for name, value in found.items() if len(value) * 4 > LONGEST and len(value.encode()) > LONGEST
    ]
    for name in long:
        del found[name]
    return tuple(found.items()), [keys.get(name, name) for name in long]


def joined(*parts: Pairs) -> Pairs:
    """Environments one after another; of variables with the same name the last one counts."""
    pairs = tuple(pair for part in parts for pair in part)
    names = {name for name, _ in pairs}
    return pairs if len(names) == len(pairs) else tuple(dict(pairs).items())
