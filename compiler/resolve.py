"""Names of workflows to their definitions, each file read once; reference cycles and depth.

Rule: every workflow that anything names is read and checked, items' own ones included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from compiler.builtin import WORKFLOWS
from compiler.codes import tell
from compiler.diagnostics import Diagnostic, Findings
from compiler.nearest import closest
from compiler.reader import build, load
from compiler.search import find, is_name, names
from compiler.source import Phase, Workflow
from compiler.tree import Document, Loc
from compiler.validate import numbered, read

MAX_DEPTH = 5
"""Levels of workflows that refer to each other, the main one included."""


@dataclass(slots=True, kw_only=True)
class Loaded:
    """A workflow and the document that it stands in. Elements of `phases` are None where they are unusable."""

    name: str
    """As it was asked for first."""
    key: str
    """Which file it is, whatever it is called."""
    document: Document
    workflow: Workflow

    def references(self) -> Iterator[tuple[int, str]]:
        """The workflows that phases name, with the indices of these; also of phases that are unusable otherwise."""
        return named_in(self.document, ("phases",))

    def phases(self) -> Iterator[tuple[int, Phase]]:
        """The usable phases with their indices."""
        return numbered(self.workflow.phases)


@dataclass(slots=True)
class Library:
    """All workflows of one compile."""

    folders: Sequence[Path]
    findings: Findings
    base: Path
    """Diagnostics show paths relative to this directory where they lie below it."""
    loaded: dict[str, Loaded | None] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)

    def get(self, name: str, *, code: str, at: tuple[Document, Loc]) -> Loaded | None:
        """The workflow of a name; None, and a diagnostic, when there is none that could be used."""
        document, loc = at
        key = self.keys.get(name)
        if key is None:
            if not is_name(name):
                hint = "name a file below the workflows directory, without `..`"
                self.findings.add(
                    document.diagnose(code, f"`{name}` cannot be the name of a workflow", loc, hint=hint)
                )
                return None
            path = find(name, self.folders)
            if path is None and name not in WORKFLOWS:
                self.findings.add(self._missing(name, code, document, loc))
                return None
            key = self.keys[name] = name if path is None else str(path.resolve())
            if key not in self.loaded:
                self.loaded[key] = self._builtin(name) if path is None else self._read(name, key, path)
        return self.loaded[key]

    def named(self, name: str) -> Loaded | None:
        """A workflow that `get` has found before."""
        return self.loaded.get(self.keys.get(name, ""))

    def has(self, name: str) -> bool:
        """Whether there is a workflow of that name, without reading it."""
        return name in WORKFLOWS or (is_name(name) and find(name, self.folders) is not None)

    def _missing(self, name: str, code: str, document: Document, loc: Loc) -> Diagnostic:
        there = [*names(self.folders), *WORKFLOWS]
        meant = closest(name, there)
        where = (
            ", ".join(self.shown(folder) for folder in self.folders)
            or "no directory: there is no .claude/workflows"
        )
        hint = f"did you mean `{meant}`?" if meant else f"looked in {where}"
        if ":" in name:
            hint = "workflows of plug-ins cannot be named; copy the file into .claude/workflows"
        return document.diagnose(code, f"There is no workflow `{name}`", loc, hint=hint)

    def _read(self, name: str, key: str, path: Path) -> Loaded | None:
        document, found = load(path, shown=self.shown(path), code="WORKFLOW_PARSE_ERROR")
        self.documents.append(document)
        self.findings.add(*found)
        return None if found else self._made(name, key, document)

    def builtin(self, name: str) -> Loaded:
        """One of the workflows that need no file."""
        if self.loaded.get(name) is None:
            self.loaded[name] = self._builtin(name)
            self.keys.setdefault(name, name)
        found = self.loaded[name]
        assert found is not None
        return found

    def _builtin(self, name: str) -> Loaded | None:
        document = Document(file=f"<built-in {name}>", path=None, text=WORKFLOWS[name], sha256="")
        build(document)
        self.documents.append(document)
        return self._made(name, name, document)

    def _made(self, name: str, key: str, document: Document) -> Loaded | None:
        workflow, errors = read(Workflow, document.root)
        self.findings.add(*tell(document, "workflow", errors))
        return None if workflow is None else Loaded(name=name, key=key, document=document, workflow=workflow)

    def shown(self, path: Path) -> str:
        """How diagnostics name a path."""
        return shown(path, self.base)


def named_in(document: Document, loc: Loc) -> Iterator[tuple[int, str]]:
    """The workflows that the mappings of a list name, with their indices."""
    elements = document.value(loc)
    for index, element in enumerate(elements if isinstance(elements, list) else ()):
        name = element.get("workflow") if isinstance(element, dict) else None
        if isinstance(name, str) and name.strip():
            yield index, name


def shown(path: Path, base: Path) -> str:
    """The path relative to `base` if it lies below it, else as it is."""
    absolute = path.absolute()
    return str(absolute.relative_to(base) if absolute.is_relative_to(base) else absolute)


def follow(library: Library, start: Loaded, *, depth: int, missing: str) -> None:
    """Load everything that a workflow refers to, and report cycles and chains that are too long.

    `depth` is that of `start`, 0 for the main workflow; `missing` is the code for a name that leads nowhere.
    """
    _Walk(library, missing).go(start, (start,), depth)


@dataclass(slots=True)
class _Walk:
    library: Library
    missing: str
    seen: dict[str, int] = field(default_factory=dict)
    """How deep each workflow has been met: going over it again pays only when it is deeper."""

    def go(self, here: Loaded, trail: tuple[Loaded, ...], depth: int) -> None:
        self.seen[here.key] = depth
        for index, name in here.references():
            loc = ("phases", index, "workflow")
            found = self.library.get(name, code=self.missing, at=(here.document, loc))
            if found is None:
                continue
            back = next((at for at, other in enumerate(trail) if other.key == found.key), None)
            if back is not None:
                chain = " → ".join(one.name for one in (*trail[back:], trail[back]))
                message = f"Workflows refer to each other in a circle: {chain}"
                self._add(here, "CYCLE_DETECTED", message, loc)
            elif depth + 1 >= MAX_DEPTH:
                chain = " → ".join(one.name for one in (*trail, found))
                message = f"Workflows refer to each other more than {MAX_DEPTH - 1} deep: {chain}"
                self._add(here, "MAX_DEPTH_EXCEEDED", message, loc)
            elif self.seen.get(found.key, -1) < depth + 1:
                self.go(found, (*trail, found), depth + 1)

    def _add(self, here: Loaded, code: str, message: str, loc: Loc) -> None:
        self.library.findings.add(here.document.diagnose(code, message, loc))
