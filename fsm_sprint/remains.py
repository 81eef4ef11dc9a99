"""What lies in attempts/, held against the units of a plan: for a journal that no longer knows all of it.

Rule: nothing is changed by looking, and nothing is concluded here; `fsm.regain` does.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from fsm.names import name, task_id
from fsm.regain import Trace
from fsm.sprint import Sprint
from fsm.states import Machine
from fsm.unit import Unit
from fsm_sprint.executors.files import SHIM_LOCK, TREE_LOCK, held
from fsm_sprint.executors.sight import Here, look
from fsm_sprint.paths import SprintPaths


@dataclass(slots=True, kw_only=True)
class Remains:
    """What lies in attempts/."""

    traces: dict[str, Trace] = field(default_factory=dict)
    alive: dict[Path, tuple[str, int]] = field(default_factory=dict)
    """Directories of attempts of which something lives: path of the unit ('' for none) and number."""
    strangers: list[Path] = field(default_factory=list)
    """Directories that belong to no unit, and to no earlier run of the sprint."""
    later: list[Path] = field(default_factory=list)
    """Directories of attempts after the last one of their unit that the journal knows of."""


def remains_of(paths: SprintPaths, sprint: Sprint) -> Remains:
    """What the directories of attempts say, held against the units of the plan."""
    found = Remains()
    later = f"~{sprint.nth}" if sprint.nth > 1 else ""
    units = {name(unit.path) + later: unit for unit in sprint.order if unit.machine == Machine.TASK}
    folders: dict[str, dict[int, Path]] = {}
    for folder in sorted(paths.attempts.iterdir()) if paths.attempts.is_dir() else ():
        stem, _, number = folder.name.rpartition(".")
        if not stem or not number.isdecimal():
            continue
        unit = units.get(stem)
        alive = bool(held(str(folder / SHIM_LOCK)) or held(str(folder / TREE_LOCK)))
        if alive:
            found.alive[folder] = (unit.path if unit is not None else "", int(number))
        if unit is not None:
            folders.setdefault(stem, {})[int(number)] = folder
            if int(number) > unit.attempt:
                found.later.append(folder)
        elif _nth(stem) >= sprint.nth:
            found.strangers.append(folder)
    here, taken = Here(), set(sprint.tasks)
    for stem, numbers in folders.items():
        unit, last = units[stem], max(numbers)
        sight = look(numbers[last], here, {})
        ran = bool(sight.shim or sight.tree or sight.exit or sight.started or not sight.file)
        suffix = "" if last == 1 else f".{last}"
        task: str | None = None
        if unit.background and unit.owner is None and unit.leaf is None:
            task = unit.first.decoded()["task"] if unit.first is not None else None
            task = task or _task(paths, unit, later, numbers[min(numbers)], taken)
            taken.add(task)
        found.traces[unit.path] = Trace(last, ran, f"logs/{task or stem}{suffix}.log", task)
    return found


def _nth(stem: str) -> int:
    """Which run of the directory a name belongs to."""
    _, _, number = stem.rpartition("~")
    return int(number) if "~" in stem and number.isdecimal() else 1


def _task(paths: SprintPaths, unit: Unit, later: str, folder: Path, taken: set[str]) -> str:
    """The id of a ParallelTask whose first row is lost: its log bears it, and the time that is in it tells which."""
    step = unit.parent.node if unit.parent is not None else None
    phase = str(getattr(unit.node, "id", unit.path))
    stem = task_id(getattr(step, "id", None), phase, 0, ())[: -len("-0")]
    began = int(_made(folder).st_mtime)
    known = re.compile(rf"({re.escape(stem)}-(\d+)(?:-\d+)?{re.escape(later)})\.log")
    found = [
        (abs(int(match[2]) - began), match[1])
        for file in (paths.logs.iterdir() if paths.logs.is_dir() else ())
        if (match := known.fullmatch(file.name)) is not None and match[1] not in taken
    ]
    return min(found)[1] if found else task_id(getattr(step, "id", None), phase, began * 1000, taken) + later


def _made(folder: Path) -> os.stat_result:
    """Of a file that is written to when an attempt begins, and never again."""
    lock = folder / TREE_LOCK
    return lock.stat() if lock.exists() else folder.stat()
