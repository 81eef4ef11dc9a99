"""Small sprints for tests: files into a directory, and a compile with a fixed date."""

from datetime import date
from pathlib import Path

from compiler.pipeline import Compiled, compile_sprint

TODAY = date(2026, 1, 2)


def write(sprint: Path, source: str, **workflows: str) -> Path:
    """A sprint directory with SPRINT.yaml and the workflows by name."""
    folder = sprint / ".claude" / "workflows"
    folder.mkdir(parents=True, exist_ok=True)
    (sprint / "SPRINT.yaml").write_text(source, encoding="utf-8")
    for name, text in workflows.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return sprint


def compiled(sprint: Path, source: str, *, strict: bool = False, **workflows: str) -> Compiled:
    """What a sprint of these files compiles to."""
    return compile_sprint(write(sprint, source, **workflows), strict=strict, today=TODAY)
