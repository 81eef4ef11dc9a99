"""The JSON Schema and the compiler know the same keys, because both are made from the same models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from compiler.reader import build
from compiler.schema import DIALECT, schema
from compiler.tree import Document
from compiler.validate import KINDS, keys_at

CASES = Path(__file__).parent / "cases"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def data(path: Path) -> Any:
    document = Document(file=path.name, path=path, text=path.read_text(encoding="utf-8"), sha256="")
    build(document)
    return document.root


def sound() -> Iterator[tuple[str, Path]]:
    sprints = [plan.parent for plan in sorted(CASES.glob("*/plan.json"))]
    sprints += [case.parent for case in sorted(CORPUS.glob("*/case.json"))]
    for sprint in sprints:
        yield "sprint", sprint / "SPRINT.yaml"
        for workflow in sorted((sprint / "workflows").glob("*.yaml")):
            yield "workflow", workflow


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_schema_is_one(kind: str) -> None:
    made = schema(kind)
    assert made["$schema"] == DIALECT
    Draft202012Validator.check_schema(made)


def test_the_schema_takes_every_sound_file() -> None:
    validators = {kind: Draft202012Validator(schema(kind)) for kind in KINDS}
    for kind, path in sound():
        assert [error.message for error in validators[kind].iter_errors(data(path))] == [], path


BLOCKS = {
    "sprint": {
        "worktree": ({"enabled": True}, ("worktree",)),
        "retry": ({}, ("retry",)),
        "prompts": ({}, ("prompts",)),
        "config": ({}, ("config",)),
        "agent": ({"command": ["x"]}, ("agent",)),
        "parallel-execution": ({}, ("parallel-execution",)),
        "budget": ({}, ("budget",)),
        "on": ({"blocked": "x"}, ("on",)),
        "on/blocked": ({"url": "https://example.org"}, ("on", "blocked")),
        "on/completed/#": ({"run": "x"}, ("on", "completed", 0)),
        "agents/#": ({"name": "codex", "account": "x"}, ("agents", 0)),
        "retry/backoff": ({"initial": "1s"}, ("retry", "backoff")),
        "per-iteration-hooks/*": ({"enabled": True}, ("per-iteration-hooks", "h")),
    },
    "workflow": {
        "worktree": ({"enabled": True}, ("worktree",)),
        "orchestration": ({}, ("orchestration",)),
        "per-iteration-hooks/#": ({"id": "h"}, ("per-iteration-hooks", 0)),
        "phases/#": ({"id": "a", "prompt": "A"}, ("phases", 0)),
        "phases/#/gate": ({"script": "x"}, ("phases", 0, "gate")),
        "phases/#/gate/on-fail": ({"prompt": "x"}, ("phases", 0, "gate", "on-fail")),
        "phases/#/agent": ({"command": ["x"]}, ("phases", 0, "agent")),
        "phases/#/retry": ({}, ("phases", 0, "retry")),
        "phases/#/accept": ({"exists": ["x"]}, ("phases", 0, "accept")),
        "phases/#/approve": ({"message": "x"}, ("phases", 0, "approve")),
        "phases/#/budget": ({}, ("phases", 0, "budget")),
    },
}
LEAST: dict[str, Any] = {
    "sprint": {"workflow": "x"},
    "workflow": {"name": "x", "phases": [{"id": "a", "prompt": "A", "gate": {"script": "x"}}]},
}


def planted(kind: str, loc: tuple[str | int, ...], block: dict[str, Any]) -> dict[str, Any]:
    """The least document of a kind with a block put into its place."""
    import copy

    root = copy.deepcopy(LEAST[kind])
    node: Any = root
    for part, following in zip(loc, (*loc[1:], None), strict=True):
        if following is None:
            node[part] = block
        elif isinstance(node, dict):
            node = node.setdefault(part, [None] if isinstance(following, int) else {})
        else:
            node = node[part]
    return root


@pytest.mark.parametrize(
    ("kind", "place"), [(kind, place) for kind, blocks in BLOCKS.items() for place in blocks]
)
def test_the_schema_refuses_the_unknown_keys_that_the_compiler_refuses(kind: str, place: str) -> None:
    block, loc = BLOCKS[kind][place]
    validator = Draft202012Validator(schema(kind))
    assert list(validator.iter_errors(planted(kind, loc, block))) == []
    assert list(validator.iter_errors(planted(kind, loc, {**block, "stranger": 1}))) != []
    assert keys_at(kind, place) != ()


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_keys_of_the_schema_are_those_of_the_models(kind: str) -> None:
    made = schema(kind)
    places = {model.__name__: model for model in _models(kind)}
    for name, block in {KINDS[kind].__name__: made, **made["$defs"]}.items():
        if name in places:
            fields = {
                field.alias or key.replace("_", "-") for key, field in places[name].model_fields.items()
            }
            assert set(block["properties"]) == fields


def _models(kind: str) -> Iterator[Any]:
    from compiler.validate import _walk

    return (block for _, block in _walk(KINDS[kind], ""))


def test_every_key_that_the_documents_name_is_known() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
    for kind in KINDS:
        for place in ("", "phases/#", "collections/*/#"):
            for key in keys_at(kind, place):
                assert f"`{key}`" in docs or f"{key}:" in docs or key in ("mode", "config"), key
