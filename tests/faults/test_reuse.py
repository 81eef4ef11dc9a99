"""Pids are given away again, and no signal ever reaches a stranger who got one of ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.stage import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(3600)]

NAMESPACE = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


def test_who_got_a_pid_of_ours_is_left_alone(tmp_path: Path, campaign: Campaign) -> None:
    rounds, tasks = campaign.pick((3, 8), (20, 20), (100, 20))
    why = ""
    if os.geteuid() != 0:
        why = "only root may choose pids"
    elif subprocess.run([*NAMESPACE, "test", "-w", "/proc/sys/kernel/ns_last_pid"], check=False).returncode:
        why = "no pid namespace in which the next pid can be chosen"
    if why:
        campaign.skipped(why, rounds)
        pytest.skip(why)
    done = subprocess.run(
        [
            *NAMESPACE,
            sys.executable,
            "-m",
            "tests.faults.reuse",
            str(tmp_path / "home"),
            str(rounds),
            str(tasks),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=3000,
    )
    if done.returncode:
        pytest.fail(done.stderr[-3000:])
    figures = json.loads(done.stdout)
    campaign.ran("attempts adopted", figures["adoptions"])
    campaign.ran("strangers under a pid of ours", figures["strangers"])
    campaign.note(f"lost: {figures['lost']}")
