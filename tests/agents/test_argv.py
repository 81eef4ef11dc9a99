"""How agents are started: quiet, headless, with what the sprint says and no more leave than it gives."""

import pytest

from fsm.plan import Agent
from fsm_sprint.agents.contract import Brief
from fsm_sprint.agents.registry import KNOWN, driver


def argv(name: str, **more: object) -> str:
    agent = {key: more.pop(key) for key in ("permissions", "args") if key in more}
    return " ".join(driver(Brief(agent=Agent(name=name, **agent), **more)).argv())  # type: ignore[arg-type]


def test_without_a_word_from_the_sprint() -> None:
    assert {name: argv(name) for name in KNOWN} == {
        "claude": "claude -p --output-format stream-json --verbose --permission-mode acceptEdits",
        "codex": "codex exec --json --skip-git-repo-check -c analytics.enabled=false"
        " -c check_for_update_on_startup=false -s workspace-write -",
        "gemini": "gemini -o stream-json --skip-trust --approval-mode auto_edit",
        "copilot": "copilot --output-format json --disable-client-telemetry --allow-all-tools",
        "opencode": "opencode run --format json",
        "aider": "aider --message-file /dev/stdin --yes-always --no-stream --no-pretty --analytics-disable"
        " --no-check-update --no-show-release-notes",
    }


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("claude", "--model m"),
        ("codex", "-m m"),
        ("gemini", "-m m"),
        ("copilot", "--model m"),
        ("opencode", "-m m"),
        ("aider", "--model m"),
    ],
)
def test_a_model_is_named(name: str, flag: str) -> None:
    assert f" {flag}" in argv(name, model="m")


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("claude", "--resume s"),
        ("codex", "resume s -"),
        ("gemini", "--resume s"),
        ("copilot", "--resume=s"),
        ("opencode", "-s s"),
    ],
)
def test_a_session_is_resumed(name: str, flag: str) -> None:
    assert flag in argv(name, resume="s")


@pytest.mark.parametrize("name", list(KNOWN))
def test_more_arguments_go_as_they_are_written(name: str) -> None:
    found = driver(Brief(agent=Agent(name=name, args=("--odd one", "$HOME")))).argv()
    at = found.index("--odd one")
    assert found[at + 1] == "$HOME"


@pytest.mark.parametrize(
    ("name", "said", "flags"),
    [
        ("claude", "bypassPermissions", "--permission-mode bypassPermissions"),
        ("claude", "dangerously-skip-permissions", "--dangerously-skip-permissions"),
        ("codex", "read-only", "-s read-only"),
        ("codex", "dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-approvals-and-sandbox"),
        ("gemini", "yolo", "--approval-mode yolo"),
        ("copilot", "allow-all", "--allow-all"),
        ("copilot", "shell(git:*)", "--allow-tool=shell(git:*)"),
        ("opencode", "auto", "--auto"),
    ],
)
def test_leave_is_given_in_the_agents_own_words(name: str, said: str, flags: str) -> None:
    assert flags in argv(name, permissions=said)


def test_no_danger_that_the_sprint_does_not_ask_for() -> None:
    for name in KNOWN:
        assert "danger" not in argv(name, model="m", resume="s", budget=1.0)
        assert "bypass" not in argv(name)


def test_what_is_left_of_a_budget_is_told_to_who_can_keep_it() -> None:
    assert "--max-budget-usd 1.2500" in argv("claude", budget=1.25)
    assert "--max-budget-usd 0.0001" in argv("claude", budget=0.00001), "it does not start with 0"


def test_a_program_of_ones_own_is_told_by_its_environment() -> None:
    agent = Agent(name="command", command=("mine", "-x"), permissions="all", args=("-y",))
    found = driver(Brief(agent=agent, model="m", resume="s", budget=2.0))
    assert found.argv() == ("mine", "-x", "-y")
    assert found.env() == {
        "FSM_SPRINT_MODEL": "m",
        "FSM_SPRINT_RESUME": "s",
        "FSM_SPRINT_PERMISSIONS": "all",
        "FSM_SPRINT_BUDGET_USD": "2.0000",
    }


def test_the_prompt_is_on_stdin_and_never_an_argument() -> None:
    for name in KNOWN:
        found = driver(Brief(agent=Agent(name=name), prompt="--help; $(id)"))
        assert found.stdin() == b"--help; $(id)"
        assert not any("$(id)" in part for part in found.argv())
