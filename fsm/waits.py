"""Why a unit waits: the words that stand in its `delay` row, and how they are said to people."""

from collections.abc import Mapping
from typing import Any

BACK_OFF = "back-off"
"""It is tried again."""

LIMIT = "usage limit"
"""The account of its agent has met one."""

FAILOVER = "failover"
"""For no time at all: another agent is asked."""

APPROVAL = "approval"
"""Somebody has to agree before it starts."""


def reason(facts: Mapping[str, Any]) -> str:
    """Why something waits, from the facts of its `delay` row: `usage limit of claude`, `approval: deploy?`."""
    said = str(facts.get("why") or "no reason given")
    if facts.get("account"):
        said += f" of {facts['account']}"
    return f"{said}: {facts['message']}" if facts.get("message") else said
