"""How a process ended, from its exit record alone: the verdict of shell phases, and the ground of every other.

Rule: unknown is never success, and no code is invented: without a wait status there is none.
"""

import os
import signal
from collections.abc import Mapping

from fsm.transition import Facts

_FAULTS = frozenset(
    {
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGABRT,
        signal.SIGTRAP,
        signal.SIGSYS,
    }
)
"""Signals by which a program breaks down; the others are somebody's doing."""

_ENFORCED = {"timeout": "timeout", "idle": "idle", "first-output": "idle", "stopped": "killed"}
"""Why a shim ended its task, and what that is as a verdict."""

_SAID = {
    "timeout": "ran out of time",
    "idle": "printed nothing for too long",
    "first-output": "had printed nothing at all when it should have begun",
    "stopped": "stopped",
}
LOST = "its guarding process was killed or the machine went down; how it ended cannot be known"


def enforced(ended: Mapping[str, str]) -> str | None:
    """The verdict for which a shim told its task to end, whatever status that then had; None when it did not."""
    return _ENFORCED.get(ended.get("why", "exit"))


def judged(ended: Mapping[str, str]) -> tuple[str, Facts]:
    """The verdict of an exit record by itself, and its facts: code or signal, times, error."""
    facts: Facts = {
        name: int(ended[name])
        for name in ("elapsed-ms", "ended", "user-ms", "sys-ms", "maxrss-kb")
        if ended.get(name, "").isdecimal()
    }
    why = ended.get("why", "exit")
    if why == "lost":
        return "lost", {**facts, "error": LOST}
    if why != "exit":
        facts["why"] = why
    status = int(ended["status"]) if ended.get("status", "").isdecimal() else None
    if status is None:
        return "failed", {**facts, "error": ended.get("error") or "its exit record holds no status"}
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        facts |= {"signal": _name(number), "error": f"killed by {_name(number)}"}
        verdict = "crashed" if number in _FAULTS else "killed"
        if os.WCOREDUMP(status):
            facts["core"] = True
    else:
        facts["code"] = os.waitstatus_to_exitcode(status)
        if facts["code"] == 0:
            return "ok", facts  # it may have ended well just before it was to be stopped
        facts["error"] = ended.get("error") or f"exit code {facts['code']}"
        verdict = "failed"
    if why in _ENFORCED:
        verdict = _ENFORCED[why]
        facts["error"] = _SAID[why]
    return verdict, facts


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
