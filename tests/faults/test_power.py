"""Power cuts at any moment, under everything: journal, shims, attempt files and logs lie on the disk that goes down."""

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.plans import generated
from tests.faults.power import Machine, unavailable
from tests.faults.stage import Stage, Violated

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(7200)]

CUTS = 5
"""In a sprint; then it is left alone."""


def cuts_of_a_sprint(stage: Stage, machine: Machine, dice: random.Random, cuts: int) -> int:
    """Cuts the power so many times while the sprint runs, then lets it end; judges; the cuts that hit the disk."""
    hit = boots = 0
    while boots < 60:
        boots += 1
        running = machine.boot("run", "-j", str(dice.randint(1, 6)))
        if hit < cuts:
            moment(stage, dice)
            if running.poll() is None:
                hit += machine.cut()
                continue
        code = machine.off()
        if code == 0:
            stage.copy = stage.home / "journal.db"
            stage.judge_end(verify=False)
            return hit
        if code != 1:  # blocked, by a gate that was lost
            raise Violated(f"run ended with {code}: {stage.said()}")
    raise Violated(f"sprint {stage.sprint.seed} does not come to its end: {stage.said()}")


def moment(stage: Stage, dice: random.Random) -> None:
    """Waits for a moment at random, or for one just after something has happened to a task."""
    end = time.monotonic() + dice.uniform(0.1, 1.0)
    lines = dice.randint(1, 6) if dice.random() < 0.5 else 1 << 30
    before = size(stage)
    while time.monotonic() < end and size(stage) - before < lines * 30:
        time.sleep(0.001)
    time.sleep(dice.uniform(0, 0.01))


def size(stage: Stage) -> int:
    return stage.ledger.stat().st_size if stage.ledger.exists() else 0


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_whenever_the_power_is_cut_nothing_acknowledged_is_lost_and_nothing_runs_twice(
    tmp_path: Path, campaign: Campaign, kind: str
) -> None:
    why = unavailable() or ("" if shutil.which(f"mkfs.{kind}") else f"there is no mkfs.{kind}")
    wanted = campaign.pick(5, 50, 200)
    if why:
        campaign.skipped(f"{kind}: {why}", wanted)
        pytest.skip(why)
    end = time.monotonic() + campaign.pick(25, 300, 3600)
    done = seed = 0
    while done < wanted and time.monotonic() < end:
        stage = Stage(tmp_path / str(seed), generated(seed))
        machine = Machine(stage, kind=kind, megabytes=320 if kind == "xfs" else 64)
        try:
            hit = cuts_of_a_sprint(stage, machine, random.Random(f"cut {seed}"), min(CUTS, wanted - done))
        finally:
            machine.clear()
            stage.clear()
        done += hit
        seed += 1
        campaign.ran(f"cuts of {kind}", hit)
    campaign.skipped(f"cuts of {kind}: out of time", wanted - done)
