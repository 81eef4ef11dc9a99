"""Steps that agents have proposed and nobody has decided on, for quick readers: from a few rows, without a fold.

Rule: as the fold keeps them. What lies further back than the reader looks, `explain` still tells.
"""

from fsm.plan import load
from fsm.proposal import Proposal, proposals
from fsm.transition import SPRINT_UNIT
from journal.reader import Reader

NEAR = 20_000
"""Rows that are looked back through, which takes 4 ms."""

_ENDS = frozenset({"succeed", "fail", "verify", "cancel"})


def queued(reader: Reader, run: str) -> list[Proposal]:
    """The proposals in the order in which they were made."""
    found: dict[str, Proposal] = {}
    for row in reader.saying(run, '"proposed-steps":', NEAR):
        if row.trigger in _ENDS:
            found |= {one.id: one for one in proposals(row.seq, row.unit, row.decoded())}
    if not found or not _wanted(reader, run):
        return []
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
    amended = reader.last(run, "amend", SPRINT_UNIT)
    wanted = load(reader.text(amended.decoded()["plan"])).orchestration if amended is not None else None
    return wanted is not None and wanted.enabled and not wanted.auto_approve
