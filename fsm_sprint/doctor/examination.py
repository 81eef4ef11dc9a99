"""All checks in the order in which they are shown, and the page that shows them.

Rule: a check looks and executes nothing, but that an agent may be asked its version; one that breaks hides no other.
"""

from collections.abc import Callable, Iterator, Sequence

from fsm_sprint.doctor import agents, installed, limits, place, programs, survival
from fsm_sprint.doctor.finding import Finding, Mark
from fsm_sprint.paths import SprintPaths

GROUPS: tuple[tuple[str, Callable[[SprintPaths], Iterator[Finding]]], ...] = (
    ("Python", lambda _: installed.python()),
    ("packages", lambda _: installed.packages()),
    ("sprint", place.directory),
    ("state", place.state),
    ("programs", lambda _: programs.programs()),
    ("agents", lambda _: agents.agents()),
    ("terminal", lambda _: limits.screen()),
    ("limits", lambda _: limits.limits()),
    ("survival", lambda _: survival.survival()),
)

Found = Sequence[tuple[str, Sequence[Finding]]]


def examine(paths: SprintPaths) -> Found:
    """All findings by group."""
    found: list[tuple[str, list[Finding]]] = []
    for group, check in GROUPS:
        findings: list[Finding] = []
        try:
            findings.extend(check(paths))
        except Exception as error:  # noqa: BLE001  # see the rule
            findings.append(Finding("this check", Mark.WARN, f"could not be made: {error}"))
        found.append((group, findings))
    return found


def count(found: Found, mark: Mark) -> int:
    """How many findings have a mark."""
    return sum(finding.mark is mark for _, findings in found for finding in findings)


def page(found: Found) -> Iterator[str]:
    """The findings for people: a mark, what was looked at, what was found, what to do."""
    for group, findings in found:
        yield group
        width = max((len(finding.name) for finding in findings), default=0)
        for finding in findings:
            yield f"  {finding.mark:4}  {finding.name:{width}}  {finding.detail}".rstrip()
            if finding.hint:
                yield f"  {'':4}  {'':{width}}  → {finding.hint}"
    missing, doubtful = count(found, Mark.BAD), count(found, Mark.WARN)
    yield ""
    yield f"{missing} missing or wrong, {doubtful} to know about" if missing or doubtful else "all is well"
