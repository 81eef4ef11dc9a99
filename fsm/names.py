"""Names on disk for units. An id is never a path: only this mapping is.

A name is the unit's path with `/` as `.` and `#` as `+` where every character is harmless on every file system;
otherwise, or when it is long, a slug of at most 80 characters and 8 hex digits of the path's digest. Distinct paths get
distinct names: harmless segments hold no dot, and everything else carries its digest. No name holds a `~`: what follows
one says which run of the directory it belongs to.
"""

import re
from collections.abc import Collection

from fsm.plan import digest

_HARMLESS = re.compile(r"[a-z0-9][a-z0-9_-]*(?:[/#][a-z0-9][a-z0-9_-]*)*")
_DIGESTED = re.compile(r"[a-z0-9_-]*-[0-9a-f]{8}")
"""What a slug with a digest looks like. A path that looks so itself gets one more, lest it take another's name."""
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}
)


def name(path: str) -> str:
    """The name of a unit's directory and log."""
    plain = path.replace("/", ".").replace("#", "+")
    harmless = len(path) <= 80 and _HARMLESS.fullmatch(path) and not _DIGESTED.fullmatch(path)
    if harmless and plain.split(".")[0] not in _DEVICES:
        return plain
    slug = re.sub(r"[^a-z0-9_-]+", "-", path.lower()).strip("-")[:71].rstrip("-")
    return f"{slug or 'unit'}-{digest(path)[:8]}"


def task_id(step: str | None, phase: str, at: int, taken: Collection[str]) -> str:
    """The id of a ParallelTask first spawned at `at` (wall ms): `<step>-<phase>-<epoch s>`, then `-2` at a clash."""
    stem = name("/".join(part for part in (step, phase) if part)).replace(".", "-")
    base = f"{stem}-{at // 1000}"
    if base not in taken:
        return base
    return next(found for found in (f"{base}-{n}" for n in range(2, len(taken) + 3)) if found not in taken)
