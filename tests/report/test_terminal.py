"""What may be shown on a terminal."""

import io
import re

from hypothesis import given
from hypothesis import strategies as st

from fsm_sprint.report.terminal import Ink, cells, coloured, columns, cut, cut_path, drawable, line, plain

TEXT = st.text(st.characters(codec=None), max_size=40)
NASTY = st.lists(
    st.sampled_from(
        [
            "\x1b]52;c;cGF3\x07",
            "\x1b[31m",
            "\x9b2J",
            "\x1bP1$r\x1b\\",
            "\x1b",
            "\r",
            "\u202e",
            "ab",
            "界",
            "\n",
        ]
    )
).map("".join)


def test_escape_sequences_are_gone_and_text_stays():
    shown = plain("\x1b[1;31mred\x1b[0m \x1b]0;title\x07and\x1b]52;c;cGF3\x1b\\ more\x1b(B \x9b2Jend\x1bc")

    assert shown == "red and more end"


def test_a_sequence_that_never_ends_hides_nothing():
    assert plain("\x1b]52;c;all that follows\nis shown") == "]52;c;all that follows\nis shown"


def test_marks_of_direction_cannot_make_a_line_read_as_another():
    assert plain("a\u202egnp.exe\u2066b\u200f") == "agnp.exeb"


def test_carriage_returns_do_not_overwrite_what_was_shown():
    assert plain("50 %\r100 %\r\ndone\x08\x08") == "50 %\n100 %\ndone"


@given(TEXT | NASTY)
def test_nothing_that_commands_a_terminal_is_left(text):
    assert (
        re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", plain(text)) is None
    )


@given(TEXT | NASTY, st.integers(0, 30))
def test_cut_text_is_never_wider_than_asked(text, width):
    shown = line(text)

    assert cells(cut(shown, width)) <= width
    assert cells(cut_path(shown, width)) <= width
    if cells(shown) <= width:
        assert cut(shown, width) == shown == cut_path(shown, width)


def test_wide_characters_take_two_columns():
    assert cells("界é\u0301") == 3
    assert cut("界界界", 4) == "界…"


def test_a_path_is_cut_at_its_beginning():
    assert cut_path("development/step-0/test", 8) == "…-0/test"


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_drawing_wants_a_terminal_that_can():
    usual = {"TERM": "xterm"}

    assert drawable(Screen(), Screen(), usual)
    assert not drawable(io.StringIO(), Screen(), usual)
    assert not drawable(Screen(), io.StringIO(), usual)
    assert not drawable(None, Screen(), usual)
    for spoilt in ({"TERM": "dumb"}, {}, {**usual, "CI": "1"}, {**usual, "NO_COLOR": "1"}):
        assert not drawable(Screen(), Screen(), spoilt)


def test_colours_are_for_terminals_and_who_insists():
    assert coloured(Screen(), {})
    assert not coloured(Screen(), {"NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert not coloured(io.StringIO(), {})
    assert coloured(io.StringIO(), {"FORCE_COLOR": "1"})
    assert Ink(wanted=False)("x", "red") == "x"
    assert Ink(wanted=True)("x", "red") == "\x1b[31mx\x1b[0m"


def test_a_closed_stream_is_no_terminal():
    closed = io.StringIO()
    closed.close()

    assert not coloured(closed, {})
    assert columns(closed, {}) == 100
    assert columns(closed, {"COLUMNS": "40"}) == 40
