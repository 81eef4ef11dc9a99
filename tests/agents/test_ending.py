"""Verdicts of exit records. A wait status is what the kernel gave: code × 256, or the number of a signal."""

import pytest

from fsm_sprint.agents.ending import judged


def test_zero_is_well():
    verdict, facts = judged({"status": "0", "why": "exit", "elapsed-ms": "12", "user-ms": "3"})
    assert (verdict, facts) == ("ok", {"code": 0, "elapsed-ms": 12, "user-ms": 3})


@pytest.mark.parametrize("code", [1, 124, 137, 255])
def test_any_other_code_is_a_failure(code: int):
    assert judged({"status": str(code * 256), "why": "exit"}) == (
        "failed",
        {"code": code, "error": f"exit code {code}"},
    )


def test_what_kept_it_from_starting_is_the_error():
    ended = {"status": str(127 * 256), "why": "exit", "error": "command not found: x"}
    assert judged(ended)[1]["error"] == "command not found: x"


@pytest.mark.parametrize(
    ("number", "verdict"),
    [(9, "killed"), (15, "killed"), (11, "crashed"), (6, "crashed"), (64, "killed"), (40, "killed")],
)
def test_death_by_a_signal_has_no_code(number: int, verdict: str):
    found, facts = judged({"status": str(number), "why": "exit"})
    assert found == verdict
    assert "code" not in facts


def test_a_core_dump_is_worth_knowing():
    assert judged({"status": str(11 | 0x80), "why": "exit"})[1]["core"] is True


@pytest.mark.parametrize(
    ("why", "verdict"), [("timeout", "timeout"), ("idle", "idle"), ("stopped", "killed")]
)
def test_why_its_shim_ended_it_is_the_verdict(why: str, verdict: str):
    found, facts = judged({"status": "15", "why": why})
    assert (found, facts["why"], facts["signal"]) == (verdict, why, "SIGTERM")


@pytest.mark.parametrize("why", ["timeout", "idle", "stopped"])
def test_what_ends_with_zero_after_all_has_ended_well(why: str):
    assert judged({"status": "0", "why": why})[0] == "ok"


@pytest.mark.parametrize(
    "ended", [{}, {"status": ""}, {"status": "x", "why": "exit"}, {"why": "exit", "error": "cannot fork"}]
)
def test_without_a_status_there_is_no_code_and_no_success(ended: dict[str, str]):
    verdict, facts = judged(ended)
    assert verdict == "failed"
    assert "code" not in facts
    assert facts["error"]
