"""`run --dry-run`: everything that would be executed, in order, with nothing executed."""

import json as text
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fsm.plan import Leaf
from fsm.sprint import Sprint
from fsm.unit import Unit
from fsm_sprint.agents.registry import DEFAULT
from fsm_sprint.cli.definition import compiled
from fsm_sprint.paths import SprintPaths
from fsm_sprint.work import Work, missing


def rehearse(paths: SprintPaths, workflows: Sequence[Path] | None, *, strict: bool, json: bool) -> None:
    """Prints argv, names of the environment, directory, bounds and prompt of every task of a run from the start."""
    plan = compiled(paths, workflows, strict=strict).plan
    sprint = Sprint("dry-run", lambda _: "")
    sprint.plant(plan)
    work = Work(sprint, paths)
    tasks = list(_tasks(sprint, work))
    absent = missing(plan)
    if json:
        print(
            text.dumps(
                {"version": 1, "sprint": plan.sprint_id, "tasks": tasks, "missing": absent},
                ensure_ascii=False,
            )
        )
        return
    for number, task in enumerate(tasks, 1):
        print(f"{number}. {task['unit']}{'  (in the background)' if task['background'] else ''}")
        print(f"   argv: {' '.join(map(repr, task['argv']))}")
        print(f"   in {task['cwd']}, with {', '.join(task['environment'])}")
        if task["agents"]:
            print(f"   asks {', then '.join(task['agents'])}")
        for name in ("timeout", "idle-timeout", "first-output"):
            if task[name] is not None:
                print(f"   {name}: {task[name]:g} s")
        if task["prompt"] is not None:
            print("   prompt:")
            print("".join(f"   | {line}\n" for line in task["prompt"].splitlines()), end="")
    for name in absent:
        print(f"missing: {name}")


def _tasks(sprint: Sprint, work: Work) -> Iterator[dict[str, Any]]:
    for unit in sprint.order:
        if unit.machine == "task" and (unit.owner is None or unit is unit.owner.gate):
            yield _task(unit, work)


def _task(unit: Unit, work: Work) -> dict[str, Any]:
    job = work.job(unit.path, 1)
    added = sorted(set(job.env) - set(work.environment))
    return {
        "unit": unit.path,
        "background": unit.background,
        "argv": list(job.argv),
        "environment": added,
        "agents": _asked(unit),
        "cwd": job.cwd,
        "timeout": job.timeout,
        "idle-timeout": job.idle_timeout,
        "first-output": job.first_output,
        "prompt": None if job.stdin is None else job.stdin.decode("utf-8", "replace"),
    }


def _asked(unit: Unit) -> list[str]:
    """The names of the agent that is asked, and of those that are when it cannot be."""
    leaf = unit.node
    if not isinstance(leaf, Leaf) or leaf.prompt is None:
        return []
    return [agent.name for agent in (leaf.agent or DEFAULT, *leaf.failover)]
