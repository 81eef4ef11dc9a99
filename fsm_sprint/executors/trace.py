"""Where an attempt stands in a trace, as W3C Trace Context says it: an agent that reports spans hangs them below that.

Rule: it follows from run, unit and attempt alone, and from the trace that the supervisor itself is part of, if it is.
Nothing is reported from here; whoever reports the attempts of a journal finds the same numbers.
"""

import hashlib
import re

NAME = "TRACEPARENT"
_VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?")
_SAMPLED = "01"


def traceparent(run: str, unit: str, attempt: int, above: str = "") -> str:
    """The value for one attempt: `00-<trace>-<span>-<flags>`.

    `above` is the value that the supervisor has: its trace and flags are kept. One that is not valid is passed over.
    """
    found = _VALID.fullmatch(above)
    if found is not None and (found[3] is None or not above.startswith("00")):
        trace, flags = found[1], found[2]
    else:
        trace, flags = _digest(run)[:32], _SAMPLED
    return f"00-{trace}-{_digest(f'{run}/{unit}/{attempt}')[:16]}-{flags}"


def _digest(text: str) -> str:
    return hashlib.sha256(f"fsm-sprint trace {text}".encode("utf-8", "surrogatepass")).hexdigest()
