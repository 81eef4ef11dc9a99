"""kill -9 of every process that is ours, at random, on generated sprints; and the outsider with all his moves."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.outsider import KILLS, MOVES, Outsider
from tests.faults.plans import generated
from tests.faults.stage import Stage

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(7200)]


def rounds(
    folder: Path, campaign: Campaign, moves: dict[str, int], wanted: int, seconds: float, each: int, name: str
) -> None:
    """Rounds of `each` moves until there were so many of them, or the time is over."""
    end = time.monotonic() + seconds
    total: Counter[str] = Counter()
    seed = 0
    while sum(total.values()) < wanted and time.monotonic() < end:
        stage = Stage(folder / str(seed), generated(seed))
        outsider = Outsider(stage, random.Random(f"{name} {seed}"))
        try:
            outsider.round(moves, min(each, wanted - sum(total.values())))
        finally:
            stage.clear()
        total += outsider.done
        seed += 1
    for move, times in total.items():
        campaign.ran(move, times)
    campaign.skipped("out of time", max(0, wanted - sum(total.values())))


def test_whichever_of_our_processes_is_killed_nothing_runs_twice_and_no_code_is_wrong(
    tmp_path: Path, campaign: Campaign
) -> None:
    wanted, seconds = campaign.pick((24, 10.0), (400, 240.0), (2400, 3000.0))
    rounds(tmp_path, campaign, KILLS, wanted, seconds, 12, "kills")


def test_whatever_an_outsider_does_the_sprint_ends_as_it_should(tmp_path: Path, campaign: Campaign) -> None:
    wanted, seconds = campaign.pick((12, 8.0), (200, 240.0), (1000, 3000.0))
    rounds(tmp_path, campaign, MOVES, wanted, seconds, 8, "outsider")
