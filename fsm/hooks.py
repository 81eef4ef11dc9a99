"""Hooks of each iteration as leaves: after every leaf of a plan, each hook that is on, as a task of its own.

Rule: they are no part of the plan's tree, they follow from it: the same for every leaf, apart from where they stand.
What comes of a hook decides nothing: a leaf is not undone by it, and what comes after goes on.
"""

from collections.abc import Iterator
from dataclasses import replace

from fsm.plan import Hook, Leaf, Plan, escape, leaves

MARK = "#hook."
"""Between the path of a leaf and the id of a hook."""


def in_line(plan: Plan) -> tuple[Hook, ...]:
    """The hooks in the order in which they run: those that are waited for, then those beside one another.

    A plan of an earlier version says of its hooks only what they are called: those never ran, and do not now.
    """
    known = [hook for hook in plan.hooks if hook.leaf is not None]
    return tuple(sorted(known, key=lambda hook: hook.parallel))


def made(hook: Hook, leaf: Leaf) -> Leaf:
    """A hook as it runs after a leaf: in the background where that does, or where the hook says so."""
    assert hook.leaf is not None, "it is in line"
    return replace(
        hook.leaf,
        id=f"hook.{hook.id}",
        path=f"{leaf.path}{MARK}{escape(hook.id)}",
        parallel=hook.parallel or leaf.parallel,
        hook=True,
    )


def hooks_of(plan: Plan, leaf: Leaf) -> tuple[Leaf, ...]:
    """What runs after a leaf, in line."""
    return tuple(made(hook, leaf) for hook in in_line(plan))


def tasks(plan: Plan) -> Iterator[Leaf]:
    """Every leaf in plan order, each with its hooks after it."""
    line = in_line(plan)
    for leaf in leaves(plan):
        yield leaf
        for hook in line:
            yield made(hook, leaf)


def is_hook(path: str) -> bool:
    """Whether a unit's path is that of a hook."""
    return MARK in path


def iterations(plan: Plan) -> dict[str, int]:
    """The number of the iteration that each leaf is, by path: its rank in the plan, from 1."""
    return {leaf.path: number for number, leaf in enumerate(leaves(plan), 1)}
