"""The facts that drivers give, by name: what is in the rows of attempts that asked an agent. No other names are used.

Rule: what an agent has not reported is absent, never 0 and never ''. Texts are cut, so that a row stays short.
"""

from typing import Any, TypedDict

Tokens = dict[str, int]
"""What was read and written, as far as it was reported, under the names of `COUNTED`."""

COUNTED = {
    "input": "read, without what came from the provider's cache",
    "output": "written, reasoning among it",
    "cached": "read from the provider's cache",
    "reasoning": "of the output, what nobody sees",
}
"""The names of counts of tokens."""


Told = TypedDict(
    "Told",
    {
        "session": str,  # what the agent resumes by
        "session-kept": bool,  # False: the agent has kept nothing of the session, so the next attempt begins a new one
        "model": str,  # that answered, as the agent names it
        "tokens": Tokens,  # used by this attempt alone
        "cost-usd": float,  # of this attempt alone; absent when unknown, also where an agent says 0 for unpriced work
        "turns": int,  # rounds with the model
        "until": int,  # wall ms: when a limit is said to end
        "limit-kind": str,  # whose end that is: five_hour, seven_day, …, daily, or `rate` for one of seconds
        "retry-after-ms": int,  # how long the provider asks to be left alone
        "denials": list[str],  # what was asked for and not permitted, the first of them
        "error": str,  # why it is not ok, in one or a few sentences
        "summary": str,  # what the agent says that it did
        "human-needed": dict[str, str],  # `reason`, `details`: what a person is asked
        "proposed-steps": list[
            dict[str, Any]
        ],  # steps that the agent would add to the plan, as it wrote them
        "operator-requests": list[dict[str, Any]],  # what it noticed and wants looked at, as it wrote them
        "ending": str,  # live only: the verdict for which the attempt is being ended early
    },
    total=False,
)
"""What is learnt of an attempt, while it runs and at its end."""

Chosen = TypedDict(
    "Chosen",
    {
        "agent": str,  # name of the one that is asked, of the leaf's own agent and its `failover`; absent: its own
        "rank": int,  # its place among those, where two have one name
        "resume": str,  # session to go on in; absent: a new one
        "spent": Tokens,  # what that session had used before, for agents that report totals over a session
        "budget-usd": float,  # what this attempt may still cost
    },
    total=False,
)
"""What was chosen for an attempt when it was spawned: facts of its `spawn` row."""

LIVE = ("session", "model", "tokens", "cost-usd")
"""Facts that are told while an attempt runs, each when it is first known; a new session or model is told again."""
