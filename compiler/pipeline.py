"""The passes in order: read, check, resolve, lay out, check again, emit.

Rule: a pass goes on over whatever is usable, so that one compile tells everything that is wrong.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import NoReturn

from compiler import blocks, hooks, items, settings, worktree
from compiler.check import check_models, check_sprint, check_workflow_file
from compiler.codes import tell
from compiler.diagnostics import CompileError, Diagnostic, Findings, Severity, render_all
from compiler.emit import Emitter, TooLarge
from compiler.expand import Outlined, check_ids, outline
from compiler.reader import load
from compiler.resolve import Library, Loaded, follow, named_in, shown
from compiler.search import folders
from compiler.source import Item, Settings, Sprint, Workflow
from compiler.template import Scope, names_in
from compiler.tree import Document
from compiler.unheeded import check_heeded
from compiler.validate import read
from fsm.plan import Group, Hook, Node, Plan

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}_", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a compile gives: the plan, and what is worth knowing about it."""

    plan: Plan
    warnings: tuple[Diagnostic, ...] = ()
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The lines of the files that the warnings speak of, for `render`."""

    def render(self) -> str:
        """All warnings as text for a terminal."""
        return render_all(self.warnings, self.texts)


def compile_sprint(
    sprint_dir: Path, *, workflows: Sequence[Path] | None = None, strict: bool = False, today: date
) -> Compiled:
    """The plan of a sprint directory. Raises CompileError with everything that is wrong.

    `workflows` replaces the directories that are searched; `strict` makes warnings errors; `today` is the UTC date,
    which is part of the id of a sprint whose directory has none.
    """
    directory = sprint_dir.absolute()
    places = folders(directory) if workflows is None else tuple(place.absolute() for place in workflows)
    findings = Findings()
    library = Library(places, findings, Path.cwd())
    if workflows is not None:
        findings.add(*_missing(library))
    path = directory / "SPRINT.yaml"
    if not directory.is_dir():
        message = f"There is no directory {library.shown(directory)}"
        findings.add(Diagnostic(code="SPRINT_LOAD_ERROR", message=message, file=library.shown(directory)))
        raise CompileError(findings.items, {})
    document, found = load(path, shown=library.shown(path), code="SPRINT_LOAD_ERROR")
    findings.add(*found)
    sources = _Sources(document, library, findings, strict=strict)
    if found:
        sources.stop()
    sprint, errors = read(Sprint, document.root)
    findings.add(*tell(document, "sprint", errors))
    if sprint is None:
        sources.stop()
    return _Compile(directory, sources, sprint, today).done()


def _missing(library: Library) -> Iterator[Diagnostic]:
    for place in library.folders:
        if not place.is_dir():
            shown_as = library.shown(place)
            message = f"There is no directory {shown_as} to look for workflows in"
            yield Diagnostic(code="WORKFLOWS_NOT_FOUND", message=message, file=shown_as)


def check_workflow(path: Path) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with one workflow file, looked at alone."""
    name = shown(path, Path.cwd())
    if not os.path.lexists(path):
        return (Diagnostic(code="FILE_NOT_FOUND", message=f"There is no file {name}", file=name),)
    document, found = load(path, shown=name, code="YAML_PARSE_ERROR")
    if found:
        return found
    workflow, errors = read(Workflow, document.root)
    diagnostics = tell(document, "workflow", errors)
    if workflow is not None:
        loaded = Loaded(name=path.stem, key=str(path), document=document, workflow=workflow)
        diagnostics += check_workflow_file(loaded)
        levels = [workflow, *(phase for _, phase in loaded.phases())]
        diagnostics += check_models([document], levels=levels)
    return _ordered(diagnostics, [document])


@dataclass(slots=True)
class _Sources:
    """The files of one compile and what has been found in them."""

    sprint: Document
    library: Library
    findings: Findings
    strict: bool = field(kw_only=True)

    @property
    def documents(self) -> list[Document]:
        return [self.sprint, *self.library.documents]

    def found(self) -> tuple[Diagnostic, ...]:
        found = _ordered(self.findings.items, self.documents)
        return tuple(replace(one, severity=Severity.ERROR) for one in found) if self.strict else found

    def texts(self) -> dict[str, list[str]]:
        """The lines of the files that findings speak of."""
        shown = {one.file for one in self.findings.items}
        shown |= {other.file for one in self.findings.items for other in one.related}
        return {document.file: document.lines for document in self.documents if document.file in shown}

    def stop(self) -> NoReturn:
        raise CompileError(self.found(), self.texts())


