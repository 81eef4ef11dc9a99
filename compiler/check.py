"""What a validator of single values cannot see: keys that are slips, phases that contradict themselves, ids met twice.

Rule: each check looks at one file only, so that a lone workflow can be checked as well.
"""

from collections.abc import Iterable, Iterator

from compiler.atoms import MODELS
from compiler.clauses import Agent
from compiler.conflicts import check_level, check_phase
from compiler.diagnostics import Diagnostic, Severity
from compiler.nearest import near_miss
from compiler.resolve import Loaded
from compiler.source import Item, Phase, Settings, Sprint
from compiler.template import left_over, variable_for
from compiler.tree import Document, Loc, Mapping
from compiler.validate import keys_at, numbered

SCHEMA_VERSION = "2.0"
MOST = 200
"""Unknown keys of one mapping that are looked at; more are no slips."""


def check_sprint(document: Document, sprint: Sprint) -> Iterator[Diagnostic]:
    """Findings about SPRINT.yaml alone."""
    yield from _notes(document, "sprint", "SPRINT.yaml")
    yield from check_level(document, (), sprint, "SPRINT.yaml")
    if sprint.config is not None:
        keys = ", ".join(f"`{key}`" for key in document.root["config"])
        message = f"Nothing has ever read `config`; {keys or 'it'} has no effect"
        hint = "a bound on time is `timeout:`, one on tasks at once `concurrency:`"
        yield document.diagnose(
            "CONFIG_IGNORED", message, ("config",), key=True, hint=hint, severity=Severity.WARNING
        )


def check_workflow_file(loaded: Loaded) -> Iterator[Diagnostic]:
    """Findings about one workflow file alone."""
    document, workflow = loaded.document, loaded.workflow
    yield from _notes(document, "workflow", "The workflow")
    yield from _version(document, workflow.schema_version)
    yield from check_level(document, (), workflow, "The workflow")
    if workflow.mode not in (None, "standard"):
        message = f"The workflow has the mode `{workflow.mode}`; there is only `standard`"
        yield document.diagnose(
            "INVALID_WORKFLOW_MODE", message, ("mode",), hint="list phases instead of a goal"
        )
    first: dict[str, int] = {}
    for index, phase in loaded.phases():
        loc = ("phases", index)
        if phase.id in first:
            other = document.related("it is first here", ("phases", first[phase.id], "id"))
            message = f"Two phases have the id `{phase.id}`"
            yield document.diagnose("DUPLICATE_PHASE_ID", message, (*loc, "id"), related=(other,))
        first.setdefault(phase.id, index)
        yield from _action(document, loc, phase)
        yield from check_level(document, loc, phase, f"Phase `{phase.id}`")
        yield from check_phase(document, loc, phase)
        yield from _gate(document, loc, phase)
        yield from _literal(document, (*loc, "cwd"), phase.cwd or "")
        for name, value in (phase.env or {}).items():
            yield from _literal(document, (*loc, "env", name), value)
        if phase.run is not None:
            yield from _command(document, loc, phase)
    yield from _hooks(document, loaded)


def check_models(
    documents: Iterable[Document], *, levels: Iterable[Settings | Item | None]
) -> Iterator[Diagnostic]:
    """Names of models that the default agent does not have. With other agents about, any name may be right."""
    if any(_named(agent) != "claude" for level in levels if level is not None for agent in _asked(level)):
        return
    for document in documents:
        for loc in _models(document):
            name = document.value(loc)
            if not isinstance(name, str) or not name.strip() or name in MODELS:
                continue
            meant = near_miss(name, MODELS)
            if meant is not None or not any(part in name.lower() for part in (*MODELS, "claude")):
                hint = (
                    f"did you mean `{meant}`?"
                    if meant
                    else f"there are {', '.join(MODELS)}; others need `agent:`"
                )
                yield document.diagnose(
                    "INVALID_MODEL", f"`{name}` is no model that the agent has", loc, hint=hint
                )


def _asked(level: Settings | Item) -> list[Agent]:
    return [level.agent] if level.agent is not None else level.agents or []


def _named(agent: Agent) -> str:
    return agent if isinstance(agent, str) else getattr(agent, "name", "")


