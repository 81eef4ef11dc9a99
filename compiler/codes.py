"""What a finding of the validator is called and how it is told: code, sentence, hint.

Rule: the predecessor's codes are kept. A code is found by where in the document the finding is and what kind it is;
what has no row here is INVALID_ with the name of its key.
"""

import re
from collections.abc import Iterator, Sequence

from pydantic_core import ErrorDetails

from compiler.clauses import TAGGED
from compiler.diagnostics import Diagnostic
from compiler.nearest import closest, near_miss
from compiler.tree import Document
from compiler.validate import keys_at

MOST = 1000
"""Findings of the validator that are told; a person reads the first few."""

Row = tuple[str, str, str, str]
"""Place, kinds of finding, code, the sentence after its subject. `#` stands for an index, `*` for a name."""


def _below(owner: str, rows: tuple[Row, ...]) -> Iterator[Row]:
    for place, sorts, code, sentence in rows:
        yield f"{owner}/{place}".removesuffix("/"), sorts, code, sentence


_ITEM: tuple[Row, ...] = (
    ("", "type", "INVALID_COLLECTION_ITEM", "has to be a mapping with a prompt"),
    ("prompt", "missing type void", "MISSING_ITEM_PROMPT", "has no prompt"),
    ("prompt", "blank", "EMPTY_ITEM_PROMPT", "has a blank prompt"),
    ("id", "", "INVALID_ITEM_ID", "has an id that cannot be one: it {why}"),
    ("workflow", "", "INVALID_ITEM_WORKFLOW", "has a workflow that is no name"),
    ("depends-on", "type", "INVALID_DEPENDS_ON", "has a depends-on that is not a list of ids"),
    ("depends-on/#", "type", "INVALID_DEPENDS_ON_ELEMENT", "depends on something that is not text"),
    ("depends-on/#", "blank void", "EMPTY_DEPENDS_ON_ELEMENT", "depends on an empty id"),
)
_ROWS: dict[str, tuple[Row, ...]] = {
    "sprint": (
        ("", "type", "INVALID_SPRINT", "has to be a mapping"),
        ("workflow", "", "MISSING_WORKFLOW", "has to name a workflow"),
        (
            "collections",
            "type",
            "INVALID_COLLECTIONS",
            "has collections that are not a mapping of names to lists",
        ),
        ("collections/*", "type", "INVALID_COLLECTION", "has a collection that is not a list"),
        ("steps", "type", "INVALID_COLLECTION", "has steps that are not a list"),
        ("steps/#", "blank void", "EMPTY_ITEM_PROMPT", "has a blank prompt"),
        *_below("collections/*/#", _ITEM),
        *_below("steps/#", _ITEM),
        ("worktree", "type", "INVALID_WORKTREE_CONFIG", "has a worktree that is not a mapping"),
        ("worktree/enabled", "missing", "WORKTREE_MISSING_ENABLED", "has a worktree without `enabled`"),
        ("worktree/enabled", "type", "WORKTREE_INVALID_ENABLED", "has `enabled` neither true nor false"),
        ("worktree/branch", "type", "WORKTREE_INVALID_BRANCH", "has a worktree branch that is not text"),
        ("worktree/branch", "blank void", "WORKTREE_EMPTY_BRANCH", "has an empty worktree branch"),
        ("worktree/path", "type", "WORKTREE_INVALID_PATH", "has a worktree path that is not text"),
        ("worktree/path", "blank void", "WORKTREE_EMPTY_PATH", "has an empty worktree path"),
        ("worktree/cleanup", "type", "WORKTREE_INVALID_CLEANUP", "has a worktree cleanup that is not text"),
        ("worktree/cleanup", "value", "WORKTREE_INVALID_CLEANUP_MODE", "has a worktree cleanup that {why}"),
    ),
    "workflow": (
        ("", "type", "INVALID_WORKFLOW", "has to be a mapping"),
        ("name", "", "MISSING_WORKFLOW_NAME", "has to have a name"),
        ("phases", "missing type", "MISSING_PHASES", "has to have a list of phases"),
        ("phases", "value", "EMPTY_WORKFLOW", "has no phases"),
        ("phases/#", "type", "INVALID_PHASE", "has to be a mapping"),
        ("phases/#/id", "missing type blank void", "MISSING_PHASE_ID", "has no id that is text"),
        ("phases/#/id", "value", "INVALID_PHASE_ID", "has an id that {why}"),
        ("phases/#/prompt", "", "PHASE_MISSING_ACTION", "has a prompt that is empty or not text"),
        ("phases/#/workflow", "", "PHASE_MISSING_ACTION", "has a workflow that is no name"),
        (
            "phases/#/for-each",
            "type",
            "INVALID_FOREACH",
            "has a for-each that is not the name of a collection",
        ),
        ("phases/#/for-each", "blank void", "EMPTY_FOREACH", "has an empty for-each"),
        ("phases/#/collection", "type", "INVALID_COLLECTION_REF", "has a collection that is not a name"),
        ("phases/#/collection", "blank void", "EMPTY_COLLECTION_REF", "has an empty collection"),
        ("phases/#/gate/script", "missing type", "GATE_MISSING_SCRIPT", "has a gate without a script"),
        ("phases/#/gate/script", "blank void", "GATE_EMPTY_SCRIPT", "has a gate with an empty script"),
        (
            "phases/#/gate/on-fail",
            "type",
            "GATE_MISSING_ON_FAIL",
            "has a gate whose on-fail is not a mapping",
        ),
        (
            "phases/#/gate/on-fail/prompt",
            "missing type",
            "GATE_MISSING_ON_FAIL_PROMPT",
            "has an on-fail without prompt",
        ),
        (
            "phases/#/gate/on-fail/prompt",
            "blank void",
            "GATE_EMPTY_ON_FAIL_PROMPT",
            "has an on-fail with an empty prompt",
        ),
        ("phases/#/gate/on-fail/max-retries", "", "GATE_INVALID_MAX_RETRIES", "has a max-retries that {why}"),
        ("phases/#/gate/timeout", "", "GATE_INVALID_TIMEOUT", "has a gate timeout that {why}"),
        ("per-iteration-hooks", "type", "INVALID_HOOKS", "has per-iteration-hooks that are not a list"),
        ("per-iteration-hooks/#", "type", "INVALID_HOOK", "has to be a mapping"),
        ("per-iteration-hooks/#/id", "", "MISSING_HOOK_ID", "has no id that is text"),
        ("per-iteration-hooks/#/parallel", "", "INVALID_HOOK_PARALLEL", "has a `parallel` that {why}"),
        ("per-iteration-hooks/#/enabled", "", "INVALID_HOOK_ENABLED", "has an `enabled` that {why}"),
        ("worktree", "type", "INVALID_WORKFLOW_WORKTREE", "has a worktree that is not a mapping"),
        (
            "worktree/enabled",
            "missing",
            "WORKFLOW_WORKTREE_MISSING_ENABLED",
            "has a worktree without `enabled`",
        ),
        (
            "worktree/enabled",
            "type",
            "WORKFLOW_WORKTREE_INVALID_ENABLED",
            "has `enabled` neither true nor false",
        ),
        (
            "worktree/branch-prefix",
            "",
            "WORKFLOW_WORKTREE_INVALID_BRANCH_PREFIX",
            "has a branch-prefix that {why}",
        ),
        ("worktree/path-prefix", "", "WORKFLOW_WORKTREE_INVALID_PATH_PREFIX", "has a path-prefix that {why}"),
        (
            "worktree/cleanup",
            "type",
            "WORKFLOW_WORKTREE_INVALID_CLEANUP",
            "has a worktree cleanup that is not text",
        ),
        (
            "worktree/cleanup",
            "value",
            "WORKFLOW_WORKTREE_INVALID_CLEANUP_MODE",
            "has a worktree cleanup that {why}",
        ),
    ),
}

