"""`check` (alias `validate`): everything that is wrong with a sprint or a workflow, at once. Runs nothing."""

import json as text
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.exits import ExitCode
from fsm_sprint.clock import SystemClock

if TYPE_CHECKING:
    from compiler.diagnostics import Diagnostic


def check(
    sprint: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SPRINT|WORKFLOW.yaml]",
            help="A sprint's directory, or one workflow file.",
            show_default=False,
        ),
    ] = None,
    *,
    workflows: options.Workflows = None,
    strict: options.Strict = False,
    json: options.Json = False,
) -> None:
    """Check SPRINT.yaml and all workflows that it uses, or a single workflow file; every error is reported."""
    from compiler.diagnostics import Diagnostic, Severity, as_json, render_all

    facts: dict[str, int] = {}
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, Sequence[str]]
    if sprint is not None and sprint.name != "SPRINT.yaml" and sprint.exists() and not sprint.is_dir():
        diagnostics, texts = _workflow(sprint)
    else:
        diagnostics, texts, facts = _sprint(sprint, workflows, strict=strict)
    valid = not any(one.severity is Severity.ERROR or strict for one in diagnostics)
    if json:
        document = {
            "version": 1,
            "valid": valid,
            **facts,
            "diagnostics": [as_json(one) for one in diagnostics],
        }
        print(text.dumps(document, ensure_ascii=False))
    else:
        if diagnostics:
            print(render_all(diagnostics, texts), file=sys.stderr)
        if valid:
            print(
                ", ".join(
                    ["ok", *(f"{count} {name[:-1] if count == 1 else name}" for name, count in facts.items())]
                )
            )
    raise typer.Exit(ExitCode.DONE if valid else ExitCode.DEFINITION)


Found = tuple["tuple[Diagnostic, ...]", Mapping[str, Sequence[str]]]


def _workflow(path: Path) -> Found:
    from compiler.pipeline import check_workflow

    found = check_workflow(path)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return found, {one.file: lines for one in found}


def _sprint(
    sprint: Path | None, workflows: list[Path] | None, *, strict: bool
) -> tuple[*Found, dict[str, int]]:
    from compiler.diagnostics import CompileError
    from compiler.pipeline import compile_sprint
    from fsm.plan import leaves, nodes

    paths = options.paths(sprint)
    try:
        found = compile_sprint(
            paths.directory, workflows=workflows, strict=strict, today=SystemClock().today()
        )
    except CompileError as error:
        return error.diagnostics, error.texts, {}
    plan = found.plan
    facts = {
        "phases": len(plan.phases),
        "units": sum(1 for _ in nodes(plan)),
        "tasks": sum(1 for _ in leaves(plan)),
    }
    return found.warnings, found.texts, facts
