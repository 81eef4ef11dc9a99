"""What is simulated: small random plans with any mixture of what a plan may hold, and what their leaves must wait for.

Rule: the conditions are read off the plan alone, in the plainest way there is; nothing of `fsm.ready` is used.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from fsm.hooks import hooks_of, tasks
from fsm.plan import (
    Agent,
    Approval,
    Budget,
    Gate,
    Group,
    Hook,
    Leaf,
    Node,
    Orchestration,
    Plan,
    Retry,
    Subscription,
    nodes,
)
from fsm.processes import HANG
from fsm.transition import Facts


@dataclass(slots=True)
class Conditions:
    """What must be so when a leaf runs."""

    after_well: list[str] = field(default_factory=list)
    """Units that must have ended well."""
    after: list[str] = field(default_factory=list)
    """Background leaves that must have ended, well or not; hooks, unless their leaf has not ended well."""
    hooks: list[str] = field(default_factory=list)
    """Hooks of the main line that must have ended, well or not, unless their leaf has not ended well."""
    exclusive: str | None = None
    agent: bool = False


def conditions(plan: Plan) -> dict[str, Conditions]:
    """The conditions of every leaf and hook, by path."""
    found: dict[str, Conditions] = {}
    _walk(plan, plan.phases, Conditions(), [], found)
    return found


def _walk(
    plan: Plan, nodes: tuple[Node, ...], above: Conditions, beside: list[str], found: dict[str, Conditions]
) -> None:
    """`above` holds for all of these; `beside` are the background leaves that the main line has passed before them."""
    before: list[str] = []
    hooked: list[str] = []
    for node in nodes:
        here = Conditions(
            [*above.after_well, *before],
            [*above.after, *(beside if node.wait else ())],
            [*above.hooks, *hooked],
        )
        if isinstance(node, Leaf):
            here.exclusive, here.agent = node.exclusive, node.prompt is not None
            found[node.path] = here
            if node.parallel:
                beside = [*beside, node.path]
            else:
                before.append(node.path)
            waited = [hook.path for hook in _hooks(plan, node, found)]
            if node.parallel:
                beside = [*beside, *waited]
            else:
                hooked += [path for path in waited if not _beside(plan, path)]
                beside = [*beside, *(path for path in waited if _beside(plan, path))]
            continue
        before.append(node.path)
        if not node.parallel and not any(
            isinstance(step, Group) and step.depends_on for step in node.children
        ):
            _walk(plan, node.children, here, beside, found)
        else:
            _steps(plan, node, here, beside, found)
        for leaf in _leaves(node):
            paths = [one.path for one in (leaf, *hooks_of(plan, leaf)) if one.parallel]
            beside = [*beside, *paths]


def _hooks(plan: Plan, leaf: Leaf, found: dict[str, Conditions]) -> Iterator[Leaf]:
    """The hooks of a leaf: each after it, and after those before it that are waited for.

    What the leaf had to wait for is not asked again: it may have been set going once more since.
    """
    waited: list[str] = []
    for rank, hook in enumerate(hooks_of(plan, leaf)):
        here = Conditions([leaf.path], [], list(waited))
        here.exclusive, here.agent = hook.exclusive, hook.prompt is not None
        found[hook.path] = here
        if not sorted(one.parallel for one in plan.hooks)[rank]:
            waited.append(hook.path)
        yield hook


def _beside(plan: Plan, path: str) -> bool:
    """Whether the main line does not wait for a hook of a leaf of its own."""
    return any(hook.parallel and path.endswith(f"#hook.{hook.id}") for hook in plan.hooks)


def _steps(
    plan: Plan, group: Group, above: Conditions, beside: list[str], found: dict[str, Conditions]
) -> None:
    """Steps that follow their dependencies and not one another."""
    for step in group.children:
        assert isinstance(step, Group), "steps are groups"
        wanted = [f"{group.path}/{name}" for name in step.depends_on]
        here = Conditions(
            [*above.after_well, *(wanted if group.on_dependency_failure != "continue" else ())],
            [*above.after, *(beside if step.wait else ())],
            list(above.hooks),
        )
        _walk(plan, step.children, here, beside, found)


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    else:
        for child in node.children:
            yield from _leaves(child)


def random_plan(random: Random) -> Plan:
    """A plan of one to three phases with at most three steps of two leaves."""
    phases = [_phase(random, f"p{index}") for index in range(random.randint(1, 3))]
    named = repr(phases)
    drawn = Random(named)  # so that plans without hooks are those that they were before there were any
    rich = Random(f"budgets of {named}")
    budgets = rich.random() < 0.15
    if budgets:
        phases = [_bounded(rich, phase) for phase in phases]
    return Plan(
        sprint_id="simulated",
        phases=tuple(phases),
        budget=_budget(rich, 0.6) if budgets else None,
        orchestration=_orchestration(rich),
        hooks=tuple(_hook(drawn, f"h{rank}") for rank in range(max(0, drawn.randint(-5, 2)))),
        agents=1 if random.random() < 0.2 else None,
        on_parallel_failure="block" if random.random() < 0.3 else "warn",
        subscriptions=tuple(
            Subscription(event=event, run="true")
            for event in ("blocked", "completed", "paused", "needs-human")
            if random.random() < 0.1
        ),
    )


def _phase(random: Random, path: str) -> Node:
    if random.random() < 0.5:
        return _leaf(random, path, path)
    depending = random.random() < 0.3
    steps = tuple(_step(random, path, rank, depending=depending) for rank in range(random.randint(0, 3)))
    return Group(
        id=path,
        path=path,
        level="phase",
        children=steps,
        parallel=random.random() < 0.4,
        wait=random.random() < 0.1,
        gate=_gate(random),
        breaks=random.random() < 0.1,
        approval=_approval(random),
        on_dependency_failure=random.choice(("fail-phase", "skip-dependents", "continue")),
    )


def _step(random: Random, path: str, rank: int, *, depending: bool) -> Group:
    return Group(
        id=f"s{rank}",
        path=f"{path}/s{rank}",
        level="step",
        children=tuple(
            _leaf(random, f"l{leaf}", f"{path}/s{rank}/l{leaf}") for leaf in range(random.randint(0, 2))
        ),
        depends_on=tuple(f"s{other}" for other in range(rank) if depending and random.random() < 0.5),
        gate=_gate(random),
    )


def _leaf(random: Random, name: str, path: str) -> Leaf:
    agent = random.random() < 0.3
    return Leaf(
        id=name,
        path=path,
        run=None if agent else "true",
        prompt="do it" if agent else None,
        parallel=random.random() < 0.25,
        wait=random.random() < 0.15,
        breaks=random.random() < 0.1,
        gate=_gate(random),
        retry=Retry(max_attempts=3, backoff=(0.5,)) if random.random() < 0.4 else None,
        exclusive="database" if random.random() < 0.15 else None,
        timeout=60.0 if random.random() < 0.4 else None,
        agent=Agent(name=random.choice(_NAMES)) if agent else None,
        failover=(Agent(name=random.choice(_NAMES)),) if agent and random.random() < 0.4 else (),
        approval=_approval(random),
        on_lost=random.choice(("fail", "fail", "retry", "ask")),
        idempotent=random.random() < 0.3,
    )


def _bounded(random: Random, node: Node) -> Node:
    """A phase with what it and its parts may spend."""
    if isinstance(node, Group):
        children = tuple(_bounded(random, child) for child in node.children)
        return replace(node, children=children, budget=_budget(random, 0.3))
    return replace(node, budget=_budget(random, 0.2))


def _budget(random: Random, chance: float) -> Budget | None:
    if random.random() > chance:
        return None
    if random.random() < 0.5:
        return Budget(attempts=random.randint(1, 6))
    return Budget(cost_usd=random.choice((0.5, 1.0, 3.0)))


def _orchestration(random: Random) -> Orchestration | None:
    if random.random() > 0.2:
        return None
    return Orchestration(
        enabled=True,
        insert_strategy=random.choice(("after-current", "end-of-phase")),
        auto_approve=random.random() < 0.6,
    )


def proposes(random: Random, by: str) -> Facts:
    """What an attempt of an agent would add to the plan, if anything."""
    count = random.choice((0, 0, 0, 1, 2))
    name = by.replace("/", "-").replace("#", "-")
    steps = [{"id": f"{name}-{n}", "prompt": f"step {n} of {by}"} for n in range(count)]
    return {"proposed-steps": steps} if steps else {}


def costs(random: Random) -> Facts:
    """What an attempt of an agent tells of its price, if it tells."""
    told = random.choice((None, 0.0, 0.2, 0.6, 1.5))
    return {} if told is None else {"cost-usd": told}


def _hook(random: Random, name: str) -> Hook:
    agent = random.random() < 0.3
    leaf = Leaf(
        id=name,
        path="",
        run=None if agent else "true",
        prompt="learn" if agent else None,
        retry=Retry(max_attempts=2, backoff=(0.5,)) if random.random() < 0.4 else None,
        timeout=60.0 if random.random() < 0.5 else None,
        exclusive="database" if random.random() < 0.1 else None,
        agent=Agent(name=random.choice(_NAMES)) if agent else None,
    )
    return Hook(id=name, parallel=random.random() < 0.5, leaf=leaf)


def random_script(random: Random, plan: Plan) -> dict[str, tuple[int, ...]]:
    """For some units, the wait statuses with which they end before they end well; only the bounded ones hang."""
    found: dict[str, tuple[int, ...]] = {}
    for node in nodes(plan):
        names = [node.path] if isinstance(node, Leaf) else []
        names += [f"{node.path}#gate", f"{node.path}#fix"] if node.gate is not None else []
        for name in names:
            bounded = "#" in name or (isinstance(node, Leaf) and node.timeout is not None)
            bad = _BAD if not bounded else (*_BAD, HANG, HANG)
            if isinstance(node, Leaf) and name == node.path and node.prompt is not None:
                bad = (*bad, *(code << 8 for code in VERDICTS))
            count = sum(random.random() < 0.15 for _ in range(2))
            if count:
                found[name] = tuple(random.choice(bad) for _ in range(count))
    for task in tasks(plan):
        if task.hook and random.random() < 0.3:
            bad = _BAD if task.timeout is None else (*_BAD, HANG, HANG)
            if task.prompt is not None:
                bad = (*bad, *(code << 8 for code in VERDICTS))
            found[task.path] = tuple(random.choice(bad) for _ in range(random.randint(1, 2)))
    return found


def _approval(random: Random) -> Approval | None:
    if random.random() > 0.05:
        return None
    timeout = random.choice((None, 30.0))
    return Approval(message="may it?", timeout=timeout, on_timeout=random.choice(("approve", "reject")))


_NAMES = ("ada", "bob")
VERDICTS = {75: "limit", 76: "overloaded", 77: "auth", 78: "needs-human"}
"""What an agent's exit codes amount to."""
_BAD = (1 << 8, 7 << 8, 137 << 8, 11)


def _gate(random: Random) -> Gate | None:
    return (
        Gate(script="true", prompt="mend it", tries=random.randint(1, 3)) if random.random() < 0.2 else None
    )


_FINAL = frozenset({"needs-human", "denied", "auth", "billing", "budget"})
"""Verdicts that trying again cannot mend."""
_AGENTS = Retry(max_attempts=4, backoff=(15.0, 60.0, 300.0), on=("overloaded",), jitter=True)
"""What is promised for prompts where nobody says anything."""


def policy_of(plan: Plan, node: Node | None, verdict: str) -> Retry | None:
    """What says that a leaf is tried again after a verdict; None when nothing does."""
    if not isinstance(node, Leaf):
        return None
    policy = node.retry
    if policy is None and node.prompt is not None:
        policy = plan.retry or _AGENTS
    if verdict == "lost" and node.on_lost == "retry":
        return policy if policy is not None and policy.max_attempts > 1 else Retry(max_attempts=2)
    if policy is None or verdict in policy.on:
        return policy
    if policy.on or verdict in _FINAL:
        return None
    return policy if verdict != "lost" or (node.idempotent and node.on_lost != "ask") else None
