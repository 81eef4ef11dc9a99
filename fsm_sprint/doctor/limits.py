"""What this process is allowed, and what it can draw on."""

import os
import resource
import sys
from collections.abc import Iterator

from fsm_sprint.doctor.finding import Finding, ok, warn
from fsm_sprint.report.terminal import columns, drawable, terminal


def screen() -> Iterator[Finding]:
    """How a run would be shown here, and why."""
    if drawable(sys.stderr):
        yield ok("live view", f"a live line for each task, {columns(sys.stderr)} columns wide")
    else:
        yield ok("live view", f"plain lines: {_reason()}")
    encoding = (getattr(sys.stderr, "encoding", None) or "unknown").lower()
    if encoding.replace("-", "") != "utf8":
        yield warn("encoding", f"{encoding}: some characters are replaced", "set LANG to a UTF-8 locale")
    else:
        yield ok("encoding", encoding)


def _reason() -> str:
    if not terminal(sys.stderr):
        return "stderr is no terminal"
    if not terminal(sys.stdout):
        return "stdout is no terminal"
    for name in ("NO_COLOR", "CI"):
        if os.environ.get(name):
            return f"{name} is set"
    return f"TERM is {os.environ.get('TERM') or 'not set'}"


def limits() -> Iterator[Finding]:
    """Limits of the system that tasks inherit or that a run could meet."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < 256:
        yield warn("open files", f"{files}", "`ulimit -n 1024`: a running task takes four while it starts")
    else:
        yield ok("open files", _said(files))
    processes, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if processes != resource.RLIM_INFINITY and processes < 200:
        yield warn(
            "processes", f"{processes} for this user", "`ulimit -u` raises it: each task takes two or more"
        )
    else:
        yield ok("processes", _said(processes))
    size, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if size != resource.RLIM_INFINITY:
        hint = "`ulimit -f unlimited`: a longer log ends its task"
        yield warn("file size", f"at most {size >> 20} MB", hint)


def _said(limit: int) -> str:
    return "without limit" if limit == resource.RLIM_INFINITY else str(limit)
