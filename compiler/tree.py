"""A YAML document as plain data that remembers where it stands in its file.

Rule: mappings are dicts and sequences are lists, so that a validator can read them as they are; positions are
character offsets beside the values, turned into lines and columns only when somebody asks.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence as Listing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from compiler.diagnostics import Diagnostic, Related, Severity

_BREAK = re.compile(r"\r\n|\r|\n")

Loc = Listing[str | int]
"""Keys and indices from the root of a document to one of its values."""


class Mapping(dict[str, Any]):
    """A YAML mapping. Keys are text; `key_at` and `value_at` hold the offsets of both."""

    __slots__ = ("at", "key_at", "value_at")

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at
        self.key_at: dict[str, int] = {}
        self.value_at: dict[str, int] = {}


class Sequence(list[Any]):
    """A YAML sequence; `item_at` holds the offsets of its items."""

    __slots__ = ("at", "item_at")

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at
        self.item_at: list[int] = []


@dataclass(kw_only=True)
class Document:
    """One source file: its text, its data and the way from one to the other."""

    file: str
    """The name that diagnostics show."""
    path: Path | None
    """Where it was read from; None for a built-in."""
    text: str
    sha256: str
    root: Any = None
    at: int = field(default=0)
    """Offset of the root value."""

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without their ends."""
        return _BREAK.split(self.text)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, loc: Loc, *, key: bool = False) -> int:
        """Where the value at `loc` (or with `key`, its key) begins; as far down as the document goes."""
        node, at = self.root, self.at
        for index, part in enumerate(loc):
            last = index == len(loc) - 1
            if isinstance(node, Mapping) and part in node:
                at = node.key_at[str(part)] if key and last else node.value_at[str(part)]
                node = node[str(part)]
            elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node):
                at, node = node.item_at[part], node[part]
            else:
                break
        return at

    def value(self, loc: Loc) -> Any:
        """The value at `loc`, or None where the document does not go that far."""
        node = self.root
        for part in loc:
            if isinstance(node, Mapping) and part in node:
                node = node[str(part)]
            elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node):
                node = node[part]
            else:
                return None
        return node

    def inside(self, loc: Loc, text: str) -> int:
        """Where a piece of the scalar at `loc` stands, or the scalar itself if the piece is written with escapes."""
        start = self.offset(loc)
        value = self.value(loc)
        found = self.text.find(text, start)
        room = 8 * len(value) + 1024 if isinstance(value, str) else 0
        return found if 0 <= found - start <= room else start

    def diagnose(  # the code and the message speak for themselves
        self,
        code: str,
        message: str,
        loc: Loc | int = (),
        *,
        key: bool = False,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
        related: tuple[Related, ...] = (),
    ) -> Diagnostic:
        """A diagnostic about the value at `loc`, about its key, or about a character offset."""
        line, column = self.position(loc if isinstance(loc, int) else self.offset(loc, key=key))
        return Diagnostic(
            code=code,
            severity=severity,
            message=message,
            file=self.file,
            line=line,
            column=column,
            hint=hint,
            related=related,
        )

    def related(self, message: str, loc: Loc | int, *, key: bool = False) -> Related:
        """A second place, in this document, for somebody's diagnostic."""
        line, column = self.position(loc if isinstance(loc, int) else self.offset(loc, key=key))
        return Related(message=message, file=self.file, line=line, column=column)
