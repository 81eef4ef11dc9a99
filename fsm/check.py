"""The model checker: what is proved of the shipped tables and decisions, over which plans, and how much was looked at.

Rule: nothing is written down twice to be proved. The tables, the fold and the decisions are the ones that run, and a
row that no plan here comes to is complained about like a law that does not hold.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from fsm.bounds import Finding, Tables, table_findings
from fsm.explore import explore
from fsm.plan import Agent, Approval, Gate, Group, Hook, Leaf, Node, Plan, Retry
from fsm.scope import RULES, Kind, Rules, Scope, verdicts
from fsm.states import AT_REST, GroupState, Machine, SprintState, TaskState
from fsm.tables import STATES, TABLES
from fsm.verdicts import ELSEWHERE

LAWS: dict[str, str] = {
    "one outcome": "In one state a trigger has one outcome.",
    "reachable": "Every state can be reached.",
    "way out": "Every state has a way out, or is a declared end; a sprint that goes on has something to go on with.",
    "bound": "Every state is left as its bound says, by time, by an event or by a person, and in no other way.",
    "legal": "What the decisions decide is what the tables allow, in every order of events.",
    "one attempt": "A unit never has two attempts that could run, and none that nobody watches.",
    "one end": "An attempt ends by exactly one row, and the same news told twice leads to nothing.",
    "recovery": "Whatever is under way when the supervisor dies is seen to by the next one.",
    "cancel": "A cancel reaches an end from everywhere, although no process ends before it is killed.",
    "rest": "A sprint at rest that is not over goes on with `run`, or with the answer that it waits for.",
    "completes": "From everywhere, whatever has gone wrong, the sprint can still be completed.",
    "covered": "Every row is met by a plan that is explored, or it is said why not.",
}
"""By name: what is proved."""

UNMET: dict[tuple[str, str, str], str] = {
    (
        Machine.TASK,
        "cancel",
        TaskState.PENDING,
    ): "what has not begun is left as it is when a sprint is cancelled",
    (Machine.TASK, "report", TaskState.VERIFYING): "nothing is heard of an attempt whose process is over",
    (
        Machine.GROUP,
        "cancel",
        GroupState.PENDING,
    ): "what has not begun is left as it is when a sprint is cancelled",
    (
        Machine.GROUP,
        "cancel",
        GroupState.WAITING,
    ): "it asks anew, should the sprint go on after it was cancelled",
    (Machine.GROUP, "reopen", GroupState.COMPLETED): "an operator's retry of something that was done",
    (
        Machine.GROUP,
        "reopen",
        GroupState.SKIPPED,
    ): "an operator's skip of what had begun, and a retry after that",
    (
        Machine.GROUP,
        "retry",
        GroupState.CANCELLED,
    ): "what has not begun is left as it is when a sprint is cancelled",
    (
        Machine.SPRINT,
        "cancel",
        SprintState.NOT_STARTED,
    ): "the row that starts it is in the commit that makes it",
    (
        Machine.SPRINT,
        "request",
        SprintState.NOT_STARTED,
    ): "the row that starts it is in the commit that makes it",
    (Machine.SPRINT, "resume", SprintState.BLOCKED): "what is blocked goes on by `retry`",
    **{
        (Machine.SPRINT, "retry", state): "an operator's retry of one unit"
        for state in AT_REST - {SprintState.BLOCKED}
    },
}
"""Rows of the machines that are explored that no plan comes to, and why."""

PLAIN = frozenset({"note", "amend"})
"""Triggers that record a fact and decide nothing."""

EXPLORED = (Machine.TASK, Machine.GROUP, Machine.SPRINT)
"""Machines whose decisions are explored. The others are checked by their tables alone."""

_ALL = frozenset({Kind.STOP, Kind.CANCEL, Kind.PAUSE, Kind.SKIP, Kind.ANSWER})
_ENDS = frozenset({Kind.STOP, Kind.CANCEL})
_FEW = ("ok", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A plan that is explored, and what may happen to it."""

    name: str
    what: str
    plan: Plan
    scope: Scope


