"""Blocks that belong to the sprint as a whole: hooks, orchestration, replaced prompt sections."""

from collections.abc import Iterator

from compiler import source
from compiler.diagnostics import Diagnostic, Severity
from compiler.nearest import closest
from compiler.resolve import Library, Loaded
from compiler.tree import Document
from compiler.validate import numbered
from fsm.plan import Hook, Orchestration


def hooks(sprint: source.Sprint, workflow: source.Workflow) -> tuple[Hook, ...]:
    """The hooks of the workflow that are on in this sprint."""
    toggles = sprint.per_iteration_hooks or {}
    return tuple(
        Hook(id=hook.id, prompt=hook.prompt, workflow=hook.workflow, parallel=hook.parallel)
        for _, hook in numbered(workflow.per_iteration_hooks)
        if (toggles[hook.id].enabled if hook.id in toggles else hook.enabled)
    )


def check_hooks(
    document: Document, sprint: source.Sprint, main: Loaded, library: Library
) -> Iterator[Diagnostic]:
    """Hooks that the sprint turns on or off and the workflow does not have, and hooks that lead nowhere."""
    workflow = main.workflow
    for index, hook in numbered(workflow.per_iteration_hooks):
        if hook.workflow is not None and not library.has(hook.workflow):
            message = f"Hook `{hook.id}` names the workflow `{hook.workflow}`, which is not there"
            place = ("per-iteration-hooks", index, "workflow")
            yield main.document.diagnose("HOOK_WORKFLOW_NOT_FOUND", message, place, severity=Severity.WARNING)
    known = [hook.id for _, hook in numbered(workflow.per_iteration_hooks)]
    for name in sprint.per_iteration_hooks or {}:
        if name not in known:
            meant = closest(name, known)
            hint = f"did you mean `{meant}`?" if meant else None
            message = f"The workflow has no hook `{name}` to turn on or off"
            loc = ("per-iteration-hooks", name)
            yield document.diagnose(
                "UNKNOWN_HOOK", message, loc, key=True, hint=hint, severity=Severity.WARNING
            )


def orchestration(workflow: source.Workflow) -> Orchestration | None:
    """What happens to steps that an agent proposes, in either spelling."""
    block = workflow.orchestration
    if block is None:
        return None
    approve = block.old_auto_approve if block.auto_approve is None else block.auto_approve
    return Orchestration(
        enabled=block.enabled,
        insert_strategy=block.insert_strategy or block.old_insert_strategy or "after-current",
        auto_approve=bool(approve),
        prompt=block.prompt,
    )


def prompts(sprint: source.Sprint) -> tuple[tuple[str, str], ...]:
    """Replaced sections of prompts by their names."""
    if sprint.prompts is None:
        return ()
    written = sprint.prompts.model_dump(by_alias=True, exclude_none=True)
    return tuple((name, str(text)) for name, text in written.items())
