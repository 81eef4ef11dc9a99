"""kill -9 of every process that is ours, at random, on generated sprints; and the outsider with all his moves."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import disk, power
from tests.faults.campaign import Campaign
from tests.faults.judge import rows_of
from tests.faults.outsider import KILLS, Outsider, one_round
from tests.faults.plans import generated
from tests.faults.stage import Stage

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(7200)]


def test_whichever_of_our_processes_is_killed_nothing_runs_twice_and_no_code_is_wrong(
    tmp_path: Path, campaign: Campaign
) -> None:
    wanted, seconds = campaign.pick((16, 6.0), (400, 240.0), (2400, 2400.0))

    def kills(folder: Path, seed: int) -> Counter[str]:
        stage = Stage(folder, generated(seed))
        outsider = Outsider(stage, random.Random(f"kills {seed}"))
        try:
            outsider.round(KILLS, campaign.pick(6, 12, 12))
        finally:
            stage.clear()
        return outsider.done

    rounds(tmp_path, campaign, kills, wanted, seconds)


def test_whatever_an_outsider_does_the_sprint_ends_as_it_should(tmp_path: Path, campaign: Campaign) -> None:
    wanted, seconds = campaign.pick((10, 5.0), (200, 240.0), (1000, 2400.0))
    for why in {power.unavailable(), disk.unavailable("ext4")} - {""}:
        campaign.skipped(f"cuts or full disks: {why}")
    rounds(
        tmp_path,
        campaign,
        lambda folder, seed: one_round(folder, seed, campaign.pick(3, 6, 8)),
        wanted,
        seconds,
    )


def test_a_journal_whose_making_was_killed_has_no_rows_yet(tmp_path: Path) -> None:
    """Its first page can be half written, with a rollback journal beside it that a reader must not play back."""
    program = """if True:
        import os, sqlite3, sys
        made = sqlite3.connect(sys.argv[1], isolation_level=None)
        made.execute("PRAGMA cache_size = 1")
        made.execute("BEGIN")
        made.execute("CREATE TABLE much (text)")
        made.executemany("INSERT INTO much VALUES (?)", [("x" * 500,)] * 2000)
        os.kill(os.getpid(), 9)
    """
    journal = tmp_path / "journal.db"
    subprocess.run([sys.executable, "-c", program, journal], check=False)

    assert (tmp_path / "journal.db-journal").stat().st_size
    assert rows_of(journal) == []


def rounds(
    folder: Path,
    campaign: Campaign,
    one: Callable[[Path, int], Counter[str]],
    wanted: int,
    seconds: float,
) -> None:
    """Rounds until there were so many moves, or the time is over."""
    end = time.monotonic() + seconds
    total: Counter[str] = Counter()
    seed = 0
    while sum(total.values()) < wanted and time.monotonic() < end:
        total += one(folder / str(seed), seed)
        seed += 1
    for move, times in total.items():
        campaign.ran(move, times)
    campaign.skipped("out of time", max(0, wanted - sum(total.values())))
