"""The simulated world holds every invariant, for seeds never looked at before as for those that once failed."""

import os

import pytest

from fsm.simulate import Report, simulate
from journal.memory import MemoryJournal, Rows
from journal.replay import verify

FRESH = int(os.environ.get("FSM_SPRINT_SEEDS", "1500"))
FIRST = int(os.environ.get("FSM_SPRINT_FIRST_SEED", "0"))

REMEMBERED = (3, 26, 88, 349, 395, 492, 875, 1780, 2558, 13368, 3012577, 3015679)
"""Seeds that failed once, in the protocol or under a mutant of it."""


def run(seed: int) -> tuple[Report, Rows]:
    rows = Rows()
    return simulate(seed, lambda: MemoryJournal(rows)), rows


@pytest.mark.parametrize("part", range(4))
@pytest.mark.slow
@pytest.mark.timeout(7200)  # `make seeds SEEDS=…` asks for any number
def test_no_seed_breaks_an_invariant(part: int) -> None:
    for seed in range(FIRST + part, FIRST + FRESH, 4):
        run(seed)


@pytest.mark.parametrize("seed", REMEMBERED)
def test_what_once_failed_stays_mended(seed: int) -> None:
    assert run(seed)[0].state == "completed"


@pytest.mark.parametrize("seed", range(20))
def test_a_seed_replays_exactly(seed: int) -> None:
    first, second = run(seed), run(seed)
    assert first[0].story == second[0].story
    assert first[1].committed == second[1].committed


@pytest.mark.parametrize("seed", range(40))
def test_a_simulated_journal_passes_the_same_verification_as_a_real_one(seed: int) -> None:
    _, rows = run(seed)
    assert list(verify(rows.committed)) == []


def test_the_worlds_are_worth_their_time() -> None:
    """A campaign in which nothing breaks proves nothing: faults, crashes, gates, retries and losses do occur."""
    stories = [run(seed)[0] for seed in range(150)]
    lines = [line for story in stories for line in story.story]
    for wanted in (
        "power cut",
        "fault: shim",
        "fault: child",
        "fault: launcher",
        " adopt ",
        " abort ",
        '"lost"',
        " verify ",
        " delay ",
        " stop ",
        " break ",
        '"interrupted"',
        "#fix spawn",
    ):
        assert any(wanted in line for line in lines), f"no world had: {wanted}"
    assert sum(story.lives for story in stories) > 2 * len(stories)
