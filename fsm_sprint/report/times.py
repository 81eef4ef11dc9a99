"""Times and spans as people and as programs read them. Milliseconds in, text out; nothing here asks what time it is."""

from datetime import UTC, datetime


def iso(at: int) -> str:
    """Wall time in ms since the epoch as ISO 8601 in UTC, to the millisecond: the form of every JSON document."""
    return _moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local(at: int, near: int | None = None) -> str:
    """Wall time here; with `near`, another moment, the date is left out when both are of the same day."""
    moment = _moment(at).astimezone()
    if near is not None and _moment(near).astimezone().date() == moment.date():
        return f"{moment:%H:%M:%S}"
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def parse(text: str) -> int:
    """Wall time in ms from ISO 8601 text; without an offset it is local time. Raises ValueError."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def span(ms: float) -> str:
    """A length of time in the units that matter: `7 ms`, `0.4 s`, `12 s`, `3m 04s`, `2h 05m`, `3d 04h`."""
    if ms < 99.5:
        return f"{max(0, round(ms))} ms"
    seconds = ms / 1000
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600:02}h"


def watch(ms: float) -> str:
    """A length of time as a stopwatch shows it: `0:03`, `12:40`, `1:02:03`."""
    whole = int(max(0.0, ms) // 1000)
    minutes, seconds = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _moment(at: int) -> datetime:
    """Journals may say anything: what no calendar has becomes its nearest end."""
    return datetime.fromtimestamp(min(max(at, 0), 253_402_214_400_000) / 1000, UTC)
