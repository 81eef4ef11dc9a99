"""Work beside the main line, for real: ParallelTasks, sync points, dependencies, limits. Times are the journal's."""

import json
import os
import random
import signal
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.e2e.sprints import ROOT, Sandbox, kill_at_random, task, wait_until

pytestmark = pytest.mark.process

Row = dict[str, object]


def sprint(items: int = 3, **more: object) -> str:
    steps = [{"id": f"s{n}", "prompt": f"Step {n}"} for n in range(items)]
    return json.dumps({"workflow": "main", "sprint-id": "beside", "collections": {"step": steps}, **more})


def workflow(*phases: dict[str, object]) -> dict[str, object]:
    return {"name": "w", "schema-version": "2.0", "phases": list(phases)}


def box(
    tmp_path: Path, main: list[dict[str, object]], step: list[dict[str, object]], text: str = ""
) -> Sandbox:
    files = {"main.yaml": workflow(*main), "step.yaml": workflow(*step)}
    return Sandbox(tmp_path / "s", text or sprint(), files)


DEVELOP: dict[str, object] = {"id": "develop", "for-each": "step", "workflow": "step"}
SYNC: dict[str, object] = {"id": "sync", "wait-for-parallel": True, "run": "echo synced"}


def moment(row: Row) -> datetime:
    return datetime.fromisoformat(str(row["at"]))


def facts_of(row: Row) -> dict[str, Any]:
    found = row["facts"]
    assert isinstance(found, dict)
    return found


def seq(rows: list[Row], unit: str, *triggers: str) -> int:
    return next(int(str(row["seq"])) for row in rows if row["unit"] == unit and row["trigger"] in triggers)


def progress(of: Sandbox) -> dict[str, object]:
    found = YAML(typ="safe", pure=True).load(of.directory / "PROGRESS.yaml")
    assert isinstance(found, dict)
    return found


def test_the_example_takes_its_longest_line_and_not_the_sum(tmp_path: Path) -> None:
    """Three steps of 1 s with 3 s beside each: 12 s one after another, a little over 5 at once."""
    example = ROOT / "examples" / "parallel-docs"
    flows = {path.name: path.read_text() for path in (example / ".claude" / "workflows").iterdir()}
    here = Sandbox(tmp_path / "pd", (example / "SPRINT.yaml").read_text(), flows)
    here.run("run", check=0)
    rows = here.rows()
    took = timedelta(milliseconds=sum(facts.get("elapsed-ms", 0) for facts in map(facts_of, rows)))
    assert moment(rows[-1]) - moment(rows[0]) < 0.7 * took
    steps = [f"development/{name}" for name in ("search", "export", "share")]
    starts = [seq(rows, f"{step}/build", "start") for step in steps]
    assert starts == sorted(starts)
    for step, following in pairwise(steps):
        began, ended = seq(rows, f"{following}/build", "start"), seq(rows, f"{step}/document", "succeed")
        assert began < ended, "they overlap"
    for step in steps:
        assert seq(rows, f"{step}/document", "succeed") < seq(rows, "sync", "spawn"), "it waits"


# The eight checks of the original plan of this feature, by name.


def test_the_array_is_initialised(tmp_path: Path) -> None:
    here = box(tmp_path, [DEVELOP, SYNC], [{"id": "a", "run": "true", "parallel": True}])
    assert "\nparallel-tasks: []\n" in here.run("compile", check=0).stdout


def test_the_flag_propagates(tmp_path: Path) -> None:
    here = box(
        tmp_path, [DEVELOP], [{"id": "a", "run": "true", "parallel": True}, {"id": "b", "run": "true"}]
    )
    shown = YAML(typ="safe", pure=True).load(here.run("compile", check=0).stdout)
    phases = shown["phases"][0]["steps"][0]["phases"]
    assert [phase.get("parallel") for phase in phases] == [True, None]


def test_the_wait_flag_is_on_sync_phases(tmp_path: Path) -> None:
    here = box(tmp_path, [DEVELOP, SYNC], [{"id": "a", "run": "true", "parallel": True}])
    shown = YAML(typ="safe", pure=True).load(here.run("compile", check=0).stdout)
    assert [phase.get("wait-for-parallel") for phase in shown["phases"]] == [None, True]


def test_tasks_are_background_processes(tmp_path: Path) -> None:
    step: list[dict[str, object]] = [{"id": "beside", "run": "echo $$ >pid; sleep 30", "parallel": True}]
    here = box(tmp_path, [DEVELOP], step, sprint(items=1))
    process = here.start("run")
    wait_until(lambda: (here.directory / "pid").exists() and (here.directory / "pid").read_text() != "")
    wait_until(lambda: "pid:" in (here.directory / "PROGRESS.yaml").read_text())
    pid = int((here.directory / "pid").read_text())
    entry = progress(here)["parallel-tasks"]
    assert isinstance(entry, list)
    assert (entry[0]["pid"], entry[0]["status"]) == (pid, "running")
    assert os.getsid(pid) != os.getsid(process.pid)
    here.run("stop", check=0)
    process.communicate(timeout=20)


