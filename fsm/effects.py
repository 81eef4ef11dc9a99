"""What a state owes the world, as data. Effects are computed from the fold each turn, never remembered."""

from typing import NamedTuple

from fsm.transition import Facts


class Spawn(NamedTuple):
    """Prepare an attempt up to the gate: directory, log, shim. Nothing of the user's runs yet."""

    unit: str
    attempt: int
    name: str
    """Directory of the attempt under `attempts/`."""
    log: str
    """Log file, relative to the sprint directory."""


class Go(NamedTuple):
    """Open the gate: its `start` row is on disk."""

    unit: str
    attempt: int


class Attach(NamedTuple):
    """Find out what became of an attempt of an earlier supervisor, and watch it if it lives."""

    unit: str
    attempt: int
    name: str
    log: str
    identity: dict[str, str]
    """What its `start` row recorded: shim pid and start time, boot id, pid namespace; empty when there is none."""


class Stop(NamedTuple):
    """TERM to the whole tree of an attempt now, KILL at `kill_at` (wall ms)."""

    unit: str
    attempt: int
    kill_at: int


class Answer(NamedTuple):
    """Tell whoever asked what came of it; told again when the same request is met again."""

    id: str
    text: str


class Notify(NamedTuple):
    """Tell somebody outside, without anything waiting for it; report `Notified`. Time passes before a later try."""

    unit: str
    attempt: int
    """Which try it is; owed again under the same number, it is the same try."""
    cause: int
    """The number of the row that caused it: the key by which a receiver knows that it has it already."""
    event: str
    run: str | None
    """Text for `/bin/sh -c`."""
    url: str | None
    """Where to POST it."""
    facts: Facts
    """`unit` and `why` of what has happened."""


Effect = Spawn | Go | Attach | Stop | Answer | Notify
