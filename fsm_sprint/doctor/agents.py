"""The agents that are known by name: where they are, which version, logged in or not, and how they would be started.

Rule: nothing is asked of an agent but its version, and that only where no file beside it tells; a login is looked for
where each keeps it, and is never tried.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from fsm.plan import Agent
from fsm_sprint.agents.about import About
from fsm_sprint.agents.contract import Brief
from fsm_sprint.agents.registry import KNOWN, driver
from fsm_sprint.doctor.finding import Finding, ok, warn
from fsm_sprint.executors.version import version

_ABOVE = 4
"""Directories above a program in which its package may say its version."""
_VERSION = re.compile(r"\d+\.\d+\.\d+[\w.+-]*")
_NAME = re.compile(r"\$([A-Z_]+)")


def agents(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """One finding for each that is on PATH, and one for all that are not."""
    absent = []
    for name, about in KNOWN.items():
        path = shutil.which(about.program, path=environ.get("PATH", os.defpath))
        if path is None:
            absent.append(name)
        else:
            yield _agent(name, about, path, environ)
    if len(absent) == len(KNOWN):
        hint = "phases with `prompt:` need one, or any program as `agent: {command: […]}`; `run:` phases need none"
        yield warn("agents", f"none of {', '.join(KNOWN)} is on PATH", hint)
    elif absent:
        yield ok("others", f"not on PATH: {', '.join(absent)}")


def _agent(name: str, about: About, path: str, environ: Mapping[str, str]) -> Finding:
    # By a relative entry of PATH it may be anybody's who has put it into this directory; that is not started.
    asked = version if os.path.isabs(path) else _nobody  # noqa: PTH117  # a text, as `which` gives it
    known = _beside(Path(path)) or asked(path) or "of unknown version"
    started = " ".join(driver(Brief(agent=Agent(name=name))).argv())
    login = _login(about, environ)
    if login is None:
        return warn(name, f"{known}, {path}; no login is seen; started as `{started}`", about.login)
    return ok(name, f"{known}, {path}; login: {login}; started as `{started}`")


def _nobody(_: str) -> None:
    return None


def _beside(program: Path) -> str | None:
    """The version as the files that it was installed with tell it."""
    try:
        real = program.resolve()
        if _VERSION.fullmatch(real.name):
            return real.name
        for folder in list(real.parents)[:_ABOVE]:
            package = folder / "package.json"
            if package.is_file():
                found = json.loads(package.read_bytes()).get("version")
                return found if isinstance(found, str) and _VERSION.fullmatch(found) else None
        for info in real.parent.parent.glob("lib/python*/site-packages/aider_chat-*.dist-info"):
            return info.name.removesuffix(".dist-info").partition("-")[2]
    except (OSError, ValueError, AttributeError):
        return None
    return None


def _login(about: About, environ: Mapping[str, str]) -> str | None:
    """What an agent would log in with: a name in the environment, or a file. What is in it is not looked at."""
    named = next((name for name in about.variables if environ.get(name)), None)
    if named is not None:
        return f"${named}"
    for file in about.files:
        missing = [name for name in _NAME.findall(file) if not environ.get(name)]
        if missing:
            continue
        place = _NAME.sub(lambda found: environ[found[1]], file)
        if place.startswith("~/"):
            home = environ.get("HOME")
            if not home:
                continue
            place = f"{home}{place[1:]}"
        if Path(place).is_file():
            return place
    return None
