"""Finding the unit that somebody means: by its path, by the end of it, or by the id of a ParallelTask."""

from collections.abc import Sequence

from fsm.errors import SprintError
from fsm_sprint.report.terminal import line
from journal.reader import Reader, UnitRow

_NAMED = 8
"""Candidates that an error names."""


class NoSuchUnit(SprintError):
    """Nothing, or more than one thing, is called like that."""


def lookup(reader: Reader, run: str, wanted: str) -> UnitRow:
    """The unit that `wanted` means. NoSuchUnit names what comes near."""
    wanted = wanted.strip("/")
    units = reader.units(run)
    by_path = {unit.path: unit for unit in units}
    if wanted in by_path:
        return by_path[wanted]
    ends = [unit for unit in units if unit.path.endswith(f"/{wanted}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise NoSuchUnit(
            f"{line(wanted)!r} may be any of {len(ends)} units",
            hint=f"say which: {_listed([unit.path for unit in ends], _NAMED)}",
        )
    for unit in units:
        if unit.background and unit.attempt and unit.machine == "task":
            spawned = reader.before(unit, "spawn", run) or reader.last(run, "spawn", unit.path)
            if spawned is not None and spawned.decoded().get("task") == wanted:
                return unit
    raise NoSuchUnit(f"no unit of this run is called {line(wanted)!r}", hint=_near(wanted, list(by_path)))


def within(path: str, owner: str) -> bool:
    """Whether a unit is `owner`, a gate or fix of it, or something below it."""
    return path == owner or path.startswith((f"{owner}/", f"{owner}#"))


def _near(wanted: str, paths: Sequence[str]) -> str:
    from difflib import get_close_matches

    last = wanted.rpartition("/")[2].lower()
    ends: dict[str, list[str]] = {}
    for path in paths:
        ends.setdefault(path.rpartition("/")[2].lower(), []).append(path)
    plain = [path for path in paths if "#" not in path]
    near = get_close_matches(wanted, plain, n=3, cutoff=0.6)
    near += [path for end in get_close_matches(last, ends, n=3, cutoff=0.7) for path in ends[end]]
    near += [path for path in plain if last and last in path.lower()]
    found = list(dict.fromkeys(near))
    return f"did you mean {_listed(found[:3], 3)}?" if found else "`fsm-sprint status --all` lists them"


def _listed(paths: Sequence[str], most: int) -> str:
    shown = ", ".join(map(line, paths[:most]))
    return shown if len(paths) <= most else f"{shown}, … ({len(paths)} in all)"
