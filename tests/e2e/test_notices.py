"""Somebody outside is told of what a run comes to: at least once, by the same key, without the run waiting for it."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.sprints import Sandbox, wait_until

pytestmark = pytest.mark.process

TELL = 'echo "$FSM_SPRINT_EVENT $FSM_SPRINT_IDEMPOTENCY_KEY $FSM_SPRINT_ATTEMPT" >>told; '
SUPERVISOR = "$(awk '{print $4}' /proc/$PPID/stat)"


def sandbox(tmp_path: Path, on: dict[str, object], run: str = "true") -> Sandbox:
    flow = {"name": "main", "schema-version": "2.0", "phases": [{"id": "build", "run": run}]}
    sprint = {"workflow": "main", "sprint-id": "s", "on": on}
    return Sandbox(tmp_path / "sprint", json.dumps(sprint), {"main.yaml": flow})


def told(box: Sandbox) -> list[list[str]]:
    path = box.directory / "told"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def moves(box: Sandbox) -> list[str]:
    return [str(row["trigger"]) for row in box.rows() if row["machine"] == "notice"]


def test_a_run_ends_as_soon_as_its_notice_is_taken_and_says_what_it_came_to(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"blocked": "cat >document", "completed": f"{TELL} true"}, "test -e built")
    began = time.monotonic()
    box.run("run", check=1)
    document = json.loads((box.directory / "document").read_text())
    (box.directory / "built").touch()
    box.run("run", check=0)

    assert time.monotonic() - began < 20, "it waited for somebody who had answered"
    assert (document["event"], document["sprint"], document["unit"]) == ("blocked", "s", "build")
    assert document["why"] == "exit code 1"
    assert document["text"].endswith("build: exit code 1")
    assert [words[0] for words in told(box)] == ["completed"]
    assert moves(box) == ["due", "sent", "due", "sent"]


def test_a_supervisor_that_is_killed_after_it_has_told_tells_again_by_the_same_key(tmp_path: Path) -> None:
    kill = f"[ -e died ] || {{ touch died; kill -9 {SUPERVISOR}; }}"
    box = sandbox(tmp_path, {"completed": TELL + kill})
    assert box.run("run").returncode == -signal.SIGKILL
    assert moves(box) == ["due"]
    box.run("run", check=0)

    assert moves(box) == ["due", "sent"]
    first, second = told(box)
    assert first == second, "another key, or another try, would be another notice to its receiver"
    box.run("run", check=0)
    assert len(told(box)) == 2


def test_what_nobody_takes_stays_due_and_whoever_wants_to_leave_may(tmp_path: Path) -> None:
    box = sandbox(tmp_path, {"completed": f"{TELL} echo $SHY_TOKEN is deaf; test -e ears"})
    box.env["SHY_TOKEN"] = "plum-7f3a-anchor-91"
    process = box.start("run")
    wait_until(lambda: len(told(box)) >= 2)  # what came of the first is on record
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)

    assert process.returncode == 0, "the sprint has completed"
    assert "exit code 1: [SHY_TOKEN] is deaf" in said
    assert "`fsm-sprint run` tries again" in said
    assert "not delivered yet" in box.run("doctor").stdout
    (box.directory / "ears").touch()
    box.run("run", check=0)
    assert moves(box)[-1] == "sent"
    assert len({words[1] for words in told(box)}) == 1
    tries = [int(words[2]) for words in told(box)]
    assert tries == sorted(tries), "a try that was not recorded is made again, and none is left out"
    assert set(tries) == set(range(1, max(tries) + 1))
