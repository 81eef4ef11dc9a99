"""How long recovery takes with a hundred tasks at work, and what a shim costs in memory.

By the clock it is told, by the processor it is bounded, because others use the machine too. How fast a long journal is
believed is `bench/fold.py`'s.
"""

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.sprints import wait_until
from tests.faults.campaign import Campaign
from tests.faults.plans import Generated
from tests.faults.processes import LAUNCHER, SHIM
from tests.faults.stage import Stage

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(1200)]

TASKS = 100
SECONDS = 1.0
"""Of processor time. The target is one second by the clock, on a machine that does nothing else."""


def crowd() -> Generated:
    """A hundred tasks at a time, which wait for a word."""
    wait = 'echo "begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT" >>"$LEDGER"; read word <"$LEDGER.word"'
    leave = 'echo "end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0" >>"$LEDGER"; exit 0'
    part = {"name": "part", "schema-version": "2.0", "phases": [{"id": "do", "run": f"{wait}; {leave}"}]}
    main = {
        "name": "main",
        "schema-version": "2.0",
        "phases": [{"id": "all", "for-each": "item", "workflow": "part", "parallel": True}],
    }
    items = [{"id": f"i{number}", "prompt": "p"} for number in range(TASKS)]
    return Generated(
        sprint={"workflow": "main", "sprint-id": "crowd", "collections": {"item": items}},
        workflows={"main.yaml": main, "part.yaml": part},
        seed=0,
    )


def adopted(journal: Path, after: int) -> int:
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as reader:
        query = "SELECT count(*) FROM transitions WHERE \"trigger\" = 'adopt' AND seq > ?"
        return int(reader.execute(query, (after,)).fetchone()[0])


def head(journal: Path) -> int:
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as reader:
        return int(reader.execute("SELECT max(seq) FROM transitions").fetchone()[0])


def memory(pid: int) -> dict[str, int]:
    """Resident and private memory in kB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    found = {name: int(value.split()[0]) for name, value in (line.split(":") for line in lines)}
    return {
        "rss": found["Rss"],
        "private": found["Private_Clean"] + found["Private_Dirty"],
        "pss": found["Pss"],
    }


def worked(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def test_a_hundred_tasks_are_adopted_within_a_second_of_the_next_start(
    tmp_path: Path, campaign: Campaign
) -> None:
    """From the start of the new process to the commit that holds the last `adopt`."""
    stage = Stage(tmp_path / "home", crowd())
    os.mkfifo(f"{stage.ledger}.word")
    took: list[float] = []
    cost: list[float] = []
    try:
        stage.write()
        process = stage.start("run", "-j", str(TASKS))
        wait_until(lambda: stage.ledger.exists() and stage.ledger.read_text().count("begin") == TASKS, 60)
        for _ in range(campaign.pick(2, 20, 40)):
            process.send_signal(signal.SIGKILL)
            process.wait()
            wait_until(lambda: not stage.victims(LAUNCHER), 10)
            before = head(stage.journal)
            began = time.monotonic()
            process = stage.start("run", "-j", str(TASKS))
            while adopted(stage.journal, before) < TASKS:
                assert time.monotonic() - began < 60, stage.said()
                assert process.poll() is None, stage.said()
                time.sleep(0.005)
            took.append(time.monotonic() - began)
            cost.append(worked(process.pid))
        shims = [memory(victim.pid) for victim in stage.victims(SHIM)]
        assert len(shims) == TASKS
        word = os.open(f"{stage.ledger}.word", os.O_RDWR)
        os.write(word, b"\n" * TASKS)
        assert stage.ended(process, ("run",), (0,)) == 0
        os.close(word)
        assert stage.ledger.read_text().count("begin") == TASKS
        assert stage.ledger.read_text().count("end") == TASKS
    finally:
        stage.clear()
    assert share(cost, 0.95) < SECONDS
    figures = {
        "p50 by the clock": share(took, 0.5),
        "p95 by the clock": share(took, 0.95),
        "p50 of the processor": share(cost, 0.5),
        "p95 of the processor": share(cost, 0.95),
    }
    for name in ("rss", "private", "pss"):
        figures[f"{name} of a shim, kB"] = share([float(shim[name]) for shim in shims], 0.5)
    for name, value in figures.items():
        campaign.note(f"{name}: {value:.3f}")
    campaign.ran("recoveries", len(took))
