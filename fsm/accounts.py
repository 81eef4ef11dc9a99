"""Who is asked for an attempt: a unit's agents in their line, and the accounts that have met a limit.

Rule: a limit is a fact of the row in which it was met, and belongs to the account: nobody of that account is asked
before it is over. It is over at its time by the wall clock, or when a unit that waited for it has woken.
"""

from typing import NamedTuple

from fsm.plan import Agent, Gate, Leaf
from fsm.sprint import Sprint
from fsm.transition import Facts
from fsm.unit import Unit
from fsm.waits import FAILOVER, LIMIT

ANYBODY = Agent(name="claude")
"""Who answers a prompt when nobody is named."""

MARGIN_MS = 30_000
"""What is added to the time at which a limit is said to end: clocks differ, and it is better asked late than twice."""

UNTOLD_MS = (300_000, 900_000, 1_800_000, 3_600_000)
"""How long is waited for a limit whose end is not known, at the first, second, … time in a row; the last repeats."""

LONGEST_MS = 32 * 24 * 3_600_000
"""A limit that is said to last longer is asked about after this time all the same."""


class Chosen(NamedTuple):
    """Who is asked next, or until when nobody can be."""

    facts: Facts
    """For the `spawn` row; for a `delay` row when `waits`."""
    waits: bool = False


def line_of(unit: Unit) -> tuple[Agent, ...]:
    """Who may be asked for a unit's attempts, the first first; () for what asks no agent."""
    node, owner = unit.node, unit.owner
    if isinstance(node, Leaf):
        return () if node.prompt is None else (node.agent or ANYBODY, *node.failover)
    if isinstance(node, Gate) and owner is not None and unit is owner.fix:
        leaf = owner.node
        if node.agent is not None or not isinstance(leaf, Leaf):
            return (node.agent or ANYBODY,)
        return (leaf.agent or ANYBODY, *leaf.failover)
    return ()


def account(agent: Agent) -> str:
    """Whose limits an agent meets."""
    return agent.account or agent.name


def asked(unit: Unit) -> Agent | None:
    """Who is asked by the attempt that a unit has had last; None when no agent is, or none was yet."""
    line = line_of(unit)
    if not line or unit.spawned is None:
        return None
    return line[_rank(line, unit)]


def _rank(line: tuple[Agent, ...], unit: Unit) -> int:
    rank = unit.past.rank if unit.past is not None else 0
    return rank if rank < len(line) else 0


def limited(sprint: Sprint, agent: Agent, now: int) -> bool:
    """Whether an agent's account has met a limit that is not over.

    No limit was ever recorded that lasts longer than the longest: then the clock was set back, and is not waited for.
    """
    return now < _known(sprint, agent, now)


def _known(sprint: Sprint, agent: Agent, now: int) -> int:
    """When the limit of an agent's account lifts, as far as that can be believed."""
    lifts = sprint.limits.get(account(agent), 0)
    return lifts if lifts <= now + LONGEST_MS else 0


def met(sprint: Sprint, unit: Unit, cause: str, facts: Facts, now: int) -> Facts:
    """What a verdict says of an account, for the row in which it is recorded."""
    agent = asked(unit)
    if agent is None or cause not in ("limit", "auth"):
        return {}
    if cause == "auth":
        return {"account": account(agent)}
    until, after = facts.get("until"), facts.get("retry-after-ms")
    if isinstance(until, int) and until > now:
        lifts = until + MARGIN_MS
    elif isinstance(after, int):
        lifts = now + after + MARGIN_MS
    else:
        times = unit.past.limits if unit.past is not None else 0
        lifts = now + UNTOLD_MS[min(times, len(UNTOLD_MS) - 1)]
    lifts = max(min(lifts, now + LONGEST_MS), _known(sprint, agent, now))
    return {"account": account(agent), "lifts": lifts}


def elsewhere(sprint: Sprint, unit: Unit, cause: str, now: int) -> Facts | None:
    """The facts of the `delay` with which a unit goes on after a verdict about its agent; None when it does not so.

    It asks another agent at once if one is free, and waits for the first that will be when all have met a limit.
    """
    line = line_of(unit)
    if not line:
        return None
    rank = _rank(line, unit)
    others = line[rank + 1 :] if cause == "overloaded" else (*line[:rank], *line[rank + 1 :])
    free = [
        agent for agent in others if not limited(sprint, agent, now) and account(agent) not in sprint.barred
    ]
    free = [agent for agent in free if cause == "overloaded" or account(agent) != account(line[rank])]
    if free:
        facts: Facts = {"delay": 0, "until": now, "why": FAILOVER, "after": cause}
        return {**facts, "rank": line.index(free[0], rank + 1)} if cause == "overloaded" else facts
    return _wait(sprint, line, now) if cause == "limit" else None


def choose(sprint: Sprint, unit: Unit, now: int) -> Chosen:
    """Who is asked by the next attempt of a pending unit."""
    line = line_of(unit)
    if not line:
        return Chosen({})
    past = unit.past
    first = past.next if past is not None and past.next < len(line) else 0
    ranks = [*range(first, len(line)), *range(first)]
    free = [rank for rank in ranks if not limited(sprint, line[rank], now)]
    if not free:
        return Chosen(_wait(sprint, line, now), waits=True)
    rank = next((rank for rank in free if account(line[rank]) not in sprint.barred), free[0])
    before = _rank(line, unit)
    facts: Facts = {"agent": line[rank].name, "rank": rank} if rank else {}
    if rank != before:
        why = "its limit is over" if rank < before else _why(sprint, unit, line[before], now)
        facts["failover"] = {"from": _name(line[before]), "to": _name(line[rank]), "why": why}
    return Chosen(facts)


def _why(sprint: Sprint, unit: Unit, agent: Agent, now: int) -> str:
    """Why an agent is not asked once more."""
    if limited(sprint, agent, now):
        return "limit"
    if account(agent) in sprint.barred:
        return "auth"
    return str(unit.ended.decoded().get("verdict", "overloaded")) if unit.ended is not None else "overloaded"


def _name(agent: Agent) -> str:
    return agent.name if agent.account is None else f"{agent.name} ({agent.account})"


def _wait(sprint: Sprint, line: tuple[Agent, ...], now: int) -> Facts:
    """Until when a unit waits of whose agents none is free."""
    until, name = min((sprint.limits.get(account(agent), now), account(agent)) for agent in line)
    until = max(until, now)
    return {"delay": until - now, "until": until, "why": LIMIT, "account": name}


def lifted(sprint: Sprint, unit: Unit, until: int) -> list[str]:
    """The accounts of a unit whose limits are over when it has waited until `until`, whatever the clock says."""
    names = dict.fromkeys(account(agent) for agent in line_of(unit))
    return [name for name in names if name in sprint.limits and sprint.limits[name] <= until]
