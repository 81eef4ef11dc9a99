"""Compiling on behalf of a command: diagnostics to stderr, and whether a plan still is what the files say."""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from fsm_sprint.clock import SystemClock
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.terminal import plain

if TYPE_CHECKING:
    from compiler.pipeline import Compiled
    from fsm.plan import Plan


def compiled(
    paths: SprintPaths, workflows: Sequence[Path] | None, *, strict: bool = False, today: date | None = None
) -> "Compiled":
    """The sprint's files as a plan; warnings are shown. Raises CompileError with every error at once.

    `today` is the date that the id of a sprint without one is made from.
    """
    from compiler.pipeline import compile_sprint

    found = compile_sprint(
        paths.directory, workflows=workflows, strict=strict, today=today or SystemClock().today()
    )
    if found.warnings:
        print(plain(found.render()), file=sys.stderr)
    return found


def dated(sprint_id: str) -> date | None:
    """The day that the id of a sprint was made on, where it says so: compiled anew, it is to have the same."""
    try:
        return date.fromisoformat(sprint_id[:10])
    except ValueError:
        return None


def changed(paths: SprintPaths, plan: "Plan") -> list[str]:
    """The files that are no longer what a plan was made from; relative to the sprint's directory."""
    return [name for name, known in plan.sources if _digest(paths.directory / name) != known]


def _digest(path: Path) -> str:
    import hashlib  # like the plan: quick commands do without

    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
