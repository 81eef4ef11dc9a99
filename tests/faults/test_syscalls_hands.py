"""Every system call of the launcher and of shims goes wrong once: F6, F7 on the real thing.

A launcher costs nothing: what it had not handed over is begun again, what runs does not notice. A shim that is killed
takes its task with it, which is then lost, without a code; one that cannot write keeps its locks and tries again.
"""

from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.inject import (
    EAGAIN,
    EINTR,
    EIO,
    EIO_FEW,
    ENOSPC,
    ENOSPC_FEW,
    KILL,
    SHORT,
    Fault,
    points,
    progress,
)
from tests.faults.inject_campaign import MARKS, harm
from tests.faults.ledger import sandbox

pytestmark = MARKS

SHIMS = [1, 2, 4]
"""The launcher's first; one of two beside each other; a gate's."""


@pytest.mark.parametrize("fault", [KILL, EIO, EINTR, SHORT, EAGAIN], ids=lambda fault: fault.name)
def test_a_launcher_that_is_harmed_at_any_call_costs_nothing(
    tmp_path: Path, campaign: Campaign, fault: Fault
) -> None:
    calm = sandbox(tmp_path / "calm" / "tiny")
    found = points(calm, "launcher")
    harm(campaign, tmp_path, found, fault, quick=1, normal=4, calm=progress(calm), codes=(0,))


@pytest.mark.parametrize("shim", SHIMS)
def test_a_shim_that_is_killed_at_any_call_makes_nothing_up(
    tmp_path: Path, campaign: Campaign, shim: int
) -> None:
    found = points(sandbox(tmp_path / "calm" / "tiny"), "shim", shim=shim)
    harm(campaign, tmp_path, found, KILL, quick=1, normal=3, harmed=True, codes=(0, 1))


@pytest.mark.parametrize(
    "fault", [EIO, EIO_FEW, ENOSPC, ENOSPC_FEW, EINTR, SHORT, EAGAIN], ids=lambda fault: fault.name
)
@pytest.mark.parametrize("shim", SHIMS)
def test_a_shim_whose_calls_fail_loses_nothing(
    tmp_path: Path, campaign: Campaign, fault: Fault, shim: int
) -> None:
    if shim != 1 and campaign.level == "quick":
        pytest.skip("the first shim is enough for a quick look")
    calm = sandbox(tmp_path / "calm" / "tiny")
    found = points(calm, "shim", shim=shim)
    harm(campaign, tmp_path, found, fault, quick=1, normal=3, calm=progress(calm))