_OWNERS = ("phases/#", "collections/*/#", "steps/#", "per-iteration-hooks/#")
"""Blocks that a finding names by themselves."""
_WHY = {
    "string_type": "is not text",
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "bool_type": "is neither true nor false",
    "list_type": "is not a list",
    "dict_type": "is not a mapping",
    "model_type": "is not a mapping",
    "model_attributes_type": "is not a mapping",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "literal_error": "is none of {expected}",
    "finite_number": "is not a finite number",
    "too_short": "is empty",
    "too_long": "has more than {max_length} elements",
    "string_pattern_mismatch": "is blank",
}
_HINTS = {
    "MISSING_WORKFLOW": "write `workflow: NAME`, the name of a file in .claude/workflows without its ending",
    "INVALID_COLLECTION_ITEM": "write `- prompt: …`",
    "MISSING_ITEM_PROMPT": "write `prompt: …`: every item says what is to be done",
    "INVALID_DEPENDS_ON": "write `depends-on: [id]`",
    "INVALID_DEPENDS_ON_ELEMENT": "quote a number to name it as an id",
    "MISSING_PHASES": "write `phases:` and below it a list of phases, each with an id",
    "EMPTY_WORKFLOW": "a workflow needs at least one phase",
    "MISSING_PHASE_ID": "write `id: NAME`; quote it if it is a number",
    "PHASE_MISSING_ACTION": "give it one of: prompt, run, workflow, for-each",
    "GATE_MISSING_SCRIPT": "write `script: COMMAND`; exit status 0 passes",
    "GATE_MISSING_ON_FAIL_PROMPT": "say in `prompt:` what the fix agent is to do",
    "WORKTREE_MISSING_ENABLED": "write `enabled: true` or `enabled: false`",
    "WORKFLOW_WORKTREE_MISSING_ENABLED": "write `enabled: true` or `enabled: false`",
    "INVALID_ACCEPT": "write `accept: COMMAND`, or a list of paths and globs that have to be there",
    "INVALID_AGENT": "write `agent: NAME`, `agent: {name: NAME, …}` or `agent: {command: [PROGRAM, …]}`",
    "INVALID_AGENTS": "write `agents: [claude, codex]`: the first is asked first",
    "INVALID_APPROVE": "write `approve: MESSAGE`, or `approve: {message, timeout, on-timeout}`",
    "INVALID_BUDGET": "write `budget: {cost-usd: 20, tokens: 5000000, wall: 8h, attempts: 100}`, or some of these",
    "INVALID_ON": "write `on: {blocked: COMMAND, completed: {url: https://…}}`",
}
_HINTS_BY_TYPE = {
    "bool_type": "write true or false: in YAML 1.2, yes, no, on and off are text",
}


