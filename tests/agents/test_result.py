"""The result at the end of what an agent prints."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_sprint.agents.result import result

DONE = '{"status": "completed", "summary": "all of it"}'
FAILED = '{"status": "failed", "summary": "no", "error": "tests are red"}'


@pytest.mark.parametrize(
    "text",
    [
        DONE,
        f"words before\n{DONE}\n\n",
        f"```json\n{DONE}\n```",
        f"```json\n{DONE}",
        f"words\n```json\n{DONE}\n```\nwords after\n",
        f"```\n{DONE}\n```\n",
        f"  ```json\n  {DONE}\n  ```\n",
        json.dumps(json.loads(DONE), indent=2),
        f"{FAILED}\nbut then\n{DONE}",
        f"```json\n{FAILED}\n```\n```json\n{DONE}\n```",
        f"```json\n{FAILED}\n```\n{DONE}",
        '{"status": "completed", "summary": "all of it", "more": {"deep": {"deeper": []}}}',
    ],
)  # fmt: skip
def test_the_last_result_counts_bare_or_fenced(text: str):
    assert result(text) == ("ok", {"summary": "all of it"})


def test_a_failure_says_why():
    assert result(FAILED) == ("failed", {"summary": "no", "error": "tests are red"})


def test_a_question_says_what_is_needed():
    needed = {"reason": "which key?", "details": "two fit"}
    said = {"status": "needs-human", "summary": "stuck", "humanNeeded": needed}
    verdict, facts = result(json.dumps(said)) or ("", {})
    assert verdict == "needs-human"
    assert facts["human-needed"] == needed
    assert facts["error"] == "which key?"


@pytest.mark.parametrize(
    "text",
    [
        "", "done", "{}", "[]", "}", "{" * 50_000, "{" * 5_000 + "}" * 5_000, '{"status": "done", "summary": "x"}',
        '{"status": ["completed"]}', '{"status": {"a": 1}}', f"{DONE} and more words",
        f"```json\n{DONE[:-1]}\n```", '{"status": null}', '"completed"', DONE[1:], "1" * 5_000 + "}",
    ],
)  # fmt: skip
def test_what_is_not_quite_a_result_is_none(text: str):
    assert result(text) is None


def test_parts_of_the_wrong_type_are_left_out():
    text = '{"status": "completed", "summary": 3, "error": null, "humanNeeded": [1]}'
    assert result(text) == ("ok", {})


def test_a_long_summary_is_cut():
    found = result(json.dumps({"status": "completed", "summary": "x" * 50_000}))
    assert found is not None
    assert len(found[1]["summary"]) < 5_000


@given(st.text(alphabet='{}[]":,`\n abcjsonstatuscompleted\\u0', max_size=300))
def test_no_text_breaks_it(text: str):
    result(text)
    result(text + DONE)
    result(text + "}")
