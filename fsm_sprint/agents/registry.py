"""Which driver answers for an agent, and whether its program is there."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping

from fsm.errors import SprintError
from fsm.plan import Agent
from fsm_sprint.agents import aider, claude, codex, copilot, gemini, opencode
from fsm_sprint.agents.about import About
from fsm_sprint.agents.aider import Aider
from fsm_sprint.agents.claude import Claude
from fsm_sprint.agents.codex import Codex
from fsm_sprint.agents.command import Command
from fsm_sprint.agents.contract import Brief, Driver
from fsm_sprint.agents.copilot import Copilot
from fsm_sprint.agents.gemini import Gemini
from fsm_sprint.agents.opencode import Opencode

DEFAULT = Agent(name="claude")
"""Who answers a prompt when nobody is named."""

KNOWN: dict[str, About] = {
    "claude": claude.ABOUT,
    "codex": codex.ABOUT,
    "gemini": gemini.ABOUT,
    "copilot": copilot.ABOUT,
    "opencode": opencode.ABOUT,
    "aider": aider.ABOUT,
}
"""Every agent that has a driver of its own."""

_DRIVERS: dict[str, Callable[[Brief], Driver]] = {
    "claude": Claude,
    "codex": Codex,
    "gemini": Gemini,
    "copilot": Copilot,
    "opencode": Opencode,
    "aider": Aider,
}


def driver(brief: Brief) -> Driver:
    """The driver of one attempt. SprintError when no driver has that name."""
    if brief.agent.command:
        return Command(brief)
    make = _DRIVERS.get(brief.agent.name)
    if make is None:
        raise _unknown(brief.agent.name)
    return make(brief)


def installed(agents: Iterable[Agent | None], env: Mapping[str, str] | None = None) -> None:
    """SprintError naming the first agent whose program is not on PATH, or that nobody knows."""
    path = (os.environ if env is None else env).get("PATH", os.defpath)
    for agent in {found or DEFAULT: None for found in agents}:
        if not agent.command and agent.name not in KNOWN:
            raise _unknown(agent.name)
        program = agent.command[0] if agent.command else KNOWN[agent.name].program
        if "/" not in program and shutil.which(program, path=path) is None:
            hint = (
                f"{KNOWN[agent.name].install}, or name another one with `agent:`"
                if not agent.command
                else None
            )
            raise SprintError(
                f"the agent {agent.name} needs the program `{program}`, which is not on PATH",
                hint=hint or "install it, or put its directory on PATH",
            )


def _unknown(name: str) -> SprintError:
    from compiler.nearest import closest

    meant = closest(name, KNOWN)
    known = f"known: {', '.join(sorted(KNOWN))}; or `agent: {{command: […]}}`"
    return SprintError(
        f"no driver for an agent called {name!r}", hint=f"did you mean {meant}? {known}" if meant else known
    )
