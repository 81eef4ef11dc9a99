"""Combinations of settings that contradict each other or have no effect.

Rule: what cannot be meant is an error; what does nothing, or less than it seems, is a warning that says why.
"""

from collections.abc import Iterator

from compiler import settings
from compiler.clauses import Accept, Approval, Approve, Budget, Retry
from compiler.diagnostics import Diagnostic, Severity
from compiler.expand import Outlined
from compiler.source import Item, Phase, Settings, Sprint
from compiler.template import left_over
from compiler.tree import Document, Loc


def check_level(document: Document, loc: Loc, level: Settings | Item, name: str) -> Iterator[Diagnostic]:
    """Findings about what one level says: a sprint, a workflow, a phase or an item."""
    yield from _line(document, loc, level, name)
    if level.retry is not None:
        yield from _retry(document, loc, level.retry, name)
    if isinstance(level, Sprint | Phase | Item) and level.budget is not None:
        yield from _budget(document, loc, level.budget, name)
    if isinstance(level, Phase | Item) and level.approve is not None:
        yield from _approve(document, loc, level.approve, name)


def check_phase(document: Document, loc: Loc, phase: Phase) -> Iterator[Diagnostic]:
    """Findings about checks and approvals of a phase."""
    name = f"Phase `{phase.id}`"
    if phase.gate is not None and phase.accept is not None:
        hint = "a gate's script can ask for paths as well: `test -e PATH`"
        yield document.diagnose(
            "ACCEPT_WITH_GATE",
            f"{name} has both `gate` and `accept`",
            (*loc, "accept"),
            key=True,
            hint=hint,
        )
    if isinstance(phase.accept, Accept):
        yield from _empty(document, loc, phase.accept, name)
    if phase.approve is not None and phase.parallel and phase.for_each is None:
        message = (
            f"{name} runs in the background and waits for a person: nobody may notice before the sync point"
        )
        hint = "ask on a phase of the main line, such as the one before it"
        yield document.diagnose(
            "APPROVE_IN_BACKGROUND",
            message,
            (*loc, "approve"),
            key=True,
            hint=hint,
            severity=Severity.WARNING,
        )


def check_item(document: Document, loc: Loc, item: Item, name: str) -> Iterator[Diagnostic]:
    """Findings about an item's own words: variables are filled in where a phase names them, not here."""
    yield from check_level(document, loc, item, name)
    if isinstance(item.accept, Accept):
        yield from _empty(document, loc, item.accept, name)
    for key in ("accept", "approve"):
        for place, text in _texts(document.value((*loc, key)), (*loc, key)):
            for braces in left_over(text):
                message = f"{name} has {braces} in `{key}`, and nothing is put in its place"
                yield document.diagnose(
                    "TEMPLATE_IGNORED",
                    message,
                    document.inside(place, braces),
                    hint="write what it stands for: it is the item's own",
                    severity=Severity.WARNING,
                )


def _texts(value: object, loc: Loc) -> Iterator[tuple[Loc, str]]:
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*loc, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*loc, index))


def _line(document: Document, loc: Loc, level: Settings | Item, name: str) -> Iterator[Diagnostic]:
    if level.agent is not None and level.agents is not None:
        message = f"{name} has both `agent` and `agents`"
        hint = "keep `agents`: its first one is asked first"
        yield document.diagnose("AGENT_TWICE", message, (*loc, "agent"), key=True, hint=hint)
        return
    line = settings.agents(level)
    accounts = {agent.account or agent.name for agent in line}
    if len(line) > 1 and len(accounts) == 1:
        (account,) = accounts
        message = (
            f"All agents of the line have the account `{account}`: when it meets a limit, none is left to ask"
        )
        hint = "name their accounts if they are different ones: `{name: claude, account: work}`"
        yield document.diagnose(
            "FAILOVER_WITHOUT_ACCOUNT",
            message,
            (*loc, "agents"),
            hint=hint,
            severity=Severity.WARNING,
        )