def _leaf(path: str, **fields: Any) -> Leaf:
    return Leaf(**{"id": path.rpartition("/")[2], "path": path, "run": "true", **fields})


def _hook(name: str, *, parallel: bool = False, **fields: Any) -> Hook:
    return Hook(id=name, parallel=parallel, leaf=_leaf("", **fields))


def _group(path: str, *children: Node, **fields: Any) -> Group:
    level = "step" if "/" in path else "phase"
    return Group(id=path.rpartition("/")[2], path=path, level=level, children=children, **fields)


def _plan(*phases: Node, **fields: Any) -> Plan:
    return Plan(sprint_id="checked", phases=phases, **fields)


def subjects() -> tuple[Subject, ...]:
    """The plans that are explored to their end."""
    every, gate, final = (
        verdicts(),
        Gate(script="true", prompt="mend it", tries=2),
        Gate(script="true", tries=1),
    )

    def subject(
        name: str,
        what: str,
        plan: Plan,
        *,
        said: Sequence[str] = _FEW,
        people: frozenset[Kind] = _ENDS,
        limit: int = 2,
        aborts: bool = False,
    ) -> Subject:
        scope = Scope(tuple(said), limit=limit, people=people, aborts=aborts)
        return Subject(name=name, what=what, plan=plan, scope=scope)

    return (
        subject(
            "task",
            "one task that may be tried twice; every verdict, every request",
            _plan(_leaf("a", retry=Retry(max_attempts=2, backoff=(1.0,)))),
            said=[one for one in every if one not in ELSEWHERE],
            people=_ALL,
        ),
        subject(
            "shim",
            "one task whose shim may die before it begins, however often",
            _plan(_leaf("a")),
            aborts=True,
        ),
        subject(
            "backstop",
            "one task for which no more than two further attempts are made",
            _plan(_leaf("a", retry=Retry(max_attempts=4)), most_attempts=2),
            people=frozenset({Kind.CANCEL}),
        ),
        subject(
            "agent",
            "a prompt with a second agent to fall over to; every verdict about an agent",
            _plan(_leaf("a", run=None, prompt="do", failover=(Agent(name="codex"),), retry=Retry())),
            said=("ok", *(one for one in every if one in ELSEWHERE)),
            people=frozenset({Kind.CANCEL}),
        ),
        subject(
            "account",
            "two prompts of one account, one in the background; usage limits",
            _plan(_leaf("a", run=None, prompt="do", parallel=True), _leaf("b", run=None, prompt="do")),
            said=("ok", "limit"),
            people=frozenset({Kind.CANCEL}),
        ),
        subject(
            "gate",
            "a task with a gate and a fix; cancelling alone",
            _plan(_leaf("a", gate=gate)),
            people=frozenset({Kind.CANCEL}),
        ),
        subject(
            "final gate",
            "a task whose gate is final; every request",
            _plan(_leaf("a", gate=final)),
            people=_ALL,
        ),
        subject(
            "group",
            "a phase with a gate, one step, one task; every request",
            _plan(_group("p", _group("p/s", _leaf("p/s/a")), gate=final, breaks=True)),
            people=_ALL,
        ),
        subject(
            "approval",
            "a phase and a task in it that have to be approved, and a task in the background; answers and skipping",
            _plan(
                _leaf("b", parallel=True, approval=Approval(message="go?", timeout=1.0)),
                _group("p", _group("p/s", _leaf("p/s/a")), approval=Approval(message="go?")),
            ),
            said=("ok",),
            people=frozenset({Kind.CANCEL, Kind.SKIP, Kind.ANSWER}),
            limit=1,
        ),
        subject(
            "background",
            "a background task, and a sync point that tolerates its failure",
            _plan(_leaf("a", parallel=True), _leaf("b", wait=True)),
        ),
        subject(
            "background, blocking",
            "a background task whose failure blocks the sprint at its end",
            _plan(_leaf("a", parallel=True), on_parallel_failure="block"),
            said=every,
            people=_ALL,
        ),
        subject(
            "hooks",
            "a task with a hook that is waited for and one beside; one slot, every request",
            _plan(_leaf("a"), hooks=(_hook("h"), _hook("i", parallel=True))),
            people=_ALL,
            limit=1,
        ),
        subject(
            "hook in the background",
            "a background task with a hook; one slot, every request",
            _plan(_leaf("a", parallel=True), hooks=(_hook("h"),)),
            people=_ALL,
            limit=1,
        ),
        subject(
            "dependency",
            "a step that depends on another, and is left out when that fails; one slot, and skipping",
            _plan(
                _group(
                    "p",
                    _group("p/s", _leaf("p/s/a")),
                    _group("p/t", _leaf("p/t/b"), depends_on=("s",)),
                    on_dependency_failure="skip-dependents",
                )
            ),
            people=frozenset({Kind.CANCEL, Kind.SKIP}),
            limit=1,
        ),
        subject(
            "side by side",
            "two steps at once, with a breakpoint after the first",
            _plan(
                _group(
                    "p",
                    _group("p/s", _leaf("p/s/a", breaks=True)),
                    _group("p/t", _leaf("p/t/b")),
                    parallel=True,
                )
            ),
            said=("ok", "needs-human"),
            people=frozenset({Kind.CANCEL}),
        ),
    )


