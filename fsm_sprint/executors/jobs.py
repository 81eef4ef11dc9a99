"""From a unit of the plan to what its attempt runs, and from how that ended to its verdict.

A shell phase is judged by its exit status alone; a prompt by the driver of its agent. `<owner>#gate` runs the gate's
script, `<owner>#fix` asks the owner's agent to mend what the script found, `<leaf>#hook.<id>` is a leaf of its own.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypedDict

from fsm.errors import SprintError
from fsm.hooks import is_hook, tasks
from fsm.plan import Gate, Group, Leaf, Node, Plan, nodes
from fsm.transition import Facts
from fsm_sprint.agents.contract import TAIL, Brief, Driver
from fsm_sprint.agents.ending import judged
from fsm_sprint.agents.registry import DEFAULT, driver
from fsm_sprint.executors.files import PASSING
from fsm_sprint.executors.job import Job

_QUOTED = 10_000
"""Bytes of a failed check's output that its fixer is shown."""
_BLOCK = 256 * 1024
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Check(NamedTuple):
    """A gate's last run: what its fixer has to know."""

    log: Path
    facts: Facts
    """Of the row with which it ended."""


class Jobs:
    """What each unit of one plan runs, and what that amounted to."""

    def __init__(
        self,
        plan: Plan,
        workdir: Path,
        environment: Mapping[str, str],
        last_check: Callable[[str], Check | None],
        prompt: Callable[[str, int], str],
        *,
        chosen: Callable[[str, int], Facts] = lambda _unit, _attempt: {},
        began: Callable[[str], str | None] = lambda _unit: None,
        iteration: Callable[[str], Mapping[str, str]] = lambda _unit: _NOTHING,
    ) -> None:
        """`environment`: the user's part of the tasks' environment; `last_check`: by unit of a gate, its last run.

        `prompt`: by unit of a leaf and attempt, all that its agent is told. `chosen`: by the same, what its `spawn` row
        says of who is asked, and how: `vocabulary.Chosen`. `began`: by unit of a leaf or group, when its first attempt
        was made, as ISO 8601 in UTC; None while there was none. `iteration`: by unit of a hook, the variables that tell
        of its leaf.
        """
        self._plan = plan
        self._workdir = workdir
        self._environment = {**environment, "SPRINT_ID": plan.sprint_id}
        self._last_check = last_check
        self._prompt = prompt
        self._chosen = chosen
        self._began = began
        self._iteration = iteration
        self._nodes: dict[str, Node] = {node.path: node for node in (*nodes(plan), *tasks(plan))}

    def job(self, unit: str, attempt: int) -> Job:
        """What an attempt of a unit runs. SprintError when the plan has no such unit."""
        node, role = self._find(unit)
        if role == "gate":
            gate = _gate(node)
            named = {"PHASE_ID": node.id, "ATTEMPT_NUMBER": str(attempt)}
            since = self._began(node.path)
            if since is not None:
                named["FSM_SPRINT_SINCE"] = since
            return self._placed(node, argv=("/bin/sh", "-c", gate.script), env=named, timeout=gate.timeout)
        bounds: _Bounds = {
            "timeout": getattr(node, "timeout", None),
            "idle_timeout": getattr(node, "idle_timeout", None),
            "first_output": getattr(node, "first_output", None),
        }
        if role == "" and isinstance(node, Leaf) and node.run is not None:
            argv = ("/bin/sh", "-c", node.run) if isinstance(node.run, str) else node.run
            told = self._iteration(unit)
            return self._placed(node, argv=argv, env=told, announce=node.parallel, **bounds)
        prompt = self._fix_prompt(unit, _gate(node)) if role == "fix" else self._prompt(unit, attempt)
        found = self._driver(unit, attempt, prompt)
        announce = role == "" and isinstance(node, Leaf) and node.parallel
        return self._placed(
            node,
            argv=found.argv(),
            env=self._iteration(unit) if role == "" else _NOTHING,
            defaults=found.env(),
            stdin=found.stdin(),
            split=True,
            announce=announce,
            **bounds,
        )

    def verdict(
        self, unit: str, attempt: int, ended: dict[str, str], log: Path, errors: Path | None
    ) -> tuple[str, Facts]:
        """What an attempt amounted to, and the facts for its row: all that it printed is read again, from its log."""
        found = self.driver(unit, attempt)
        if found is None:
            return judged(ended)
        for block in _blocks(log):
            found.feed(block)
        return found.finish(ended, tail(errors, TAIL) if errors is not None else b"")

    def driver(self, unit: str, attempt: int) -> Driver | None:
        """A new driver that understands what an attempt prints; None where no agent is asked."""
        node, role = self._find(unit)
        if role == "gate" or (role == "" and isinstance(node, Leaf) and node.run is not None):
            return None
        return self._driver(unit, attempt, "")

    def _driver(self, unit: str, attempt: int, prompt: str) -> Driver:
        """Who does it: a leaf's agent, or whoever mends what its gate, or its group's, finds."""
        node, role = self._find(unit)
        chosen = self._chosen(unit, attempt)
        agents = [(node.agent if isinstance(node, Leaf) else None) or DEFAULT]
        if role == "fix" and node.gate is not None and node.gate.agent is not None:
            agents = [node.gate.agent]
        elif isinstance(node, Leaf):
            agents += node.failover
        wanted = chosen.get("agent", agents[0].name)
        named = [agent for agent in agents if agent.name == wanted] or agents
        rank = chosen.get("rank", 0)
        agent = agents[rank] if rank < len(agents) and agents[rank] in named else named[0]
        return driver(
            Brief(
                agent=agent,
                prompt=prompt,
                model=agent.model or (node.model if agent is agents[0] else None),
                resume=chosen.get("resume"),
                budget=chosen.get("budget-usd"),
                spent=chosen.get("spent", {}),
            )
        )

    def _find(self, unit: str) -> tuple[Node, str]:
        owner, _, role = (unit, "", "") if is_hook(unit) else unit.partition("#")
        node = self._nodes.get(owner)
        if node is None or role not in ("", "gate", "fix") or (role == "" and isinstance(node, Group)):
            raise SprintError(f"{unit} is not something that this sprint runs")
        return node, role

    def _fix_prompt(self, unit: str, gate: Gate) -> str:
        check = self._last_check(f"{unit.partition('#')[0]}#gate")
        if check is None:
            return gate.prompt or ""
        output = tail(check.log, _QUOTED).decode("utf-8", "replace")
        facts = check.facts
        how = f"exit code {facts['code']}" if "code" in facts else str(facts.get("error", "no exit code"))
        fence = _fence(output)
        return f"{gate.prompt}\n\nThe check ended with {how}. Its last output:\n\n{fence}\n{output.rstrip()}\n{fence}\n"

    def _placed(
        self,
        node: Node,
        *,
        argv: tuple[str, ...],
        env: Mapping[str, str] | None = None,
        defaults: Mapping[str, str] = _NOTHING,
        stdin: bytes | None = None,
        split: bool = False,
        announce: bool = False,
        timeout: float | None = None,
        idle_timeout: float | None = None,
        first_output: float | None = None,
    ) -> Job:
        """A job in the place and with the values of the leaf that it is, or belongs to.

        `defaults` are variables where neither the user nor the leaf has set them.
        """
        own, cwd = (dict(node.env), node.cwd) if isinstance(node, Leaf) else ({}, None)
        return Job(
            argv=argv,
            env={**defaults, **self._environment, **(env or {}), **own},
            cwd=str(self._workdir / cwd) if cwd else str(self._workdir),
            stdin=stdin,
            split=split,
            announce=announce,
            timeout=timeout,
            idle_timeout=idle_timeout,
            first_output=first_output,
        )


class _Bounds(TypedDict):
    timeout: float | None
    idle_timeout: float | None
    first_output: float | None


def _blocks(path: Path) -> Iterator[bytes]:
    """A file from its beginning, piece by piece; nothing when it cannot be read.

    OSError when it may be another time: half of what an agent said would be taken for all of it.
    """
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        if error.errno in PASSING:
            raise


def tail(path: Path, size: int) -> bytes:
    """The last bytes of a file; nothing when it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            return file.read(size)
    except OSError:
        return b""


def _gate(node: Node) -> Gate:
    if node.gate is None:
        raise SprintError(f"{node.path} has no gate")
    return node.gate


def _fence(text: str) -> str:
    """A fence that the text itself does not hold."""
    fence = "```"
    while fence in text:
        fence += "`"
    return fence
