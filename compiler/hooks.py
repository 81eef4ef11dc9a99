"""Hooks of each iteration: which of the workflow's are on, and what each runs, as one leaf without a place.

Rule: a hook runs one process. One that names a workflow runs the one phase of it; anything that a phase alone cannot be
after a task that is done (a check, a question, a wait) is refused, with what to do instead.
"""

from collections.abc import Iterator
from dataclasses import replace

from compiler import source
from compiler.diagnostics import Diagnostic, Severity
from compiler.emit import Emitter
from compiler.expand import Outlined, outline
from compiler.nearest import closest
from compiler.resolve import Library, Loaded, follow
from compiler.tree import Document
from compiler.validate import numbered
from fsm.plan import Hook, Leaf

_KEY = "per-iteration-hooks"


def enabled(sprint: source.Sprint, workflow: source.Workflow) -> Iterator[tuple[int, source.Hook]]:
    """The hooks that are on in this sprint, with their places in the workflow."""
    toggles = sprint.per_iteration_hooks or {}
    for index, hook in numbered(workflow.per_iteration_hooks):
        if toggles[hook.id].enabled if hook.id in toggles else hook.enabled:
            yield index, hook


def check_hooks(
    document: Document, sprint: source.Sprint, main: Loaded, library: Library
) -> Iterator[Diagnostic]:
    """Hooks that the sprint turns on or off and the workflow does not have, and those that are off and lead nowhere."""
    workflow = main.workflow
    on = {index for index, _ in enabled(sprint, workflow)}
    for index, hook in numbered(workflow.per_iteration_hooks):
        if index not in on and hook.workflow is not None and not library.has(hook.workflow):
            message = f"Hook `{hook.id}` names the workflow `{hook.workflow}`, which is not there"
            place = (_KEY, index, "workflow")
            yield main.document.diagnose("HOOK_WORKFLOW_NOT_FOUND", message, place, severity=Severity.WARNING)
    known = [hook.id for _, hook in numbered(workflow.per_iteration_hooks)]
    for name in sprint.per_iteration_hooks or {}:
        if name not in known:
            meant = closest(name, known)
            hint = f"did you mean `{meant}`?" if meant else None
            message = f"The workflow has no hook `{name}` to turn on or off"
            yield document.diagnose(
                "UNKNOWN_HOOK", message, (_KEY, name), key=True, hint=hint, severity=Severity.WARNING
            )


def load(sprint: source.Sprint, main: Loaded, library: Library) -> None:
    """Loads the workflows of the hooks that are on, and all that these refer to."""
    for index, hook in enabled(sprint, main.workflow):
        if hook.workflow is not None:
            place = (main.document, (_KEY, index, "workflow"))
            found = library.get(hook.workflow, code="HOOK_WORKFLOW_NOT_FOUND", at=place)
            if found is not None:
                follow(library, found, depth=1, missing="PHASE_WORKFLOW_NOT_FOUND")


def hooks(sprint: source.Sprint, main: Loaded, emitter: Emitter) -> Iterator[Hook]:
    """The hooks that are on, each with the leaf that it runs."""
    for index, hook in enabled(sprint, main.workflow):
        found = _phase(index, hook, main, emitter)
        if found is None:
            continue
        made = emitter.nodes([found])[0]
        assert isinstance(made, Leaf), "one phase that runs something is a leaf"
        env = tuple(pair for pair in made.env if pair[0] != "PHASE_ID")  # it is told that of its task
        leaf = replace(made, id=hook.id, path="", env=env)
        yield Hook(id=hook.id, prompt=hook.prompt, workflow=hook.workflow, parallel=hook.parallel, leaf=leaf)


def _phase(index: int, hook: source.Hook, main: Loaded, emitter: Emitter) -> Outlined | None:
    """What a hook runs, laid out as a phase; None with a finding when it is not one phase that runs one process."""
    phase = source.Phase(id=hook.id, prompt=hook.prompt, timeout=hook.timeout)
    own = Outlined(
        id=hook.id,
        label=hook.id,
        phase=phase,
        document=main.document,
        loc=(_KEY, index),
        number=0,
        near=(phase,),
        far=(main.workflow,),
        parallel=False,
        wait=False,
        breaks=False,
        gate=None,
        accept=None,
        approve=None,
        budget=None,
    )
    if hook.workflow is None:
        return own
    loaded = emitter.library.named(hook.workflow)
    if loaded is None:
        return None
    inner = outline(emitter.library, loaded, emitter.findings, inside=own)
    wrong = _unfit(inner)
    if not wrong:
        return inner[0]
    message = f"Hook `{hook.id}` cannot run the workflow `{hook.workflow}`: {wrong}"
    hint = "a hook runs one phase with a `prompt` or a `run`; let one prompt or one script do all of it"
    place = (_KEY, index, "workflow")
    emitter.findings.add(main.document.diagnose("HOOK_WORKFLOW_UNFIT", message, place, hint=hint))
    return None


def _unfit(phases: list[Outlined]) -> str:
    """Why phases are not what a hook can run; empty when they are."""
    if len(phases) != 1:
        return f"it has {len(phases)} phases"
    one = phases[0]
    if one.kind is not None:
        return f"its phase `{one.id}` is a for-each"
    if one.barrier:
        return f"its phase `{one.id}` runs nothing"
    said = {
        "gate": one.gate is not None,
        "accept": one.accept is not None,
        "approve": one.approve is not None,
        "budget": one.budget is not None,
        "break": one.breaks,
        "parallel": one.parallel,
        "wait-for-parallel": one.wait,
    }
    keys = [f"`{key}`" for key, there in said.items() if there]
    return f"its phase `{one.id}` has {' and '.join(keys)}" if keys else ""
