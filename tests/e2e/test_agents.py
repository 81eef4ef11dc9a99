"""Whole runs with agents that print recorded streams under the names of real ones."""

import json
import signal
from pathlib import Path

import pytest

from tests.agents.streams import OURS
from tests.e2e.sprints import Sandbox, wait_until

pytestmark = pytest.mark.process

SPRINT = "workflow: main\nsprint-id: agents\n"
SESSION = "c1a0de00-0000-4000-8000-000000000001"


def sandbox(tmp_path: Path, script: str, *, agent: str = "claude", **more: object) -> Sandbox:
    """A sprint of one prompt, and a program under its agent's name that does what `script` says."""
    phase = {"id": "ask", "prompt": "Do the work.", "agent": agent, **more}
    flow = {"name": "main", "schema-version": "2.0", "phases": [phase]}
    box = Sandbox(tmp_path / "sprint", SPRINT, {"main.yaml": flow})
    program = tmp_path / "bin" / agent
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ncat >"{tmp_path}/asked"\necho "$@" >"{tmp_path}/argv"\n{script}\n')
    program.chmod(0o755)
    box.env["PATH"] = f"{program.parent}:{box.env['PATH']}"
    return box


def facts(box: Sandbox, trigger: str) -> list[dict[str, object]]:
    """The facts of the rows of the task by which it was moved so."""
    return [row["facts"] for row in box.rows() if row["unit"] == "ask" and row["trigger"] == trigger]  # type: ignore[misc]


def test_what_an_agent_used_and_said_is_in_the_row_of_its_end(tmp_path: Path) -> None:
    box = sandbox(tmp_path, f"cat {OURS}/claude-tried-again.jsonl")
    box.run("run", check=0)

    (ended,) = facts(box, "succeed")
    assert {name: ended[name] for name in ("session", "cost-usd", "turns", "summary")} == {
        "session": SESSION,
        "cost-usd": 0.0125,
        "turns": 2,
        "summary": "Here it is.",
    }
    assert ended["tokens"] == {"input": 37, "output": 12, "cached": 200}
    assert "Do the work." in (tmp_path / "asked").read_text()
    assert "Do the work." not in (tmp_path / "argv").read_text()
    assert "Here it is." in box.run("logs", "ask", check=0).stdout
    box.run("verify", check=0)


def test_an_agent_that_stops_at_the_bound_that_it_was_given_ends_the_budget(tmp_path: Path) -> None:
    box = sandbox(tmp_path, f"cat {OURS}/claude-budget.jsonl\nexit 1", budget={"cost-usd": 0.01})
    said = box.run("run", check=12)

    assert "resume ask --budget cost-usd=" in said.stderr
    box.run("status", "--exit-status", check=12)


def test_what_was_denied_is_no_success(tmp_path: Path) -> None:
    box = sandbox(tmp_path, f"cat {OURS}/claude-denied.jsonl")
    said = box.run("run", check=1)

    assert "was not permitted: Bash make test" in said.stderr + said.stdout
    assert facts(box, "fail")[0]["verdict"] == "denied"


def test_a_login_that_does_not_work_ends_the_attempt_at_once(tmp_path: Path) -> None:
    box = sandbox(tmp_path, f"cat {OURS}/claude-login.jsonl\nexec sleep 100")
    box.run("run", check=1)

    (told,) = facts(box, "report")
    assert told == {"session": SESSION, "model": "claude-test-1", "ending": "auth"}
    assert facts(box, "fail")[0]["verdict"] == "auth"


