"""What the world reports: the executor's observations and people's requests. Facts, never decisions."""

from typing import NamedTuple

from fsm.transition import Facts


class Ready(NamedTuple):
    """A shim holds its locks and waits at the gate. `identity`: pid, start, boot, namespace, as text."""

    unit: str
    attempt: int
    identity: dict[str, str]


class Adopted(NamedTuple):
    """An attempt of an earlier supervisor was found alive and is watched now."""

    unit: str
    attempt: int


class Ended(NamedTuple):
    """Nothing of the attempt runs any more.

    `outcome` is `exit` (there is an exit record), `never-ran` (certainly not started) or `lost` (started, no record).
    `verdict` is what the attempt amounted to: `ok`, `failed`, `timeout`, `idle`, `killed`, `lost`, …; meaningless for
    `never-ran`. `facts`: what goes into the row (status, elapsed-ms, error, summary, usage, …); no `code` when lost.
    """

    unit: str
    attempt: int
    outcome: str
    verdict: str
    facts: Facts


class Learnt(NamedTuple):
    """Something about a running attempt: child pid, session, usage, a warning."""

    unit: str
    attempt: int
    facts: Facts


class Asked(NamedTuple):
    """A person's request. `id` names it so that it is answered once; '' for a key press or a signal here."""

    id: str
    verb: str
    """One of `fsm.commands.VERBS`."""
    unit: str
    """What it is about; '' for the whole sprint."""
    who: str
    why: str
    epoch: int = 0
    """The epoch that the person saw; 0 for whichever there is."""
    text: str = ""
    """What is answered."""
    options: Facts = {}  # noqa: RUF012  # never changed
    """`downstream`: what came after it runs again as well. `budget`: bounds in place of those of the plan."""


class Due(NamedTuple):
    """A waiting unit's time has come, by the engine's monotonic clock."""

    unit: str
    attempt: int


class Notified(NamedTuple):
    """What became of a try to tell somebody outside."""

    unit: str
    attempt: int
    ok: bool
    error: str = ""


Event = Ready | Adopted | Ended | Learnt | Asked | Due | Notified
