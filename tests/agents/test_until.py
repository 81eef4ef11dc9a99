"""When limits end, from numbers and from sentences."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_sprint.agents.until import moment, reset, span


def wall(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("said", "told", "until"),
    [
        ("You've hit your 5-hour limit · resets 10:20am (UTC)", "2026-11-20 06:42", "2026-11-20 10:20"),
        ("resets 10am (UTC)", "2026-11-20 06:42", "2026-11-20 10:00"),
        ("resets 10:20am (UTC)", "2026-11-20 23:30", "2026-11-21 10:20"),
        ("resets 12am (UTC)", "2026-12-31 23:59", "2027-01-01 00:00"),
        ("resets 12:30pm (UTC)", "2026-11-20 06:42", "2026-11-20 12:30"),
        ("resets 10:20am (UTC)", "2026-11-20 10:25", "2026-11-20 10:20"),
        ("resets 11:55pm (UTC)", "2026-11-21 00:05", "2026-11-20 23:55"),
        ("resets 10:20am (UTC)", "2026-11-20 11:00", "2026-11-21 10:20"),
        ("resets 10pm (Europe/Berlin)", "2026-11-20 06:42", "2026-11-20 21:00"),
        ("resets Nov 24, 9am (UTC)", "2026-11-20 06:42", "2026-11-24 09:00"),
        ("resets Jan 2 at 9:00 AM (UTC)", "2026-12-30 06:42", "2027-01-02 09:00"),
        ("try again at Nov 21st, 2026 10:20 AM (UTC).", "2026-11-20 06:42", "2026-11-21 10:20"),
        ("Try again at 22:15 (UTC)", "2026-11-20 06:42", "2026-11-20 22:15"),
        ("Claude AI usage limit reached|1795170000", "2026-11-20 06:42", "2026-11-20 10:20"),
        ("try again in 3 days 4 hours 5 minutes", "2026-11-20 00:00", "2026-11-23 04:05"),
        ("Your quota will reset after 5h12m30s.", "2026-11-20 00:00", "2026-11-20 05:12:30"),
    ],
)
def test_a_sentence_is_read_from_the_moment_at_which_it_was_said(said: str, told: str, until: str) -> None:
    assert reset(said, wall(told)) == wall(until)


def test_without_a_zone_it_is_the_machines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Etc/GMT-3")
    time.tzset()
    try:
        assert reset("try again at 10:20 AM.", wall("2026-11-20 06:42")) == wall("2026-11-20 07:20")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "said",
    [
        "",
        "limit reached",
        "resets soon",
        "resets 25:00pm (UTC)",
        "resets 10",
        "resets Feb 31, 9am (UTC)",
        "try again",
    ],
)
def test_what_names_no_time_names_none(said: str) -> None:
    assert reset(said, wall("2026-11-20 06:42")) is None


def test_without_an_end_a_time_of_day_means_nothing() -> None:
    assert reset("resets 10:20am (UTC)", None) is None


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("Please try again in 1.5s.", 1500),
        ("try again in 20ms", 20),
        ("Please retry in 33.5s", 33_500),
        ("try again in 1 hour 2 minutes.", 3_720_000),
        ("resets 10:20am", None),
        ("try again in a while", None),
    ],
)
def test_a_span_is_in_milliseconds(said: str, wait: int | None) -> None:
    assert span(said) == wait


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (1795170000, 1795170000000),
        (1795170000000, 1795170000000),
        (1795170000.5, 1795170000500),
        ("2026-11-20T10:20:00Z", 1795170000000),
        ("2026-11-20T10:20:00", 1795170000000),
        ("soon", None), (True, None), (None, None), (-1, None), (0, None), (1e30, None), ({}, None),
        (float("nan"), None),
    ],
)  # fmt: skip
def test_a_number_is_seconds_or_milliseconds(value: object, at: int | None) -> None:
    assert moment(value) == at


@given(
    st.text(alphabet="resttryagainiaf 0123456789:apm.()UTCNovhdms|", max_size=60), st.integers(0, 4 * 10**12)
)
def test_no_sentence_breaks_it(said: str, ended: int) -> None:
    reset(said, ended)
    reset(f"resets {said}", ended)
    reset(f"try again in {said}", ended)
