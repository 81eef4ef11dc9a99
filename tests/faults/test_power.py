"""Power cuts at any moment, under everything: journal, shims, attempt files and logs lie on the disk that goes down."""

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.plans import generated
from tests.faults.power import Machine, cuts_of_a_sprint, unavailable
from tests.faults.stage import Stage

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(7200)]

CUTS = 5
"""In a sprint; then it is left alone."""


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_whenever_the_power_is_cut_nothing_acknowledged_is_lost_and_nothing_runs_twice(
    tmp_path: Path, campaign: Campaign, kind: str
) -> None:
    why = unavailable() or ("" if shutil.which(f"mkfs.{kind}") else f"there is no mkfs.{kind}")
    wanted = campaign.pick(5, 50, 150)
    if why:
        campaign.skipped(f"{kind}: {why}", wanted)
        pytest.skip(why)
    end = time.monotonic() + campaign.pick(25, 300, 1200)
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
