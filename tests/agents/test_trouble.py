"""What errors amount to: code before status before words."""

import pytest

from fsm_sprint.agents.trouble import trouble


@pytest.mark.parametrize(
    ("text", "code", "status", "verdict"),
    [
        ("anything at all", "authentication_failed", None, "auth"),
        ("rate limit", "authentication_failed", 429, "auth"),
        ("x", "oauth_org_not_allowed", None, "auth"),
        ("x", "billing_error", 400, "billing"),
        ("x", "insufficient_quota", 429, "billing"),
        ("Quota exceeded. Check your plan and billing details.", "", 429, "billing"),
        ("x", "rate_limit", None, "limit"),
        ("x", "overloaded_error", 529, "overloaded"),
        ("x", "server_error", None, "overloaded"),
        ("x", "api_error", 429, "limit"),
        ("x", "context_length_exceeded", 400, "context"),
        ("x", "invalid_request", 400, "failed"),
        ("Prompt is too long", "invalid_request", 400, "context"),
        ("x", "model_not_found", 404, "failed"),
        ("x", "unknown", None, "failed"),
        ("x", "", 401, "auth"),
        ("x", "", 402, "billing"),
        ("x", "", 503, "overloaded"),
        ("exceeded retry limit, last status: 429 Too Many Requests", "", None, "limit"),
        ("unexpected status 503 Service Unavailable", "", None, "overloaded"),
        ("You’ve hit your usage limit.", "", None, "limit"),
        ("You've hit your session limit · resets 10:20am (UTC)", "", None, "limit"),
        ("You have exhausted your daily quota on this model.", "", None, "limit"),
        ("Credit balance is too low", "", None, "billing"),
        ("Invalid API key · Please run /login", "", None, "auth"),
        ("fetch failed: ECONNREFUSED 127.0.0.1:1", "", None, "overloaded"),
        ("the file has 429 lines", "", None, "failed"),
        ("", "", None, "failed"),
    ],
)
def test_an_error_is_known_by_its_code_its_status_or_its_words(
    text: str, code: str, status: int | None, verdict: str
) -> None:
    found = trouble(text, code=code, status=status)
    assert found.verdict == verdict
    assert found.error


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("5-hour limit reached", "five_hour"),
        ("hit your weekly limit", "seven_day"),
        ("daily quota", "daily"),
        ("hit your session limit", "session"),
        ("hit your usage limit", "usage"),
        ("Too Many Requests", "rate"),
    ],
)
def test_a_limit_says_whose_end_it_is(text: str, kind: str) -> None:
    assert trouble(text, status=429).kind == kind
    assert trouble(text, status=401).kind == ""
