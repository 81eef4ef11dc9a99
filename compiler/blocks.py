"""Blocks that belong to the sprint as a whole: orchestration, replaced prompt sections."""

from compiler import source
from fsm.plan import Orchestration


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