def _models(document: Document) -> Iterator[Loc]:
    root = document.root
    if not isinstance(root, Mapping):
        return
    yield ("model",)
    phases = root.get("phases")
    for index, phase in enumerate(phases if isinstance(phases, list) else ()):
        if isinstance(phase, Mapping) and "model" in phase:
            yield ("phases", index, "model")
    collections = root.get("collections")
    lists = (
        [(("collections", name), items) for name, items in collections.items()]
        if isinstance(collections, Mapping)
        else []
    )
    for loc, items in [*lists, (("steps",), root.get("steps"))]:
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, Mapping) and "model" in item:
                yield (*loc, index, "model")


def _notes(document: Document, kind: str, subject: str) -> Iterator[Diagnostic]:
    """Unknown keys where people keep notes: an error for a slip, else a warning."""
    known = keys_at(kind, "")
    strangers = [key for key in document.root if key not in known]
    for key in strangers[:MOST]:
        meant = near_miss(key, known)
        if meant is not None:
            yield unknown(document, (key,), subject, meant)
        else:
            message = f"{subject} has a key `{key}` that means nothing here"
            hint = _elsewhere(kind, key) or "fine as a note; in a comment it would not be told"
            yield document.diagnose(
                "UNKNOWN_KEY", message, (key,), key=True, hint=hint, severity=Severity.WARNING
            )


def _elsewhere(kind: str, key: str) -> str | None:
    """Where a key that means nothing at the top level of a kind of file does mean something."""
    places = [
        "SPRINT.yaml" if kind == "workflow" and key in keys_at("sprint", "") else "",
        "workflows" if kind == "sprint" and key in keys_at("workflow", "") else "",
        "phases" if key in keys_at("workflow", "phases/#") else "",
    ]
    found = " and of ".join(place for place in places if place)
    return f"`{key}` is a key of {found}" if found else None


def unknown(document: Document, loc: Loc, subject: str, meant: str) -> Diagnostic:
    """The finding about a key that is a slip of a known one."""
    message = f"{subject} has an unknown key `{loc[-1]}`"
    return document.diagnose("UNKNOWN_KEY", message, loc, key=True, hint=f"did you mean `{meant}`?")


def _version(document: Document, version: object) -> Iterator[Diagnostic]:
    if version is None or version in (SCHEMA_VERSION, 2):
        return
    message = f"The workflow has schema-version {version}; what is read here is {SCHEMA_VERSION}"
    hint = f'write `schema-version: "{SCHEMA_VERSION}"` once it fits'
    yield document.diagnose(
        "SCHEMA_VERSION", message, ("schema-version",), hint=hint, severity=Severity.WARNING
    )


def _action(document: Document, loc: Loc, phase: Phase) -> Iterator[Diagnostic]:
    def both(left: str, right: str, code: str) -> Diagnostic:
        message = f"Phase `{phase.id}` has both `{left}` and `{right}`"
        return document.diagnose(code, message, (*loc, right), key=True, hint="keep one of the two")

    if phase.prompt is not None and phase.workflow is not None:
        yield both("prompt", "workflow", "PROMPT_WORKFLOW_MUTUAL_EXCLUSIVE")
    if phase.prompt is not None and phase.run is not None:
        yield both("prompt", "run", "PROMPT_RUN_MUTUAL_EXCLUSIVE")
    if phase.run is not None and phase.workflow is not None:
        yield both("run", "workflow", "RUN_WORKFLOW_MUTUAL_EXCLUSIVE")
    acts = (phase.prompt, phase.run, phase.workflow, phase.for_each)
    if all(act is None for act in acts) and not phase.wait_for_parallel:
        message = f"Phase `{phase.id}` does nothing"
        hint = "give it one of: prompt, run, workflow, for-each"
        yield document.diagnose("PHASE_MISSING_ACTION", message, loc, hint=hint)
    if phase.collection is not None and phase.for_each is None:
        message = f"Phase `{phase.id}` has a collection and no `for-each`, so it is done once"
        hint = "add `for-each: NAME`, the name by which prompts speak of an item"
        yield document.diagnose(
            "COLLECTION_WITHOUT_FOREACH",
            message,
            (*loc, "collection"),
            key=True,
            hint=hint,
            severity=Severity.WARNING,
        )
    if phase.parallel and phase.for_each is not None:
        message = f"The steps of phase `{phase.id}` run side by side and share one working tree"
        hint = (
            "see that they do not touch the same files, or put `parallel: true` on phases of their workflow"
        )
        yield document.diagnose(
            "PARALLEL_FOREACH_WARNING",
            message,
            (*loc, "parallel"),
            key=True,
            hint=hint,
            severity=Severity.WARNING,
        )


