"""Source data against the models: what is usable of it, and everything that is wrong.

Rule: a fault costs no more than the element that it is in; whatever else a document says is still looked at.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin

from pydantic_core import ErrorDetails, ValidationError

from compiler.atoms import Closed, kebab
from compiler.source import Sprint, Workflow

_T = TypeVar("_T")
_M = TypeVar("_M", bound=Closed)

KINDS: dict[str, type[Closed]] = {"sprint": Sprint, "workflow": Workflow}


@cache
def _blocks(kind: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for at, block in _walk(KINDS[kind], ""):
        found.setdefault(at, {}).update(dict.fromkeys(alias(block, name) for name in block.model_fields))
    return {at: tuple(keys) for at, keys in found.items()}


def keys_at(kind: str, place: str) -> tuple[str, ...]:
    """The keys of the block at a place (`phases/#/gate`; `#` for an index, `*` for a name), as they are written."""
    return _blocks(kind).get(place, ())


def alias(block: type[Closed], name: str) -> str:
    """How a field of a block is written in YAML."""
    return block.model_fields[name].alias or kebab(name)


def _walk(block: type[Closed], at: str) -> Iterator[tuple[str, type[Closed]]]:
    yield at, block
    for name, field in block.model_fields.items():
        here = f"{at}/{alias(block, name)}".removeprefix("/")
        for inner, below in _models(field.annotation):
            yield from _walk(inner, here + below)


def _models(annotation: Any) -> Iterator[tuple[type[Closed], str]]:
    """The models inside of a type, each with the steps that lead down to it."""
    if isinstance(annotation, type) and issubclass(annotation, Closed):
        yield annotation, ""
        return
    step = {list: "/#", dict: "/*"}.get(get_origin(annotation), "")
    for part in get_args(annotation):
        for inner, below in _models(part):
            yield inner, step + below


def numbered(values: Sequence[_T] | None) -> Iterator[tuple[int, _T]]:
    """The usable elements of a list that `read` has given, with their indices."""
    for index, value in enumerate(values or ()):
        if cast("_T | None", value) is not None:
            yield index, value


def read(kind: type[_M], data: Any) -> tuple[_M | None, list[ErrorDetails]]:
    """The data as a model, and what is wrong with it. A model with faults has None wherever something is unusable."""
    try:
        return kind.model_validate(data), []
    except ValidationError as error:
        found = error.errors(include_url=False)
    if not isinstance(data, dict):
        return None, found
    made = kind.model_construct()
    for name in kind.model_fields:
        value = data.get(alias(kind, name))
        setattr(made, name, None if value is None else _salvaged(kind, name, value))
    return made, found


def _salvaged(kind: type[Closed], name: str, value: Any) -> Any:
    """What is usable of a field: all of it, or the usable elements of its lists, in their places."""
    whole = _field(kind, name, value)
    if whole is not None:
        return whole
    if isinstance(value, list) and (kind is Workflow or name == "steps"):
        return [_first(_field(kind, name, [element])) for element in value]
    if isinstance(value, dict) and name == "collections":
        return {
            key: [_first(_first_of(_field(kind, name, {key: [element]}))) for element in elements]
            for key, elements in value.items()
            if isinstance(elements, list)
        }
    return None


def _field(kind: type[Closed], name: str, value: Any) -> Any:
    needed = [alias(kind, other) for other, field in kind.model_fields.items() if field.is_required()]
    probe = kind.model_construct(**dict.fromkeys(needed))
    try:
        kind.__pydantic_validator__.validate_assignment(probe, name, value)
    except ValidationError:
        return None
    return getattr(probe, name)


def _first(values: list[Any] | None) -> Any:
    return values[0] if values else None


def _first_of(values: dict[str, Any] | None) -> Any:
    return next(iter(values.values())) if values else None
