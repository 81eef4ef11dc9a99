"""Plans for the tests of the core: short to write by hand, and any there may be as a Hypothesis strategy."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from fsm.plan import Agent, Approval, Gate, Group, Hook, Leaf, Node, Plan, Retry, escape


def leaf(name: str, **fields: Any) -> Leaf:
    return Leaf(**{"id": name, "path": "", "run": "true", **fields})


def back(name: str, **fields: Any) -> Leaf:
    """A ParallelTask."""
    return leaf(name, parallel=True, **fields)


def step(name: str, *children: Node, **fields: Any) -> Group:
    return Group(id=name, path="", level="step", children=children, **fields)


def phase(name: str, *children: Node, **fields: Any) -> Group:
    return Group(id=name, path="", level="phase", children=children, **fields)


def gate(tries: int = 3, prompt: str | None = "mend it") -> Gate:
    return Gate(script="check", prompt=prompt, tries=tries)


def plan(*phases: Node, **fields: Any) -> Plan:
    """A plan of nodes whose paths follow from where they stand."""
    return Plan(sprint_id="s", phases=tuple(_placed(node, "") for node in phases), **fields)


def _placed(node: Node, above: str) -> Node:
    path = above + escape(node.id)
    if isinstance(node, Leaf):
        return replace(node, path=path)
    return replace(node, path=path, children=tuple(_placed(child, path + "/") for child in node.children))


def chain(count: int) -> Plan:
    """One for-each phase of `count` steps of one leaf."""
    return plan(phase("p", *(step(f"s{n}", leaf("l")) for n in range(count))))


_retries = st.none() | st.builds(
    Retry,
    max_attempts=st.integers(1, 3),
    backoff=st.sampled_from([(), (0.5, 2.0)]),
    on=st.sampled_from([(), (), ("transient",), ("failed", "lost")]),
    jitter=st.booleans(),
    resume=st.booleans(),
)
FIRST = Agent(name="claude", account="work")
SECOND = Agent(name="codex")
THIRD = Agent(name="claude", account="home")

_approvals = st.sampled_from([None] * 9 + [Approval(message="go?", timeout=0.02, on_timeout="approve")])
_hooks = st.sampled_from(
    [
        (),
        (),
        (),
        (Hook(id="h", leaf=leaf("h")),),
        (Hook(id="i", parallel=True, leaf=leaf("i")), Hook(id="h", leaf=leaf("h"))),
    ]
)
_dependencies = st.sampled_from(["fail-phase", "fail-phase", "skip-dependents", "continue"])
_gates = st.none() | st.none() | st.builds(gate, st.integers(1, 3), st.sampled_from(["mend it", None]))


@st.composite
def leaves(draw: st.DrawFn, name: str, *, background: bool = True, breaks: bool = True) -> Leaf:
    return leaf(
        name,
        **draw(st.sampled_from([{}, {}, {"run": None, "prompt": "do it"}])),
        exclusive=draw(st.sampled_from([None, None, None, "m", "n"])),
        parallel=background and draw(st.integers(0, 3)) == 0,
        wait=draw(st.integers(0, 4)) == 0,
        breaks=breaks and draw(st.integers(0, 9)) == 0,
        gate=draw(_gates),
        retry=draw(_retries),
        on_lost=draw(st.sampled_from(["fail", "fail", "retry", "ask"])),
        idempotent=draw(st.booleans()),
        agent=draw(st.sampled_from([None, None, FIRST])),
        failover=draw(st.sampled_from([(), (), (SECOND,), (SECOND, THIRD)])),
        approval=draw(_approvals),
    )


@st.composite
def plans(
    draw: st.DrawFn, *, background: bool = True, side_by_side: bool = True, breaks: bool = True
) -> Plan:
    """Small plans with any mixture of what a plan may hold, empty groups and mere sync points included."""

    def some_leaves(at_most: int) -> tuple[Leaf, ...]:
        count = draw(st.integers(0, at_most))
        return tuple(draw(leaves(f"l{n}", background=background, breaks=breaks)) for n in range(count))

    def steps() -> tuple[Group, ...]:
        made: list[Group] = []
        for n in range(draw(st.integers(0, 3))):
            needs = [s.id for s in made if draw(st.integers(0, 3)) == 0]
            made.append(
                step(
                    f"s{n}",
                    *some_leaves(2),
                    depends_on=tuple(needs),
                    parallel=side_by_side and draw(st.integers(0, 5)) == 0,
                    gate=draw(_gates),
                    approval=draw(_approvals),
                )
            )
        # What a step depends on may stand after it: the order of the file is not that of the work.
        return tuple(draw(st.permutations(made)))

    phases: list[Node] = []
    for n in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["leaf", "steps", "steps", "sync"]))
        if kind == "leaf":
            phases.append(draw(leaves(f"p{n}", background=background, breaks=breaks)))
        elif kind == "sync":
            phases.append(phase(f"p{n}", wait=True))
        else:
            group = phase(
                f"p{n}",
                *steps(),
                parallel=side_by_side and draw(st.booleans()),
                wait=draw(st.integers(0, 4)) == 0,
                breaks=breaks and draw(st.integers(0, 9)) == 0,
                gate=draw(_gates),
                on_dependency_failure=draw(_dependencies),
                approval=draw(_approvals),
                on_parallel_failure=draw(st.sampled_from([None, "warn", "block"])),
            )
            phases.append(group)
    return plan(
        *phases,
        hooks=draw(_hooks),
        agents=draw(st.sampled_from([None, None, 1])),
        on_parallel_failure=draw(st.sampled_from(["warn", "warn", "block"])),
    )
