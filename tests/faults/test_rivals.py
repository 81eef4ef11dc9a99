"""Many supervisors at once, and somebody who takes lock or journal away: one winner, and every task once."""

import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.sprints import wait_until
from tests.faults.campaign import Campaign
from tests.faults.judge import rows_of
from tests.faults.plans import generated
from tests.faults.stage import PATIENCE, Stage, Violated

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(7200)]

DONE, BLOCKED, FAULT, JOURNAL, HELD = 0, 1, 4, 5, 6


def lock_deleted(stage: Stage) -> None:
    (stage.directory / ".fsm-sprint" / "lock").unlink(missing_ok=True)


def lock_replaced(stage: Stage) -> None:
    lock = stage.directory / ".fsm-sprint" / "lock"
    other = lock.with_name("other")
    other.write_text("{}\n")
    other.replace(lock)


def journal_deleted(stage: Stage) -> None:
    for suffix in ("", "-wal", "-shm"):
        stage.journal.with_name(f"journal.db{suffix}").unlink(missing_ok=True)


def journal_copied(stage: Stage) -> None:
    """Another file of the same content, as far as a copy without its WAL has it."""
    if stage.journal.exists():
        other = stage.journal.with_name("other.db")
        shutil.copyfile(stage.journal, other)
        other.replace(stage.journal)


HARMS: dict[str, Callable[[Stage], None] | None] = {
    "nothing": None,
    "the lock is deleted": lock_deleted,
    "the lock is replaced": lock_replaced,
    "the journal is deleted": journal_deleted,
    "the journal is replaced by a copy": journal_copied,
}
FATAL = ("the journal is deleted", "the journal is replaced by a copy")


def contest(
    stage: Stage, harm: Callable[[Stage], None] | None, dice: random.Random, rivals: int
) -> list[int]:
    """So many `run` at once, while harm is done now and then; their exit codes."""
    running = []
    for number in range(rivals):
        said = stage.home / f"said.{number}"
        running.append((stage.start("run", "-j", "3", said=said), said))
    if harm is not None:
        if harm in (journal_deleted, journal_copied) or dice.random() < 0.5:
            wait_until(stage.ledger.exists)
        for _ in range(dice.randint(1, 3)):
            time.sleep(dice.uniform(0, 0.8))
            if stage.directory.joinpath(".fsm-sprint").exists():
                harm(stage)
    codes = []
    for process, said in running:
        try:
            codes.append(process.wait(timeout=PATIENCE))
        except subprocess.TimeoutExpired:
            raise Violated(f"one of {rivals} did not end: {said.read_text()}") from None
        text = said.read_text(errors="replace")
        if "Traceback" in text or codes[-1] not in (DONE, BLOCKED, HELD, JOURNAL, FAULT):
            raise Violated(f"one of {rivals} ended with {codes[-1]}: {text}")
        if codes[-1] == FAULT and "this is a copy" not in text:
            raise Violated(f"one of {rivals} says: {text}")
    return codes


def ran_once(stage: Stage) -> None:
    """By the ledger alone: there may be no journal any more."""
    lines = stage.ledger.read_text().splitlines() if stage.ledger.exists() else []
    twice = [
        line
        for line, times in Counter(line.rsplit(" ", 1)[0] for line in lines if line[:5] == "begin").items()
        if times > 1
    ]
    overlaps = [line for line in lines if line.startswith("overlap")]
    if twice or overlaps:
        raise Violated(f"twice: {twice}, at once: {overlaps}")


@pytest.mark.parametrize(
    "harm", [harm if harm == "nothing" else pytest.param(harm, marks=pytest.mark.faults) for harm in HARMS]
)
def test_of_many_supervisors_one_wins_and_each_task_is_done_once(
    tmp_path: Path, campaign: Campaign, harm: str
) -> None:
    for seed in range(campaign.pick(1, 6, 24)):
        dice = random.Random(f"{harm} {seed}")
        stage = Stage(tmp_path / str(seed), generated(2000 + seed))
        try:
            stage.write()
            codes = contest(stage, HARMS[harm], dice, campaign.pick(8, 12, 16))
            for code in codes:
                campaign.note(f"exit code {code}")
            if harm == "nothing":
                # Who came after the winner had ended finds nothing to do.
                assert set(codes) <= {DONE, HELD}, codes
            ran_once(stage)
            if harm in FATAL:
                again = stage.run("run", codes=(DONE, BLOCKED, FAULT, JOURNAL))
                campaign.note(f"run again: {again}")
                ran_once(stage)
                assert len(stage.left()) == 0
            else:
                stage.judge()
                while stage.run("run", codes=(DONE, BLOCKED)):
                    stage.judge()
                stage.judge_end()
                epochs = [row.epoch for row in rows_of(stage.journal) if row.trigger == "lease"]
                assert epochs == sorted(set(epochs)), "each supervisor has an epoch of its own"
        finally:
            stage.clear()
        campaign.ran("rounds")
        campaign.ran("supervisors", len(codes))