def test_the_main_loop_advances_without_waiting(tmp_path: Path) -> None:
    step: list[dict[str, object]] = [
        {"id": "beside", "run": "while [ ! -e go ]; do sleep 0.02; done", "parallel": True},
        {"id": "ahead", "run": "true"},
    ]
    here = box(tmp_path, [DEVELOP, {"id": "last", "run": "touch go"}], step)
    here.run("run", check=0)
    rows = here.rows()
    for name in ("s0", "s1", "s2"):
        assert seq(rows, "last", "start") < seq(rows, f"develop/{name}/beside", "succeed")


def test_the_sync_blocks_until_completion(tmp_path: Path) -> None:
    step: list[dict[str, object]] = [{"id": "beside", "run": "sleep 0.3", "parallel": True}]
    here = box(tmp_path, [DEVELOP, SYNC], step)
    here.run("run", check=0)
    rows = here.rows()
    ends = [seq(rows, f"develop/s{n}/beside", "succeed") for n in range(3)]
    assert max(ends) < seq(rows, "sync", "spawn")


def test_logs_are_created(tmp_path: Path) -> None:
    step: list[dict[str, object]] = [{"id": "beside", "run": "echo said by $ITEM_ID", "parallel": True}]
    here = box(tmp_path, [DEVELOP], step)
    here.run("run", check=0)
    tasks = progress(here)["parallel-tasks"]
    assert isinstance(tasks, list)
    for n, entry in enumerate(tasks):
        assert entry["log-file"] == f"logs/{entry['id']}.log"
        assert (here.directory / entry["log-file"]).read_text() == f"said by s{n}\n"


def test_failures_are_handled(tmp_path: Path) -> None:
    """By default a sync point tells of them and the sprint goes on; it ends completed, with code 1."""
    step: list[dict[str, object]] = [{"id": "beside", "run": "test $ITEM_ID != s1", "parallel": True}]
    here = box(tmp_path, [DEVELOP, SYNC], step)
    said = here.run("run", check=1)
    assert "develop/s1/beside" in said.stderr
    shown = progress(here)
    assert shown["status"] == "completed"
    assert shown["failed-tasks"] == ["develop/s1/beside"]
    tasks = shown["parallel-tasks"]
    assert isinstance(tasks, list)
    assert [entry["status"] for entry in tasks] == ["completed", "failed", "completed"]
    assert tasks[1]["exit-code"] == 1


def test_a_sync_point_that_blocks_waits_for_a_retry(tmp_path: Path) -> None:
    step: list[dict[str, object]] = [{"id": "beside", "run": "test -e mended", "parallel": True}]
    strict = {**SYNC, "on-parallel-failure": "block"}
    here = box(tmp_path, [DEVELOP, strict], step, sprint(items=1))
    said = here.run("run", check=1)
    assert "develop/s0/beside" in said.stderr
    (here.directory / "mended").touch()
    here.run("run", check=0)
    assert progress(here)["status"] == "completed"


def test_a_pure_sync_point_needs_no_task(tmp_path: Path) -> None:
    step: list[dict[str, object]] = [{"id": "beside", "run": "sleep 0.2", "parallel": True}]
    barrier: dict[str, object] = {"id": "barrier", "wait-for-parallel": True}
    here = box(tmp_path, [DEVELOP, barrier, {"id": "last", "run": "true"}], step)
    here.run("run", check=0)
    rows = here.rows()
    assert (
        seq(rows, "develop/s2/beside", "succeed") < seq(rows, "barrier", "start") < seq(rows, "last", "spawn")
    )


def test_steps_start_when_what_they_depend_on_is_done(tmp_path: Path) -> None:
    steps = [
        {"id": "roof", "prompt": "p", "depends-on": ["walls"]},
        {"id": "walls", "prompt": "p", "depends-on": ["ground"]},
        {"id": "ground", "prompt": "p"},
        {"id": "garden", "prompt": "p"},
    ]
    text = json.dumps({"workflow": "main", "collections": {"step": steps}})
    here = box(tmp_path, [{**DEVELOP, "parallel": True}], [{"id": "do", "run": "sleep 0.1"}], text)
    here.run("run", check=0)
    rows = here.rows()
    order = [seq(rows, f"develop/{name}", "start") for name in ("ground", "walls", "roof")]
    assert order == sorted(order)
    assert seq(rows, "develop/ground", "complete") < seq(rows, "develop/walls", "start")
    assert seq(rows, "develop/garden", "start") < seq(rows, "develop/ground", "complete"), "side by side"
    nodes = progress(here)["dependency-graph"]
    assert isinstance(nodes, list)
    assert all(node["blocked-by"] == [] for node in nodes[0]["nodes"])


