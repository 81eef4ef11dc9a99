"""The chain of hashes that binds every row to all before it, and facts of older versions read as today's.

Rule: a hash is taken over the columns as they are stored, never over something re-encoded. So old facts can be given a
new meaning when they are read (`upcast`) while the chain stays as it was written.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256

from fsm.transition import Facts, Transition, encode_facts
from journal.errors import AFTER_DAMAGE, JournalDamaged, JournalTooNew

NOTHING = (0, "")
"""The head of an empty journal: sequence number and hash before the first row."""

Upcaster = Callable[[Facts], Facts]

UPCASTERS: Mapping[tuple[str, str], tuple[Upcaster, ...]] = {}
"""By machine and trigger: the n-th function makes facts of version n + 1 from those of version n.

Facts say their version under `v`; without it they are of version 1. A release that adds a function here also raises
`schema.FORMAT`, so that older programs refuse the journal instead of misreading it.
"""

_SURROGATE = re.compile("[\ud800-\udfff]")


def link(previous: str, row: Transition) -> str:
    """The hash of a row that follows the row with hash `previous` ('' for the first); the row's own is not looked at.

    Every text is preceded by its length, so that no two different rows are joined to the same bytes. Raises
    UnicodeEncodeError for lone surrogates and TypeError for columns that are not text.
    """
    seq, run, epoch, at, unit, machine, trigger, source, dest, attempt, facts, _ = row
    text = (
        f"{previous}\n{seq} {epoch} {at} {attempt} {len(run)} {len(unit)} {len(machine)} {len(trigger)}"
        f" {len(source)} {len(dest)} {len(facts)}\n{run}{unit}{machine}{trigger}{source}{dest}{facts}"
    )
    return sha256(text.encode()).hexdigest()


def follows(previous: str, row: Transition) -> bool:
    """Whether a stored row has the hash of one that follows the row with hash `previous`."""
    try:
        return row[11] == link(previous, row)
    except (TypeError, UnicodeEncodeError):  # a damaged page can hold anything
        return False


def seal(previous: str, transition: Transition) -> Transition:
    """The transition as it is stored after the row with hash `previous`: facts made storable, hash filled in.

    Lone surrogates (a file name that is no UTF-8, a torn log line) are no text to SQLite. In facts they stand as JSON
    escapes, which decode to the same value; anywhere else they raise UnicodeEncodeError.
    """
    facts = transition[10]
    try:
        digest = link(previous, transition)
    except UnicodeEncodeError:
        facts = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", facts)
        digest = link(previous, transition._replace(facts=facts))
    return Transition(*transition[:10], facts, digest)


def to_column(text: str) -> str | bytes:
    """A large text as it is stored: as text, or as bytes when lone surrogates make it no text to SQLite."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_column(stored: object, name: str) -> str:
    """The text that `to_column` stored and whose digest is `name`; JournalDamaged when it is another one by now."""
    content = stored if isinstance(stored, bytes) else str(stored).encode()
    if sha256(content).hexdigest() != name:
        raise JournalDamaged(
            f"the text {str(name)[:12]} of the journal is not what was stored", hint=AFTER_DAMAGE
        )
    return from_bytes(content)


def from_bytes(stored: str | bytes) -> str:
    """A text as `to_column` stored it, unchecked; bytes that never were one read as something else."""
    return stored if isinstance(stored, str) else stored.decode("utf-8", "surrogatepass")


def upcast(
    row: Transition, upcasters: Mapping[tuple[str, str], tuple[Upcaster, ...]] = UPCASTERS
) -> Transition:
    """The row with facts of today's version; the very same row when they are that already. The hash stays as stored.

    Raises `JournalTooNew` when the facts are of a version that is not known.
    """
    steps = upcasters.get((row.machine, row.trigger))
    if not steps:
        return row
    facts = row.decoded()
    version = facts.get("v", 1)
    if version > len(steps) + 1:
        raise JournalTooNew(
            f"row {row.seq} of the journal ({row.trigger} of {row.unit}) has facts of version {version};"
            f" this fsm-sprint knows them up to version {len(steps) + 1}",
            hint="use the version of fsm-sprint that wrote it, or a later one",
        )
    if version == len(steps) + 1:
        return row
    for step in steps[version - 1 :]:
        facts = step(facts)
    return row._replace(facts=encode_facts({**facts, "v": len(steps) + 1}))