def test_an_attempt_that_was_taken_over_gets_the_verdict_that_it_would_have_had(tmp_path: Path) -> None:
    stream = (OURS / "claude-limit-in-words.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "first").write_text(stream[0])
    (tmp_path / "rest").write_text("".join(stream[1:]))
    script = f"cat {tmp_path}/first\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.05; done\ncat {tmp_path}/rest\nexit 1"
    box = sandbox(tmp_path, script)
    process = box.start("run")
    log = box.directory / "logs" / "ask.log"
    wait_until(lambda: log.exists() and b"init" in log.read_bytes())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (tmp_path / "go").touch()
    wait_until(lambda: b'"result"' in log.read_bytes())
    process = box.start("run")
    wait_until(lambda: "delay" in [row["trigger"] for row in box.rows()])
    process.send_signal(signal.SIGTERM)
    process.communicate()

    ended = [row["facts"] for row in box.rows() if row["unit"] == "ask" and "verdict" in row["facts"]]  # type: ignore[operator]
    assert ended[0]["verdict"] == "limit"  # type: ignore[index]
    assert (ended[0]["session"], ended[0]["limit-kind"]) == (SESSION, "session")  # type: ignore[index]
    assert ended[0]["until"] % 86_400_000 == (10 * 60 + 20) * 60_000  # type: ignore[index]


def test_a_dry_run_shows_with_what_each_agent_would_be_started(tmp_path: Path) -> None:
    box = sandbox(tmp_path, "exit 1", agent="codex")
    document = json.loads(box.run("run", "--dry-run", "--json", check=0).stdout)

    (task,) = document["tasks"]
    assert task["agents"] == ["codex"]
    assert task["argv"][:3] == ["codex", "exec", "--json"]
    assert not (tmp_path / "argv").exists()


def test_a_name_that_is_nearly_that_of_an_agent_is_answered_with_what_was_meant(tmp_path: Path) -> None:
    box = sandbox(tmp_path, "exit 1", agent="claud")
    said = box.run("run")

    assert said.returncode in (3, 4)
    assert "did you mean claude?" in said.stderr


def test_a_second_attempt_goes_on_in_the_session_of_the_first_and_pays_for_its_own_part(
    tmp_path: Path,
) -> None:
    """Its usage is counted over a whole session: 100, 250 and 400 tokens are 100, 150 and 150."""
    thread = {"type": "thread.started", "thread_id": "t1"}
    answer = {"type": "item.completed", "item": {"type": "agent_message", "text": "Done."}}
    busy = {"type": "turn.failed", "error": {"message": "server overloaded"}}
    for number, read in enumerate((100, 250), 1):
        used = {
            "type": "turn.completed",
            "usage": {"input_tokens": read, "cached_input_tokens": 0, "output_tokens": read},
        }
        lines = [thread, answer, used] + ([busy] if number < 2 else [])
        (tmp_path / f"{number}").write_text("".join(json.dumps(line) + "\n" for line in lines))
    script = f'echo x >>"{tmp_path}/count"\ncat "{tmp_path}/$(wc -l <"{tmp_path}/count" | tr -d " ")"'
    box = sandbox(tmp_path, script, agent="codex", retry={"max-attempts": 3})
    box.run("run", check=0)

    assert "resume t1" in (tmp_path / "argv").read_text()
    assert facts(box, "fail")[0]["tokens"] == {"input": 100, "output": 100, "cached": 0}
    assert facts(box, "succeed")[0]["tokens"] == {"input": 150, "output": 150, "cached": 0}


def test_what_a_step_may_cost_is_told_to_the_agent_that_can_keep_it(tmp_path: Path) -> None:
    box = sandbox(tmp_path, f"cat {OURS}/claude-tried-again.jsonl", budget={"cost-usd": 1.5})
    box.run("run", check=0)

    assert facts(box, "spawn")[0]["budget-usd"] == 1.5
    assert "--max-budget-usd 1.5000" in (tmp_path / "argv").read_text()


def test_what_an_agent_says_in_no_words_is_said_in_ours(tmp_path: Path) -> None:
    box = sandbox(tmp_path, f"cat {OURS}/claude-budget.jsonl\nexit 1")
    said = box.run("run", check=1)

    assert "exit 1: used up what it may cost" in said.stderr
    assert "error_max_budget_usd" not in said.stderr + box.run("status", check=0).stdout
