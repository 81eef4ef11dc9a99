"""What an agent has changed and left behind, in a whole run."""

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.sprints import Sandbox
from tests.executors.test_changes import Repository

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


def test_what_each_attempt_changed_is_recorded_and_told(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write("old", 3)
    repository.commit()
    told = '{"status": "completed", "summary": "Wrote it"}'
    work = f"cat >/dev/null; seq 5 >new; git add new; git commit -qm new; echo x >>old; echo '{told}'"
    leave = 'echo found >"$FSM_SPRINT_ARTIFACTS/notes.txt"; ls -d "$FSM_SPRINT_ARTIFACTS"'
    agent = {"command": ["/bin/sh", "-c", work]}
    gate = {"script": leave, "on-fail": {"prompt": "Mend it"}}
    phases = [
        {"id": "ask", "prompt": "Write it.", "agent": agent, "gate": gate},
        {
            "id": "look",
            "prompt": "Look.",
            "agent": {"command": ["/bin/sh", "-c", "cat >/dev/null; echo seen"]},
        },
        {"id": "run", "run": 'test ! -e "$FSM_SPRINT_ARTIFACTS"; mkdir -p "$FSM_SPRINT_ARTIFACTS"'},
    ]
    flow = {"name": "main", "schema-version": "2.0", "phases": phases}
    box = Sandbox(repository.top / "sprint", "workflow: main\nsprint-id: changes\n", {"main.yaml": flow})
    box.env |= {
        "GIT_AUTHOR_NAME": "n",
        "GIT_AUTHOR_EMAIL": "e@x",
        "GIT_COMMITTER_NAME": "n",
        "GIT_COMMITTER_EMAIL": "e",
    }
    shown = box.run("run", check=0).stderr

    made = {
        row["unit"]: row["facts"]["changes"]  # type: ignore[index]
        for row in box.rows()
        if isinstance(row["facts"], dict) and "changes" in row["facts"]
    }
    assert made == {
        "ask": {"files": 2, "added": 6, "removed": 0, "commits": 1},
        "look": {"files": 0, "added": 0, "removed": 0, "commits": 0},
    }
    assert "(2 files, +6 -0, 1 commit); now its gate has to pass" in shown
    assert "(2 files, +6 -0, 1 commit); now its gate has to pass" in box.run("replay", check=0).stdout
    explained = box.run("explain", "ask", check=0).stdout
    assert "  attempt 1: 2 files, +6 -0, 1 commit\n" in explained
    assert "  artifacts in .fsm-sprint/artifacts/ask: notes.txt\n" in explained
    assert "attempt 1: nothing changed\n" in box.run("explain", "look", check=0).stdout
    said = box.run("logs", "ask", check=0).stderr
    assert said == "ask, attempt 1: 2 files, +6 -0, 1 commit\nask: artifacts in .fsm-sprint/artifacts/ask\n"
    units = {
        one["unit"]: one for one in json.loads(box.run("status", "--all", "--json", check=0).stdout)["units"]
    }
    assert units["ask"]["changes"] == made["ask"]
    folders = (box.directory / ".fsm-sprint" / "artifacts").iterdir()
    assert sorted(path.name for path in folders) == ["ask", "look", "run"]
    box.run("verify", check=0)


def test_what_others_may_have_changed_is_said_to_be_shared(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    both = "while [ ! -e beside ] || [ ! -e line ]; do sleep 0.05; done"
    step = f"cat >/dev/null; echo x >>$FSM_SPRINT_TASK; {both}; echo done"
    phases = [
        {"id": "beside", "prompt": "Do.", "parallel": True, "agent": {"command": ["/bin/sh", "-c", step]}},
        {"id": "line", "prompt": "Do.", "agent": {"command": ["/bin/sh", "-c", step]}},
    ]
    flow = {"name": "main", "schema-version": "2.0", "phases": phases}
    box = Sandbox(repository.top / "sprint", "workflow: main\nsprint-id: both\n", {"main.yaml": flow})
    box.run("run", check=0)

    found = [row["facts"]["changes"] for row in box.rows() if "changes" in (row["facts"] or {})]  # type: ignore[index, operator]
    assert [one["shared"] for one in found] == [True, True]
