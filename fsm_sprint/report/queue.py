"""Steps that agents have proposed and nobody has decided on, for quick readers: from a few rows, without a fold.

Rule: as the fold keeps them. What lies further back than the reader looks, `explain` still tells.
"""

from typing import TYPE_CHECKING

from fsm.transition import SPRINT_UNIT
from journal.reader import Reader

if TYPE_CHECKING:
    from fsm.proposal import Proposal

NEAR = 20_000
"""Rows that are looked back through, which takes 4 ms."""

_ENDS = frozenset({"succeed", "fail", "verify", "cancel"})


def queued(reader: Reader, run: str) -> "list[Proposal]":
    """The proposals in the order in which they were made."""
    made = [row for row in reader.saying(run, '"proposed-steps":', NEAR) if row.trigger in _ENDS]
    if not made or not _wanted(reader, run):
        return []
    from fsm.proposal import proposals

    found: dict[str, Proposal] = {}
    for row in made:
        found |= {one.id: one for one in proposals(row.seq, row.unit, row.decoded())}
    for text in ('"proposal":', "is rejected"):
        for row in reader.saying(run, text, NEAR):
            facts = row.decoded()
            if (row.unit, row.trigger) == (SPRINT_UNIT, "amend"):
                found.pop(str(facts.get("proposal", "")), None)
            elif row.trigger == "request" and str(facts.get("answer", "")).endswith("is rejected"):
                found.pop(str(facts.get("unit", "")), None)
    return list(found.values())


def _wanted(reader: Reader, run: str) -> bool:
    """Whether steps are queued here: not where they are refused, or taken in without asking."""
    from fsm.plan import load

    amended = reader.last(run, "amend", SPRINT_UNIT)
    wanted = load(reader.text(amended.decoded()["plan"])).orchestration if amended is not None else None
    return wanted is not None and wanted.enabled and not wanted.auto_approve
