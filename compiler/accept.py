"""`accept`, the short form of a gate: paths that have to be there, or to have been written, become a script for sh.

Rule: whatever a path holds, it is one word for the shell, and nothing of it is run. Only `*`, `?`, `[…]` and, once,
`**` in the place of directories stand for more than themselves. The script names each path that is missing.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from compiler import clauses
from fsm.plan import Agent, Gate

TRIES = 3
"""Checks in all where an agent can mend what they find, as for a gate."""
TIMEOUT = 600.0
"""Seconds for one check: commands are mostly tests."""
PROMPT = (
    "This does not count as done yet: the check below has failed. Do what is missing and mend what is wrong, in the"
    " work itself; leave the check as it is."
)
"""What the agent is told that mends, before what was to be done."""

_GLOB = re.compile(r"(\*+|\?|\[[!^]?\]?[^\]/]*\])")
_OURS = r"\( -name .git -o -name .fsm-sprint \) -prune -o"
_LACKS = """\
missing=0
lacks() { printf 'accept: %s: %s\\n' "$1" "$2"; missing=1; }
"""
_SINCE = """\
[ -n "${FSM_SPRINT_SINCE:-}" ] || { echo 'accept: nobody says since when: FSM_SPRINT_SINCE is not set'; exit 2; }
since=$(mktemp) && trap 'rm -f "$since"' EXIT && touch -d "$FSM_SPRINT_SINCE" "$since" || exit 2
export since
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What has to be there, in the one form that all spellings of `accept` come to."""

    exists: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    run: str | None = None
    timeout: float = TIMEOUT

    def filled(self, fill: Callable[[str, tuple[str | int, ...]], str]) -> "Wanted":
        """With the variables of its paths filled in; `fill` takes a path and where it stands. Commands have none."""
        return replace(
            self,
            exists=tuple(fill(path, ("exists", index)) for index, path in enumerate(self.exists)),
            changed=tuple(fill(path, ("changed", index)) for index, path in enumerate(self.changed)),
        )

    @property
    def variable(self) -> bool:
        """Whether any of its paths may hold a variable."""
        return any("{{" in path for path in (*self.exists, *self.changed))


def wanted(written: clauses.Accepted) -> Wanted:
    """What is written, in one form."""
    if isinstance(written, str):
        return Wanted(run=written)
    if isinstance(written, list):
        return Wanted(exists=tuple(written))
    return Wanted(
        exists=tuple(written.exists or ()),
        changed=tuple(written.changed or ()),
        run=written.run,
        timeout=written.timeout or TIMEOUT,
    )


def gate(what: Wanted, task: str | None, mender: Agent | None) -> Gate:
    """The gate of it. `task` is what was to be done, for the agent that mends; None where one failure is final."""
    if task is None:
        return Gate(script=script(what), tries=1, timeout=what.timeout)
    prompt = f"{PROMPT}\n\nWhat was to be done:\n\n{task}"
    return Gate(script=script(what), prompt=prompt, tries=TRIES, timeout=what.timeout, agent=mender)


def script(what: Wanted) -> str:
    """Text for `/bin/sh -c` that exits with 0 when all of it is there. The command comes last, as it is."""
    if not what.exists and not what.changed:
        return what.run or ""
    lines = [_LACKS, _SINCE if what.changed else ""]
    lines += _asked(what.exists, "echo there; exit", _there)
    newer = f'[ -z "$(find "$f" {_OURS} -newer "$since" -print 2>/dev/null | head -n 1)" ]'
    lines += _asked(what.changed, f"{newer} || {{ echo changed; exit; }}; echo there", _written)
    lines.append('[ "$missing" = 0 ] || exit 1\n')
    if what.run is not None:
        lines.append(f"{what.run}\n")
    return "".join(lines)


def _asked(paths: Sequence[str], look: str, verdict: Callable[[str], str]) -> Iterator[str]:
    for path in paths:
        yield f"found=$({_search(path, look)} | sort | head -n 1)\n{verdict(shlex.quote(path))}"


def _there(name: str) -> str:
    return f"[ \"$found\" ] || lacks 'not there' {name}\n"


def _written(name: str) -> str:
    return (
        f"case $found in changed) ;; there) lacks 'not changed since the task began' {name} ;; "
        f"*) lacks 'not there' {name} ;; esac\n"
    )


def _search(path: str, look: str) -> str:
    """A command that prints what `look` says of the files that a glob stands for."""
    each = f'[ -e "$f" ] || continue; {look}'
    base, deep, rest = _split(path)
    if not deep:
        return f"for f in {_word(path)}; do {each}; done"
    inner = f'for d do for f in "$d"/{_quoted(rest)}; do {each}; done; done'
    start = f"{_word(base or '.')}/."
    return (
        f"find {start} -name '.?*' -prune -o -type d -exec sh -c {shlex.quote(inner)} sh {{}} + 2>/dev/null"
    )


def _split(path: str) -> tuple[str, bool, str]:
    """A path at its `**`: what comes before, whether there is one, what comes after."""
    parts = path.split("/")
    if "**" not in parts:
        return path, False, ""
    at = parts.index("**")
    base = "/".join(parts[:at]) or ("/" if path.startswith("/") else "")
    return base, True, "/".join(parts[at + 1 :]) or "*"


def _word(path: str) -> str:
    """A glob as one word; never an option, and never taken for anything but a path."""
    return _quoted(path) if path.startswith("/") else f"./{_quoted(path)}"


def _quoted(path: str) -> str:
    """All of a glob quoted but what makes it one."""
    return "".join(_piece(part) for part in _GLOB.split(path) if part)


def _piece(part: str) -> str:
    if not _GLOB.fullmatch(part):
        return shlex.quote(part)
    if part[0] != "[":
        return part[0]
    negated = part[1:2] in ("!", "^")
    inner = part[2 if negated else 1 : -1]
    kept = "".join(
        char if char.isascii() and (char.isalnum() or char in "-_.") else shlex.quote(char) for char in inner
    )
    return f"[{'!' if negated else ''}{kept}]"
