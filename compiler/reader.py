"""A file on disk to a positioned tree, in one guarded pass over the YAML parser's events.

Rule: nothing is parsed twice, nothing recurses, and everything is counted, an alias as large as what it stands for.
"""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compiler.diagnostics import Diagnostic
from compiler.files import MAX_BYTES, Refused, check_characters, decode, read
from compiler.load import MAX_DEPTH, Event, Kind, events, too_deep
from compiler.scalars import resolve
from compiler.tree import Document, Mapping, Sequence

MAX_NODES = 2_000_000

_UNSAFE = re.compile(r"[\x00\ud800-\udfff]")
"""What an escape in a quoted scalar can still bring in, and no file, argv or environment can hold."""


def load(path: Path, *, shown: str, code: str) -> tuple[Document, tuple[Diagnostic, ...]]:
    """Read one YAML file. With a diagnostic, which has the given code, the document holds text but no data."""
    document = Document(file=shown, path=path, text="", sha256="")
    try:
        raw = read(path)
        document.sha256 = hashlib.sha256(raw).hexdigest()
        document.text = decode(raw)
        build(document)
    except Refused as refused:
        document.root = None
        message = f"Cannot read {path.name or path}: {refused.reason}"
        if refused.offset is None:
            found = Diagnostic(code=code, message=message, file=shown, hint=refused.hint)
        else:
            found = document.diagnose(code, message, refused.offset, hint=refused.hint)
        return document, (found,)
    return document, ()


def build(document: Document) -> None:
    """Fill in `root` from `text`. Raises Refused."""
    check_characters(document.text)
    builder = _Builder(document)
    take = (
        builder.document_start,
        builder.scalar,
        builder.start,
        builder.start,
        builder.end,
        builder.alias,
    )
    for event in events(document.text):
        take[event.kind](event)


@dataclass(slots=True)
class _Frame:
    """A collection that is still open."""

    value: Mapping | Sequence
    anchor: str | None
    nodes: int
    characters: int
    height: int = 1
    key: str | None = None
    key_at: int = 0
    merging: bool = False
    merged: set[str] = field(default_factory=set)
    """Keys that came in through `<<`: one that is written out wins over them."""


@dataclass(slots=True)
class _Anchored:
    value: Any
    at: int
    nodes: int
    characters: int
    height: int


class _Builder:
    """Grows the tree, one event at a time."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Anchored | None] = {}
        self.nodes = 0
        self.characters = 0
        self.documents = 0

    def document_start(self, event: Event) -> None:
        self.documents += 1
        if self.documents > 1:
            hint = "keep what follows `---` in a file of its own"
            raise Refused("it holds more than one document", offset=event.at, hint=hint)

    def scalar(self, event: Event) -> None:
        text, at = event.text, event.at
        self.count(1, len(text), at)
        value: Any = text
        if event.plain:
            frame = self.stack[-1] if self.stack else None
            if frame is not None and frame.key is None and not frame.merging and type(frame.value) is Mapping:
                if text == "<<":
                    frame.merging = True
                else:
                    self.name(frame, text or "null", at)
                if event.anchor is not None:
                    self.anchors[event.anchor] = _Anchored(text, at, 1, len(text), 0)
                return
            try:
                value = resolve(text)
            except ValueError as error:
                raise Refused(str(error), offset=at, hint="quote it to make it text") from None
        else:
            unsafe = _UNSAFE.search(text)
            if unsafe is not None:
                # JSON writes what is beyond U+FFFF as two escapes, and JSON is YAML.
                value = text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
                unsafe = _UNSAFE.search(text)
            if unsafe is not None:
                raise Refused(f"the text holds the character U+{ord(unsafe[0]):04X}", offset=at)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, at, 1, len(text), 0)
        self.put(value, at, 0)

    def start(self, event: Event) -> None:
        self.count(1, 0, event.at)
        if len(self.stack) >= MAX_DEPTH:
            raise too_deep(event.at)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        value = Mapping(event.at) if event.kind is Kind.MAPPING else Sequence(event.at)
        self.stack.append(_Frame(value, event.anchor, self.nodes - 1, self.characters))

    def end(self, _: Event) -> None:
        frame = self.stack.pop()
        value = frame.value
        if frame.anchor is not None:
            size = (self.nodes - frame.nodes, self.characters - frame.characters)
            self.anchors[frame.anchor] = _Anchored(value, value.at, *size, frame.height)
        self.put(value, value.at, frame.height)

    def alias(self, event: Event) -> None:
        name = event.anchor or ""
        if name not in self.anchors:
            raise Refused(f"*{name} names no anchor", offset=event.at)
        anchored = self.anchors[name]
        if anchored is None:
            raise Refused(f"*{name} stands inside of what it names", offset=event.at)
        self.count(anchored.nodes, anchored.characters, event.at)
        if len(self.stack) + anchored.height > MAX_DEPTH:
            raise too_deep(event.at)
        self.put(anchored.value, anchored.at, anchored.height)

    def count(self, nodes: int, characters: int, at: int) -> None:
        self.nodes += nodes
        self.characters += characters
        if self.nodes > MAX_NODES:
            raise Refused(f"it holds more than {MAX_NODES:,} values, aliases included", offset=at)
        if self.characters > MAX_BYTES:
            raise Refused("its aliases stand for too much text", offset=at)

    def put(self, value: Any, at: int, height: int) -> None:
        if not self.stack:
            self.document.root, self.document.at = value, at
            return
        frame = self.stack[-1]
        if height >= frame.height:
            frame.height = height + 1
        holder = frame.value
        if type(holder) is Sequence:
            holder.append(value)
            holder.item_at.append(at)
            return
        assert type(holder) is Mapping
        if frame.merging:
            frame.merging = False
            self.merge(frame, holder, value, at)
        elif frame.key is None:
            if isinstance(value, Mapping | Sequence):
                raise Refused(
                    "a key has to be a single word", offset=at, hint="quote text that begins with `{` or `[`"
                )
            self.name(frame, value if isinstance(value, str) else str(value).lower(), at)
        else:
            holder[frame.key] = value
            holder.key_at[frame.key] = frame.key_at
            holder.value_at[frame.key] = at
            frame.key = None

    def name(self, frame: _Frame, key: str, at: int) -> None:
        holder = frame.value
        assert type(holder) is Mapping
        if key in holder:
            if key not in frame.merged:
                line, _ = self.document.position(holder.key_at[key])
                reason = f"the key {key!r} is there twice, first in line {line}"
                raise Refused(reason, offset=at, hint="keep one of the two")
            frame.merged.discard(key)
        frame.key, frame.key_at = key, at

    def merge(self, frame: _Frame, holder: Mapping, value: Any, at: int) -> None:
        for source in value if isinstance(value, Sequence) else [value]:
            if not isinstance(source, Mapping):
                raise Refused("`<<` takes a mapping, or a list of mappings", offset=at)
            for key, item in source.items():
                if key not in holder:
                    holder[key] = item
                    holder.key_at[key] = source.key_at[key]
                    holder.value_at[key] = source.value_at[key]
                    frame.merged.add(key)
