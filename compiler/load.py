"""YAML text to events, by ruamel.yaml's parser, with the places where it goes character by character replaced.

Rule: this is the one module that knows how ruamel.yaml is put together. The events are those of the unchanged parser
(a test compares them), at a third of the time; nesting is bounded in the scanner, before its queues can grow; and
whatever goes wrong inside is a Refused.
"""

import re
from collections.abc import Iterator
from enum import IntEnum
from types import SimpleNamespace
from typing import Any, NamedTuple

from ruamel.yaml import tokens
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner, ScannerError

from compiler.files import Refused
from compiler.folding import body_of, unindented, unquoted

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


def events(text: str) -> Iterator[Event]:
    """The events of a text that holds allowed characters only. Raises Refused."""
    parser = _parser(text)
    while True:
        try:
            event = parser.get_event()
        except MarkedYAMLError as error:
            raise _explained(error) from None
        except (
            ArithmeticError,
            AssertionError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
            YAMLError,
        ) as error:
            raise Refused(
                "it is not YAML here", offset=min(parser.scanner.reader.index, len(text))
            ) from error
        if type(event) is StreamEndEvent:
            return
        made = _event(event)
        if made is not None:
            yield made


def _event(event: Any) -> Event | None:
    at: int = event.start_mark.index
    kind = type(event)
    if getattr(event, "tag", None) is not None:
        raise Refused("tags are not allowed", offset=at, hint="quote the value to make it text")
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


def _parser(text: str) -> Any:
    loader: Any = SimpleNamespace(
        comment_handling=None,
        doc_infos=[SimpleNamespace(doc_version=None, tags=[])],
        processing_version=(1, 2),
        _resolver=SimpleNamespace(processing_version=(1, 2)),
    )
    reader = _Reader(text, loader=loader)
    scanner = _Scanner(reader, loader)
    parser = _Parser(loader=loader)
    parser.scanner, parser.resolver = scanner, loader._resolver  # noqa: SLF001  # ruamel's name for it
    return parser


class _Mark:
    """A place in the text: all that tokens and errors need of ruamel's marks."""

    __slots__ = ("column", "index", "line")

    def __init__(self, index: int, line: int, column: int) -> None:
        self.index = index
        self.line = line
        self.column = column


class _Reader(Reader):
    """Walks over the whole text, which has been checked before."""

    def check_printable(self, data: Any) -> None:
        pass

    def prefix(self, length: int = 1) -> str:
        return self.buffer[self.pointer : self.pointer + length]

    def forward(self, length: int = 1) -> None:
        passed = self.buffer[self.pointer : self.pointer + length]
        if "\ufeff" in passed or passed.endswith("\r"):
            super().forward(length)
            return
        self.pointer += length
        self.index += length
        self.column += length
        if "\n" in passed or "\r" in passed:
            self.line += passed.count("\n") + passed.count("\r") - passed.count("\r\n")
            self.column = length - max(passed.rfind("\n"), passed.rfind("\r")) - 1

    def run(self, pattern: re.Pattern[str]) -> str:
        """Pass over what matches here, which may be nothing, and return it."""
        found = pattern.match(self.buffer, self.pointer)
        if found is None:
            return ""
        text = found[0]
        if text:
            self.forward(len(text))
        return text

    def plain(self, pattern: re.Pattern[str]) -> str:
        """As `run`, but not over blanks at the end."""
        found = pattern.match(self.buffer, self.pointer)
        if found is None:
            return ""
        text = found[0].rstrip(" \t")
        self.forward(len(text))
        return text

    def get_mark(self) -> Any:
        return _Mark(self.index, self.line, self.column)


class _Parser(Parser):
    scanner: Any = None
    resolver: Any = None


_BREAK = re.compile(r"\r\n|[\r\n]")
# Python before 3.11.5 forgets to go back when the last round of a possessive group fails half-way (gh-106052), so each
# round here fails, if it does, at its first step. That is why blanks are taken too, and cut off at the end by `plain`.
_INSIDE = r"[ \t]++|(?=:[^\0\r\n \t]):|(?=#)(?<![ \t])#"
_PLAIN = re.compile(rf"(?![ \t])(?:[^\0\r\n \t:#]++|{_INSIDE})++")
_PLAIN_IN_FLOW = re.compile(rf"(?![ \t])(?:[^\0\r\n \t:#,\[\]{{}}]++|{_INSIDE})++")
_SINGLE = re.compile(r"((?:[^'\0]++|'')*+)'")
_DOUBLE = re.compile(r'((?:[^"\\\0]++|\\[^\0])*+)"')
_SPACES = re.compile(r" *+")
_BLANKS = re.compile(r"[ \t]*+")
_GAP = re.compile(r"(?: *+(?:#[^\0\r\n]*+)?(?:\r\n|[\r\n]))*+ *+(?:#[^\0\r\n]*+)?")
_GAP_IN_LINE = re.compile(r"[ \t]*+(?:#[^\0\r\n]*+)?")
_GAP_IN_FLOW = re.compile(r"(?:[ \t\r\n]++|#[^\0\r\n]*+)*+")
_MARKER = re.compile(r"(?:---|\.\.\.)(?=[\0\r\n \t])")
_MARKED = re.compile(r"[\r\n](?=(?:---|\.\.\.)[\r\n \t])")
_HEADER = re.compile(r"([+-]?)([0-9]?)([+-]?)(?: *|[ \t]+#[^\0\r\n]*)(?=[\0\r\n])")
_LEADING = re.compile(r"(?: *+(?:\r\n|[\r\n]))*+ *+")


