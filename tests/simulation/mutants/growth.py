"""Breakages of how a plan grows: who may add a step, how often, and what else becomes of the plan."""

from dataclasses import replace
from typing import Any

import pytest

from fsm import amend, ending, proposal
from tests.simulation.mutants.mutant import mutant


@mutant
def a_step_that_an_agent_proposes_is_taken_in_unasked(patch: pytest.MonkeyPatch) -> None:
    def eager(sprint: Any, unit: Any, facts: Any) -> Any:
        for found in proposal.proposals(sprint.seq, unit.path, facts):
            yield from amend.take_in(sprint, found, {"by": unit.path})

    patch.setattr(ending, "proposed", eager)


@mutant
def a_step_is_taken_in_twice(patch: pytest.MonkeyPatch) -> None:
    once = amend.proposed

    def twice(sprint: Any, unit: Any, facts: Any) -> Any:
        seq = sprint.seq
        yield from once(sprint, unit, facts)
        if sprint.seq > seq:
            for found in proposal.proposals(seq, unit.path, facts):
                yield from amend.take_in(sprint, found, {"by": unit.path})

    patch.setattr(ending, "proposed", twice)


@mutant
def an_answer_says_that_a_step_is_added_and_it_is_not(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(amend, "_added", lambda sprint, found, event: iter(()))


@mutant
def a_group_that_was_done_is_not_opened_for_what_is_added(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(amend, "reopen", lambda groups: iter(()))


@mutant
def what_was_there_changes_with_what_is_added(patch: pytest.MonkeyPatch) -> None:
    added = amend.added

    def careless(plan: Any, found: Any, strategy: str) -> Any:
        more, path = added(plan, found, strategy)
        return replace(more, phases=(replace(more.phases[0], wait=True, breaks=True), *more.phases[1:])), path

    patch.setattr(amend, "added", careless)


@mutant
def what_is_rejected_is_taken_in_all_the_same(patch: pytest.MonkeyPatch) -> None:
    decided = amend.decided

    def deaf(sprint: Any, event: Any) -> Any:
        found = sprint.proposed[event.unit]
        answer, moves = decided(sprint, event)
        return answer, amend.take_in(sprint, found, {"who": event.who}) if "rejected" in answer else moves

    patch.setattr("fsm.requests.decided", deaf)
