"""Breakages of what is known of the money: what was spent, what is left, what a person has allowed since."""

from typing import Any

import pytest

from fsm import budget, decide, purse, sprint
from tests.simulation.mutants.mutant import mutant


@mutant
def a_budget_that_is_used_up_stops_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "over", lambda unit: None)


@mutant
def a_budget_blocks_before_it_is_used_up(patch: pytest.MonkeyPatch) -> None:
    """One attempt too early."""

    def wary(unit: Any) -> Any:
        for one in purse.chain(unit.purse):
            one.spent[purse.ATTEMPTS] += 1
        try:
            return budget.over(unit)
        finally:
            for one in purse.chain(unit.purse):
                one.spent[purse.ATTEMPTS] -= 1

    patch.setattr(decide, "over", wary)


@mutant
def an_attempt_is_counted_when_it_is_over(patch: pytest.MonkeyPatch) -> None:
    """What runs at once is not known to have begun."""
    ended = sprint.spent

    def begun(found: purse.Purse | None, kind: str) -> None:
        for one in purse.chain(found):
            one.live[kind] += 1

    def late(found: purse.Purse | None, kind: str, amounts: dict[str, float | None], *, agent: bool) -> None:
        ended(found, kind, amounts | {purse.ATTEMPTS: 1.0}, agent=agent)

    patch.setattr(sprint, "begun", begun)
    patch.setattr(sprint, "spent", late)


@mutant
def what_never_ran_was_paid_for(patch: pytest.MonkeyPatch) -> None:
    def kept(found: purse.Purse | None, kind: str) -> None:
        for one in purse.chain(found):
            one.live[kind] -= 1

    patch.setattr(sprint, "taken_back", kept)


@mutant
def what_a_part_has_spent_is_not_spent_by_the_whole(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(purse, "chain", lambda found: iter(() if found is None else (found,)))


@mutant
def a_price_that_was_told_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    ended = sprint.spent
    patch.setattr(
        sprint,
        "spent",
        lambda found, kind, amounts, agent: ended(
            found, kind, {name: amount for name, amount in amounts.items() if name != purse.COST}, agent=agent
        ),
    )


@mutant
def an_attempt_may_cost_more_than_is_left(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        decide, "allowance", lambda unit: {name: value + 1 for name, value in budget.allowance(unit).items()}
    )


@mutant
def a_bound_that_a_person_has_set_is_not_remembered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sprint.Sprint, "_raised", lambda self, bounds: None)
