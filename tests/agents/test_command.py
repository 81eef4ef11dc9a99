"""Any program as an agent: its status and what it says decide."""

import pytest

from fsm.plan import Agent
from fsm.transition import Facts
from fsm_sprint.agents.command import Command
from fsm_sprint.agents.contract import TAIL, Brief, Driver

OK = {"status": "0", "why": "exit"}
BAD = {"status": "256", "why": "exit"}


def brief(prompt: str = "") -> Brief:
    return Brief(agent=Agent(name="command", command=("agent",)), prompt=prompt)


def finish(said: str, ended: dict[str, str]) -> tuple[str, Facts]:
    driver: Driver = Command(brief("Do."))
    raw = said.encode()
    for at in range(0, len(raw), 7):
        assert driver.feed(raw[at : at + 7]) == {}
    return driver.finish(ended)


def says(status: str) -> str:
    return f'{{"status": "{status}", "summary": "so"}}'


@pytest.mark.parametrize(
    ("said", "ended", "verdict"),
    [
        ("", OK, "ok"),
        ("", BAD, "failed"),
        (says("completed"), OK, "ok"),
        (says("failed"), OK, "failed"),
        (says("needs-human"), OK, "needs-human"),
        (says("completed"), BAD, "failed"),
        (says("failed"), BAD, "failed"),
        (says("needs-human"), BAD, "needs-human"),
        (says("completed"), {"status": "15", "why": "timeout"}, "timeout"),
        (says("completed"), {"status": "0", "why": "timeout"}, "ok"),
        (says("completed"), {"status": "9", "why": "exit"}, "killed"),
    ],
)
def test_a_status_that_is_bad_stays_bad_and_an_agent_may_always_ask(
    said: str, ended: dict[str, str], verdict: str
):
    assert finish(said, ended)[0] == verdict


@pytest.mark.parametrize(
    ("why", "verdict"), [("timeout", "timeout"), ("idle", "idle"), ("stopped", "killed")]
)
def test_ending_with_zero_when_told_to_end_proves_no_work(why: str, verdict: str):
    """Some agents answer TERM with 0 and no result."""
    assert finish("half of it", {"status": "0", "why": why})[0] == verdict


def test_only_the_end_of_a_long_output_is_kept():
    driver = Command(brief())
    driver.feed(says("failed").encode() + b"x" * TAIL)
    assert driver.finish(OK)[0] == "ok"
    assert len(driver._tail) == TAIL


def test_a_failure_without_an_error_has_one_all_the_same():
    assert finish(says("failed"), OK)[1]["error"] == "so"


def test_half_a_surrogate_pair_in_a_prompt_is_no_crash():
    assert Command(brief("a\ud800b")).stdin() == b"a?b"
