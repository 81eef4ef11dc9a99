"""When a limit is said to end, as wall time in ms: from numbers where there are any, else from a sentence.

Rule: a sentence is read relative to the moment at which the agent ended, never to now: read again later, it says the
same. Where it names no time zone, the machine's own is meant, as the agent meant it.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_LATE = timedelta(minutes=15)
"""How long ago a time of day may be to be meant as of just now, and not as tomorrow's."""

_CLOCK = re.compile(
    r"(?:resets?|reset|try again|available again|again|back)\s+(?:at|on|by)?\s*"
    r"(?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?"
    r"(?:,?\s+(?P<year>\d{4}))?,?\s+(?:at\s+)?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?P<half>[ap]\.?m\b\.?)?(?:\s*\((?P<zone>[A-Za-z0-9_+/-]{1,40})\))?",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPAN = re.compile(
    r"(?:try again|retry|resets?|reset|again)\s+(?:in|after)\s+([0-9][^.;()\n]{0,60}(?:\.\d+\s*m?s)?)",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"(\d+(?:\.\d+)?)\s*(milliseconds?|ms|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)\b",
    re.IGNORECASE,
)
_PACKED = re.compile(r"(?<=\d)([dhms])(?=\d)", re.IGNORECASE)
_UNITS = {"ms": 0.001, "mi": 60.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_EPOCH = re.compile(r"\|(\d{10}|\d{13})\b")


def moment(value: object) -> int | None:
    """Wall ms from a number that is seconds or milliseconds since the epoch, or from ISO 8601 text."""
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e14:
        return None
    return round(value) if value >= 1e11 else round(value * 1000)


def span(text: str) -> int | None:
    """The milliseconds that a sentence asks to wait: `try again in 1.5s`, `reset after 5h12m`, `in 3 days 4 hours`."""
    found = _SPAN.search(text)
    amounts = _AMOUNT.findall(_PACKED.sub(r"\1 ", found[1])) if found else []
    if not amounts:
        return None
    return round(sum(float(number) * _unit(unit.lower()) for number, unit in amounts) * 1000)


def _unit(name: str) -> float:
    if name.startswith(("ms", "milli")):
        return _UNITS["ms"]
    return _UNITS["mi"] if name.startswith("mi") else _UNITS[name[0]]


def reset(text: str, ended: int | None) -> int | None:
    """When a sentence says that a limit ends, told at `ended` (wall ms); None when it does not say."""
    packed = _EPOCH.search(text)
    if packed is not None:
        return moment(int(packed[1]))
    if ended is None:
        return None
    wait = span(text)
    if wait is not None:
        return ended + wait
    for found in _CLOCK.finditer(text):
        if found["half"] or found["minute"]:
            return _clock(found, ended)
    return None


def _clock(found: re.Match[str], ended: int) -> int | None:
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = (found["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    told = datetime.fromtimestamp(ended / 1000, UTC).astimezone(_zone(found["zone"]))
    try:
        at = told.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if found["month"]:
            month = _MONTHS.index(found["month"].lower()[:3]) + 1
            year = int(found["year"]) if found["year"] else told.year
            at = at.replace(year=year, month=month, day=int(found["day"]))
            if not found["year"] and at < told - timedelta(days=180):
                at = at.replace(year=year + 1)
            return round(at.timestamp() * 1000)
    except ValueError:
        return None
    days = (at + timedelta(days=offset) for offset in (-1, 0, 1))
    return next((round(day.timestamp() * 1000) for day in days if day >= told - _LATE), None)


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a zone that this machine does not know
        return None
