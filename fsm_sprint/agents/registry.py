"""Which driver answers for an agent, and whether its program is there."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping

from fsm.errors import SprintError
from fsm.plan import Agent
from fsm_sprint.agents.command import Command
from fsm_sprint.agents.contract import Brief, Driver

DEFAULT = Agent(name="claude")
"""Who answers a prompt when nobody is named."""


def _claude(brief: Brief) -> Driver:
    model = ("--model", brief.model) if brief.model else ()
    return Command(("claude", "-p", *model), brief.prompt, brief.model)


_DRIVERS: dict[str, Callable[[Brief], Driver]] = {"claude": _claude}
_PROGRAMS = {"claude": "claude"}
_HINTS = {"claude": "npm install -g @anthropic-ai/claude-code, or name another one with `agent:`"}


def driver(brief: Brief) -> Driver:
    """The driver of one attempt. SprintError when no driver has that name."""
    if brief.agent.command:
        return Command(brief.agent.command, brief.prompt, brief.model)
    make = _DRIVERS.get(brief.agent.name)
    if make is None:
        raise _unknown(brief.agent.name)
    return make(brief)


def installed(agents: Iterable[Agent | None], env: Mapping[str, str] | None = None) -> None:
    """SprintError naming the first agent whose program is not on PATH, or that nobody knows."""
    path = (os.environ if env is None else env).get("PATH", os.defpath)
    for agent in {found or DEFAULT: None for found in agents}:
        if not agent.command and agent.name not in _DRIVERS:
            raise _unknown(agent.name)
        program = agent.command[0] if agent.command else _PROGRAMS[agent.name]
        if "/" not in program and shutil.which(program, path=path) is None:
            hint = _HINTS.get(agent.name) if not agent.command else None
            raise SprintError(
                f"the agent {agent.name} needs the program `{program}`, which is not on PATH",
                hint=hint or "install it, or put its directory on PATH",
            )


def _unknown(name: str) -> SprintError:
    known = ", ".join(sorted(_DRIVERS))
    return SprintError(
        f"no driver for an agent called {name!r}", hint=f"known: {known}; or `agent: {{command: […]}}`"
    )
