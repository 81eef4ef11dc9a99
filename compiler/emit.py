"""The outlined phases and the items of a sprint become the nodes of a plan.

Rule: what does not depend on the item is settled once per phase and stamped out for each, so that an item costs no more
than its own text.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from compiler import settings
from compiler.builtin import EXECUTE
from compiler.diagnostics import Findings, Severity
from compiler.expand import Outlined, check_ids, flat, outline
from compiler.items import Collection, aliases, context, ids
from compiler.prompts import Prompts, Subject
from compiler.resolve import Library
from compiler.settings import Pairs, Settled
from compiler.source import Item, Sprint
from compiler.template import Scope, item_names
from compiler.tree import Document
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
            steps.append(
                Group(
                    id=names[index],
                    path=stamp.path,
                    level="step",
                    children=tuple([self._node(stencil, stamp) for stencil in stencils]),
                    prompt=item.prompt,
                    model=item.model,
                    depends_on=tuple([names[known[name]] for name in item.depends_on or ()]),
                )
            )
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
            gate=settings.gate(outlined.gate, settings.settle(outlined, self.sprint).agent),
        )

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
        settled = settings.settle(outlined, self.sprint)
        prompt = phase.prompt
        if prompt is None and phase.run is None and not outlined.barrier:
            prompt = f"Execute phase: {outlined.id}"
        settled = settings.settle(outlined, self.sprint)
        return _Stencil(
            outlined=outlined,
            segment=escape(outlined.id),
            prompt=prompt,
            named=item_names(prompt, kind) if kind and prompt is not None else [],
            settled=settled,
            run=tuple(phase.run) if isinstance(phase.run, list) else phase.run,
            gate=settings.gate(outlined.gate, settled.agent),
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
        self.leaves += 1
        if outlined.barrier:
            return Group(
                id=outlined.id,
                path=path,
                level="phase",
                wait=outlined.wait,
                on_parallel_failure=outlined.phase.on_parallel_failure,
                breaks=outlined.breaks,
                gate=stencil.gate,
            )
        prompt, env = stencil.prompt, stencil.env
        item = None
        if stamp is not None:
            item = stamp.item
            env = settings.joined(stamp.env, env) if stencil.clashes else stamp.env + env
        if prompt is not None:
            prompt = self.prompts.fill(
                outlined, prompt, stencil.named, None if stamp is None else stamp.subject, path
            )
            self.text += len(prompt)
        if self.leaves > MAX_LEAVES or self.text > MAX_TEXT:
            raise TooLarge
        agent, model, retry = settled.agent, settled.model, settled.retry
        if item is not None:
            agent = settings.agent(item.agent) or agent
            model = item.model or model
            retry = settings.retry(item.retry) or retry
        return Leaf(
            id=outlined.id,
            path=path,
            prompt=prompt,
            run=stencil.run,
            agent=None if prompt is None else agent,
            model=None if prompt is None else model,
            env=env,
            cwd=settled.cwd,
            timeout=settled.timeout,
            idle_timeout=settled.idle_timeout,
            parallel=outlined.parallel,
            wait=outlined.wait,
            on_parallel_failure=outlined.phase.on_parallel_failure,
            breaks=outlined.breaks,
            gate=stencil.gate if stencil.gate is None else replace(stencil.gate, agent=agent),
            retry=retry,
            exclusive=settled.exclusive,
        )
