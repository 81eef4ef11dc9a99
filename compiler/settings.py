"""What the levels of a sprint say about running something, settled into what one leaf is told.

Rule: the nearest level counts: item, phase, the references around it, sprint, workflow. Environments add up instead.
"""

from dataclasses import dataclass

from compiler import source
from compiler.expand import Outlined
from compiler.scalars import as_text, is_scalar
from compiler.template import Scope, variable
from fsm.plan import Agent, Gate, Retry

Pairs = tuple[tuple[str, str], ...]

LONGEST = 100_000
"""Bytes of one variable that every system can take: Linux allows 131,072 with name and sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The settings of a phase before an item has its say."""

    model: str | None
    agent: Agent | None
    env: Pairs
    cwd: str | None
    timeout: float | None
    idle_timeout: float | None
    retry: Retry | None
    exclusive: str | None


def settle(outlined: Outlined, sprint: source.Sprint) -> Settled:
    """The settings of a phase in its place."""
    levels = (*outlined.near, sprint, *outlined.far)
    env: dict[str, str] = {}
    for level in reversed(levels):
        env.update(level.env or {})
    # The sprint's own retry is the plan's; what a referenced workflow says counts below it.
    tried = (*outlined.near, *(outlined.far[:-1] if sprint.retry is None else ()))
    return Settled(
        model=next((level.model for level in levels if level.model is not None), None),
        agent=next((agent(level.agent) for level in levels if level.agent is not None), None),
        env=tuple(env.items()),
        cwd=next((level.cwd for level in levels if level.cwd is not None), None),
        timeout=next((level.timeout for level in levels if level.timeout is not None), None),
        idle_timeout=next((level.idle_timeout for level in levels if level.idle_timeout is not None), None),
        retry=next((retry(level.retry) for level in tried if level.retry is not None), None),
        exclusive=next((phase.exclusive for phase in outlined.near if phase.exclusive is not None), None),
    )


def agent(written: str | source.Program | None) -> Agent | None:
    """An agent as the plan has it."""
    if written is None:
        return None
    return (
        Agent(name=written)
        if isinstance(written, str)
        else Agent(name="command", command=tuple(written.command))
    )


def at_once(written: int | source.Concurrency | None) -> tuple[int | None, int | None]:
    """The limits (of all tasks, of those that prompt an agent)."""
    if isinstance(written, source.Concurrency):
        return written.total, written.agents
    return written, None


def gate(written: source.Gate | None, fixer: Agent | None) -> Gate | None:
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


def retry(written: source.Retry | None) -> Retry | None:
    """A retry block, in either spelling, as the plan has it. Waits alone mean one try more than there are."""
    if written is None:
        return None
    waits = tuple(written.backoff or [amount / 1000 for amount in written.old_backoff or ()])
    tries = written.max_attempts or written.old_max_attempts or (len(waits) + 1 if waits else 3)
    return Retry(max_attempts=tries, backoff=waits, on=tuple(written.on or written.old_on or ()))


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
