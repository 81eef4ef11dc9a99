"""What an attempt can amount to, and what each verdict means for trying again.

Rule: what is decided about a verdict is read off this table; one that it does not have is of the unknown class.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Class(StrEnum):
    """What trying again is good for. A retry policy may name a class in place of its verdicts."""

    TRANSIENT = "transient"
    """What went wrong passes by itself."""
    UNKNOWN = "unknown"
    """It may help."""
    FATAL = "fatal"
    """It cannot, until a person has done something."""


class Verdict(NamedTuple):
    """One verdict."""

    kind: Class
    resumes: bool
    """Whether the next attempt may go on in the session of this one."""
    counts: bool
    """Whether it burns a try."""
    meaning: str


VERDICTS: dict[str, Verdict] = {
    "failed": Verdict(Class.UNKNOWN, True, True, "it, or its agent, says that it failed"),
    "turns": Verdict(Class.UNKNOWN, True, True, "the agent has used up its turns"),
    "context": Verdict(Class.UNKNOWN, False, True, "the agent's context is full"),
    "empty": Verdict(Class.TRANSIENT, True, True, "the agent gave no answer"),
    "overloaded": Verdict(Class.TRANSIENT, True, True, "the agent's provider is overloaded"),
    "timeout": Verdict(Class.TRANSIENT, True, True, "it ran out of time"),
    "idle": Verdict(Class.TRANSIENT, True, True, "it printed nothing for too long"),
    "crashed": Verdict(Class.TRANSIENT, True, True, "it broke down"),
    "killed": Verdict(Class.TRANSIENT, True, True, "somebody else ended it by a signal"),
    "lost": Verdict(Class.UNKNOWN, True, True, "nobody can know how it ended"),
    "limit": Verdict(Class.TRANSIENT, True, False, "its agent's account has met a usage limit"),
    "interrupted": Verdict(Class.TRANSIENT, True, False, "it was stopped by a person, or with the sprint"),
    "needs-human": Verdict(Class.FATAL, True, True, "the agent asks for a person"),
    "denied": Verdict(Class.FATAL, False, True, "the agent was denied what it needed"),
    "auth": Verdict(Class.FATAL, False, True, "the agent may not log in"),
    "billing": Verdict(Class.FATAL, False, True, "the agent's account has no credit"),
    "budget": Verdict(Class.FATAL, False, True, "the agent has used up its own budget"),
    "gate": Verdict(Class.UNKNOWN, False, True, "its gate gave up"),
}
"""Every verdict but `ok`, which is followed by success."""

OTHER = Verdict(Class.UNKNOWN, True, True, "it failed in a way of its own")
"""What holds for a verdict that is not in the table."""

BOUNDS = frozenset({"timeout", "idle"})
"""Verdicts of an attempt that had run into one of its own bounds before anybody stopped it."""

ELSEWHERE = frozenset({"limit", "overloaded", "auth"})
"""Verdicts after which another agent may do what this one cannot."""


def known(verdict: str) -> Verdict:
    """What holds for a verdict."""
    return VERDICTS.get(verdict, OTHER)


def interrupted(facts: Mapping[str, Any]) -> bool:
    """Whether an attempt, by the facts of its end, was ended by being stopped: nobody knows how it would have gone."""
    return facts.get("verdict") == "interrupted" or bool(facts.get("stopped"))


def counts(facts: Mapping[str, Any]) -> bool:
    """Whether a failed attempt, by the facts of its end, burns a try."""
    return not interrupted(facts) and known(str(facts.get("verdict", ""))).counts
