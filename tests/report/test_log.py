"""Logs of any size and content, as they are shown."""

import json
import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_sprint.paths import errors_of
from fsm_sprint.report.log import PIECE, Glance, Shown, begin, blocks, opened

LINES = st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")), max_size=12)


@given(LINES, st.booleans(), st.integers(0, 15))
def test_the_last_lines_are_the_last_lines(tmp_path_factory, lines, ended, wanted):
    raw = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(raw)
    whole = raw.splitlines(keepends=True) if b"\r" not in raw else _split(raw)
    with opened(path) as file:
        begin(file, wanted)

        assert b"".join(blocks(file)) == b"".join(whole[max(0, len(whole) - wanted) :])


def _split(raw):
    parts = [part + b"\n" for part in raw.split(b"\n")]
    parts[-1] = parts[-1][:-1]
    return [part for part in parts if part]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_pieces_show_the_same_as_the_whole(raw, cuts):
    whole = Shown()
    expected = whole.feed(raw) + whole.close()
    places = sorted({0, len(raw), *(min(cut, len(raw)) for cut in cuts)})
    parts = Shown()
    shown = "".join(parts.feed(raw[a:b]) for a, b in pairwise(places)) + parts.close()

    assert shown == expected


def test_a_line_without_end_does_not_pile_up_and_tears_no_token():
    token = "ghp" + "_" + "Ab1" * 12
    raw = b"x" * (PIECE - 20) + b" " + token.encode() + b" " + b"y" * (3 * PIECE)
    shown = Shown()
    text = shown.feed(raw)

    assert len(text) > 2 * PIECE
    assert token not in text + shown.close()
    assert "[redacted]" in text


def test_output_that_is_no_text_is_shown_all_the_same():
    assert Shown().feed(b"\xff\xfe\x00bin\x1b[2J\n") == "\ufffd\ufffdbin\n"


def test_only_files_are_logs(tmp_path):
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError, match=r"symbolic|not a regular"):
            opened(tmp_path / name)


def test_a_glance_is_the_last_line_that_says_something(tmp_path):
    path = tmp_path / "log"
    glance = Glance(path)

    assert glance.line() == ""
    path.write_bytes(b"first\nsecond \x1b[32mgreen\x1b[0m\r33 %\r66 %\n\n  \n")
    assert glance.line() == "66 %"
    path.write_bytes(b"z" * 10_000 + b" the end")
    assert glance.line() == "the end"
    path.unlink()
    assert glance.line() == "the end"


def test_of_an_agents_stream_the_last_thing_that_it_said_or_did_is_glanced_at(tmp_path):
    log = tmp_path / "a.log"
    said = {
        "type": "assistant",
        "session_id": "s",
        "message": {"content": [{"type": "text", "text": "Looking."}]},
    }
    log.write_text("x" * 100_000 + "\n" + json.dumps(said) + '\n{"type": "assistant", "session')
    assert Glance(log).line().endswith('"session')
    errors_of(log).touch()
    assert Glance(log).line() == "Looking."
