"""Times and spans in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_sprint.report.times import iso, local, parse, span, watch


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (-5, "0 ms"),
        (7, "7 ms"),
        (99.4, "99 ms"),
        (100, "0.1 s"),
        (9_900, "9.9 s"),
        (9_960, "10 s"),
        (59_400, "59 s"),
        (59_600, "1m 00s"),
        (184_000, "3m 04s"),
        (7_500_000, "2h 05m"),
        (273_600_000, "3d 04h"),
    ],
)
def test_a_span_is_said_in_the_units_that_matter(ms, said):
    assert span(ms) == said


def test_a_stopwatch_counts_hours_only_when_there_are_any():
    assert [watch(ms) for ms in (-1, 3_000, 760_000, 3_723_000)] == ["0:00", "0:03", "12:40", "1:02:03"]


@given(st.integers(0, 4_000_000_000_000))
def test_documents_keep_every_millisecond(at):
    assert parse(iso(at)) == at


@given(st.integers(-(2**63), 2**63))
def test_no_number_is_too_large_for_a_calendar(at):
    assert iso(at).endswith("Z")
    assert local(at)