class _Scanner(Scanner):
    reader: Any = None
    scanner_processing_version: Any = (1, 2)

    def __init__(self, reader: _Reader, loader: Any) -> None:
        self.reader = reader
        super().__init__(loader=loader)

    # Bounds.

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803  # ruamel's name
        if len(self.flow_context) >= MAX_DEPTH:
            raise too_deep(self.reader.index)
        super().fetch_flow_collection_start(TokenClass, to_push)

    def add_indent(self, column: int) -> bool:
        if len(self.indents) > MAX_DEPTH:
            raise too_deep(self.reader.index)
        return super().add_indent(column)

    # The queue of tokens: more of them are needed only while the first may still turn out to be a key.

    def check_token(self, *choices: Any) -> bool:
        if not self.tokens or self.possible_simple_keys:
            while self.need_more_tokens():
                self.fetch_more_tokens()
        return bool(self.tokens) and (not choices or isinstance(self.tokens[0], choices))

    def peek_token(self) -> Any:
        if not self.tokens or self.possible_simple_keys:
            while self.need_more_tokens():
                self.fetch_more_tokens()
        return self.tokens[0] if self.tokens else None

    def get_token(self) -> Any:
        if not self.tokens or self.possible_simple_keys:
            while self.need_more_tokens():
                self.fetch_more_tokens()
        if not self.tokens:
            return None
        self.tokens_taken += 1
        return self.tokens.pop(0)

    # Runs of characters. Only CR and LF end a line, as YAML 1.2 has it.

    def scan_line_break(self) -> str:
        return "\n" if self.reader.run(_BREAK) else ""

    def scan_to_next_token(self) -> None:
        reader = self.reader
        if reader.index == 0 and reader.peek() == "\ufeff":
            reader.forward()
        if self.flow_context:
            reader.run(_GAP_IN_FLOW)
            return
        line = reader.line
        reader.run(_GAP)
        if reader.line != line:
            self.allow_simple_key = True
        elif not self.allow_simple_key and reader.peek() == "\t":
            # A tab may stand between two tokens of one line, but not where it could be taken for indentation.
            reader.run(_GAP_IN_LINE)
            if reader.peek() in "\r\n":
                reader.run(_GAP)
                self.allow_simple_key = True

    def scan_plain(self) -> Any:
        reader = self.reader
        run = _PLAIN_IN_FLOW if self.flow_context else _PLAIN
        start = end = reader.get_mark()
        indent = self.indent + 1
        chunks: list[str] = []
        space = ""
        while reader.peek() != "#":
            text = reader.plain(run)
            if not text:
                break
            self.allow_simple_key = False
            chunks += (space, text)
            end = reader.get_mark()
            space = self._space()
            if not space or (not self.flow_context and reader.column < indent):
                break
        return tokens.ScalarToken("".join(chunks), True, start, end)

    def _space(self) -> str:
        """What the blanks and line ends after a piece of plain text amount to; nothing where the text ends."""
        reader = self.reader
        blanks: str = reader.run(_BLANKS)
        if reader.peek() not in "\r\n":
            return blanks
        self.allow_simple_key = True
        breaks = 0
        while self.scan_line_break():
            breaks += 1
            if _MARKER.match(reader.buffer, reader.pointer):
                return ""
            reader.run(_SPACES)
        return "\n" * (breaks - 1) or " "

    def scan_flow_scalar(self, style: Any) -> Any:
        reader = self.reader
        start = reader.get_mark()
        double = style == '"'
        body = (_DOUBLE if double else _SINGLE).match(reader.buffer, reader.pointer + 1)
        if body is None:
            raise ScannerError(
                "while scanning a quoted scalar", start, "found unexpected end of stream", start
            )
        marker = _MARKED.search(body[1])
        reader.forward(len(body[1]) + 2 if marker is None else marker.start() + 2)
        if marker is not None:
            problem = "found unexpected document separator"
            raise ScannerError("while scanning a quoted scalar", start, problem, reader.get_mark())
        try:
            text = unquoted(body[1], double=double)
        except ValueError as error:
            raise ScannerError("while scanning a quoted scalar", start, str(error), start) from None
        return tokens.ScalarToken(text, False, start, reader.get_mark(), style)

    def scan_block_scalar(self, style: Any, rt: bool | None = False) -> Any:  # noqa: ARG002, FBT001, FBT002  # ruamel's
        reader = self.reader
        start = reader.get_mark()
        reader.forward()
        header = _HEADER.match(reader.buffer, reader.pointer)
        if header is None or header[2] == "0" or (header[1] and header[3]):
            problem = "expected an indentation of 1 to 9, + or -, and the end of the line"
            raise ScannerError("while scanning a block scalar", start, problem, reader.get_mark())
        reader.forward(len(header[0]))
        self.scan_line_break()
        least = self.indent + 1
        if header[2]:
            indent = max(least, 1) + int(header[2]) - 1
        else:
            leading = _LEADING.match(reader.buffer, reader.pointer)
            assert leading is not None
            indent = max(least, *(len(line) for line in _BREAK.split(leading[0])))
        body = reader.run(body_of(indent))
        text = unindented(body, indent, folded=style == ">", chomping=header[1] or header[3])
        return tokens.ScalarToken(text, False, start, reader.get_mark(), style)


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
