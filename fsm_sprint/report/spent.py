"""What a run has cost so far, in words and as a document: what is over and what still runs.

Rule: what nobody has told is unknown, and is said to be; it is never counted as nothing.
"""

from typing import NamedTuple

from fsm.purse import COST, TOKENS
from fsm.sprint import Sprint
from fsm.unit import Unit, asks
from fsm_sprint.report.document import Document


class Spent(NamedTuple):
    """US dollars, tokens read and written, and how many attempts have not told what they cost."""

    cost: float | None
    tokens: int | None
    unpriced: int = 0

    def __str__(self) -> str:
        """`$1.20 and 2 attempts without a price, 3,400 tokens`; '' when nothing is known."""
        said = [] if self.cost is None else [dollars(self.cost)]
        if said and self.unpriced:
            said = [
                f"{said[0]} and {self.unpriced} attempt{'' if self.unpriced == 1 else 's'} without a price"
            ]
        if self.tokens:
            said.append(f"{self.tokens:,} tokens")
        return ", ".join(said)

    def document(self) -> Document:
        """As every document has it."""
        return {"cost_usd": self.cost, "tokens": self.tokens, "unpriced": self.unpriced}


def spent(sprint: Sprint) -> Spent:
    """By the whole run."""
    purse = sprint.purse
    cost, tokens, unpriced = purse.spent[COST], purse.spent[TOKENS], purse.unpriced
    for unit in sprint.live.values():
        now = of(unit)
        cost += now.cost or 0
        tokens += now.tokens or 0
    return Spent(cost or None, round(tokens) or None, unpriced)


def of(unit: Unit) -> Spent:
    """By the attempt that a unit is making, as far as it has told."""
    past = unit.past
    if past is None or not asks(unit) or (unit.exited is not None and unit.exited.attempt == unit.attempt):
        return Spent(None, None)
    return Spent(past.cost, None if past.tokens is None else round(past.tokens))


def dollars(amount: float) -> str:
    """To the cent, or to what is left of one."""
    return f"${amount:.2f}" if amount >= 0.995 or amount == 0 else f"${amount:.4f}"
