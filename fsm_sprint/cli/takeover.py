"""`init --from`: a sprint of m42-sprint as one of ours, in a directory of its own. The old one stays as it is.

Rule: whatever is rewritten is compiled before and after, and stays as it was written unless both are the same plan.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from json import dumps
from pathlib import Path

from compiler.diagnostics import CompileError
from compiler.pipeline import compile_sprint
from compiler.predecessor import LEFT, recorded, with_collections
from compiler.reader import load
from compiler.search import folders
from fsm.plan import Plan
from fsm_sprint.cli.exits import UsageError
from fsm_sprint.report.terminal import cut, line

_NAMED = 10
"""Things of one kind that are named."""


@dataclass(slots=True)
class Taken:
    """What is taken over, and what is to be said of it."""

    files: dict[str, bytes] = field(default_factory=dict)
    """Contents by path, relative to the new directory."""
    told: list[str] = field(default_factory=list)


def take(
    source: Path, target: Path, workflows: Sequence[Path] | None, agent: str | None, today: date
) -> Taken:
    """What of the sprint in `source` goes into `target`. Raises CompileError with all that is wrong with it."""
    if not (source / "SPRINT.yaml").is_file():
        hint = "name the directory of a sprint, such as .claude/sprints/…"
        raise UsageError(f"{source} holds no SPRINT.yaml", hint=hint)
    plan = _compiled(source, workflows, today)
    places = tuple(place.absolute() for place in workflows) if workflows is not None else folders(source)
    near = folders(target) if workflows is None else ()
    taken = Taken()
    _workflows(taken, [source.absolute() / name for name, _ in plan.sources], places, near)
    text = _sprint(taken, source, plan, _Same(target.absolute().name, places, today), agent)
    taken.files = {"SPRINT.yaml": text.encode(), **taken.files}
    _context(taken, source)
    _left(taken, source)
    return taken


def _compiled(directory: Path, workflows: Sequence[Path] | None, today: date) -> Plan:
    return compile_sprint(directory, workflows=workflows, today=today).plan


def _workflows(taken: Taken, used: Sequence[Path], places: Sequence[Path], near: Sequence[Path]) -> None:
    """Those that the plan was made from: left where they are if the new sprint finds them there too, else copied."""
    copied, found = [], []
    for path in used:
        place = next((place for place in places if path.resolve().is_relative_to(place.resolve())), None)
        if place is None:
            continue  # SPRINT.yaml itself
        name = path.resolve().relative_to(place.resolve())
        if place in near:
            found.append(str(name))
        else:
            taken.files[f".claude/workflows/{name}"] = path.read_bytes()
            copied.append(str(name))
    if copied:
        taken.told.append(f"workflows, copied: {_some(copied)}")
    if found:
        taken.told.append(f"workflows, found where they are: {_some(found)}")


def _sprint(taken: Taken, source: Path, plan: Plan, same: "_Same", agent: str | None) -> str:
    """SPRINT.yaml as the new sprint has it."""
    document, _ = load(source / "SPRINT.yaml", shown="SPRINT.yaml", code="SPRINT_LOAD_ERROR")
    text = document.text
    translated = with_collections(document)
    if translated is not None and same.plan(translated) == same.plan(text):
        text = translated
        taken.told.append("`steps`, as the first versions had them: written as the collection `step`")
    ours = same.plan(text)
    if ours is not None and ours.sprint_id != plan.sprint_id:
        named = _with(text, f"sprint-id: {dumps(plan.sprint_id, ensure_ascii=False)}")
        if same.plan(named) == replace(plan, sources=()):
            text = named
            taken.told.append(
                f"its id, {line(plan.sprint_id)}: written down, for the directory's name gives another"
            )
        else:
            taken.told.append(f"its id was {line(plan.sprint_id)}; here it is {line(ours.sprint_id)}")
    if agent is not None:
        asked = _with(text, f"agent: {agent}")
        if same.plan(asked) is not None:
            text = asked
            taken.told.append(f"agent: {agent}, where a phase or workflow names no other")
        else:
            taken.told.append(
                f"not done: `agent: {agent}` cannot be added to what SPRINT.yaml says; write it there"
            )
    return text


class _Same:
    """Compiles a text as if it stood in a directory of that name."""

    def __init__(self, name: str, places: Sequence[Path], today: date) -> None:
        self._name = name
        self._places = places
        self._today = today

    def plan(self, text: str) -> Plan | None:
        """The plan, without the names of files; None when there is none."""
        with tempfile.TemporaryDirectory(prefix="fsm-sprint-") as scratch:
            folder = Path(scratch) / self._name
            folder.mkdir()
            (folder / "SPRINT.yaml").write_text(text, encoding="utf-8")
            try:
                return replace(_compiled(folder, self._places, self._today), sources=())
            except CompileError:
                return None


def _with(text: str, entry: str) -> str:
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}{entry}\n"


def _context(taken: Taken, source: Path) -> None:
    """The files that people wrote for prompts to name; links lead elsewhere and are left out."""
    top = source / "context"
    if top.is_symlink() or not top.is_dir():
        return
    found = sorted(path for path in top.rglob("*") if path.is_file() and not path.is_symlink())
    for path in found:
        taken.files[str(path.relative_to(source))] = path.read_bytes()
    if found:
        taken.told.append(f"context: {len(found)} file{'' if len(found) == 1 else 's'}")


def _left(taken: Taken, source: Path) -> None:
    """What is not taken over."""
    told = taken.told
    there = [name for name in LEFT if (source / name).exists()]
    for name in there:
        told.append(f"not taken over: {name}{f', {LEFT[name]}' if LEFT[name] else ''}")
    known = recorded(source / "PROGRESS.yaml")
    if known is None:
        return
    counts = ", ".join(f"{number} {line(state)}" for state, number in known.leaves.items())
    told.append(
        f"  it says {line(known.status)}: {counts or 'no phases'}; a run here begins at the beginning"
    )
    if known.completed:
        told.append(
            f"  completed, it says, which it also says of failures: {_some(known.completed)};"
            " take out of SPRINT.yaml what is done"
        )
    if known.queued:
        told.append(
            f"  proposed and not decided on: {_some(known.queued)}; put in SPRINT.yaml what is wanted"
        )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(cut(line(name), 60) for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
