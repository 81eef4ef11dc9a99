"""Every moment that can follow from the beginning of a plan, breadth first, and the ways between them.

Rule: what is found first is found by a shortest path, so that a counterexample is as short as there is one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fsm.bounds import Finding
from fsm.moment import Moment, beginning
from fsm.plan import Plan
from fsm.scope import RULES, Kind, Owner, Rules, Scope
from fsm.states import SprintState
from fsm.steps import Step, steps

PROGRESS = frozenset(
    {Kind.EVENT, Kind.END, Kind.TOLD, Kind.TIME, Kind.RUN, Kind.STOP, Kind.AGAIN, Kind.ANSWER}
)
"""Steps by which a sprint is to come to its end: no faults, and nothing left out."""

KILLED = frozenset({Kind.EVENT, Kind.TOLD, Kind.AGAIN})
"""Steps by which a cancelled sprint is to come to its end: no process ends by itself, and no time passes."""

PEOPLE = frozenset({Kind.RUN, Kind.STOP, Kind.AGAIN, Kind.ANSWER})
"""Those of them that somebody has to take."""

ENDING = frozenset({SprintState.COMPLETED, SprintState.CANCELLED})


@dataclass(slots=True)
class Graph:
    """What was found. Moments are numbered in the order in which they were met."""

    parents: list[tuple[int, str]] = field(default_factory=list)
    """From which moment, by which step, each was met first."""
    back: list[list[tuple[int, Kind]]] = field(default_factory=list)
    """For each moment those that lead to it."""
    steps: int = 0
    done: list[int] = field(default_factory=list)
    """Moments in which the sprint is completed."""
    cancelled: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    """Cancelled, and nothing runs or is watched any more."""
    rows: set[tuple[str, str, str]] = field(default_factory=set)
    """(machine, trigger, source) of every row that was recorded."""
    findings: list[Finding] = field(default_factory=list)
    complete: bool = False
    """Nothing was left to look at."""

    def path(self, number: int) -> tuple[str, ...]:
        """The shortest way to a moment, as steps."""
        steps: list[str] = []
        while number:
            number, label = self.parents[number]
            steps.append(label)
        return tuple(reversed(steps))

    def reaching(self, goals: Iterable[int], kinds: frozenset[Kind]) -> set[int]:
        """The moments from which one of the goals can be reached by steps of these kinds."""
        found = set(goals)
        line = list(found)
        while line:
            for source, kind in self.back[line.pop()]:
                if kind in kinds and source not in found:
                    found.add(source)
                    line.append(source)
        return found


def explore(
    plan: Plan,
    scope: Scope,
    *,
    rules: Rules = RULES,
    most: int = 200_000,
    met: Callable[[Moment], None] | None = None,
) -> Graph:
    """Explores a plan until nothing is new, or `most` moments are known. `met` is shown every moment once."""
    graph = Graph()
    first = beginning(plan, rules, scope)
    known = {first.key(): 0}
    line: list[Moment | None] = []
    told: set[str] = set()

    def meet(moment: Moment, source: int, label: str) -> None:
        number = len(line)
        line.append(moment)
        graph.parents.append((source, label))
        graph.back.append([])
        state = moment.sprint.state
        if state == SprintState.COMPLETED:
            graph.done.append(number)
        elif state == SprintState.CANCELLED:
            graph.cancelled.append(number)
            if moment.owner == Owner.GONE and not moment.sprint.live:
                graph.ended.append(number)
        if met is not None:
            met(moment)

    def find(law: str, what: str, path: tuple[str, ...]) -> None:
        if law not in told:  # the first is the shortest
            told.add(law)
            graph.findings.append(Finding(law, what, path or ("nothing has happened yet",)))

    meet(first, 0, "")
    number = 0
    while number < len(line) and len(line) <= most:
        moment = line[number]
        assert moment is not None, "each is looked at once"
        line[number] = None
        taken: list[tuple[Step, bool]] = []
        for step in steps(moment):
            graph.steps += 1
            for row in step.after.moved:
                graph.rows.add((row.machine, row.trigger, row.source))
            if step.broken is not None:
                find(step.broken.law, str(step.broken), (*graph.path(number), step.label))
                continue
            key = step.after.key()
            to = known.get(key)
            if to is None:
                known[key] = to = len(line)
                meet(step.after, number, step.label)
            graph.back[to].append((number, step.kind))
            taken.append((step, to != number))
        for law, what in _here(moment, taken):
            find(law, what, graph.path(number))
        number += 1
    graph.complete = number == len(line)
    if graph.complete:
        _ways(graph, find)
    return graph


def _here(moment: Moment, taken: list[tuple[Step, bool]]) -> Iterable[tuple[str, str]]:
    """What is wrong with one moment, by the steps that it allows; each is told with whether it leads elsewhere."""
    sprint = moment.sprint
    begun = sprint.state != SprintState.NOT_STARTED
    moving = any(leads and step.kind in PROGRESS - PEOPLE for step, leads in taken)
    if moment.owner != Owner.GONE and not moving:
        yield "way out", f"a supervisor runs, the sprint is {sprint.state}, and nothing can happen"
    resting = moment.owner == Owner.GONE and sprint.at_rest and sprint.state not in ENDING
    if resting and not any(leads and step.kind in (Kind.RUN, Kind.ANSWER) for step, leads in taken):
        yield "rest", f"the sprint is {sprint.state}, and neither `run` nor an answer changes anything"
    able = begun and sprint.state not in ENDING and not moment.turning and Kind.CANCEL in moment.scope.people
    cancelling = [step.after.sprint.state for step, _ in taken if step.kind == Kind.CANCEL]
    if able and SprintState.CANCELLED not in cancelling:
        yield "cancel", f"the sprint is {sprint.state}, and to cancel it does not cancel it"


def _ways(graph: Graph, find: Callable[[str, str, tuple[str, ...]], None]) -> None:
    """What is wrong with the graph as a whole: moments from which no way leads to where one must."""
    able = graph.reaching(graph.done, PROGRESS)
    lost = next((number for number in range(len(graph.parents)) if number not in able), None)
    if lost is not None:
        find("completes", "from here the sprint can never be completed", graph.path(lost))
    able = graph.reaching(graph.ended, KILLED)
    lost = next((number for number in graph.cancelled if number not in able), None)
    if lost is not None:
        find("cancel", "the sprint is cancelled, and something in it goes on for ever", graph.path(lost))
