"""Prompts with their variables filled in, and what could not be filled in, told once per place and not per item.

Rule: inside a for-each an item has to have what its prompts name; anywhere else a variable may be prose.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from compiler.diagnostics import Diagnostic, Severity
from compiler.expand import Outlined
from compiler.nearest import closest
from compiler.template import Scope, expand, left_over
from compiler.tree import Document, Loc

_ODD = re.compile(r"\{\{(?=[^}]*[\s-])\s*\w+\.[\w-]+\s*\}\}")
_ODD_HINT = "a variable has no blanks inside its braces, and its name only letters, digits and _"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The item that a prompt is filled in for."""

    name: str
    kind: str
    """What the for-each calls an item."""
    loc: Loc
    values: dict[str, Any]


@dataclass(slots=True)
class _Told:
    document: Document
    loc: Loc
    braces: str
    first: str
    """The unit, or the item, that it was met at first."""
    where: Loc | None
    others: int = 0

    @property
    def what(self) -> str:
        """What it was met in."""
        key = self.loc[2] if self.loc[0] == "phases" else "prompt"
        return "prompt" if key == "prompt" else f"`{key}`"


@dataclass(slots=True)
class Prompts:
    """Fills in prompts, and remembers what is missing."""

    scope: Scope
    sprint: Document
    missing: dict[tuple[str, Loc, str], _Told] = field(default_factory=dict)
    unresolved: dict[tuple[str, Loc, str], _Told] = field(default_factory=dict)

    def fill(
        self,
        outlined: Outlined,
        prompt: str,
        named: list[tuple[str, str]],
        subject: Subject | None,
        path: str,
        *,
        at: Loc = ("prompt",),
    ) -> str:
        """A text of one leaf, which stands `at` this place in its phase. `named` are its item variables as written."""
        if "{{" not in prompt and subject is None:
            return prompt
        values = None if subject is None else subject.values
        if subject is not None:
            for braces, name in named:
                if name not in subject.values:
                    self._lacks(outlined, braces, subject, at)
        kind = "" if subject is None else subject.kind
        text = expand(
            prompt, self.scope, phase_id=outlined.label, phase_index=outlined.number, item=values, kind=kind
        )
        if "{{" in text:
            self._left(outlined, prompt, text, subject, path, at=at)
        return text

    def _lacks(self, outlined: Outlined, braces: str, subject: Subject, at: Loc) -> None:
        loc = (*outlined.loc, *at)
        key = (outlined.document.file, loc, braces)
        if key in self.missing:
            self.missing[key].others += 1
        else:
            self.missing[key] = _Told(outlined.document, loc, braces, subject.name, subject.loc)

    def _left(
        self, outlined: Outlined, prompt: str, text: str, subject: Subject | None, path: str, *, at: Loc
    ) -> None:
        """Note what is left in a filled-in text: in the phase's own prompt, or in what the item brought along."""
        for braces in left_over(text):
            if subject is None or braces in prompt:
                document, loc = outlined.document, (*outlined.loc, *at)
                if (document.file, loc, braces) in self.missing:
                    continue
            else:
                document, loc = self.sprint, (*subject.loc, "prompt")
            key = (document.file, loc, braces)
            if key in self.unresolved:
                self.unresolved[key].others += 1
            else:
                self.unresolved[key] = _Told(document, loc, braces, path, None)

    def told(self) -> Iterator[Diagnostic]:
        """What was met on the way."""
        for told in self.missing.values():
            name = told.braces.strip("{}").partition(".")[2]
            more = f" and {told.others} more" if told.others else ""
            assert told.where is not None
            meant = closest(name, [str(key) for key in self.sprint.value(told.where) or ()])
            hint = f"add `{name}:` to every item that goes through this phase"
            yield told.document.diagnose(
                "MISSING_ITEM_PROPERTY",
                f"The {told.what} names {told.braces}, which item `{told.first}`{more} does not have",
                told.document.inside(told.loc, told.braces),
                hint=f"did you mean `{meant}`?" if meant else hint,
                related=(self.sprint.related(f"item `{told.first}` is here", told.where),),
            )
        for told in self.unresolved.values():
            more = f" and {told.others} more" if told.others else ""
            yield told.document.diagnose(
                "UNRESOLVED_VARIABLES",
                f"{told.braces} stands for nothing and stays as it is in the {told.what} of {told.first}{more}",
                told.document.inside(told.loc, told.braces),
                hint=_ODD_HINT if _ODD.fullmatch(told.braces) else None,
                severity=Severity.WARNING,
            )