def tell(document: Document, kind: str, errors: Sequence[ErrorDetails]) -> list[Diagnostic]:
    """Diagnostics for what a validator found in a document of a kind (`sprint` or `workflow`)."""
    found = [_told(document, kind, error) for error in errors[:MOST]]
    if len(errors) > MOST:
        message = f"There are {len(errors) - MOST:,} more findings of this kind"
        found.append(
            document.diagnose("TOO_MANY", message, hint="mend the first ones; they may have one cause")
        )
    return found


def _told(document: Document, kind: str, error: ErrorDetails) -> Diagnostic:
    loc = _within(error["loc"])
    place = "/".join("#" if isinstance(part, int) else part for part in loc)
    if kind == "sprint" and loc[:1] == ("collections",) and len(loc) > 1:
        place = "/".join(["collections", "*", *("#" if isinstance(part, int) else part for part in loc[2:])])
    subject = _subject(document, kind, loc)
    if error["type"] == "extra_forbidden":
        return _unknown(document, kind, loc, place, subject)
    sort, why = _sort(error), _why(error)
    hint = _HINTS_BY_TYPE.get(error["type"]) or _meant(error)
    for at, sorts, code, sentence in _ROWS[kind]:
        if at == place and (not sorts or sort in sorts.split()):
            return document.diagnose(
                code, f"{subject} {sentence.format(why=why)}", loc, hint=_HINTS.get(code) or hint
            )
    key = _key(kind, loc)
    code = "INVALID_" + key.upper().replace("-", "_")
    inside = "/".join(str(part) for part in loc[loc.index(key) :])
    if sort == "missing":
        message = f"{subject} has `{inside.rpartition('/')[0]}` without `{loc[-1]}`"
    else:
        message = f"{subject} has `{inside}`, which {why}"
    if loc[-1] == key:  # the block itself is of no kind that it can be
        hint = _HINTS.get(code) or hint
    return document.diagnose(code, message, loc, key=error["loc"][-1] == "[key]", hint=hint)


