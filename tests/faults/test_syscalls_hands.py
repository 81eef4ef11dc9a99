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
    calm,
)
from tests.faults.inject_campaign import MARKS, QUICK, harm

pytestmark = MARKS

SHIMS = [1, 2, 4]
"""The launcher's first; one of two beside each other; a gate's."""


LAUNCHER = [KILL]
SHIM = [ENOSPC_FEW]
if not QUICK:  # some of what is left waits for seconds that a fork becomes possible
    LAUNCHER += [EIO, EINTR, SHORT, EAGAIN]
    SHIM += [EIO_FEW, EINTR, SHORT, EIO, ENOSPC, EAGAIN]


@pytest.mark.parametrize("fault", LAUNCHER, ids=lambda fault: fault.name)
def test_a_launcher_that_is_harmed_at_any_call_costs_nothing(
    tmp_path: Path, campaign: Campaign, fault: Fault
) -> None:
    run = calm(tmp_path / "calm", "launcher")
    harm(campaign, tmp_path, run.points, fault, quick=1, normal=4, expected=run.progress, codes=(0,))


@pytest.mark.parametrize("shim", [2] if QUICK else SHIMS)
def test_a_shim_that_is_killed_at_any_call_makes_nothing_up(
    tmp_path: Path, campaign: Campaign, shim: int
) -> None:
    run = calm(tmp_path / "calm", "shim", shim=shim)
    harm(campaign, tmp_path, run.points, KILL, quick=1, normal=3, harmed=True, codes=(0, 1))


@pytest.mark.parametrize("fault", SHIM, ids=lambda fault: fault.name)
@pytest.mark.parametrize("shim", [1] if QUICK else SHIMS)
def test_a_shim_whose_calls_fail_loses_nothing(
    tmp_path: Path, campaign: Campaign, fault: Fault, shim: int
) -> None:
    run = calm(tmp_path / "calm", "shim", shim=shim)
    harm(campaign, tmp_path, run.points, fault, quick=1, normal=3, expected=run.progress)
