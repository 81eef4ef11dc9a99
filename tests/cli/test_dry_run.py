"""`run --dry-run`: all that would be executed is shown, and nothing of it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from fsm.plan import Gate
from fsm.transition import SPRINT_UNIT
from tests.cli.command import Command
from tests.report.scene import Scene, leaf

AGENT = {"command": ["mender", "--fast"]}


@pytest.fixture
def made(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLOUR", "red")
    phases = [
        {"id": "make", "run": ["cc", "-o", "a b"], "env": {"COLOUR": "blue", "MODE": "x"}, "timeout": 9},
        {
            "id": "write",
            "prompt": "Write it",
            "agent": AGENT,
            "gate": {"script": "test -s out", "on-fail": {"prompt": "Mend it"}},
        },
        {"id": "strict", "run": "true", "gate": {"script": "make check"}},
    ]
    hooks = [{"id": "tidy", "prompt": "Tidy up", "enabled": True}]
    workflow = {"name": "w", "schema-version": "2.0", "phases": phases, "per-iteration-hooks": hooks}
    folder = home / ".claude" / "workflows"
    folder.mkdir(parents=True)
    (folder / "w.yaml").write_text(json.dumps(workflow))
    told = {"blocked": "notify-send blocked", "completed": {"url": "https://example.org/done"}}
    (home / "SPRINT.yaml").write_text(json.dumps({"workflow": "w", "sprint-id": "s", "on": told}))
    return home


def document(fsm_sprint: Command) -> Any:
    return fsm_sprint("run", "--dry-run", "--json").document


def test_tasks_gates_and_repairs_in_order(made: Path, fsm_sprint: Command) -> None:
    tasks = [task for task in document(fsm_sprint)["tasks"] if "#hook." not in task["unit"]]
    assert [(task["unit"], task["argv"]) for task in tasks] == [
        ("make", ["cc", "-o", "a b"]),
        ("write", ["mender", "--fast"]),
        ("write#gate", ["/bin/sh", "-c", "test -s out"]),
        ("write#fix", ["mender", "--fast"]),
        ("strict", ["/bin/sh", "-c", "true"]),
        ("strict#gate", ["/bin/sh", "-c", "make check"]),
    ]
    assert [bool(task["when"]) for task in tasks] == [False, False, True, True, False, True]
    assert tasks[3]["prompt"].startswith("Mend it")


def test_each_task_has_its_hooks_after_it(made: Path, fsm_sprint: Command) -> None:
    tasks = document(fsm_sprint)["tasks"]
    assert [task["unit"] for task in tasks][:2] == ["make", "make#hook.tidy"]
    hooks = [task for task in tasks if "#hook." in task["unit"]]
    assert len(hooks) == 3
    assert {(task["prompt"], task["argv"][0]) for task in hooks} == {("Tidy up", "claude")}
    assert hooks[0]["when"] == "each time that make has ended well; nothing fails of it"


def test_a_variable_that_gets_another_value_is_named_like_a_new_one(made: Path, fsm_sprint: Command) -> None:
    first = document(fsm_sprint)["tasks"][0]
    assert {"COLOUR", "MODE"} <= set(first["environment"])
    assert first["timeout"] == 9
    assert first["cwd"] == str(made)


def test_whom_a_state_is_told_to(made: Path, fsm_sprint: Command) -> None:
    found = document(fsm_sprint)
    assert found["notices"] == [
        {
            "event": "blocked",
            "argv": ["/bin/sh", "-c", "notify-send blocked"],
            "cwd": str(made),
            "url": None,
        },
        {"event": "completed", "argv": None, "cwd": None, "url": "https://example.org/done"},
    ]
    assert [hook["id"] for hook in found["hooks"]] == ["tidy"]


def test_people_read_the_same(made: Path, fsm_sprint: Command) -> None:
    shown = fsm_sprint("run", "--dry-run").out
    for part in (
        "'test -s out'",
        "Mend it",
        "COLOUR",
        "notify-send blocked",
        "https://example.org/done",
        "tidy",
    ):
        assert part in shown
    assert not (made / ".fsm-sprint").exists()


def units(fsm_sprint: Command, *more: str) -> list[str]:
    return [task["unit"] for task in fsm_sprint("run", "--dry-run", "--json", *more).document["tasks"]]


def test_of_a_run_that_has_begun_what_is_left_of_its_own_plan_is_shown(
    made: Path, fsm_sprint: Command
) -> None:
    today = units(fsm_sprint)
    gate = Gate(script="make check")
    with Scene(made, leaf("a", gate=gate), leaf("b", gate=gate), leaf("c"), leaf("d")).begin() as scene:
        scene.spawn("a")
        scene.move("a", "verify", {"code": 0}, attempt=1)
        scene.spawn("a#gate")
        scene.succeed("a#gate")
        scene.move("a", "succeed", attempt=1)
        scene.move("c", "skip")
        scene.spawn("b")
        scene.fail("b")
        scene.move(SPRINT_UNIT, "block", {"unit": "b", "why": "exit code 1", "kind": "failed"})
    (made / "SPRINT.yaml").write_text(json.dumps({"workflow": "w", "sprint-id": "s"}))
    assert units(fsm_sprint) == ["b", "b#gate", "d"]
    assert units(fsm_sprint, "--new") == today


def test_of_a_run_that_is_over_nothing_is_shown(made: Path, fsm_sprint: Command) -> None:
    with Scene(made, leaf("a")).begin():
        pass
    fsm_sprint("stop", "--cancel")
    shown = fsm_sprint("run", "--dry-run")
    assert (shown.out, shown.err) == (
        "",
        "run run-1 is cancelled already; `fsm-sprint run --new` begins another run\n",
    )


def test_with_replan_the_difference_is_shown_and_what_is_left_as_it_will_be(
    made: Path, fsm_sprint: Command
) -> None:
    with Scene(made, leaf("make", run=("cc", "-o", "a b")), sprint_id="s").begin():
        pass
    (made / "SPRINT.yaml").write_text(json.dumps({"workflow": "w", "sprint-id": "s"}))
    shown = fsm_sprint("run", "--dry-run", "--replan", "--json")
    assert "+ write" in shown.err
    assert "write#fix" in [task["unit"] for task in shown.document["tasks"]]
