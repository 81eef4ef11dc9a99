"""The real programs, in the versions of which docs/agents.md speaks: installed by npm, outside of the repository.

Rule: npm's own configuration says where from. Where they cannot be had, the tests are skipped and say why.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PACKAGES = {
    "claude": ("@anthropic-ai/claude-code", "2.1.197"),
    "codex": ("@openai/codex", "0.169.0"),
    "gemini": ("@google/gemini-cli", "0.61.0"),
}
"""By agent, its package and the version that is asked for."""

READY = "FSM_SPRINT_CLIS"
"""Names a directory with a `node_modules` to be used as it is."""
_BRIEF = ("--fetch-retries", "1", "--fetch-retry-mintimeout", "1000", "--fetch-retry-maxtimeout", "5000")
"""A registry that is not there is not asked for minutes."""
_PATIENCE = 600
"""Seconds for the registry."""


class Unavailable(Exception):
    """They cannot be had here; says why."""


def directory() -> Path:
    """The folder with the programs' `node_modules`, which are installed if need be. Unavailable if they cannot be."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not on PATH")
    named = os.environ.get(READY)
    if named:
        return Path(named).absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    wanted = cache / "fsm-sprint" / "clis" / "-".join(version for _, version in PACKAGES.values())
    if not wanted.exists():
        _install(wanted)
    return wanted


def programs(place: Path) -> Path:
    """The directory of the programs in an installation."""
    return place / "node_modules" / ".bin"


def version(place: Path, agent: str) -> str:
    """What is there of an agent. Unavailable if it is not."""
    try:
        found = json.loads((place / "node_modules" / PACKAGES[agent][0] / "package.json").read_text("utf-8"))
    except OSError:
        raise Unavailable(f"{place} has no {PACKAGES[agent][0]}") from None
    return str(found["version"])


def _install(wanted: Path) -> None:
    """All of them or none: into a directory beside, which is then given its name."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wanted.parent, prefix=".making-") as folder:
        names = [f"{package}@{version}" for package, version in PACKAGES.values()]
        npm = ["npm", "install", "--no-audit", "--no-fund", "--no-progress", *_BRIEF, "--prefix", folder]
        try:
            done = subprocess.run(
                [*npm, *names],
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"npm has not installed them in {_PATIENCE} s") from None
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "error" in line.lower() or "ERR" in line]
            raise Unavailable(f"npm could not install them: {said[0] if said else done.returncode}")
        made = Path(folder)
        made.chmod(0o755)
        try:
            made.rename(wanted)
        except OSError:
            if not wanted.exists():  # somebody else has been quicker
                raise
        else:
            made.mkdir()  # for who takes it away