class _Compile:
    """One compile of a sprint that could be read, at least in parts."""

    def __init__(self, directory: Path, sources: _Sources, sprint: Sprint, today: date) -> None:
        self.directory = directory
        self.sources = sources
        self.sprint = sprint
        self.today = today
        self.document = sources.sprint
        self.library = sources.library
        self.findings = sources.findings
        self.hooked: tuple[Hook, ...] = ()
        self.collections, found = items.gather(sprint, self.document)
        self.findings.add(*found)

    def done(self) -> Compiled:
        main = self.resolve()
        self.check_files()
        sprint_id = self.sprint_id()
        if main is None:
            self.sources.stop()
        outlined = outline(self.library, main, self.findings)
        kinds = self.check_items(outlined)
        self.findings.add(*check_ids(outlined))
        self.findings.add(*hooks.check_hooks(self.document, self.sprint, main, self.library))
        tree = worktree.settle(
            self.sprint,
            main.workflow,
            self.document,
            self.findings,
            sprint_id=sprint_id,
            today=self.today.isoformat(),
        )
        if self.findings.failed():
            self.sources.stop()
        scope = Scope(sprint_id=sprint_id, sprint_name=self.sprint.name)
        phases = self.emit(main, outlined, kinds, scope)
        self.check_retry(main, phases)
        parallel = self.sprint.parallel_execution
        limit, agents = settings.at_once(self.sprint.concurrency)
        if limit is None and parallel is not None and parallel.enabled:
            limit = parallel.max_concurrency or None
        plan = Plan(
            sprint_id=sprint_id,
            phases=phases,
            name=self.sprint.name,
            workflow=self.sprint.workflow,
            prompts=blocks.prompts(self.sprint),
            hooks=self.hooked,
            worktree=tree,
            orchestration=blocks.orchestration(main.workflow),
            retry=settings.retry(self.sprint.retry or main.workflow.retry),
            concurrency=limit,
            agents=agents,
            alone=self.sprint.exclusive,
            on_parallel_failure=self.sprint.on_parallel_failure or "warn",
            budget=settings.budget(self.sprint.budget),
            **({} if self.sprint.max_repeats is None else {"most_attempts": self.sprint.max_repeats}),
            subscriptions=settings.subscriptions(self.sprint.on),
            sources=tuple(
                (os.path.relpath(document.path, self.directory), document.sha256)
                for document in self.sources.documents
                if document.path is not None
            ),
        )
        self.findings.add(*check_heeded(plan, self.sources.documents))
        if self.findings.failed() or (self.sources.strict and self.findings.items):
            self.sources.stop()
        return Compiled(plan=plan, warnings=self.sources.found(), texts=self.sources.texts())

    def resolve(self) -> Loaded | None:
        """Load the main workflow, those that items name, and all that these refer to. Gives the main one."""
        main = None
        if self.sprint.workflow:
            at = (self.document, ("workflow",))
            main = self.library.get(self.sprint.workflow, code="MAIN_WORKFLOW_NOT_FOUND", at=at)
        if main is not None:
            follow(self.library, main, depth=0, missing="WORKFLOW_NOT_FOUND")
            hooks.load(self.sprint, main, self.library)
        asked: set[str] = set()
        for collection in self.collections.values():
            for index, name in named_in(self.document, collection.loc):
                if name in asked:
                    continue
                asked.add(name)
                where = (self.document, (*collection.loc, index, "workflow"))
                found = self.library.get(name, code="ITEM_WORKFLOW_NOT_FOUND", at=where)
                if found is not None:
                    follow(self.library, found, depth=1, missing="PHASE_WORKFLOW_NOT_FOUND")
        return main

    def check_files(self) -> None:
        """Each file alone, and names of models over all of them."""
        self.findings.add(*check_sprint(self.document, self.sprint))
        loaded = [one for one in self.library.loaded.values() if one is not None]
        levels: list[Settings | Item | None] = [self.sprint]
        for one in loaded:
            self.findings.add(*check_workflow_file(one))
            levels += [one.workflow, *(phase for _, phase in one.phases())]
        for collection in self.collections.values():
            levels += collection.items
            self.findings.add(*items.check_words(self.document, collection))
        self.findings.add(*check_models([self.document, *(one.document for one in loaded)], levels=levels))

    def check_items(self, outlined: Sequence[Outlined]) -> dict[str, list[str]]:
        """Collections against phases. Gives what for-each phases call the items of each collection."""
        loops = [one for one in outlined if one.kind is not None]
        sound = not self.findings.failed()
        self.findings.add(*items.check_collections(self.document, self.collections, self.sprint, loops))
        if sound:
            self.findings.add(*items.check_used(self.document, self.collections, loops))
        kinds: dict[str, list[str]] = {name: [] for name in self.collections}
        for loop in loops:
            names = kinds.get(loop.collection)
            if names is not None and loop.kind is not None and loop.kind not in names:
                names.append(loop.kind)
        used = {word for document in self.sources.documents for word in names_in(document.text)}
        for name, collection in self.collections.items():
            self.findings.add(*items.check_ids(self.document, collection, kinds[name] or [name]))
            self.findings.add(*items.check_keys(self.document, collection, used))
        return kinds

    def emit(
        self, main: Loaded, outlined: Sequence[Outlined], kinds: dict[str, list[str]], scope: Scope
    ) -> tuple[Node, ...]:
        """The nodes of the plan, or none with a finding."""
        defaults: dict[str, str] = {}
        for _, phase in main.phases():
            if phase.for_each is not None and phase.workflow is not None:
                defaults.setdefault(phase.collection or phase.for_each, phase.workflow)
        emitter = Emitter(
            sprint=self.sprint,
            document=self.document,
            library=self.library,
            collections=self.collections,
            kinds=kinds,
            defaults=defaults,
            scope=scope,
            findings=self.findings,
        )
        try:
            made = emitter.nodes(outlined)
            self.hooked = tuple(hooks.hooks(self.sprint, main, emitter))
            return made
        except TooLarge:
            message = "The plan would have more than 1,000,000 leaves, or more than 512 MiB of prompts"
            self.findings.add(self.document.diagnose("PLAN_TOO_LARGE", message))
            return ()

    def check_retry(self, main: Loaded, phases: Sequence[Node]) -> None:
        """A policy for prompts in a sprint that has none."""
        document = self.document if self.sprint.retry is not None else main.document
        if self.sprint.retry is None and main.workflow.retry is None:
            return
        found: list[Node] = list(phases)
        while found:
            node = found.pop()
            if isinstance(node, Group):
                found += node.children
            elif node.prompt is not None:
                return
        message = "No phase asks an agent, and a command is tried again only where its own phase says so"
        self.findings.add(
            document.diagnose(
                "RETRY_WITHOUT_EFFECT",
                message,
                ("retry",),
                key=True,
                hint="put `retry` on the phases that are to be tried again",
                severity=Severity.WARNING,
            )
        )

    def sprint_id(self) -> str:
        """The id as it is written, or the name of the directory, dated."""
        written = self.sprint.sprint_id
        if written and written.strip():
            return written
        name = self.directory.name
        if written or not name:
            hint = "write `sprint-id: NAME`, or leave the key out to have it made from the directory's name"
            loc = ("sprint-id",)
            self.findings.add(
                self.document.diagnose("MISSING_SPRINT_ID", "The sprint has no id", loc, hint=hint)
            )
            return "sprint"
        return name if _DATED.match(name) else f"{self.today.isoformat()}_{name}"


def _ordered(found: Iterable[Diagnostic], documents: Sequence[Document]) -> tuple[Diagnostic, ...]:
    """Each finding once, file by file and from top to bottom."""
    order = {document.file: index for index, document in enumerate(documents)}
    once = dict.fromkeys(found)
    return tuple(sorted(once, key=lambda one: (order.get(one.file, len(order)), one.line, one.column)))
