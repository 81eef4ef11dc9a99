"""What the tasks of a sprint run: the leaves, gates, fixes and hooks of the plan as jobs, where the sprint works."""

import os
from datetime import UTC, datetime
from pathlib import Path

from fsm.plan import Agent, Leaf, Plan, leaves, nodes
from fsm.sprint import Sprint
from fsm.transition import Facts
from fsm_sprint.agents.contract import Driver
from fsm_sprint.agents.registry import installed
from fsm_sprint.executors.environment import user_environment
from fsm_sprint.executors.job import Job
from fsm_sprint.executors.jobs import Check, Jobs
from fsm_sprint.paths import SprintPaths
from fsm_sprint.prompt import Prompts


class Work:
    """The jobs of one run. They follow the fold: a fix is told what the check before it said."""

    def __init__(self, sprint: Sprint, paths: SprintPaths) -> None:
        self._sprint = sprint
        self._paths = paths
        self.environment = user_environment(os.environ)
        """What tasks inherit."""
        self._jobs: Jobs | None = None
        self._of = ""

    def job(self, unit: str, attempt: int) -> Job:
        """What an attempt runs."""
        return self._current().job(unit, attempt)

    def verdict(
        self, unit: str, attempt: int, ended: dict[str, str], log: Path, errors: Path | None
    ) -> tuple[str, Facts]:
        """What an attempt amounted to, and the facts for its row."""
        return self._current().verdict(unit, attempt, ended, log, errors)

    def driver(self, unit: str, attempt: int) -> Driver | None:
        """What understands the output of an attempt; None where no agent is asked."""
        return self._current().driver(unit, attempt)

    def _current(self) -> Jobs:
        if self._jobs is None or self._of != self._sprint.plan_digest:
            self._of = self._sprint.plan_digest
            prompts = Prompts(self._sprint, self._paths.directory)
            self._jobs = Jobs(
                self._sprint.plan,
                workdir(self._paths),
                self.environment,
                self._last_check,
                prompts.of,
                chosen=self._chosen,
                began=self._began,
                iteration=prompts.iteration,
            )
        return self._jobs

    def _chosen(self, path: str, attempt: int) -> Facts:
        """What the row that spawned an attempt says of who is asked, and in which session."""
        spawned = self._sprint.unit(path).spawned
        return spawned.decoded() if spawned is not None and spawned.attempt == attempt else {}

    def _began(self, path: str) -> str | None:
        """When the first attempt of a leaf, or of anything in a group, was made."""
        unit = self._sprint.unit(path)
        row = unit.first or unit.started
        if row is None:
            return None
        at = datetime.fromtimestamp(row.at / 1000, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _last_check(self, path: str) -> Check | None:
        gate = self._sprint.unit(path)
        if gate.spawned is None or gate.ended is None:
            return None
        return Check(self._paths.log(gate.spawned.decoded()["log"]), gate.ended.decoded())


def workdir(paths: SprintPaths) -> Path:
    """Where tasks work: the top of the git work tree that the sprint lies in, else the sprint's own directory."""
    for folder in (paths.directory, *paths.directory.parents):
        if (folder / ".git").exists():
            return folder
    return paths.directory


def available(plan: Plan) -> None:
    """SprintError naming the first agent of the plan that is not installed."""
    installed(_agents(plan))


def missing(plan: Plan) -> list[str]:
    """What `available` would complain of, in words."""
    from fsm.errors import SprintError

    found: dict[str, None] = {}
    for agent in _agents(plan):
        try:
            installed([agent])
        except SprintError as error:
            found[str(error)] = None
    return list(found)


def _agents(plan: Plan) -> list[Agent | None]:
    """Who is asked: a prompt's agent and those after it, and the agent that mends what a gate finds."""
    asked = [node for node in leaves(plan) if node.prompt is not None]
    asked += [hook.leaf for hook in plan.hooks if hook.leaf is not None and hook.leaf.prompt is not None]
    fixed = [node for node in nodes(plan) if node.gate is not None and node.gate.prompt is not None]
    found = [agent for node in asked for agent in (node.agent, *node.failover)]
    for node in fixed:
        own = node.agent if isinstance(node, Leaf) else None
        found.append(node.gate.agent or own if node.gate is not None else own)
    return found
