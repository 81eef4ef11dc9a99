"""The phases of a sprint laid out: inline references opened, for-each phases marked, settings gathered.

Rule: nothing that a phase says is lost on the way. What a reference says about its phases holds for each of them
(model, agent, env, …), its wait and approval for the first, its break and gate for the last.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from compiler.builtin import EXECUTE
from compiler.clauses import Accepted, Approve, Budget, Gate
from compiler.diagnostics import Diagnostic, Findings, Severity
from compiler.resolve import MAX_DEPTH, Library, Loaded
from compiler.source import Phase, Settings, Workflow
from compiler.tree import Document, Loc


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlined:
    """One phase in its place."""

    id: str
    label: str
    """What `{{phase.id}}` and `$PHASE_ID` stand for: the id of the phase that the text stands in."""
    phase: Phase
    document: Document
    loc: Loc
    number: int
    """What `{{phase.index}}` stands for."""
    near: tuple[Phase, ...]
    """The phase and the references around it, innermost first."""
    far: tuple[Workflow, ...]
    """The workflows that it comes from, innermost first."""
    parallel: bool
    wait: bool
    breaks: bool
    gate: Gate | None
    accept: Accepted | None
    approve: Approve | None
    budget: Budget | None

    @property
    def checked(self) -> str:
        """The key by which it is checked when it is done: `gate`, `accept` or none."""
        return "gate" if self.gate is not None else "accept" if self.accept is not None else ""

    @property
    def barrier(self) -> bool:
        """Whether it runs nothing and only waits."""
        phase = self.phase
        return phase.prompt is None and phase.run is None and phase.for_each is None

    @property
    def kind(self) -> str | None:
        """The for-each's name for an item, or None for a phase that is done once."""
        return self.phase.for_each

    @property
    def collection(self) -> str:
        """The collection that a for-each goes through."""
        return self.phase.collection or self.phase.for_each or ""

    def settings(self, sprint: Settings) -> Iterator[Settings]:
        """All that has a say about running it, the nearest first."""
        yield from self.near
        yield sprint
        yield from self.far


def flat(loop: Outlined) -> Outlined:
    """What every item of a for-each with a prompt or a command of its own goes through: that, as phase `execute`."""
    return replace(
        loop,
        id=EXECUTE,
        number=0,
        parallel=False,
        wait=False,
        breaks=False,
        gate=None,
        accept=None,
        approve=None,
        budget=None,
    )


def outline(
    library: Library, main: Loaded, findings: Findings, *, inside: Outlined | None = None
) -> list[Outlined]:
    """The phases of a workflow in order; `inside` is the for-each phase whose items go through it."""
    near = () if inside is None else inside.near
    far = (main.workflow,) if inside is None else (main.workflow, *inside.far)
    return _outlined(
        library, main, findings, near=near, far=far, prefix="", trail=(main.key,), item=inside is not None
    )


def _outlined(
    library: Library,
    here: Loaded,
    findings: Findings,
    *,
    near: tuple[Phase, ...],
    far: tuple[Workflow, ...],
    prefix: str,
    trail: tuple[str, ...],
    item: bool,
) -> list[Outlined]:
    done: list[Outlined] = []
    for index, phase in here.phases():
        loc = ("phases", index)
        made = Outlined(
            id=prefix + phase.id,
            label=prefix + phase.id,
            phase=phase,
            document=here.document,
            loc=loc,
            number=len(done) if prefix else index if item else 0,
            near=(phase, *near),
            far=far,
            parallel=bool(phase.parallel),
            wait=bool(phase.wait_for_parallel),
            breaks=bool(phase.break_),
            gate=phase.gate,
            accept=phase.accept,
            approve=phase.approve,
            budget=phase.budget,
        )
        if phase.workflow is None or phase.for_each is not None:
            done.append(made)
            continue
        found = library.named(phase.workflow)
        if found is None or found.key in trail or len(trail) >= MAX_DEPTH:
            continue
        inner = _outlined(
            library,
            found,
            findings,
            near=made.near,
            far=(found.workflow, *far),
            prefix=made.id + "-",
            trail=(*trail, found.key),
            item=item,
        )
        done += _marked(made, inner, findings)
    return done


def _marked(reference: Outlined, inner: list[Outlined], findings: Findings) -> list[Outlined]:
    """The phases of a reference with its own wait, break and gate put where they belong."""
    document, loc = reference.document, reference.loc
    if reference.phase.parallel:
        message = f"Phase `{reference.id}` refers to a workflow: `parallel: true` has no effect on it"
        hint = "set `parallel: true` on the phases of that workflow that are to run in the background"
        findings.add(
            document.diagnose(
                "PARALLEL_REFERENCE", message, (*loc, "parallel"), hint=hint, severity=Severity.WARNING
            )
        )
    if not inner:
        return inner
    if reference.wait:
        inner[0] = replace(inner[0], wait=True)
    if reference.breaks:
        inner[-1] = replace(inner[-1], breaks=True)
    if reference.budget is not None:
        message = f"Phase `{reference.id}` refers to a workflow: its phases come in its place, and none has its budget"
        hint = "put it on one of those phases, or on the sprint"
        findings.add(document.diagnose("BUDGET_ON_REFERENCE", message, (*loc, "budget"), key=True, hint=hint))
    if reference.approve is not None:
        first = inner[0]
        if first.approve is not None:
            other = first.document.related(f"that of its first phase `{first.id}`", (*first.loc, "approve"))
            message = f"Phase `{reference.id}` asks a person, and so does the first phase of its workflow"
            findings.add(
                document.diagnose(
                    "APPROVE_CONFLICT", message, (*loc, "approve"), key=True, hint=_KEEP, related=(other,)
                )
            )
        inner[0] = replace(first, approve=reference.approve)
    if reference.checked:
        last = inner[-1]
        if last.checked:
            other = last.document.related(
                f"the gate of its last phase `{last.id}`", (*last.loc, last.checked)
            )
            message = f"Phase `{reference.id}` has a gate, and so has the last phase of the workflow that it refers to"
            hint = f"{_KEEP}, or give the workflow a last phase that only checks"
            place = (*loc, reference.checked)
            findings.add(
                document.diagnose("GATE_CONFLICT", message, place, key=True, hint=hint, related=(other,))
            )
        inner[-1] = replace(last, gate=reference.gate, accept=reference.accept)
    return inner


_KEEP = "keep one of the two"


def check_ids(outlined: Iterable[Outlined]) -> Iterator[Diagnostic]:
    """References can give two phases the same id; where the ids are written twice, that has been told already."""
    first: dict[str, Outlined] = {}
    for one in outlined:
        other = first.setdefault(one.id, one)
        if other is not one and one.id != one.phase.id:
            related = (other.document.related("the other one", (*other.loc, "id")),)
            message = f"Two phases of the plan have the id `{one.id}`"
            hint = "a phase of a referenced workflow is called `<reference>-<phase>`: rename one of them"
            yield one.document.diagnose(
                "DUPLICATE_PHASE_ID", message, (*one.loc, "id"), hint=hint, related=related
            )
