"""Every deliberate breakage of the protocol is caught, at a seed that stands beside it."""

import pytest

from fsm.errors import SprintError
from fsm.simulate import simulate
from fsm.world import Violation
from journal.memory import MemoryJournal, Rows
from tests.simulation.mutants import MUTANTS

SEARCH = 20_000

CAUGHT_AT: dict[str, int] = {
    "an_attempt_that_started_counts_as_never_run": 14,
    "the_end_of_file_at_the_gate_counts_as_go": 9,
    "there_is_no_gate": 3,
    "started_is_written_after_the_release": 6,
    "started_is_not_synced": 15,
    "the_exit_record_is_not_synced": 50,
    "nobody_is_told_that_the_tree_lock_is_held": 179,
    "the_next_attempt_does_not_wait_for_the_last_ones_tree": 16221,
    "the_attempt_file_is_read_before_the_lock_is_tried": 608,
    "effects_come_before_their_commit": 13,
    "what_was_spawned_is_spawned_again_after_a_crash": 9,
    "the_attempt_number_is_used_again_after_an_abort": 9,
    "a_lost_attempt_gets_a_code": 14,
    "a_lost_attempt_counts_as_done": 14,
    "a_commit_is_acknowledged_before_it_is_durable": 9,
    "what_runs_is_declared_lost_by_the_next_supervisor": 52,
}


def caught(seed: int) -> bool:
    rows = Rows()
    try:
        simulate(seed, lambda: MemoryJournal(rows))
    except (Violation, SprintError):
        return True
    return False


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_protocol_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[name](monkeypatch)
    assert caught(CAUGHT_AT[name])


@pytest.mark.faults
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught_by_search(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[name](monkeypatch)
    assert any(caught(seed) for seed in range(SEARCH))
