"""What a sprint can say and nothing acts upon: it is told, wherever it is said, rather than passed over in silence.

Rule: a row leaves this table together with the reason for it, and a test holds the table against the code that runs.
"""

from collections.abc import Iterable, Iterator

from compiler.diagnostics import Diagnostic, Severity
from compiler.tree import Document, Loc, Mapping
from fsm.plan import Plan

UNHEEDED = {
    "worktree": "the sprint works where it lies",
}
"""By key, what follows from its having no effect."""


def check_heeded(plan: Plan, documents: Iterable[Document]) -> Iterator[Diagnostic]:
    """Findings about all that is said in the files of a plan and has no effect; what is turned off is none of it."""
    on = {
        "worktree": plan.worktree is not None,
    }
    for document in documents:
        for loc in _said(document, on):
            key = str(loc[-1])
            message = f"`{key}` has no effect in this version: {UNHEEDED[key]}"
            yield document.diagnose("NO_EFFECT_YET", message, loc, key=True, severity=Severity.WARNING)


def _said(document: Document, on: dict[str, bool]) -> Iterator[Loc]:
    root = document.root
    if not isinstance(root, Mapping):
        return
    for key in UNHEEDED:
        if key in root and on.get(key):
            yield (key,)
