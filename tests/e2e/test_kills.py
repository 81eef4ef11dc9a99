"""kill -9 of the supervisor at any moment, and `run` again: as if nothing had happened."""

import random
import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.sprints import TEN_PHASES, Sandbox, kill_at_random, wait_until, workflows

pytestmark = pytest.mark.process

UNTIL_GO = "until [ -e go ]; do sleep 0.02; done"
"""Shell text of what goes on until a test has seen enough."""

TASKS = 12
"""Ten phases and two gates of leaves, and one of a phase; the flaky one runs twice."""


def undisturbed(tmp_path: Path) -> str:
    calm = Sandbox(tmp_path / "ten", TEN_PHASES, workflows())
    calm.run("run", "-j", "4", check=0)
    return timeless((calm.directory / "PROGRESS.yaml").read_text(encoding="utf-8"))


def timeless(progress: str) -> str:
    """PROGRESS.yaml without its header, its times, and what names them."""
    kept = [
        line
        for line in progress.splitlines()
        if not re.match(r"\s*(#|(started-at|completed-at|last-activity|elapsed|blocked-at):)", line)
    ]
    return "\n".join(kept)


def hold_to_the_ledger(sandbox: Sandbox) -> None:
    """Every task began once per try, and every code in the journal is the one that the task left with."""
    entries = sandbox.entries()
    begun = Counter((name, attempt) for kind, name, attempt, *_ in entries if kind == "begin")
    assert set(begun.values()) == {1}, begun
    tries = Counter(name for name, _ in begun)
    assert tries.pop("flaky") == 2
    assert set(tries.values()) == {1}, tries
    ended = {(entry[1], int(entry[2])): int(entry[3]) for entry in entries if entry[0] == "end"}
    recorded = {
        (row["unit"], row["attempt"]): row["facts"]["code"]
        for row in sandbox.rows()
        if isinstance(row["facts"], dict) and "code" in row["facts"]
    }
    assert recorded == ended


def campaign(tmp_path: Path, seed: int, kills: int) -> int:
    calm = undisturbed(tmp_path / "calm")
    dice = random.Random(seed)
    hit = rounds = 0
    while hit < kills:
        sandbox = Sandbox(tmp_path / f"round{rounds}" / "ten", TEN_PHASES, workflows())
        hit += kill_at_random(sandbox, dice, longest=0.7, kills=10)
        rounds += 1
        hold_to_the_ledger(sandbox)
        assert timeless((sandbox.directory / "PROGRESS.yaml").read_text(encoding="utf-8")) == calm
        sandbox.run("verify", check=0)
    return hit


@pytest.mark.faults  # in every run of the tests, tests/faults/test_kills.py does as much
@pytest.mark.timeout(200)
def test_a_killed_supervisor_costs_nothing(tmp_path: Path) -> None:
    assert campaign(tmp_path, seed=1, kills=20) >= 20


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [11, 12])
def test_two_hundred_kills_cost_nothing(tmp_path: Path, seed: int) -> None:
    assert campaign(tmp_path, seed, kills=100) >= 100


def test_what_runs_when_the_supervisor_is_killed_is_adopted_with_its_true_code(tmp_path: Path) -> None:
    plan = {
        "name": "m",
        "schema-version": "2.0",
        "phases": [{"id": "long", "run": f"echo on; {UNTIL_GO}; exit 5"}],
    }
    sandbox = Sandbox(tmp_path / "s", "workflow: m\ncollections: {x: [{prompt: p}]}\n", {"m.yaml": plan})
    process = sandbox.start("run")
    log = sandbox.directory / "logs" / "long.log"
    wait_until(lambda: log.exists() and log.read_text() == "on\n")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = sandbox.start("run")
    wait_until(lambda: "adopt" in [row["trigger"] for row in sandbox.rows()])
    (sandbox.directory / "go").touch()
    again.communicate(timeout=60)
    assert again.returncode == 1
    triggers = [row["trigger"] for row in sandbox.rows() if row["unit"] == "long"]
    assert triggers == ["spawn", "start", "adopt", "fail"]
    assert log.read_text() == "on\n"


def test_a_supervisor_killed_before_it_could_publish_is_made_up_for(tmp_path: Path) -> None:
    plan = {"name": "m", "schema-version": "2.0", "phases": [{"id": "one", "run": "true"}]}
    sandbox = Sandbox(tmp_path / "s", "workflow: m\nsprint-id: s\n", {"m.yaml": plan})
    sandbox.run("run", check=0)
    progress = sandbox.directory / "PROGRESS.yaml"
    true = progress.read_bytes()
    progress.unlink()
    sandbox.run("run", check=0)
    assert progress.read_bytes() == true


def test_a_second_run_of_a_running_sprint_is_refused_and_disturbs_nothing(tmp_path: Path) -> None:
    plan = {"name": "m", "schema-version": "2.0", "phases": [{"id": "long", "run": UNTIL_GO}]}
    sandbox = Sandbox(tmp_path / "s", "workflow: m\ncollections: {x: [{prompt: p}]}\n", {"m.yaml": plan})
    process = sandbox.start("run")
    wait_until((sandbox.directory / "logs" / "long.log").exists)
    refused = sandbox.run("run", check=6)
    assert "another supervisor" in refused.stderr
    (sandbox.directory / "go").touch()
    process.communicate(timeout=20)
    assert process.returncode == 0