def _gate(document: Document, loc: Loc, phase: Phase) -> Iterator[Diagnostic]:
    if phase.accept is not None:
        run = phase.accept if isinstance(phase.accept, str) else getattr(phase.accept, "run", None)
        place = ("accept",) if isinstance(phase.accept, str) else ("accept", "run")
        yield from _literal(document, (*loc, *place), run or "")
    gate = phase.gate
    if gate is None:
        return
    if gate.on_fail is None and phase.run is None:
        message = f"Phase `{phase.id}` has a gate without on-fail"
        hint = "say what is to be done after a failed check: `on-fail: {prompt: …}`"
        yield document.diagnose("GATE_MISSING_ON_FAIL", message, (*loc, "gate"), hint=hint)
    yield from _literal(document, (*loc, "gate", "script"), gate.script)
    if gate.on_fail is not None:
        yield from _literal(document, (*loc, "gate", "on-fail", "prompt"), gate.on_fail.prompt)


def _literal(document: Document, loc: Loc, text: str) -> Iterator[Diagnostic]:
    """A warning about variables where none are filled in."""
    for braces in left_over(text):
        name = variable_for(braces)
        if name is not None:
            place = "/".join(str(part) for part in loc[2:])
            message = f"`{place}` has {braces}, and nothing is put in its place"
            hint = f'commands find the value in "${name}"'
            at = document.inside(loc, braces)
            yield document.diagnose("TEMPLATE_IGNORED", message, at, hint=hint, severity=Severity.WARNING)


def _command(document: Document, loc: Loc, phase: Phase) -> Iterator[Diagnostic]:
    parts = [phase.run] if isinstance(phase.run, str) else phase.run or []
    at = (*loc, "run")
    for index, part in enumerate(parts):
        place: Loc = at if isinstance(phase.run, str) else (*at, index)
        for braces in left_over(part):
            name = variable_for(braces)
            if name is not None:
                hint = f'the command finds the value in its environment: "${name}"'
            else:
                hint = "if the command itself needs the braces, put the text into `env:` and name the variable here"
            message = (
                f"Phase `{phase.id}` has {braces} in `run`: nothing is ever put into the text of a command"
            )
            yield document.diagnose("RUN_TEMPLATE", message, document.inside(place, braces), hint=hint)
    if parts and not parts[0].strip():
        yield document.diagnose("INVALID_RUN", f"Phase `{phase.id}` has a `run` without a program", at)
    mends = phase.gate is not None and phase.gate.on_fail is not None
    for key, value in (("agent", phase.agent), ("agents", phase.agents), ("model", phase.model)):
        if value is not None and not (mends and key != "model"):
            message = f"Phase `{phase.id}` runs a command, so its `{key}` has no effect"
            yield document.diagnose(
                f"{key.removesuffix('s').upper()}_IGNORED",
                message,
                (*loc, key),
                key=True,
                severity=Severity.WARNING,
            )


def _hooks(document: Document, loaded: Loaded) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, hook in numbered(loaded.workflow.per_iteration_hooks):
        loc = ("per-iteration-hooks", index)
        if hook.id in seen:
            yield document.diagnose("DUPLICATE_HOOK_ID", f"Two hooks have the id `{hook.id}`", (*loc, "id"))
        seen.add(hook.id)
        if hook.prompt is not None and hook.workflow is not None:
            message = f"Hook `{hook.id}` has both `prompt` and `workflow`"
            yield document.diagnose("HOOK_AMBIGUOUS_ACTION", message, loc, hint="keep one of the two")
        elif hook.prompt is None and hook.workflow is None:
            message = f"Hook `{hook.id}` has neither `prompt` nor `workflow`"
            yield document.diagnose("HOOK_MISSING_ACTION", message, loc)
