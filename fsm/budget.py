"""Whether there is money left: before an attempt is decided, what it may spend is reserved beside all that runs.

Rule: what is spent and what is reserved never pass a bound together, as far as can be told beforehand: an attempt is
taken to spend what the dearest of its kind has spent, and, before there was one, an equal share. One that runs alone
may start as long as anything is left. What runs when the end is reached may finish.
"""

from fsm.purse import ATTEMPTS, COST, TOKENS, TOLD_BY_AGENTS, WALL, Purse, chain
from fsm.sprint import Sprint
from fsm.transition import SPRINT_UNIT, Facts, Move
from fsm.unit import Unit, asks, spends_as


def held(unit: Unit) -> list[str]:
    """Why a leaf waits for others to end before it is known what is left, in words."""
    if unit.purse is None or not unit.purse.bounded:
        return []
    return [
        f"what runs may use up the budget of {_name(purse)} ({measure})"
        for purse in chain(unit.purse)
        for measure, bound in _measured(purse, unit)
        if measure != ATTEMPTS
        and purse.spent[measure] < bound
        and (reserved := _reserved(purse, measure, bound)) > 0
        and purse.spent[measure] + reserved + _estimate(purse, measure, spends_as(unit), bound) > bound
    ]


def over(unit: Unit) -> Move | None:
    """The move that blocks the sprint when nothing is left for an attempt of this unit; None when something is."""
    if unit.purse is None or not unit.purse.bounded:
        return None
    for purse in chain(unit.purse):
        for measure, bound in _measured(purse, unit):
            spent = purse.spent[measure]
            if spent >= bound:
                why = f"the budget of {_name(purse)} is used up: {_amount(measure, spent)} of {_amount(measure, bound)}"
                if measure in TOLD_BY_AGENTS and purse.unpriced:
                    why += f", and {purse.unpriced} attempts of which nobody has told what they cost"
                facts: Facts = {
                    "kind": "budget",
                    "why": why,
                    "measure": measure,
                    "spent": spent,
                    "bound": bound,
                }
                return Move(SPRINT_UNIT, "block", facts | ({"unit": purse.path} if purse.above else {}))
    return None


def allowance(unit: Unit) -> Facts:
    """What an attempt that asks an agent may still cost, for its `spawn` row; {} when that has no bound."""
    if not asks(unit):
        return {}
    left = [
        bounds[COST] - purse.spent[COST] - _reserved(purse, COST, bounds[COST])
        for purse in chain(unit.purse)
        if COST in (bounds := purse.bounds())
    ]
    return {"budget-usd": round(max(0.0, min(left)), 6)} if left else {}


def larger(sprint: Sprint, asked: Facts) -> list[str]:
    """What is wrong with bounds that somebody wants to set: `{cost-usd: 20, …}`, for a `unit` or for the sprint."""
    unit = sprint.units.get(str(asked.get("unit", SPRINT_UNIT)))
    purse = sprint.purse if unit is sprint.root else unit.purse if unit is not None else None
    bounds = purse.bounds() if purse is not None and unit is not None and purse.path == unit.path else {}
    wrong = []
    for name, value in asked.items():
        if name == "unit":
            continue
        if name not in bounds:
            wrong.append(f"{asked.get('unit') or 'the sprint'} has no budget of {name}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            wrong.append(f"{name} wants a number, not {value!r}")
    return wrong


def _measured(purse: Purse, unit: Unit) -> list[tuple[str, float]]:
    agent = asks(unit)
    return [(name, bound) for name, bound in purse.bounds().items() if agent or name not in TOLD_BY_AGENTS]


def _reserved(purse: Purse, measure: str, bound: float) -> float:
    return sum(count * _estimate(purse, measure, kind, bound) for kind, count in purse.live.items() if count)


def _estimate(purse: Purse, measure: str, kind: str, bound: float) -> float:
    if measure in TOLD_BY_AGENTS and not kind.startswith("agent:"):
        return 0.0
    known = purse.largest.get((measure, kind))
    return bound / max(1, purse.leaves) if known is None else known


def _name(purse: Purse) -> str:
    return "the sprint" if purse.above is None else purse.path


def _amount(measure: str, value: float) -> str:
    if measure == COST:
        return f"${value:.2f}"
    if measure == WALL:
        return f"{value:.0f} s"
    return f"{value:.0f} {measure if measure in (TOKENS, ATTEMPTS) else ''}".rstrip()
