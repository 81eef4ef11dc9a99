"""The row of the journal: one move of one machine, with its facts.

Rule: a row is complete in itself. `facts` is canonical JSON text and is decoded only by who asks, so that a fold of a
million rows does not pay for facts that nobody reads.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

SPRINT_UNIT = "#sprint"
"""The key of the sprint's own machine. `#` is escaped in ids, so no unit of a plan can be called this."""

Facts = dict[str, Any]


class Move(NamedTuple):
    """What was decided, before the tables and the journal have seen it."""

    unit: str
    trigger: str
    facts: Facts
    attempt: int = 0
    text: str = ""
    """A text that the facts name by its digest, to be kept with the row; '' for none."""


Moves = Iterator[Move]
"""What follows from something; each is to be recorded before the next is asked for, which is decided on its state."""


class Transition(NamedTuple):
    """One journal row. `at` is wall time in ms since the epoch and orders nothing: `seq` does."""

    seq: int
    run: str
    epoch: int
    at: int
    unit: str
    machine: str
    trigger: str
    source: str
    dest: str
    attempt: int
    facts: str
    hash: str = ""

    def decoded(self) -> Facts:
        """The facts as a mapping; decoded anew at each call."""
        return _decode(self.facts)[0] if self.facts else {}


_decode = json.JSONDecoder().raw_decode
"""As `json.loads`, less its search for white space, of which canonical JSON has none."""


def encode_facts(facts: Facts) -> str:
    """Facts as canonical JSON: sorted keys, no spaces, '' for none, so that equal facts are equal bytes."""
    if not facts:
        return ""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
