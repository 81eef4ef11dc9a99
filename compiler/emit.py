"""The outlined phases and the items of a sprint become the nodes of a plan.

Rule: what does not depend on the item is settled once per phase and stamped out for each, so that an item costs no more
than its own text.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from compiler import accept, settings
from compiler.builtin import EXECUTE
from compiler.conflicts import check_settled
from compiler.diagnostics import Findings, Severity
from compiler.expand import Outlined, check_ids, flat, outline
from compiler.items import Collection, aliases, context, ids
from compiler.prompts import Prompts, Subject
from compiler.resolve import Library
from compiler.settings import Pairs, Settled
from compiler.source import Item, Sprint
from compiler.template import Scope, item_names
from compiler.tree import Document, Loc
from fsm import plan
from fsm.plan import Group, Leaf, Node, escape

MAX_LEAVES = 1_000_000
MAX_TEXT = 512 * 1024 * 1024


class TooLarge(Exception):  # what the plan is
    """The plan would be larger than anything could hold."""


@dataclass(slots=True, kw_only=True)
class _Stencil:
    """All of a leaf that does not depend on the item."""

    outlined: Outlined
    segment: str
    prompt: str | None
    named: list[tuple[str, str]]
    """The item variables in the prompt."""
    settled: Settled
    run: str | tuple[str, ...] | None
    gate: plan.Gate | None
    wanted: accept.Wanted | None
    """What `accept` asks for."""
    budget: plan.Budget | None
    env: Pairs
    """The variables that are the same for every item."""
    clashes: bool
    """Whether the user's variables may have names that an item's have, too."""


@dataclass(slots=True, kw_only=True)
class _Stamp:
    """One item, ready to be put into stencils."""

    item: Item
    subject: Subject
    path: str
    env: Pairs


@dataclass(slots=True, kw_only=True)
class Emitter:
    """Makes the nodes of one plan and collects what is wrong with them."""

    sprint: Sprint
    document: Document
    library: Library
    collections: dict[str, Collection]
    kinds: dict[str, list[str]]
    """For each collection, what for-each phases call its items."""
    defaults: dict[str, str]
    """For each collection, the workflow of the first for-each phase that names one."""
    scope: Scope
    findings: Findings
    leaves: int = 0
    text: int = 0
    prompts: Prompts = field(init=False)
    common: Pairs = field(init=False)
    """The variables that all leaves have."""

    def __post_init__(self) -> None:
        self.prompts = Prompts(self.scope, self.document)
        self.common = settings.sprint_variables(self.scope)

    def nodes(self, phases: Iterable[Outlined]) -> tuple[Node, ...]:
        """The top-level nodes, with findings about their prompts. Raises TooLarge."""
        made: list[Node] = []
        for outlined in phases:
            if outlined.kind is None:
                made.append(self._node(self._stencil(outlined, ""), None))
            else:
                made.append(self._loop(outlined, outlined.kind))
        self.findings.add(*self.prompts.told())
        return tuple(made)

    def _loop(self, outlined: Outlined, kind: str) -> Group:
        collection = self.collections[outlined.collection]
        path = escape(outlined.id)
        names = ids(collection, kind)
        known = aliases(collection, self.kinds[collection.name])
        settled = settings.settle(outlined, self.sprint)
        cut: dict[str, list[_Stencil]] = {}
        steps: list[Node] = []
        for index, item in enumerate(collection.items):
            assert item is not None
            chosen = item.workflow or outlined.phase.workflow or self._otherwise(outlined)
            stencils = cut.get(chosen)
            if stencils is None:
                stencils = cut[chosen] = list(self._stencils(outlined, chosen, kind))
            step = f"{path}/{escape(names[index])}"
            stamp = self._stamp(collection, index, item, name=names[index], kind=kind, path=step)
            gate = None
            if item.accept is not None:
                task = item.prompt if any(stencil.prompt is not None for stencil in stencils) else None
                line = settings.agents(item) or settled.agents
                gate = accept.gate(accept.wanted(item.accept), task, line[0] if line else None)
            steps.append(
                Group(
                    id=names[index],
                    path=stamp.path,
                    level="step",
                    children=tuple([self._node(stencil, stamp) for stencil in stencils]),
                    prompt=item.prompt,
                    model=item.model,
                    depends_on=tuple([names[known[name]] for name in item.depends_on or ()]),
                    gate=gate,
                    budget=settings.budget(item.budget),
                    approval=settings.approval(item.approve),
                )
            )
        first = settled.agents[0] if settled.agents else None
        gate = settings.gate(outlined.gate, first)
        if outlined.accept is not None:
            asked = any(stencil.prompt is not None for stencils in cut.values() for stencil in stencils)
            what = self._filled(outlined, accept.wanted(outlined.accept), None, path)
            gate = accept.gate(what, f"the steps of `{outlined.id}`, all of them" if asked else None, first)
        return Group(
            id=outlined.id,
            path=path,
            level="phase",
            children=tuple(steps),
            parallel=outlined.parallel or self._scheduled(collection),
            on_dependency_failure=self._tolerance(),
            wait=outlined.wait,
            on_parallel_failure=outlined.phase.on_parallel_failure,
            breaks=outlined.breaks,
            gate=gate,
            budget=settings.budget(outlined.budget),
            approval=self._approval(outlined, None, path),
        )

    def _approval(self, outlined: Outlined, subject: Subject | None, path: str) -> plan.Approval | None:
        """What a person is asked before it starts, with the variables of the message filled in."""
        written = outlined.approve
        if written is None:
            return None
        short = isinstance(written, str)
        message = written if isinstance(written, str) else written.message
        at = ("approve",) if short else ("approve", "message")
        return settings.approval(written, self._fill(outlined, message, subject, path, at))

    def _filled(
        self, outlined: Outlined, what: accept.Wanted, subject: Subject | None, path: str
    ) -> accept.Wanted:
        """What is asked for when it is done, with the variables of its paths filled in."""
        if not what.variable:
            return what
        listed = isinstance(outlined.accept, list)

        def fill(text: str, at: tuple[str | int, ...]) -> str:
            return self._fill(outlined, text, subject, path, ("accept", *(at[1:] if listed else at)))

        return what.filled(fill)

    def _fill(self, outlined: Outlined, text: str, subject: Subject | None, path: str, at: Loc) -> str:
        if "{{" not in text:
            return text
        named = item_names(text, subject.kind) if subject is not None else []
        return self.prompts.fill(outlined, text, named, subject, path, at=at)

    def _scheduled(self, collection: Collection) -> bool:
        """Whether the sprint's old switch lets steps that depend on each other run side by side."""
        switch = self.sprint.parallel_execution
        depending = any(item.depends_on for item in collection.items if item is not None)
        return switch is not None and switch.enabled and depending

    def _tolerance(self) -> str:
        switch = self.sprint.parallel_execution
        return (switch.on_dependency_failure if switch is not None else None) or "fail-phase"

    def _otherwise(self, outlined: Outlined) -> str:
        """The workflow of an item when neither it nor the phase names one; "" for what the phase itself says."""
        if outlined.phase.prompt is not None or outlined.phase.run is not None:
            return ""
        return self.defaults.get(outlined.collection, EXECUTE)

    def _stencils(self, loop: Outlined, chosen: str, kind: str) -> Iterator[_Stencil]:
        if not chosen:
            yield self._stencil(flat(loop), kind)
            return
        loaded = self.library.named(chosen) or self.library.builtin(EXECUTE)
        phases = outline(self.library, loaded, self.findings, inside=loop)
        self.findings.add(*check_ids(phases))
        for inner in phases:
            if inner.kind is not None:
                self._nested(inner)
            yield self._stencil(inner, kind)

    def _nested(self, inner: Outlined) -> None:
        message = (
            f"Phase `{inner.id}` is a for-each inside of a for-each: it is done once for each item around it"
        )
        loc = (*inner.loc, "for-each")
        hint = "give it a prompt of its own, or move it into the main workflow"
        self.findings.add(
            inner.document.diagnose(
                "NESTED_FOREACH", message, loc, key=True, hint=hint, severity=Severity.WARNING
            )
        )

    def _stencil(self, outlined: Outlined, kind: str) -> _Stencil:
        phase = outlined.phase
        prompt = phase.prompt
        if prompt is None and phase.run is None and not outlined.barrier:
            prompt = f"Execute phase: {outlined.id}"
        settled = settings.settle(outlined, self.sprint)
        self.findings.add(*check_settled(outlined, settled, (self.document, self.sprint)))
        return _Stencil(
            outlined=outlined,
            segment=escape(outlined.id),
            prompt=prompt,
            named=item_names(prompt, kind) if kind and prompt is not None else [],
            settled=settled,
            run=tuple(phase.run) if isinstance(phase.run, list) else phase.run,
            gate=settings.gate(outlined.gate, settled.agents[0] if settled.agents else None),
            wanted=accept.wanted(outlined.accept) if outlined.accept is not None else None,
            budget=settings.budget(outlined.budget),
            env=settings.joined(self.common, (("PHASE_ID", outlined.label),), settled.env),
            clashes=any(name.startswith(("ITEM_", "STEP_")) for name, _ in settled.env),
        )

    def _stamp(
        self, collection: Collection, index: int, item: Item, *, name: str, kind: str, path: str
    ) -> _Stamp:
        loc = (*collection.loc, index)
        values = context(item, self.document.value(loc), step_id=name, index=index, kind=kind)
        env, long = settings.item_variables(values, frozenset(item.model_extra or ()))
        for key in long:
            message = (
                f"`{key}` of item `{name}` is too long for an environment variable and is left out of it"
            )
            hint = "commands that need it can read it from a file"
            where = (*loc, key)
            self.findings.add(
                self.document.diagnose(
                    "VARIABLE_TOO_LONG", message, where, hint=hint, severity=Severity.WARNING
                )
            )
        subject = Subject(name=name, kind=kind, loc=loc, values=values)
        return _Stamp(item=item, subject=subject, path=path, env=(*env, ("STEP_ID", name)))

    def _node(self, stencil: _Stencil, stamp: _Stamp | None) -> Node:
        outlined, settled = stencil.outlined, stencil.settled
        path = stencil.segment if stamp is None else f"{stamp.path}/{stencil.segment}"
        subject = None if stamp is None else stamp.subject
        wanted = stencil.wanted
        if wanted is not None:
            wanted = self._filled(outlined, wanted, subject, path)
        approval = self._approval(outlined, subject, path)
        self.leaves += 1
        if outlined.barrier:
            return Group(
                id=outlined.id,
                path=path,
                level="phase",
                wait=outlined.wait,
                on_parallel_failure=outlined.phase.on_parallel_failure,
                breaks=outlined.breaks,
                gate=stencil.gate if wanted is None else accept.gate(wanted, None, None),
                budget=stencil.budget,
                approval=approval,
            )
        prompt, env = stencil.prompt, stencil.env
        item = None
        if stamp is not None:
            item = stamp.item
            env = settings.joined(stamp.env, env) if stencil.clashes else stamp.env + env
        if prompt is not None:
            prompt = self.prompts.fill(outlined, prompt, stencil.named, subject, path)
            self.text += len(prompt) * (1 if wanted is None else 2)
        if self.leaves > MAX_LEAVES or self.text > MAX_TEXT:
            raise TooLarge
        line, model, retry, timeout = settled.agents, settled.model, settled.retry, settled.timeout
        if item is not None:
            line = settings.agents(item) or line
            model = item.model or model
            retry = settings.retry(item.retry) or retry
            timeout = item.timeout or timeout
        failover = line[1:] if prompt is not None else ()
        # Who mends has the same line behind it as who works; only a named mender has none.
        mender = None if failover or not line else line[0]
        gate = stencil.gate if stencil.gate is None else replace(stencil.gate, agent=mender)
        return Leaf(
            id=outlined.id,
            path=path,
            prompt=prompt,
            run=stencil.run,
            agent=line[0] if line and prompt is not None else None,
            failover=failover,
            model=None if prompt is None else model,
            env=env,
            cwd=settled.cwd,
            timeout=timeout,
            idle_timeout=settled.idle_timeout,
            first_output=settled.first_output,
            parallel=outlined.parallel,
            wait=outlined.wait,
            on_parallel_failure=outlined.phase.on_parallel_failure,
            breaks=outlined.breaks,
            gate=gate if wanted is None else accept.gate(wanted, prompt, mender),
            retry=retry,
            on_lost=settled.on_lost,
            idempotent=settled.idempotent,
            exclusive=settled.exclusive,
            budget=stencil.budget,
            approval=approval,
        )