def test_a_failed_step_takes_only_its_dependents_along_where_that_is_said(tmp_path: Path) -> None:
    steps = [
        {"id": "bad", "prompt": "p"},
        {"id": "needs-bad", "prompt": "p", "depends-on": ["bad"]},
        {"id": "free", "prompt": "p"},
    ]
    block = {"enabled": True, "onDependencyFailure": "skip-dependents"}
    text = json.dumps({"workflow": "main", "collections": {"step": steps}, "parallel-execution": block})
    do = {"id": "do", "run": "test $ITEM_ID != bad -o -e mended; touch did-$ITEM_ID"}
    do["run"] = "if [ $ITEM_ID = bad ] && [ ! -e mended ]; then exit 3; fi; touch did-$ITEM_ID"
    here = box(tmp_path, [DEVELOP], [do], text)
    here.run("run", check=1)
    assert (here.directory / "did-free").exists()
    assert not (here.directory / "did-needs-bad").exists()
    (here.directory / "mended").touch()
    here.run("run", check=0)
    assert (here.directory / "did-needs-bad").exists()


def overlaps(entries: list[list[str]]) -> int:
    """The largest number of tasks that were at work at once, by the ledger."""
    now = most = 0
    for entry in entries:
        now += 1 if entry[0] == "begin" else -1
        most = max(most, now)
    return most


def test_no_more_than_the_limit_run_at_once(tmp_path: Path) -> None:
    here = box(tmp_path, [{**DEVELOP, "parallel": True}], [{"id": "do", "run": task(0.1)}], sprint(items=8))
    here.run("run", "-j", "3", check=0)
    assert overlaps(here.entries()) <= 3
    assert sum(entry[0] == "begin" for entry in here.entries()) == 8


def test_two_with_the_same_mutex_never_overlap(tmp_path: Path) -> None:
    step: list[dict[str, object]] = [{"id": "do", "run": task(0.05), "exclusive": "database"}]
    here = box(tmp_path, [{**DEVELOP, "parallel": True}], step, sprint(items=6))
    here.run("run", "-j", "6", check=0)
    assert overlaps(here.entries()) == 1


def test_agents_are_limited_apart_from_commands(tmp_path: Path) -> None:
    agent = {"command": ["/bin/sh", "-c", task(0.1)]}
    step: list[dict[str, object]] = [{"id": "ask", "prompt": "p", "agent": agent}]
    text = sprint(items=6, concurrency={"agents": 2, "total": 6})
    here = box(tmp_path, [{**DEVELOP, "parallel": True}], step, text)
    here.run("run", check=0)
    assert overlaps(here.entries()) <= 2


def campaign(tmp_path: Path, tasks: int, slots: int, kills: int, nap: float) -> None:
    """Background tasks under kills of the supervisor, and once of the launcher: each ran once, with its true code."""
    step: list[dict[str, object]] = [{"id": "beside", "run": task(nap), "parallel": True}]
    here = box(tmp_path, [DEVELOP], step, sprint(items=tasks))
    dice = random.Random(tasks)
    process = here.start("run", "-j", str(slots))
    wait_until(lambda: len(here.entries()) > slots)
    os.kill(launcher_of(process.pid), signal.SIGKILL)
    wait_until(lambda: len(here.entries()) > 3 * slots)
    process.kill()
    process.communicate()
    assert 1 + kill_at_random(here, dice, longest=0.7, kills=kills - 1, slots=slots) == kills
    begun = Counter(entry[1] for entry in here.entries() if entry[0] == "begin")
    ended = Counter((entry[1], entry[3]) for entry in here.entries() if entry[0] == "end")
    assert len(begun) == tasks
    assert set(begun.values()) == {1}, [name for name, times in begun.items() if times > 1]
    assert set(ended.values()) == {1}
    rows = here.rows()
    codes = [
        row["facts"]["code"] for row in rows if isinstance(row["facts"], dict) and "code" in row["facts"]
    ]
    assert codes == [0] * tasks
    assert not any(isinstance(row["facts"], dict) and row["facts"].get("verdict") == "lost" for row in rows)
    assert processes_of(here) == []


def launcher_of(supervisor: int) -> int:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return int(children[0])


def processes_of(here: Sandbox) -> list[int]:
    """What still runs with this sandbox's ledger in its environment."""
    mark = f"LEDGER={here.ledger}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_background_tasks_outlive_kills_of_supervisor_and_launcher(tmp_path: Path) -> None:
    campaign(tmp_path, tasks=80, slots=16, kills=4, nap=0.3)


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_five_hundred_background_tasks_outlive_twenty_kills(tmp_path: Path) -> None:
    campaign(tmp_path, tasks=500, slots=32, kills=20, nap=0.6)
