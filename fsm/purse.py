"""What has been spent, and what is being spent, by the sprint and by every phase, step and leaf that has a budget.

Rule: it follows from rows alone. A cost that nobody has told is unknown and is counted as such, never as nothing.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from fsm.plan import Budget
from fsm.transition import Facts

COST, TOKENS, WALL, ATTEMPTS = "cost-usd", "tokens", "wall", "attempts"
"""What can be bounded: US dollars, tokens read and written, seconds, attempts."""

TOLD_BY_AGENTS = frozenset({COST, TOKENS})


@dataclass(slots=True, eq=False)
class Purse:
    """What one of them has spent, its parts among it."""

    path: str
    budget: Budget | None
    above: "Purse | None" = None
    leaves: int = 0
    """How many leaves may spend of it."""
    raised: dict[str, float] = field(default_factory=dict)
    """Bounds that a person has set in place of those of the plan."""
    spent: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys((COST, TOKENS, WALL, ATTEMPTS), 0.0)
    )
    unpriced: int = 0
    """Attempts of agents that have ended without telling what they cost."""
    live: Counter[str] = field(default_factory=Counter)
    """Attempts under way, by kind."""
    largest: dict[tuple[str, str], float] = field(default_factory=dict)
    """The most that one attempt has spent, by measure and kind."""

    @property
    def bounded(self) -> bool:
        """Whether anything bounds what is spent here."""
        return any(purse.budget is not None or purse.raised for purse in chain(self))

    def bounds(self) -> dict[str, float]:
        """What may be spent here, by measure; what is not named has no bound."""
        budget = self.budget
        named = (
            {}
            if budget is None
            else {
                COST: budget.cost_usd,
                TOKENS: budget.tokens,
                WALL: budget.wall,
                ATTEMPTS: budget.attempts,
            }
        )
        return {name: float(bound) for name, bound in named.items() if bound is not None} | self.raised


def chain(purse: Purse | None) -> Iterator[Purse]:
    """A purse and those of which it is a part, the innermost first."""
    while purse is not None:
        yield purse
        purse = purse.above


def begun(purse: Purse | None, kind: str) -> None:
    """An attempt has been decided."""
    for one in chain(purse):
        one.live[kind] += 1
        one.spent[ATTEMPTS] += 1


def taken_back(purse: Purse | None, kind: str) -> None:
    """An attempt never ran."""
    for one in chain(purse):
        one.live[kind] -= 1
        one.spent[ATTEMPTS] -= 1


def ended(purse: Purse | None, kind: str, amounts: dict[str, float | None], *, agent: bool) -> None:
    """An attempt is over; `amounts` by measure, None for what is unknown."""
    for one in chain(purse):
        one.live[kind] -= 1
        one.unpriced += agent and amounts.get(COST) is None
        for measure, amount in amounts.items():
            if amount is not None:
                one.spent[measure] += amount
                one.largest[measure, kind] = max(amount, one.largest.get((measure, kind), 0.0))


def elapsed(facts: Facts) -> float | None:
    """Seconds that an attempt took, by the clock of its shim; None when that is unknown."""
    found = facts.get("elapsed-ms")
    return None if found is None else float(found) / 1000