def _retry(document: Document, loc: Loc, retry: Retry, name: str) -> Iterator[Diagnostic]:
    for index, word in enumerate(retry.on or ()):
        if word in _NEVER:
            message = f"{name} wants to be tried again on `{word}`, which never leads to that: {_NEVER[word]}"
            yield document.diagnose(
                "RETRY_WITHOUT_EFFECT", message, (*loc, "retry", "on", index), severity=Severity.WARNING
            )
    waits = retry.backoff if retry.backoff is not None else retry.old_backoff
    if waits and 1 in (retry.max_attempts, retry.old_max_attempts):
        key = "backoff" if retry.backoff is not None else "backoffMs"
        message = f"{name} is tried once, so there is nothing to wait for"
        yield document.diagnose(
            "RETRY_WITHOUT_EFFECT", message, (*loc, "retry", key), key=True, severity=Severity.WARNING
        )


_NEVER = {
    "gate": "how often a gate's script runs is its `max-retries`",
    "limit": "a usage limit is waited for, and burns no try",
    "interrupted": "what was stopped runs again when the sprint goes on, and burns no try",
}


def _budget(document: Document, loc: Loc, budget: Budget, name: str) -> Iterator[Diagnostic]:
    place = (*loc, "budget")
    if settings.budget(budget) is None:
        message = f"{name} has a budget without a bound"
        hint = "give it one of: cost-usd, tokens, wall, attempts"
        yield document.diagnose("BUDGET_WITHOUT_EFFECT", message, place, hint=hint, severity=Severity.WARNING)
    for key in ("cost-usd", "tokens", "attempts"):
        if getattr(budget, key.replace("-", "_")) == 0:
            message = f"{name} may spend nothing: the sprint is blocked before its first task"
            hint = f"leave `{key}` out for no bound of this kind"
            yield document.diagnose(
                "BUDGET_OF_NOTHING", message, (*place, key), hint=hint, severity=Severity.WARNING
            )


def _approve(document: Document, loc: Loc, approve: Approve, name: str) -> Iterator[Diagnostic]:
    if isinstance(approve, Approval) and approve.on_timeout is not None and approve.timeout is None:
        message = f"{name} says what holds when nobody answers in time, and no time"
        yield document.diagnose(
            "APPROVE_WITHOUT_TIMEOUT",
            message,
            (*loc, "approve", "on-timeout"),
            key=True,
            hint="add `timeout: 8h`",
            severity=Severity.WARNING,
        )


def _empty(document: Document, loc: Loc, accept: Accept, name: str) -> Iterator[Diagnostic]:
    if not accept.exists and not accept.changed and accept.run is None:
        message = f"{name} accepts whatever there is"
        hint = "give `accept` one of: exists, changed, run"
        yield document.diagnose("INVALID_ACCEPT", message, (*loc, "accept"), hint=hint)


def check_settled(
    outlined: Outlined, settled: settings.Settled, sprint: tuple[Document, Sprint]
) -> Iterator[Diagnostic]:
    """Findings about what the levels around a phase come to; one for all phases that have it from one place."""
    wanted = settled.on_lost == "retry"
    listed = settled.retry is not None and "lost" in settled.retry.on
    if settled.idempotent or not (wanted or listed):
        return
    key = "on-lost" if wanted else "retry"
    document, loc = _said(outlined, key, sprint)
    yield document.diagnose(
        "LOST_NOT_IDEMPOTENT",
        "A lost attempt may have done its work; it is made again here, and nothing says that doing it twice is safe",
        loc,
        key=True,
        hint="write `idempotent: true` where that is so, or `on-lost: ask`",
        severity=Severity.WARNING,
    )


def _said(outlined: Outlined, key: str, sprint: tuple[Document, Sprint]) -> tuple[Document, Loc]:
    """Where a phase has a setting from; the phase as a whole where that is one around it."""
    name = key.replace("-", "_")
    if getattr(outlined.phase, name) is not None:
        return outlined.document, (*outlined.loc, key)
    if not any(getattr(phase, name) is not None for phase in outlined.near):
        document, level = sprint
        if getattr(level, name) is not None:
            return document, (key,)
        if getattr(outlined.far[0], name) is not None:
            return outlined.document, (key,)
    return outlined.document, outlined.loc
