"""The simulated world holds every invariant, for seeds never looked at before as for those that once failed."""

import os

import pytest

from fsm.faults import Kind
from fsm.invariants import INVARIANTS
from fsm.simulate import GONE
from tests.simulation import campaign
from tests.simulation.campaign import run, shrunk, story
from tests.simulation.mutants import MUTANTS

FRESH = int(os.environ.get("FSM_SPRINT_SEEDS", "3000"))
FIRST = int(os.environ.get("FSM_SPRINT_FIRST_SEED", "0"))

REMEMBERED = (
    3,
    4,
    16,
    26,
    30,
    88,
    100,
    138,
    349,
    395,
    492,
    556,
    859,
    875,
    982,
    1129,
    1256,
    1780,
    2558,
    4956,
    5770,
    11_009,
    10_014_084,
    20_166_021,
    30_019_992,
    40_004_203,
    40_006_823,
    40_053_205,
    51_145_224,
    51_172_933,
    51_219_733,
    51_243_201,
    51_277_866,
    60_228_200,
    60_315_800,
    70_002_214,
    70_004_066,
    70_004_551,
    70_005_050,
    70_019_245,
    72_010_890,
    72_030_476,
    73_051_398,
    73_094_745,
    80_004_281,
    81_031_516,
    81_075_374,
    82_114_261,
    82_240_936,
    82_270_576,
    82_287_692,
    83_012_015,
    83_106_970,
    84_265_410,
    84_287_933,
)
"""Seeds that failed once, in the protocol, under a mutant of it, or by a mistake of the simulator's own."""


@pytest.mark.parametrize("part", range(4))
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_seed_breaks_an_invariant(part: int) -> None:
    found = campaign.block(range(FIRST + part, FIRST + FRESH, 4))
    assert not found.failed, story(found.failed[0])
    assert found.seeds == len(range(FIRST + part, FIRST + FRESH, 4))
    assert found.seeds == len(range(part, FRESH, 4))


@pytest.mark.parametrize("seed", REMEMBERED)
def test_what_once_failed_stays_mended(seed: int) -> None:
    assert run(seed)[0].state in ("completed", GONE)


@pytest.mark.parametrize("seed", range(20))
def test_a_seed_replays_exactly(seed: int) -> None:
    first, second = run(seed), run(seed)
    assert first[0].story == second[0].story
    assert first[1].committed == second[1].committed


def test_the_worlds_are_worth_their_time() -> None:
    """A campaign in which nothing breaks proves nothing: all that can go wrong does, and shows."""
    reports = [run(seed)[0] for seed in range(250)]
    kinds = {kind for report in reports for kind in report.faults}
    assert kinds == set(Kind)
    lines = "\n".join(line for report in reports for line in report.story)
    for wanted in (
        " adopt ",
        " abort ",
        '"lost"',
        " verify ",
        " delay ",
        " stop ",
        " break ",
        '"interrupted"',
        '"timeout"',
        "#fix.1 spawn",
        " skip ",
        " tolerate ",
        "refused: another supervisor has taken over",
        "in doubt",
        "another supervisor has written to it",
        "another process is writing to the journal",
        "a supervisor is refused",
        "taken away",
        "signal 15",
        "signal 9",
    ):
        assert wanted in lines, f"no world had: {wanted}"
    assert sum(report.lives for report in reports) > 3 * len(reports)


def test_a_failing_seed_tells_a_short_story_of_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS["what_runs_is_declared_lost_by_the_next_supervisor"](monkeypatch)
    seed = next(seed for seed in range(1000) if campaign.failure(seed) is not None)
    violation = campaign.failure(seed)
    assert violation is not None
    told = story(seed).splitlines()

    assert len(told) <= 45
    assert told[0].startswith(f"seed {seed}: {violation.invariant}")
    assert any("supervisor 2 starts" in line for line in told)
    assert sum("fault " in line for line in told) <= len(campaign.world(seed, campaign.Rows()).schedule)
    mask = shrunk(seed, violation)
    assert campaign.failure(seed, mask) is not None


def test_a_campaign_says_in_one_line_what_it_was() -> None:
    line = campaign.campaign(0, 20).line(0, 1.0)
    assert line.startswith("20 seeds from 0 in 1 s (20/s): 0 violations; ")
    assert "\n" not in line


def test_a_campaign_names_what_fails_and_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS["there_is_no_gate"](monkeypatch)
    seeds = range(40)
    failing = [seed for seed in seeds if campaign.failure(seed) is not None]

    assert campaign.block(seeds).failed == failing[:1]
    found = campaign.block(seeds, on=True)
    assert found.failed == failing
    assert found.seeds == len(seeds) - len(failing)
    assert f": {len(failing)} violations; " in found.line(0, 1.0)


def test_every_invariant_has_a_sentence() -> None:
    assert all(text and text[0].islower() and not text.endswith(".") for text in INVARIANTS.values())
