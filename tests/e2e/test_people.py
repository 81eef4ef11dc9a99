"""One terminal runs a sprint, another one answers what it asks; and a usage limit that ends, or is not waited for."""

import json
from pathlib import Path

import pytest

from fsm.events import Asked
from fsm_sprint.inbox import answer_to, ask, request_id
from fsm_sprint.paths import SprintPaths
from tests.agents.streams import OURS
from tests.e2e.sprints import Sandbox, wait_until
from tests.e2e.test_agents import SESSION, facts
from tests.e2e.test_agents import sandbox as asking

pytestmark = pytest.mark.process


def approved(tmp_path: Path, approve: object, deploy: str = "touch deployed") -> Sandbox:
    """A sprint whose second phase wants a yes or no."""
    phases = [
        {"id": "build", "run": "touch built"},
        {"id": "deploy", "run": deploy, "approve": approve},
        {"id": "tell", "run": "touch told"},
    ]
    flow = {"name": "main", "schema-version": "2.0", "phases": phases}
    return Sandbox(tmp_path / "sprint", "workflow: main\nsprint-id: people\n", {"main.yaml": flow})


def waits(box: Sandbox) -> None:
    """Until its supervisor waits for an answer."""
    wait_until((box.directory / "built").exists)
    wait_until(lambda: "delay" in [row["trigger"] for row in box.rows()])


def test_what_one_terminal_asks_another_one_approves(tmp_path: Path) -> None:
    deploy = "until [ -e answered ]; do sleep 0.02; done"
    box = approved(tmp_path, {"message": "Deploy?", "timeout": "1h"}, deploy)
    process = box.start("run")
    waits(box)

    assert "fsm-sprint approve deploy" in box.run("status", check=0).stdout
    said = box.run("approve", "deploy", "--why", "tested", "--json", check=0)
    answer = json.loads(said.stdout)
    assert (answer["answer"], answer["supervised"]) == ("deploy is approved", True)
    (box.directory / "answered").touch()
    _, told = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "`fsm-sprint approve deploy` lets it start" in told
    assert (box.directory / "told").exists()
    assert facts_of(box, "deploy", "wake")[0]["why"] == "tested"
    assert list((box.directory / ".fsm-sprint" / "inbox").iterdir()) == []
    assert list((box.directory / ".fsm-sprint" / "answers").iterdir()) == []


def facts_of(box: Sandbox, unit: str, trigger: str) -> list[dict[str, object]]:
    return [row["facts"] for row in box.rows() if (row["unit"], row["trigger"]) == (unit, trigger)]  # type: ignore[misc]


def test_a_supervisor_is_paused_resumed_and_told_no_from_another_terminal(tmp_path: Path) -> None:
    box = approved(tmp_path, {"message": "Deploy?", "timeout": "1h"})
    process = box.start("run")
    waits(box)

    paths = SprintPaths(box.directory)
    stale = Asked(request_id(), "approve", "deploy", "ann", "", epoch=99)
    ask(paths, stale)
    found: list[str | None] = []
    wait_until(lambda: bool(found.append(answer_to(paths, stale.id)) or found[-1]))
    assert found[-1] == "refused: another supervisor has taken over since you asked"
    assert "the sprint is in-progress: it is going on" in box.run("resume", check=2).stdout
    assert "rejected" in box.run("answer", "deploy", "no", check=0).stdout
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert not (box.directory / "deployed").exists()


def test_a_question_of_a_resting_sprint_is_answered_and_run_goes_on(tmp_path: Path) -> None:
    box = approved(tmp_path, "Deploy?")
    said = box.run("run", check=10)
    assert "next:  fsm-sprint approve deploy" in said.stderr
    assert "deploy is approved" in box.run("approve", "deploy", check=0).stdout
    box.run("pause", check=0)
    assert "fsm-sprint run" in box.run("resume", check=0).stderr
    box.run("run", check=0)
    assert (
        "deploy runs again; what came after it stays as it is: tell"
        in box.run("retry", "deploy", check=0).stdout
    )
    box.run("run", check=0)
    box.run("verify", check=0)


def test_one_of_two_running_tasks_is_ended_by_name(tmp_path: Path) -> None:
    wait = "while [ ! -e go ]; do sleep 0.05; done"
    phases = [
        {"id": "beside", "run": f"touch one; {wait}; touch done", "parallel": True},
        {"id": "slow", "run": "touch two; exec sleep 100"},
    ]
    flow = {"name": "main", "schema-version": "2.0", "phases": phases}
    box = Sandbox(tmp_path / "sprint", "workflow: main\nsprint-id: people\n", {"main.yaml": flow})
    process = box.start("run")
    wait_until(lambda: (box.directory / "one").exists() and (box.directory / "two").exists())
    assert "stopping slow" in box.run("stop", "slow", "--why", "hangs", check=0).stdout
    (box.directory / "go").touch()
    _, said = process.communicate(timeout=30)

    assert process.returncode == 1, said
    assert (box.directory / "done").exists()
    box.run("verify", check=0)


def test_an_agent_that_needs_a_person_is_answered_and_told_so(tmp_path: Path) -> None:
    well, asks = f"cat {OURS}/claude-tried-again.jsonl", f"cat {OURS}/claude-needs-human.jsonl"
    script = f"if [ -e {tmp_path}/told ]; then {well}; else touch {tmp_path}/told; {asks}; fi"
    box = asking(tmp_path, script)
    said = box.run("run", check=10)

    assert "next:  fsm-sprint answer ask TEXT" in said.stderr
    assert "ask runs again" in box.run("answer", "ask", "take the second one", check=0).stdout
    box.run("run", check=0)
    assert facts(box, "spawn")[1]["answer"] == "take the second one"
    told = (tmp_path / "asked").read_text()
    assert "\n## A person has answered\nAn earlier attempt asked: Which key?" in told
    assert "\nThe answer: take the second one\n" in told
    assert "An earlier attempt failed" not in told


def limited(tmp_path: Path, seconds: int) -> Sandbox:
    """An agent that meets a usage limit of some seconds when it is first asked, and is well after that."""
    known = "1795170000"
    stream = OURS / "claude-limit-cut-off.jsonl"
    assert known in stream.read_text()
    limit = f"touch {tmp_path}/met; sed s/{known}/$(($(date +%s) + {seconds}))/ {stream}; exit 1"
    return asking(
        tmp_path, f"if [ -e {tmp_path}/met ]; then cat {OURS}/claude-tried-again.jsonl; else {limit}; fi"
    )


def test_a_usage_limit_is_not_waited_for_where_that_is_said(tmp_path: Path) -> None:
    box = limited(tmp_path, 3600)
    said = box.run("run", "--no-wait", check=75)

    assert "told not to wait" in said.stderr
    box.run("status", "--exit-status", check=75)
    assert "fsm-sprint run --no-wait" in box.run("explain", "ask", check=0).stdout
    box.run("run", "--no-wait", check=75)
    assert len(facts(box, "spawn")) == 1, "nobody is asked while the limit lasts"
    assert "ask waits no longer" in box.run("retry", "ask", check=0).stdout
    box.run("run", "--no-wait", check=0)
    assert facts(box, "spawn")[1]["resume"] == SESSION


@pytest.mark.faults  # half a minute in which nothing happens
def test_a_usage_limit_is_waited_for_and_costs_no_try(tmp_path: Path) -> None:
    box = limited(tmp_path, 3)
    said = box.run("run", check=0)

    assert "usage limit of claude" in said.stderr
    assert [told["why"] for told in facts(box, "delay")] == ["usage limit"]
    assert len(facts(box, "spawn")) == 2
