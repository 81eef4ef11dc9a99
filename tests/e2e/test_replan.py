"""A sprint whose files have changed since it began goes on with the new ones, and does nothing twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sprints import Sandbox

pytestmark = pytest.mark.process


def phase(name: str, run: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": name, "run": run or f"echo {name} >> did", **more}


def flow(*phases: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "main", "schema-version": "2.0", "phases": list(phases), **more}


def sandbox(
    tmp_path: Path, *phases: dict[str, Any], sprint: str = "workflow: main\nsprint-id: boat\n"
) -> Sandbox:
    return Sandbox(tmp_path / "sprint", sprint, {"main.yaml": flow(*phases)})


def change(box: Sandbox, *phases: dict[str, Any], **more: Any) -> None:
    (box.directory / ".claude" / "workflows" / "main.yaml").write_text(json.dumps(flow(*phases, **more)))


def did(box: Sandbox) -> list[str]:
    return (box.directory / "did").read_text().split()


def failing(tmp_path: Path) -> Sandbox:
    """One phase is done, the second has failed, the third was never begun."""
    box = sandbox(tmp_path, phase("one"), phase("two", "exit 3"), phase("three"))
    box.run("run", check=1)
    return box


def test_what_failed_is_done_as_the_files_say_now_and_what_is_done_stays_done(tmp_path: Path) -> None:
    box = failing(tmp_path)
    change(box, phase("one", timeout="1h"), phase("two"), phase("new"))

    plain = box.run("run", check=1).stderr
    assert "`fsm-sprint run --replan` goes on with today's" in plain
    said = box.run("run", "--replan", check=0).stderr
    assert "the plan is changed:\n  + new\n  - three\n  ~ one: timeout\n  ~ two: run\n" in said
    assert did(box) == ["one", "two", "new"]
    told = box.run("replay", check=0).stdout
    assert "the plan was changed to" in told
    assert "the files have changed" in told
    assert box.run("verify", check=0)
    assert "3 of 3 tasks done" in box.run("status", check=0).stdout


def test_what_is_done_cannot_be_made_into_something_else(tmp_path: Path) -> None:
    box = failing(tmp_path)
    rows = len(box.rows())

    change(box, phase("one", "echo other"), phase("two"), phase("three"))
    said = box.run("run", "--replan", check=2).stderr
    assert "today's files cannot be taken in: one is completed and would do something else" in said
    change(box, phase("two"), phase("three"))
    said = box.run("run", "--replan", check=2).stderr
    assert "one is completed and has no place in it" in said
    assert "`fsm-sprint run --new` begins another" in said
    assert len(box.rows()) == rows
    assert did(box) == ["one"]


def test_files_that_say_the_same_in_other_words_are_taken_in_and_no_longer_warned_of(tmp_path: Path) -> None:
    box = failing(tmp_path)
    file = box.directory / "SPRINT.yaml"
    file.write_text(file.read_text() + "# a note\n")

    assert "the plan is what it was; only the files are not" in box.run("run", "--replan", check=1).stderr
    assert "--replan" not in box.run("run", check=1).stderr


def test_hooks_that_come_later_do_not_run_for_what_is_done(tmp_path: Path) -> None:
    box = failing(tmp_path)
    hooks = [{"id": "note", "workflow": "noting", "enabled": True}]
    noting = {"name": "noting", "schema-version": "2.0", "phases": [phase("x", "echo note-$PHASE_ID >> did")]}
    (box.directory / ".claude" / "workflows" / "noting.yaml").write_text(json.dumps(noting))
    change(box, phase("one"), phase("two"), phase("three"), **{"per-iteration-hooks": hooks})

    box.run("run", "--replan", check=0)
    assert did(box) == ["one", "two", "note-two", "three", "note-three"]
    assert box.run("verify", check=0)


def test_a_step_that_comes_into_a_phase_that_was_done_opens_it_again(tmp_path: Path) -> None:
    sprint = "workflow: main\nsprint-id: boat\ncollections: {part: [{id: a, prompt: A}%s]}\n"
    box = sandbox(
        tmp_path,
        phase("build", "echo $ITEM_ID >> did", **{"for-each": "part"}),
        phase("end", "exit 1"),
        sprint=sprint % "",
    )
    box.run("run", check=1)
    (box.directory / "SPRINT.yaml").write_text(sprint % ", {id: b, prompt: B}")
    change(box, phase("build", "echo $ITEM_ID >> did", **{"for-each": "part"}), phase("end"))

    box.run("run", "--replan", check=0)
    assert did(box) == ["a", "b", "end"]
    assert box.run("verify", check=0)


def test_there_has_to_be_a_run_that_can_go_on(tmp_path: Path) -> None:
    box = sandbox(tmp_path, phase("one"))

    assert "nothing was ever run here" in box.run("run", "--replan", check=2).stderr
    assert "give one of them" in box.run("run", "--replan", "--new", check=2).stderr
    box.run("run", check=0)
    change(box, phase("one"), phase("two"))
    assert "is completed already" in box.run("run", "--replan", check=2).stderr
