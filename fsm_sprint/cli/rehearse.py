"""`run --dry-run`: everything that would be executed, in order, with nothing executed."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from fsm.plan import Gate, Leaf, Plan
from fsm.sprint import Sprint, fold
from fsm.states import TaskState
from fsm.unit import Unit
from fsm_sprint.agents.registry import DEFAULT
from fsm_sprint.cli import record
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.document import printed
from fsm_sprint.report.terminal import line, plain
from fsm_sprint.work import Work, missing, workdir

_OVER = {"completed", "skipped"}
"""States of tasks and groups out of which only a person's wish leads."""


def begun(paths: SprintPaths) -> Sprint | None:
    """The run that `run` would go on with, or find at its end; None where nothing was ever run."""
    if not record.there(paths):
        return None
    with record.reading(paths.journal) as reader, reader.snapshot():
        run = reader.latest_run()
        return None if run is None else fold(reader.rows(run), run, reader.text)


def over(unit: Unit) -> bool:
    """Whether a unit is not run any more when its run goes on: its work is done or left out."""
    of = unit.owner or unit
    return {unit.state, of.state} & _OVER != set() or (
        unit.leaf is not None and unit.leaf.state == TaskState.SKIPPED
    )


def rehearse(paths: SprintPaths, plan: Plan, done: AbstractSet[str] = frozenset(), *, json: bool) -> None:
    """Prints argv, names of the environment, directory, bounds and prompt of every task that is not `done`.

    Gates and the agents that mend what they find are among the tasks; hooks and notices come after them. Prompts are
    those of first attempts.
    """
    sprint = Sprint("dry-run", lambda _: "")
    sprint.plant(plan)
    work = Work(sprint, paths)
    tasks = list(_tasks(sprint, work, done))
    hooks, notices = _hooks(plan), _notices(plan, str(workdir(paths)))
    absent = missing(plan)
    if json:
        print(
            printed(
                {
                    "version": 1,
                    "sprint": plan.sprint_id,
                    "tasks": tasks,
                    "hooks": hooks,
                    "notices": notices,
                    "missing": absent,
                }
            )
        )
        return
    for number, task in enumerate(tasks, 1):
        print(f"{number}. {line(task['unit'])}{'  (in the background)' if task['background'] else ''}")
        print(f"   argv: {' '.join(map(repr, task['argv']))}")
        print(f"   in {line(task['cwd'])}, with {line(', '.join(task['environment']))}")
        if task["when"]:
            print(f"   {task['when']}")
        if task["agents"]:
            print(f"   asks {line(', then '.join(task['agents']))}")
        for name in ("timeout", "idle-timeout", "first-output"):
            if task[name] is not None:
                print(f"   {name}: {task[name]:g} s")
        if task["prompt"] is not None:
            print("   prompt:")
            print("".join(f"   | {part}\n" for part in plain(task["prompt"]).split("\n")), end="")
    for hook in hooks:
        how = (
            f"workflow {hook['workflow']!r}" if hook["workflow"] is not None else f"prompt {hook['prompt']!r}"
        )
        beside = "  (in the background)" if hook["background"] else ""
        print(f"hook {line(hook['id'])}, at each iteration: {how}{beside}")
    for notice in notices:
        what = (
            f"argv: {' '.join(map(repr, notice['argv']))} in {line(notice['cwd'])}"
            if notice["argv"]
            else f"posts to {notice['url']!r}"
        )
        print(f"notice when {notice['event']}: {what}")
    for name in absent:
        print(f"missing: {line(name)}")


def _tasks(sprint: Sprint, work: Work, done: AbstractSet[str]) -> Iterator[dict[str, Any]]:
    for unit in sprint.order:
        if unit.path in done:
            continue
        mends = unit.owner is not None and unit is unit.owner.fix
        if unit.machine == "task" and (not mends or (isinstance(unit.node, Gate) and unit.node.prompt)):
            yield _task(unit, work)


def _task(unit: Unit, work: Work) -> dict[str, Any]:
    job = work.job(unit.path, 1)
    # A variable that the user has too and that is given another value is an addition like any other: PATH above all.
    added = sorted(name for name, value in job.env.items() if work.environment.get(name) != value)
    return {
        "unit": unit.path,
        "when": _when(unit),
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


def _when(unit: Unit) -> str | None:
    """What has to have happened first, for what is no phase of its own."""
    if unit.leaf is not None:
        return f"each time that {unit.leaf.path} has ended well; nothing fails of it"
    if unit.owner is None:
        return None
    if unit is unit.owner.gate:
        return "once it has ended well, and after each repair"
    return "after a check that failed; its output is added to the prompt"


def _hooks(plan: Plan) -> list[dict[str, Any]]:
    return [
        {"id": hook.id, "prompt": hook.prompt, "workflow": hook.workflow, "background": hook.parallel}
        for hook in plan.hooks
    ]


def _notices(plan: Plan, cwd: str) -> list[dict[str, Any]]:
    return [
        {
            "event": one.event,
            "argv": None if one.run is None else ["/bin/sh", "-c", one.run],
            "cwd": None if one.run is None else cwd,
            "url": one.url,
        }
        for one in plan.subscriptions
    ]


def _asked(unit: Unit) -> list[str]:
    """The names of the agent that is asked, and of those that are when it cannot be."""
    leaf = unit.node
    if not isinstance(leaf, Leaf) or leaf.prompt is None:
        return []
    return [agent.name for agent in (leaf.agent or DEFAULT, *leaf.failover)]
