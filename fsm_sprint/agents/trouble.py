"""What kind of trouble an agent had with its provider: from its own code, else the HTTP status, else the words.

Rule: only what stands in an event that reports an error, or in stderr, is ever given to this. What a model has written
or a tool has printed is not.
"""

import re
from typing import NamedTuple

from fsm_sprint.agents import until
from fsm_sprint.agents.parts import short


class Trouble(NamedTuple):
    """An error, and what it amounts to."""

    verdict: str
    error: str
    kind: str = ""
    """Of a limit: whose end that is."""
    until: int | None = None
    """Of a limit: wall ms, where a number says it; what a sentence says is read at the end."""
    retry_after: int | None = None
    """Milliseconds."""
    retrying: bool = False
    """The agent goes on trying by itself: it is the end of nothing yet."""


_CODES = {
    "auth": (
        "authentication", "authentication_failed", "authentication_error", "auth_error", "oauth_org_not_allowed",
        "permission_error", "invalid_api_key", "unauthenticated", "unauthorized", "providerautherror",
        "fatalauthenticationerror",
    ),
    "billing": ("billing_error", "insufficient_quota", "quota", "quota_exceeded", "payment_required"),
    "limit": (
        "rate_limit", "rate_limited", "rate_limit_error", "rate_limit_exceeded", "usage_limit_reached", "usage_limit",
        "resource_exhausted", "too_many_requests",
    ),
    "overloaded": (
        "overloaded", "overloaded_error", "server_error", "api_error", "internal_server_error", "unavailable",
        "timeout_error", "connection_error",
    ),
    "context": (
        "context_length_exceeded", "request_too_large", "prompt_too_long", "context_limit", "contextoverflowerror",
    ),
    "turns": ("max_turns", "error_max_turns", "fatalturnlimitederror"),
    "budget": ("max_budget", "error_max_budget_usd"),
}  # fmt: skip
_BY_CODE = {code: verdict for verdict, codes in _CODES.items() for code in codes}

_PHRASES = {
    "billing": (
        "credit balance is too low", "plan and billing", "insufficient[_ ](?:quota|credits|funds)", "payment required",
        "billing hard limit", "out of credits",
    ),
    "context": (
        "prompt is too long", "context[_ ]window", "context[_ ]length", "maximum context", "input token count",
        "input is too long", "conversation is too long", "too many tokens",
    ),
    "limit": (
        "(?:hit|reached|exceeded) your .{0,40}limit", "usage limit", "limit reached", "rate[_ ]limit",
        "too many requests", "exhausted your", "resource has been exhausted", "quota",
    ),
    "auth": (
        "(?:invalid|incorrect|missing|no) (?:x-)?api[ -]?key", "please run /login", "not (?:logged|signed) in",
        "unauthorized", "authenticat", "oauth token", "log ?in required", "auth method", "bad credentials",
    ),
    "overloaded": (
        "overloaded", "at capacity", "experiencing high demand", "temporarily unavailable", "service unavailable",
        "bad gateway", "gateway time-?out", "internal server error", "stream disconnected",
        "connection (?:error|refused|reset)", "network error", "fetch failed", "error sending request", "ECONNREFUSED",
        "ECONNRESET", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "socket hang up",
        "API Error: terminated", "stream ended without a finish reason",
    ),
    "empty": ("an empty response", "empty response text"),
}  # fmt: skip
"""Words by which an error is known, the most telling kind first."""
_WORDS = tuple(
    (verdict, re.compile("|".join(phrases), re.IGNORECASE)) for verdict, phrases in _PHRASES.items()
)
_STATUS = re.compile(r"(?:status|code|error|HTTP)\D{0,12}\b([45]\d\d)\b", re.IGNORECASE)
_KINDS = (
    ("five_hour", re.compile(r"\b(?:5|five)[- ]hour", re.IGNORECASE)),
    ("seven_day", re.compile(r"\bweekly|\b(?:7|seven)[- ]day", re.IGNORECASE)),
    ("daily", re.compile(r"\bdaily\b|per day", re.IGNORECASE)),
    ("session", re.compile(r"session limit", re.IGNORECASE)),
    ("usage", re.compile(r"usage limit|exhausted your", re.IGNORECASE)),
)


def trouble(
    text: str,
    *,
    code: str = "",
    status: int | None = None,
    kind: str = "",
    ends: int | None = None,
    retry_after: int | None = None,
    retrying: bool = False,
) -> Trouble:
    """What an error amounts to; `failed` when nothing tells.

    `code` is the agent's or the provider's own name for it, `ends` the wall ms at which a limit ends.
    """
    plain = text.replace("’", "'")
    verdict = _verdict(plain, code, status)
    if verdict == "limit":
        kind = kind or next((name for name, words in _KINDS if words.search(plain)), "rate")
    else:
        kind = ""
    if retry_after is None and verdict in ("limit", "overloaded"):
        retry_after = until.span(plain)
    error = short(text.strip()) or (f"HTTP {status}" if status else code) or "it failed without saying why"
    return Trouble(verdict, error, kind, ends, retry_after, retrying)


def _verdict(text: str, code: str, status: int | None) -> str:
    by_code = _BY_CODE.get(code.lower())
    if by_code is not None and (by_code, status) != ("overloaded", 429):
        return by_code
    by_words = hint(text)
    if by_words == "billing" and status in (None, 400, 402, 403, 429):
        return by_words
    if status is None and (found := _STATUS.search(text)) is not None:
        status = int(found[1])
    return by_status(status) or by_words or "failed"


def by_status(status: int | None) -> str | None:
    """What an HTTP status alone amounts to."""
    if status in (401, 403):
        return "auth"
    if status in (402, 413, 429):
        return {402: "billing", 413: "context", 429: "limit"}[status]
    return "overloaded" if status is not None and (status == 408 or 500 <= status < 600) else None


def hint(text: str) -> str | None:
    """What an error in words may amount to; None when they are those of no known one."""
    return next((verdict for verdict, words in _WORDS if words.search(text)), None)
