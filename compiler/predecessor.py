"""What a sprint of m42-sprint has on disk beside what compiles: the old form of its steps, and what its runs have left.

Rule: nothing of a run is believed; it is only told, because that program recorded failures as completed.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from compiler.reader import load
from compiler.tree import Document, Mapping, Sequence

LEFT = {
    "PROGRESS.yaml": "the state of its runs",
    "PROGRESS.yaml.checksum": "",
    "PROGRESS.yaml.backup": "",
    "BACKLOG.yaml": "what was put off",
    "PAUSE": "",
    "intervention-queue.jsonl": "",
    "logs": "what its runs printed",
    "transcriptions": "",
    "artifacts": "what its runs made",
}
"""Files and directories that a run of it leaves beside SPRINT.yaml; '' where the name says it."""


class Recorded(NamedTuple):
    """What its PROGRESS.yaml says."""

    status: str
    leaves: Counter[str]
    """How many phases were left in each state."""
    completed: list[str]
    """Those that it calls completed, as `phase/step/sub-phase`."""
    queued: list[str]
    """Steps that agents had proposed, and requests that nobody had decided on: their first lines."""


def recorded(path: Path) -> Recorded | None:
    """What a PROGRESS.yaml says; None when there is none, or nothing that can be understood."""
    if not path.is_file():
        return None
    document, found = load(path, shown=path.name, code="PROGRESS_LOAD_ERROR")
    root = document.root
    if found or not isinstance(root, dict):
        return None
    leaves: Counter[str] = Counter()
    completed = []
    for name, status in _leaves(root.get("phases"), ""):
        leaves[status] += 1
        if status == "completed":
            completed.append(name)
    queues = [*_maps(root.get("step-queue")), *_maps(root.get("operator-queue"))]
    waiting = [one for one in queues if one.get("status", "pending") == "pending"]
    queued = [str(one.get("prompt") or one.get("title") or one.get("id") or "?") for one in waiting]
    return Recorded(str(root.get("status", "unknown")), leaves, completed, [_first(one) for one in queued])


def with_collections(document: Document) -> str | None:
    """The text of a SPRINT.yaml with its top-level `steps` as the collection `step`; None where that is not for us.

    Comments stay. Whether it means the same is for the caller to see, by compiling both.
    """
    root = document.root
    if not isinstance(root, Mapping) or "steps" not in root or "collections" in root:
        return None
    if not isinstance(root["steps"], Sequence):
        return None
    lines = document.text.splitlines(keepends=True)
    at, column = document.position(root.key_at["steps"])
    begin, _ = document.position(root.value_at["steps"])
    head = lines[at - 1]
    if column != 1 or begin == at or not head.startswith("steps:"):
        return None
    later = [document.position(offset)[0] for key, offset in root.key_at.items() if key != "steps"]
    end = min((line for line in later if line > at), default=len(lines) + 1) - 1
    while end > begin and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    body = [f"    {line}" if line.strip() else line for line in lines[at:end]]
    return "".join(
        [*lines[: at - 1], "collections:\n", f"  step:{head[len('steps:') :]}", *body, *lines[end:]]
    )


def _leaves(found: Any, above: str) -> Iterator[tuple[str, str]]:
    for one in _maps(found):
        name = f"{above}{one.get('id', '?')}"
        inner = one.get("steps") or one.get("phases")
        if inner:
            yield from _leaves(inner, f"{name}/")
        elif "steps" not in one:
            yield name, str(one.get("status", "pending"))


def _maps(found: Any) -> Iterator[dict[str, Any]]:
    yield from (one for one in found or () if isinstance(one, dict)) if isinstance(found, list) else ()


def _first(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
