"""How an attempt ended, in words, from the facts of the row that says so.

Rule: what is not known is not said. A fact that is missing is left out; no code is made up, and `lost` has none.
"""

from fsm.transition import Facts
from fsm_sprint.report.terminal import line
from fsm_sprint.report.times import span

_VERDICTS = {
    "timeout": "ran out of time",
    "idle": "printed nothing for too long",
    "interrupted": "interrupted",
    "lost": "lost: nobody can know how it ended",
    "limit": "a usage limit was reached",
    "auth": "not allowed to log in",
    "billing": "no credit",
    "denied": "denied what it needed",
    "empty": "no answer",
    "needs-human": "a person is needed",
    "budget": "its budget has ended",
    "overloaded": "the provider was overloaded",
    "context": "its context was full",
    "turns": "it had used up its turns",
    "crashed": "it broke down",
}
"""Verdicts that say more than that something failed, for rows without an error."""


def ending(facts: Facts) -> str:
    """A few words on why and how it ended: `exit 3: no such file`; '' when nothing is known."""
    error = line(str(facts.get("error") or ""))
    known = status(facts)
    if not error:
        verdict = str(facts.get("verdict") or "")
        said = _VERDICTS.get(verdict, "" if known else verdict)
        return ", ".join(part for part in (said, known) if part)
    number = str(facts.get("code", facts.get("signal", "")))
    return error if not known or number in ("0", "") or number in error else f"{known}: {error}"


def status(facts: Facts) -> str:
    """`exit 3` or `killed by SIGKILL`; '' when neither is known."""
    if "code" in facts:
        return f"exit {facts['code']}"
    if "signal" in facts:
        return f"killed by {line(str(facts['signal']))}"
    return ""


def took(facts: Facts, since: int | None, until: int) -> str:
    """How long an attempt took: by the shim's clock where it says so, else by the wall's; '' when neither tells."""
    elapsed = facts.get("elapsed-ms")
    if isinstance(elapsed, int | float):
        return span(elapsed)
    return span(until - since) if since is not None else ""
