"""What is wrong with a source file, where, and how to mend it; and how that is shown.

Rule: a compile collects every diagnostic it can find and raises them together, once.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fsm.errors import SprintError

_WIDTH = 110
"""Columns of a source line that are shown; a longer line is cut around the caret."""

_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A second place that a diagnostic speaks of."""

    message: str
    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding. Lines and columns count from 1; line 0 means the file as a whole."""

    code: str
    severity: Severity = Severity.ERROR
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    hint: str | None = None
    related: tuple[Related, ...] = ()


class CompileError(SprintError):
    """The sources cannot be compiled. `diagnostics` holds every finding, warnings included, in reading order."""

    def __init__(self, diagnostics: Iterable[Diagnostic], texts: Mapping[str, Sequence[str]]) -> None:
        self.diagnostics = tuple(diagnostics)
        self.texts = dict(texts)
        errors = [found for found in self.diagnostics if found.severity is Severity.ERROR]
        first = errors[0]
        where = f"{first.file}:{first.line}: " if first.line else f"{first.file}: " if first.file else ""
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{where}{first.message}{more}", hint=first.hint)

    def render(self) -> str:
        """All diagnostics as text for a terminal, separated by blank lines."""
        return render_all(self.diagnostics, self.texts)


@dataclass(slots=True)
class Findings:
    """Collects diagnostics while a compile goes on."""

    items: list[Diagnostic] = field(default_factory=list)

    def add(self, *found: Diagnostic) -> None:
        """Take one or more findings in."""
        self.items.extend(found)

    def failed(self) -> bool:
        """Whether any of them is an error."""
        return any(found.severity is Severity.ERROR for found in self.items)


def render(diagnostic: Diagnostic, source_lines: Sequence[str]) -> str:
    """`error[CODE]: message`, `  --> file:line:column`, the line with a caret under the column, and `hint:`."""
    return "\n".join(_rendered(diagnostic, {diagnostic.file: source_lines}))


def render_all(diagnostics: Iterable[Diagnostic], texts: Mapping[str, Sequence[str]]) -> str:
    """Every diagnostic by `render`, one blank line between two. `texts` maps files to their lines."""
    return "\n\n".join("\n".join(_rendered(found, texts)) for found in diagnostics)


def as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """The diagnostic as plain data; `hint` and `related` are always there."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": diagnostic.file,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "hint": diagnostic.hint,
        "related": [
            {"message": other.message, "file": other.file, "line": other.line, "column": other.column}
            for other in diagnostic.related
        ],
    }


def _rendered(diagnostic: Diagnostic, texts: Mapping[str, Sequence[str]]) -> list[str]:
    lines = [f"{diagnostic.severity.value}[{diagnostic.code}]: {visible(diagnostic.message)}"]
    lines += _excerpt(diagnostic.file, diagnostic.line, diagnostic.column, texts)
    for other in diagnostic.related:
        lines.append(f"note: {visible(other.message)}")
        lines += _excerpt(other.file, other.line, other.column, texts)
    if diagnostic.hint is not None:
        lines.append(f"hint: {visible(diagnostic.hint)}")
    return lines


def _excerpt(file: str, line: int, column: int, texts: Mapping[str, Sequence[str]]) -> list[str]:
    if not file:
        return []
    if not line:
        return [f"  --> {file}"]
    shown = [f"  --> {file}:{line}:{column}"]
    source = texts.get(file, ())
    if 0 < line <= len(source):
        number = str(line)
        text, caret = _window(source[line - 1], column)
        shown += [f"{' ' * len(number)} |", f"{number} | {text}", f"{' ' * len(number)} | {caret}^"]
    return shown


def _window(text: str, column: int) -> tuple[str, str]:
    """The part of a line around a column, and the blanks that put a caret under it."""
    start = 0 if column <= _WIDTH - 20 else column - _WIDTH // 2
    part = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text[start : start + _WIDTH])
    before = "…" if start else ""
    after = "…" if start + _WIDTH < len(text) else ""
    lead = before + part[: max(0, column - 1 - start)]
    blanks = "".join("\t" if char == "\t" else " " * _cells(char) for char in lead)
    return f"{before}{part}{after}", blanks


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def visible(text: str) -> str:
    """The text with control and direction-changing characters written as escapes, safe for a terminal."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).replace("\t", "\\t")
