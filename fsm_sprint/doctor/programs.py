"""Programs that a run may need: where they are. None of them is started."""

import importlib.util
import os
import shutil
from collections.abc import Iterator

from fsm_sprint.doctor.finding import Finding, bad, ok, warn


def programs() -> Iterator[Finding]:
    """The shell, git, Graphviz."""
    if os.access("/bin/sh", os.X_OK):
        yield ok("sh", "/bin/sh")
    else:
        yield bad("sh", "/bin/sh cannot be executed", "phases with `run:` text need it")
    git = shutil.which("git")
    yield ok("git", git) if git else warn("git", "not on PATH", "sprints with a worktree need it")
    dot = shutil.which("dot")
    if dot:
        yield ok("Graphviz", dot)
    elif importlib.util.find_spec("pygraphviz") is not None:
        yield ok("Graphviz", "the package pygraphviz")
    else:
        hint = "`fsm-sprint diagram --format svg` needs it; DOT and Mermaid do not"
        yield warn("Graphviz", "neither `dot` nor pygraphviz", hint)