def deep_subjects() -> tuple[Subject, ...]:
    """The same plans with every request and, where only good and bad ends were told apart, every verdict."""
    scopes = {
        one.name: one.scope._replace(
            people=_ALL, verdicts=verdicts() if one.scope.verdicts == _FEW else one.scope.verdicts
        )
        for one in subjects()
    }
    return tuple(
        replace(one, name=f"{one.name}, deep", scope=scopes[one.name])
        for one in subjects()
        if scopes[one.name] != one.scope
    )


class Looked(NamedTuple):
    """One exploration: how much there was."""

    name: str
    what: str
    moments: int
    steps: int
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a check amounts to: nothing is proved unless `findings` is empty and every exploration complete."""

    findings: tuple[Finding, ...]
    looked: tuple[Looked, ...]
    met: frozenset[tuple[str, str, str]]
    """(machine, trigger, source) of every row that was met."""

    @property
    def holds(self) -> bool:
        """Whether every law holds, over everything that was to be looked at."""
        return not self.findings and all(one.complete for one in self.looked)


def prove(
    chosen: Sequence[Subject] | None = None,
    *,
    rules: Rules = RULES,
    tables: Tables = TABLES,
    most: int = 200_000,
) -> Proof:
    """Checks the tables, and explores the plans; `most` moments of each. Deterministic."""
    findings = list(table_findings(tables, STATES))
    looked: list[Looked] = []
    met: set[tuple[str, str, str]] = set()
    for one in subjects() if chosen is None else chosen:
        graph = explore(one.plan, one.scope, rules=rules, most=most)
        findings += [found._replace(what=f"{found.what} (plan: {one.name})") for found in graph.findings]
        looked.append(Looked(one.name, one.what, len(graph.parents), graph.steps, graph.complete))
        met |= graph.rows
    if chosen is None:
        findings += uncovered(met, tables)
    return Proof(findings=tuple(findings), looked=tuple(looked), met=frozenset(met))


def uncovered(met: AbstractSet[tuple[str, str, str]], tables: Tables) -> Iterator[Finding]:
    """Rows of the explored machines that nothing comes to, and those that are wrongly said to be so."""
    known = {
        (name, row.trigger, row.source)
        for name in EXPLORED
        for row in tables[name]
        if row.trigger not in PLAIN
    }
    said: set[tuple[str, str, str]] = {*UNMET}
    wrong = (
        ("no plan that is explored comes to {} from {}", known - met - said),
        ("{} from {} is met, and is said not to be", said & met),
        ("{} from {} is said not to be met, and is no row", said - known),
    )
    for what, rows in wrong:
        for machine, trigger, source in sorted(rows):
            yield Finding("covered", f"{machine}: {what.format(trigger, source)}")
