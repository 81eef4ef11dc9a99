"""`accept` in a whole run: the agent that says it is done is sent back until what was asked for is there."""

from pathlib import Path

import pytest

from tests.e2e.sprints import Sandbox

pytestmark = pytest.mark.process


def test_an_agent_is_sent_back_until_what_was_asked_for_is_there(tmp_path: Path) -> None:
    told = tmp_path / "told"
    agent = f'cat >"{told}"; [ -e tried ] && {{ echo x >new.md; echo y >>old.md; }}; touch tried; echo done'
    phase = {
        "id": "ask",
        "prompt": "Write it.",
        "agent": {"command": ["/bin/sh", "-c", agent]},
        "accept": {"exists": ["n*.md"], "changed": ["old.md"]},
    }
    flow = {"name": "main", "schema-version": "2.0", "phases": [phase]}
    box = Sandbox(tmp_path / "sprint", "workflow: main\nsprint-id: accept\n", {"main.yaml": flow})
    (box.directory / "old.md").write_text("as it was")
    box.run("run", check=0)

    moves = [(row["unit"], row["trigger"]) for row in box.rows() if row["trigger"] in ("succeed", "fail")]
    assert moves == [
        ("ask#gate", "fail"),
        ("ask#fix", "succeed"),
        ("ask#gate", "succeed"),
        ("ask", "succeed"),
    ]
    said = told.read_text()
    assert "What was to be done:\n\nWrite it." in said
    assert "accept: not there: n*.md\naccept: not changed since the task began: old.md" in said
