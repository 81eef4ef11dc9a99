"""`check` (alias `validate`): everything that is wrong with a sprint or a workflow, and what its plan can come to.

Runs nothing: the plan is played by the decisions alone.
"""

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
    from fsm.plan import Plan


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
    """Check SPRINT.yaml and all workflows that it uses, or a single workflow file; every error is reported.

    Says as well what the plan can come to: what may never start or never end, and the most that it may take.
    """
    from compiler.diagnostics import Diagnostic, Severity, as_json, render_all
    from fsm.forecast import forecast
    from fsm_sprint.report import outlook
    from fsm_sprint.report.document import printed
    from fsm_sprint.report.terminal import line, plain

    plan: Plan | None = None
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, Sequence[str]]
    if sprint is not None and sprint.name != "SPRINT.yaml" and sprint.exists() and not sprint.is_dir():
        diagnostics, texts = _workflow(sprint)
    else:
        diagnostics, texts, plan = _sprint(sprint, workflows, strict=strict)
    found = forecast(plan) if plan is not None else None
    impossible = outlook.errors(found) if found is not None else []
    valid = not impossible and not any(one.severity is Severity.ERROR or strict for one in diagnostics)
    counts = _counts(plan) if plan is not None else {}
    if json:
        document = {
            "version": 1,
            "valid": valid,
            **counts,
            "diagnostics": [as_json(one) for one in diagnostics],
            **(outlook.document(found) if found is not None else {}),
        }
        print(printed(document))
    else:
        if diagnostics:
            print(plain(render_all(diagnostics, texts)), file=sys.stderr)
        for error in impossible:
            print(plain(error), file=sys.stderr)
        if valid:
            said = (f"{count} {name[:-1] if count == 1 else name}" for name, count in counts.items())
            print(", ".join(["ok", *said]))
            if found is not None:
                print("\n".join(line(one) for one in outlook.lines(found, counts["tasks"])))
    raise typer.Exit(ExitCode.DONE if valid else ExitCode.DEFINITION)


Found = tuple["tuple[Diagnostic, ...]", Mapping[str, Sequence[str]]]


def _workflow(path: Path) -> Found:
    from compiler.pipeline import check_workflow

    found = check_workflow(path)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return found, {one.file: lines for one in found}


def _sprint(
    sprint: Path | None, workflows: list[Path] | None, *, strict: bool
) -> tuple[*Found, "Plan | None"]:
    from compiler.diagnostics import CompileError
    from compiler.pipeline import compile_sprint

    paths = options.paths(sprint)
    try:
        found = compile_sprint(
            paths.directory, workflows=workflows, strict=strict, today=SystemClock().today()
        )
    except CompileError as error:
        return error.diagnostics, error.texts, None
    return found.warnings, found.texts, found.plan


def _counts(plan: "Plan") -> dict[str, int]:
    from fsm.plan import leaves, nodes

    return {
        "phases": len(plan.phases),
        "units": sum(1 for _ in nodes(plan)),
        "tasks": sum(1 for _ in leaves(plan)),
    }
