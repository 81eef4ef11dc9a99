"""The items of a sprint: which collections there are, who goes through them, what their ids are, what they depend on.

Rule: an id is what the plan will have. An item without one is called after each for-each that goes through it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.check import MOST, unknown
from compiler.conflicts import check_item
from compiler.diagnostics import Diagnostic, Severity
from compiler.expand import Outlined
from compiler.nearest import closest, near_miss
from compiler.source import Item, Sprint
from compiler.tree import Document, Loc
from compiler.validate import keys_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """The items under one name. An element is None where it is unusable."""

    name: str
    loc: Loc
    items: tuple[Item | None, ...]


def gather(sprint: Sprint, document: Document) -> tuple[dict[str, Collection], list[Diagnostic]]:
    """All collections by name, the old top-level `steps` as `step`."""
    found: dict[str, Collection] = {}
    diagnostics: list[Diagnostic] = []
    for name, items in (sprint.collections or {}).items():
        loc = ("collections", name)
        found[name] = Collection(name=name, loc=loc, items=tuple(items or ()))
        if not items:
            message = f"Collection `{name}` has no items"
            diagnostics.append(
                document.diagnose("EMPTY_COLLECTION", message, loc, key=True, severity=Severity.WARNING)
            )
    if sprint.steps is not None:
        if "step" in found:
            message = "Both `steps` and the collection `step` are there"
            hint = "move the steps into the collection"
            diagnostics.append(document.diagnose("STEPS_TWICE", message, ("steps",), key=True, hint=hint))
        steps = [
            Item.model_construct(prompt=step) if isinstance(step, str) else step for step in sprint.steps
        ]
        found.setdefault("step", Collection(name="step", loc=("steps",), items=tuple(steps)))
    return found, diagnostics


def check_collections(
    document: Document, collections: Mapping[str, Collection], sprint: Sprint, loops: list[Outlined]
) -> Iterator[Diagnostic]:
    """Collections against the for-each phases that go through them."""
    raw = document.root.get("collections")
    known = {*collections, *(raw if isinstance(raw, dict) else ())}
    if sprint.collections == {}:
        yield document.diagnose(
            "EMPTY_COLLECTIONS", "SPRINT.yaml has no collection", ("collections",), key=True
        )
    elif loops and not known:
        names = ", ".join(dict.fromkeys(f"`{loop.collection}`" for loop in loops))
        message = f"SPRINT.yaml has no collections, and the workflow goes through {names}"
        hint = f"write `collections:` and below it `{loops[0].collection}:` with a list of items"
        yield document.diagnose("MISSING_COLLECTIONS", message, (), hint=hint)
    for loop in loops:
        if known and loop.collection not in known:
            key = "collection" if loop.phase.collection is not None else "for-each"
            meant = closest(loop.collection, known)
            hint = f"did you mean `{meant}`?" if meant else f"SPRINT.yaml has: {', '.join(sorted(known))}"
            message = f"SPRINT.yaml has no collection `{loop.collection}`"
            yield loop.document.diagnose("COLLECTION_NOT_FOUND", message, (*loop.loc, key), hint=hint)


def check_used(
    document: Document, collections: Mapping[str, Collection], loops: list[Outlined]
) -> Iterator[Diagnostic]:
    """Items that nothing is done with."""
    used = {loop.collection for loop in loops}
    for name, collection in collections.items():
        if name not in used and collection.items:
            message = f"No phase goes through collection `{name}`: its items are not done"
            hint = f"a phase with `for-each: {name}` does each of them"
            yield document.diagnose(
                "UNUSED_COLLECTION", message, collection.loc, key=True, hint=hint, severity=Severity.WARNING
            )


def ids(collection: Collection, kind: str) -> list[str]:
    """The ids of the steps that a for-each of this kind makes of a collection."""
    return [
        item.id if item is not None and item.id is not None else f"{kind}-{index}"
        for index, item in enumerate(collection.items)
    ]


def check_ids(document: Document, collection: Collection, kinds: list[str]) -> Iterator[Diagnostic]:
    """Ids met twice, and dependencies that lead nowhere or in a circle."""
    for kind in kinds:
        first: dict[str, int] = {}
        for index, name in enumerate(ids(collection, kind)):
            if name in first:
                other = document.related("it is first here", (*collection.loc, first[name], "id"))
                message = f"Two items of `{collection.name}` have the id `{name}`"
                loc = (*collection.loc, index, "id")
                yield document.diagnose("DUPLICATE_ITEM_ID", message, loc, related=(other,))
            first.setdefault(name, index)
    if None in collection.items:
        return
    known = aliases(collection, kinds)
    edges: dict[int, list[int]] = {}
    for index, item in enumerate(collection.items):
        assert item is not None
        edges[index] = []
        for at, name in enumerate(item.depends_on or ()):
            loc = (*collection.loc, index, "depends-on", at)
            target = known.get(name)
            if target is None:
                names = ids(collection, kinds[0])
                meant = closest(name, names)
                shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
                hint = f"did you mean `{meant}`?" if meant else f"there are: {shown}"
                message = (
                    f"Item `{names[index]}` depends on `{name}`, which is no item of `{collection.name}`"
                )
                yield document.diagnose("DEPENDENCY_NOT_FOUND", message, loc, hint=hint)
            elif target == index:
                message = f"Item `{name}` depends on itself"
                yield document.diagnose("DEPENDENCY_SELF_REFERENCE", message, loc)
            else:
                edges[index].append(target)
    for circle in circles(edges):
        names = ids(collection, kinds[0])
        chain = " -> ".join(names[index] for index in [*circle, circle[0]])
        message = f"Items depend on each other in a circle: {chain}"
        loc = (*collection.loc, circle[0], "depends-on")
        yield document.diagnose("DEPENDENCY_CIRCULAR", message, loc)


def aliases(collection: Collection, kinds: list[str]) -> dict[str, int]:
    """Every name by which `depends-on` may call an item: its id, or each of the ids that it is given."""
    found: dict[str, int] = {}
    for index, item in enumerate(collection.items):
        if item is not None and item.id is not None:
            found.setdefault(item.id, index)
    for index, item in enumerate(collection.items):
        if item is None or item.id is None:
            for kind in [*kinds, collection.name]:
                found.setdefault(f"{kind}-{index}", index)
    return found


def circles(edges: dict[int, list[int]]) -> list[list[int]]:
    """One circle for each group of nodes that lead back to themselves, in order of their first node."""
    state: dict[int, int] = {}
    found: list[list[int]] = []
    for start, targets in edges.items():
        if start in state:
            continue
        state[start] = 1
        path, waiting = [start], [iter(targets)]
        while path:
            target = next(waiting[-1], None)
            if target is None:
                state[path.pop()] = 2
                waiting.pop()
            elif state.get(target) == 1:
                found.append(path[path.index(target) :])
            elif target not in state:
                state[target] = 1
                path.append(target)
                waiting.append(iter(edges[target]))
    return found


def check_keys(document: Document, collection: Collection, used: set[str]) -> Iterator[Diagnostic]:
    """Keys of items that are slips of known ones, unless a prompt or a command uses them."""
    known = frozenset(keys_at("sprint", "collections/*/#"))
    told: dict[str, str | None] = {}
    items = document.value(collection.loc)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        for key in item if isinstance(item, dict) else ():
            if key in known:
                continue
            if key not in told and len(told) < MOST:
                told[key] = None if key in used else near_miss(key, sorted(known))
            meant = told.get(key)
            if meant is not None:
                subject = f"Item {index + 1} of `{collection.name}`"
                yield unknown(document, (*collection.loc, index, key), subject, meant)


def check_words(document: Document, collection: Collection) -> Iterator[Diagnostic]:
    """Findings about what each item says by itself."""
    for index, item in enumerate(collection.items):
        if item is not None:
            name = f"Item {index + 1} of `{collection.name}`"
            yield from check_item(document, (*collection.loc, index), item, name)


def context(item: Item, raw: Any, *, step_id: str, index: int, kind: str) -> dict[str, Any]:
    """What the variables of an item stand for: all its keys, then its prompt, id, index and type."""
    values = dict(raw) if isinstance(raw, dict) else {}
    return {**values, "prompt": item.prompt, "id": step_id, "index": index, "type": kind}