def _meant(error: ErrorDetails) -> str | None:
    """The word that may have been meant where only some are known."""
    context = error.get("ctx", {})
    word, known = error["input"], context.get("known")
    if not isinstance(word, str):
        return None
    words = known or re.findall(r"'([^']*)'", str(context.get("expected", "")))
    meant = near_miss(word, words) or closest(word, words)
    return f"did you mean `{meant}`?" if meant else f"known are: {', '.join(known)}" if known else None


def _within(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """A validator's location as a path into the document: without the names of union members."""
    return tuple(part for part in loc if part != "[key]" and not str(part).startswith(TAGGED))


def _subject(document: Document, kind: str, loc: tuple[str | int, ...]) -> str:
    match loc:
        case ("collections", str(name), int(index), *_):
            return f"Item {index + 1} of `{name}`"
        case ("collections", str(name), *_):
            return f"SPRINT.yaml (`{name}`)"
        case ("steps", int(index), *_):
            return f"Step {index + 1}"
        case ("phases", int(index), *_):
            title = document.value(("phases", index, "id"))
            return f"Phase `{title}`" if isinstance(title, str) and title.strip() else f"Phase {index + 1}"
        case ("per-iteration-hooks", int(index), *_):
            return f"Hook {index + 1}"
    return "SPRINT.yaml" if kind == "sprint" else "The workflow"


def _unknown(
    document: Document, kind: str, loc: tuple[str | int, ...], place: str, subject: str
) -> Diagnostic:
    name = str(loc[-1])
    block = place.rpartition("/")[0]
    keys = keys_at(kind, block)
    names = block.removesuffix("/#").rpartition("/")
    where = "" if block in ("", *_OWNERS) else f" in `{names[2]}`"
    meant = near_miss(name, keys) or closest(name, keys)
    if name in keys:  # of a block that can be written in more than one way
        hint = f"`{name}` belongs to another form of `{names[2]}`"
    else:
        hint = f"did you mean `{meant}`?" if meant else f"known are: {', '.join(keys)}"
    return document.diagnose(
        "UNKNOWN_KEY", f"{subject} has an unknown key `{name}`{where}", loc, key=True, hint=hint
    )


def _key(kind: str, loc: tuple[str | int, ...]) -> str:
    """The key that a finding belongs to: the first one below its item, phase or hook."""
    names = [part for part in loc if isinstance(part, str)]
    if not names:
        return "value"
    skip = 2 if names[0] == "collections" else 1 if kind == "workflow" or names[0] == "steps" else 0
    if kind == "workflow" and names[0] not in ("phases", "per-iteration-hooks"):
        skip = 0
    return names[min(skip, len(names) - 1)]


def _sort(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "missing":
        return "missing"
    if kind.endswith("_type") or kind == "scalar":
        return "type"
    if kind == "literal_error":
        return "value" if isinstance(error["input"], str) else "type"
    if kind == "string_pattern_mismatch" and error["ctx"]["pattern"] == r"\S":
        return "void" if error["input"] == "" else "blank"
    return "value"


def _why(error: ErrorDetails) -> str:
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "string_pattern_mismatch" and context["pattern"] != r"\S":
        return "is not a name that a variable can have"
    told = _WHY.get(kind)
    return told.format(**context) if told is not None else error["msg"]
