"""Disks that are full, too small, read-only, closed to us; machines that sleep. No true code is lost by it."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.sprints import wait_until
from tests.faults import disk
from tests.faults.campaign import Campaign
from tests.faults.disk import BLOCKS, Disk
from tests.faults.plans import generated
from tests.faults.processes import SUPERVISOR, send
from tests.faults.stage import PATIENCE, Stage, Violated

pytestmark = [pytest.mark.faults, pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(7200)]

FAULT = 4


@contextmanager
def stage_on(folder: Path, seed: int, kind: str, kilobytes: int) -> Iterator[tuple[Stage, Disk]]:
    folder.mkdir(parents=True)
    place = Disk(folder, kind, kilobytes)
    stage = Stage(folder / "home", generated(seed), place.place / "sprint")
    try:
        yield stage, place
    finally:
        stage.clear()
        place.clear()


def needs(kind: str, campaign: Campaign, rounds: int) -> None:
    why = disk.unavailable(kind)
    if why:
        campaign.skipped(f"{kind}: {why}", rounds)
        pytest.skip(why)


def test_on_a_disk_that_is_too_small_no_code_is_lost(tmp_path: Path, campaign: Campaign) -> None:
    """It is given a little more room after each run that gave up; somewhere every single write has met the end."""
    wanted = campaign.pick(1, 30, 108)
    needs("tmpfs", campaign, wanted)
    for seed in range(wanted):
        dice = random.Random(f"small {seed}")
        kilobytes = dice.randint(44, 254)
        with stage_on(tmp_path / str(seed), seed, "tmpfs", kilobytes) as (stage, place):
            place.resize(4096)
            stage.write()
            place.resize(max(kilobytes, used(place) // 1024 + 4))
            crashes = 0
            while stage.run("run", "-j", "4", codes=(0, 1, FAULT)) != 0:
                crashes += 1
                kilobytes += dice.choice((4, 16, 64)) if crashes < campaign.pick(4, 12, 40) else 64 << 10
                place.resize(64 << 10)  # the judge needs room for the memory that readers share
                stage.judge()
                place.resize(max(kilobytes, used(place) // 1024 + 4))
                if crashes > 90:
                    raise Violated(stage.said())
            stage.judge_end()
        campaign.ran("rounds on a small tmpfs")
        campaign.ran("runs that met its end", crashes)


def used(place: Disk) -> int:
    found = os.statvfs(place.place)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


@pytest.mark.parametrize("kind", ["tmpfs", *BLOCKS])
def test_a_disk_that_fills_up_under_a_run_costs_a_run_and_no_code(
    tmp_path: Path, campaign: Campaign, kind: str
) -> None:
    wanted = campaign.pick(int(kind == "ext4"), 20, 60)
    needs(kind, campaign, wanted)
    # An end that is no better than kill -9, and no worse: SQLite's, see BLOCKS.
    codes = (0, 1, FAULT, -signal.SIGBUS) if kind == "ext4 of small blocks" else (0, 1, FAULT)
    for seed in range(wanted):
        dice = random.Random(f"full {kind} {seed}")
        with stage_on(tmp_path / str(seed), 1000 + seed, kind, 20 << 10) as (stage, place):
            stage.write()
            filled = runs = 0
            while True:
                runs += 1
                process = stage.start("run", "-j", "4")
                while filled < 4:
                    try:
                        process.wait(timeout=dice.uniform(0.05, 0.6))
                        break
                    except subprocess.TimeoutExpired:
                        place.fill(leave=dice.choice((0, 0, 512, 4096, 20000)))
                        filled += 1
                        time.sleep(dice.uniform(0, 0.4))
                        if dice.random() < 0.7:
                            place.free()
                code = stage.ended(process, ("run",), codes)
                campaign.note(f"{kind}: exit code {code}")
                place.free()  # the judge needs room for the memory that readers share
                stage.judge()
                if code == 0:
                    break
                if runs > 30:
                    raise Violated(stage.said())
            stage.judge_end()
        campaign.ran(f"times that {kind} was filled", filled)


def test_a_disk_that_is_read_only_is_an_error_and_what_had_ended_is_not_forgotten(
    tmp_path: Path, campaign: Campaign
) -> None:
    needs("ext4", campaign, 1)
    with stage_on(tmp_path / "0", 3, "ext4", 20 << 10) as (stage, place):
        stage.write()
        process = stage.start("run")
        wait_until(lambda: stage.ledger.exists() and b"begin" in stage.ledger.read_bytes())
        process.kill()
        process.wait()
        wait_until(lambda: not stage.victims())
        place.read_only(really=True)
        stage.run("run", codes=(FAULT,))
        assert "error: " in stage.said()
        for words in (("status",), ("replay",), ("verify",)):
            stage.run(*words)
        place.read_only(really=False)
        while stage.run("run", codes=(0, 1)):
            pass
        stage.judge_end()
    campaign.ran("read-only remount")
    campaign.skipped("quota: no quota tools")
    campaign.skipped("clock ±10 years: a time namespace moves only the monotonic and the boot clock")


def test_rights_that_are_taken_away_are_an_error_and_given_back_are_enough(
    tmp_path: Path, campaign: Campaign
) -> None:
    """Root gives up what makes it immune to modes; what was taken is given back before the next."""
    stage = Stage(tmp_path / "home", generated(4))
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            campaign.skipped("chmod: root, and there is no setpriv")
            pytest.skip("root does not mind modes, and there is no setpriv to make it")
        without = "-dac_override,-dac_read_search"
        stage.prefix = ("setpriv", f"--inh-caps={without}", f"--bounding-set={without}")
    try:
        stage.write()
        state = stage.directory / ".fsm-sprint"
        process = stage.start("run")
        wait_until(lambda: stage.ledger.exists() and b"begin" in stage.ledger.read_bytes())
        process.kill()
        process.wait()
        places = [
            state / "journal.db",
            state / "lock",
            state,
            stage.directory,
            state / "attempts",
            stage.directory / "logs",
        ]
        cases = [(path, less) for path in places for less in (0, 0o500 if path.is_dir() else 0o400)]
        for path, less in campaign.share(cases, lambda case: case[0].name, quick=3, normal=1):
            mode = path.stat().st_mode & 0o7777
            path.chmod(less)
            code = stage.run("run", codes=(0, 1, FAULT))
            path.chmod(mode)
            stage.judge()
            campaign.ran("modes")
            campaign.note(f"{path.name} {less:o}: {code}")
        while stage.run("run", codes=(0, 1)):
            pass
        stage.judge_end()
    finally:
        stage.clear()


@pytest.mark.parametrize("who", ["everything", "the supervisor"])
def test_what_is_stopped_for_a_while_goes_on_as_if_nothing_had_been(
    tmp_path: Path, campaign: Campaign, who: str
) -> None:
    stage = Stage(tmp_path / "home", generated(6))
    try:
        stage.write()
        stage.witness()
        process = stage.start("run", "-j", "4")
        wait_until(lambda: stage.ledger.exists() and b"begin" in stage.ledger.read_bytes())
        roles = () if who == "everything" else (SUPERVISOR,)
        frozen = [victim for victim in stage.victims(*roles) if send(victim, stage.ledger, signal.SIGSTOP)]
        assert frozen
        said = stage.home / "rival"
        time.sleep(campaign.pick(0.5, 2.0, 60.0))
        assert stage.start("run", said=said).wait(timeout=PATIENCE) == 6, said.read_text()
        for victim in frozen:
            send(victim, stage.ledger, signal.SIGCONT)
        stage.ended(process, ("run",), (0,))
        stage.judge_end()
        campaign.ran(f"{who} stopped")
    finally:
        stage.clear()
