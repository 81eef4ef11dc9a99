"""Which driver answers, and whether its program is there."""

from pathlib import Path

import pytest

from fsm.errors import SprintError
from fsm.plan import Agent
from fsm_sprint.agents.contract import Brief
from fsm_sprint.agents.registry import DEFAULT, driver, installed

MINE = Agent(name="mine", command=("my-agent", "--print"))


def test_claude_answers_when_nobody_is_named():
    assert driver(Brief(agent=DEFAULT)).argv()[:2] == ("claude", "-p")


def test_a_prompt_is_never_an_argument():
    found = driver(Brief(agent=DEFAULT, prompt="--dangerous $(id)"))
    assert "--dangerous $(id)" not in found.argv()
    assert found.stdin() == b"--dangerous $(id)"


def test_a_name_that_nobody_knows_is_an_error_with_a_hint():
    for ask in (lambda: driver(Brief(agent=Agent(name="nobody"))), lambda: installed([Agent(name="nobody")])):
        with pytest.raises(SprintError, match="nobody") as caught:
            ask()
        assert "claude" in str(caught.value.hint)


def test_an_agent_that_is_not_installed_is_named_with_a_hint(tmp_path: Path):
    env = {"PATH": str(tmp_path)}
    with pytest.raises(SprintError, match="`claude`") as caught:
        installed([None], env)
    assert "npm install" in str(caught.value.hint)
    with pytest.raises(SprintError, match="`my-agent`"):
        installed([MINE], env)


def test_what_is_on_the_path_is_installed(tmp_path: Path):
    for name in ("claude", "my-agent"):
        (tmp_path / name).touch(mode=0o755)
    installed([None, MINE, Agent(name="claude")], {"PATH": str(tmp_path)})


def test_a_program_named_by_its_path_is_looked_for_when_it_runs():
    installed([Agent(name="mine", command=("./made-by-an-earlier-phase",))], {"PATH": ""})
