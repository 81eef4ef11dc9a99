"""Streams in words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_sprint.agents.transcript import Transcript
from tests.agents.streams import OURS, every

STREAMS = every()


def told(*pieces: bytes) -> str:
    found = Transcript()
    return (b"".join(found.feed(piece) for piece in pieces) + found.close()).decode("utf-8", "replace")


def ours(name: str) -> str:
    return told((OURS / name).read_bytes())


def test_claude() -> None:
    lines = ours("claude-talks-of-limits.jsonl").splitlines()
    assert lines[:3] == [
        "* session c1a0de00-0000-4000-8000-000000000001, claude-test-1",
        "> Bash cat notes",
        "  | error: 429 Too Many Requests, usage limit reached, resets 10:20am",
    ]
    assert lines[3].startswith('  | {"session_id": ')
    assert "! the API refused (authentication_failed); claude tries again" in ours("claude-login.jsonl")
    assert ours("claude-turns.jsonl").splitlines()[-2:] == [
        "! Reached the maximum of 3 turns",
        "* 2 turns, 37 tokens in, 200 tokens from the cache, 12 tokens out, $0.0125",
    ]


def test_codex() -> None:
    assert ours("codex-refused.jsonl") == (
        "* session c0dec000-0000-7000-8000-000000000002\n! not permitted\nRemoved.\n* 10 tokens in, 2 tokens out\n"
    )


def test_pieces_of_a_sentence_are_one_line() -> None:
    assert "\nAll done.\n* 60 tokens in" in ours("gemini-echo.jsonl")


def test_copilot_and_opencode() -> None:
    assert ours("copilot-denied.jsonl").splitlines()[:3] == ["> bash touch a", "! no", "Made it."]
    assert ours("opencode-tools.jsonl").splitlines()[:3] == ["> write a", "  | 429 rate limit", "Wrote a."]


def test_a_program_of_ones_own() -> None:
    assert ours("command-events.jsonl").splitlines() == [
        "* session a1, mine-1",
        "Looking. ",
        "> grep x",
        '  | {"type":"result","status":"failed"}',
        "Done.",
        "* 1 turn, 5 tokens in, 2 tokens out, $0.5000",
        "* completed",
    ]


def test_what_nobody_says_is_shown_as_it_stands() -> None:
    raw = b'plain\n{"a": 1}\n\xff\n{"type": "result"}\nhalf'
    assert Transcript().feed(raw) + b"" == b'plain\n{"a": 1}\n\xff\n{"type": "result"}\n'


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_in_pieces_it_reads_the_same_and_never_as_json(stream) -> None:
    whole = told(stream.raw)
    assert told(*(stream.raw[at : at + 3] for at in range(0, len(stream.raw), 3))) == whole
    if "torn" not in stream.name and "hidden" not in stream.name and stream.name.endswith("l"):
        assert not any(line.startswith('{"type') for line in whole.splitlines())


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from([line for one in STREAMS for line in one.raw.splitlines()]) | st.binary(max_size=40)
    )
)
def test_any_mixture_of_lines_can_be_told(lines: list[bytes]) -> None:
    told(b"\n".join(lines))
