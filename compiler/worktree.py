"""The git worktree that a sprint asks for: its branch, its path and what becomes of it."""

import re

from compiler.diagnostics import Findings
from compiler.source import Sprint, Workflow
from compiler.tree import Document
from fsm.plan import Worktree

_PLACEHOLDER = re.compile(r"\{(sprint-id|sprint-name|date|workflow)\}")
_WRONG = re.compile(r"^[-/]|/$|//|\.\.|\.lock$|[~^:?*\[\]\\@{}\s\x00-\x1f\x7f]|^$|/\.|^\.")


def settle(
    sprint: Sprint, workflow: Workflow, document: Document, findings: Findings, *, sprint_id: str, today: str
) -> Worktree | None:
    """The worktree of a sprint, or None when it has none. The sprint's word counts before the workflow's."""
    mine, shared = sprint.worktree, workflow.worktree
    dated = re.match(r"\d{4}-\d{2}-\d{2}", sprint_id)
    values = {
        "sprint-id": sprint_id,
        "sprint-name": sprint_id.partition("_")[2] or sprint_id,
        "date": dated[0] if dated else today,
        "workflow": sprint.workflow,
    }

    def filled(text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: values[found[1]], text)

    if mine is not None and mine.branch is not None:
        branch = filled(mine.branch)
    else:
        prefix = (
            shared.branch_prefix if shared is not None and shared.branch_prefix is not None else "sprint/"
        )
        branch = prefix + sprint_id
    if mine is not None and mine.path is not None:
        path = filled(mine.path)
    elif shared is not None and shared.path_prefix is not None:
        path = shared.path_prefix + sprint_id
    else:
        path = f"../{sprint_id}-worktree"
    enabled = mine.enabled if mine is not None else shared is not None and shared.enabled
    if (enabled or (mine is not None and mine.branch is not None)) and _WRONG.search(branch):
        findings.add(
            document.diagnose(
                "WORKTREE_INVALID_BRANCH_NAME",
                f"`{branch}` cannot be the name of a git branch",
                ("worktree", "branch"),
                hint="a branch has no blanks and none of ~ ^ : ? * [ ] \\ @ { } .. //",
            )
        )
    if not enabled:
        return None
    cleanup = (mine and mine.cleanup) or (shared and shared.cleanup) or "on-complete"
    return Worktree(branch=branch, path=path, cleanup=cleanup)
