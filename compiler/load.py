"""YAML text to events, by ruamel.yaml's parser. Nesting is bounded in the scanner, before its queues can grow.

Rule: this is the one module that knows how ruamel.yaml is put together; whatever goes wrong inside is a Refused.
"""

from collections.abc import Iterator
from enum import IntEnum
from types import SimpleNamespace
from typing import Any, NamedTuple

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner

from compiler.files import Refused

MAX_DEPTH = 64


class Kind(IntEnum):
    """What an event is about."""

    DOCUMENT = 0
    SCALAR = 1
    MAPPING = 2
    SEQUENCE = 3
    END = 4
    ALIAS = 5


class Event(NamedTuple):
    """One step through a document."""

    kind: Kind
    at: int
    """Character offset."""
    text: str = ""
    """A scalar's value."""
    plain: bool = False
    """Whether the scalar stands without quotes, so that it may be a number."""
    anchor: str | None = None
    """The anchor that is set, or that an alias names."""


def too_deep(at: int) -> Refused:
    """What is said of a document that nests more than 64 collections."""
    return Refused(f"it is nested more than {MAX_DEPTH} levels deep", offset=at)


class _Scanner(Scanner):
    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803  # ruamel's name
        if len(self.flow_context) >= MAX_DEPTH:
            raise too_deep(self.reader.index)
        super().fetch_flow_collection_start(TokenClass, to_push)

    def add_indent(self, column: int) -> bool:
        if len(self.indents) > MAX_DEPTH:
            raise too_deep(self.reader.index)
        return super().add_indent(column)


def events(text: str) -> Iterator[Event]:
    """The events of a text that holds allowed characters only. Raises Refused."""
    parser = _parser(text)
    while True:
        try:
            event = parser.get_event()
        except MarkedYAMLError as error:
            raise _explained(error) from None
        except (YAMLError, ArithmeticError, LookupError, ValueError, TypeError, AttributeError, AssertionError,
                RecursionError) as error:  # fmt: skip
            at = parser.scanner.reader.index
            raise Refused("it is not YAML here", offset=min(at, len(text))) from error
        if event is None:
            return
        made = _event(event)
        if made is not None:
            yield made


def _parser(text: str) -> Any:
    loader: Any = SimpleNamespace(
        comment_handling=None,
        doc_infos=[SimpleNamespace(doc_version=None, tags=[])],
        processing_version=(1, 2),
        _resolver=SimpleNamespace(processing_version=(1, 2)),
    )
    Reader(text, loader=loader)
    _Scanner(loader=loader)
    return Parser(loader=loader)


def _event(event: Any) -> Event | None:
    at: int = event.start_mark.index
    if getattr(event, "tag", None) is not None:
        raise Refused("tags are not allowed", offset=at, hint="quote the value to make it text")
    kind = type(event)
    if kind is ScalarEvent:
        return Event(Kind.SCALAR, at, event.value, event.style is None and event.implicit[0], event.anchor)
    if kind is MappingStartEvent:
        return Event(Kind.MAPPING, at, anchor=event.anchor)
    if kind is SequenceStartEvent:
        return Event(Kind.SEQUENCE, at, anchor=event.anchor)
    if kind is MappingEndEvent or kind is SequenceEndEvent:
        return Event(Kind.END, at)
    if kind is AliasEvent:
        return Event(Kind.ALIAS, at, anchor=event.anchor)
    return Event(Kind.DOCUMENT, at) if kind is DocumentStartEvent else None


_HINTS = (
    ("'\\t'", "indent with spaces, not with tabs"),
    (
        "could not find expected ':'",
        "a key needs a colon and a space; text over several lines starts with `|`",
    ),
    ("mapping values are not allowed here", "quote text that contains `: `, or start it with `|`"),
    ("expected <block end>", "check the indentation: the keys of one mapping stand in one column"),
    ("'@'", "quote text that begins with `@`"),
    ("'`'", "quote text that begins with a backtick"),
    ("'%'", "quote text that begins with `%`"),
    ("unexpected end of stream", "a quote is not closed"),
    ("expected ',' or ']'", "a bracket is not closed, or a comma is missing"),
    ("expected ',' or '}'", "a brace is not closed, or a comma is missing; quote text that begins with `{{`"),
)


def _explained(error: MarkedYAMLError) -> Refused:
    mark = error.problem_mark or error.context_mark
    reason = str(error.problem or error.context or "it is not YAML").strip()
    hint = next((hint for part, hint in _HINTS if part in reason), None)
    return Refused(reason, offset=None if mark is None else mark.index, hint=hint)
