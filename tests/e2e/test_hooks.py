"""Hooks as real processes: told of their task, awaited, adopted after a crash, and never left running."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.e2e.sprints import Sandbox, wait_until

pytestmark = pytest.mark.process


def sandbox(tmp_path: Path, *hooks: dict[str, object], **flows: str) -> Sandbox:
    """A sprint of two phases, and hooks that run a workflow of one command each."""
    phases = [{"id": "one", "run": "echo first"}, {"id": "two", "run": "touch two"}]
    files: dict[str, object] = {
        f"{name}.yaml": {"name": name, "schema-version": "2.0", "phases": [{"id": "x", "run": run}]}
        for name, run in flows.items()
    }
    files["main.yaml"] = {
        "name": "main",
        "schema-version": "2.0",
        "phases": phases,
        "per-iteration-hooks": [{"enabled": True, **hook} for hook in hooks],
    }
    return Sandbox(tmp_path / "sprint", "workflow: main\nsprint-id: boat\n", files)


def told(box: Sandbox) -> list[tuple[object, ...]]:
    """(iteration, hook, status, exit code) of each hook's run in PROGRESS.yaml, by iteration."""
    shown = YAML(typ="safe").load((box.directory / "PROGRESS.yaml").read_text(encoding="utf-8"))
    return [
        (one["iteration"], one["hook-id"], one["status"], one.get("exit-code")) for one in shown["hook-tasks"]
    ]


def test_hooks_are_told_of_their_task_and_their_true_end_is_shown(tmp_path: Path) -> None:
    note = 'echo "$SPRINT_ID $ITERATION $PHASE_ID $(cat "$ITERATION_TRANSCRIPT")" >> noted'
    box = sandbox(
        tmp_path,
        {"id": "beside", "workflow": "slow", "parallel": True},
        {"id": "note", "workflow": "note"},
        {"id": "bad", "workflow": "bad"},
        slow="sleep 0.3",
        note=note,
        bad="exit 3",
    )

    said = box.run("run", check=0)
    assert (box.directory / "noted").read_text().splitlines() == ["boat 1 one first", "boat 2 two "]
    assert sorted(told(box)) == [
        *((1, "bad", "failed", 3), (1, "beside", "completed", 0), (1, "note", "completed", 0)),
        *((2, "bad", "failed", 3), (2, "beside", "completed", 0), (2, "note", "completed", 0)),
    ]
    assert "failed: one#hook.bad: exit code 3" in said.stderr
    assert "2 of 2 tasks done" in said.stderr
    assert box.run("logs", "one#hook.bad", check=0).stdout == ""
    assert "one#hook.bad" in box.run("status", check=0).stdout
    assert box.run("verify", check=0)


@pytest.mark.parametrize("parallel", [False, True])
def test_a_hook_that_outlives_its_supervisor_is_adopted_and_runs_once(tmp_path: Path, parallel: bool) -> None:
    slow = "echo ran >> ran; n=0; until [ -e go ] || [ $n -gt 3000 ]; do n=$((n+1)); sleep 0.02; done"
    box = sandbox(tmp_path, {"id": "slow", "workflow": "slow", "parallel": parallel}, slow=slow)
    process = box.start("run")
    wait_until((box.directory / "ran").exists, 60.0)  # so its `start` row is on disk
    process.kill()
    process.communicate(timeout=30)

    (box.directory / "go").touch()
    box.run("run", check=0)
    assert (box.directory / "ran").read_text() == "ran\n" * 2
    assert sorted(told(box)) == [(1, "slow", "completed", 0), (2, "slow", "completed", 0)]
