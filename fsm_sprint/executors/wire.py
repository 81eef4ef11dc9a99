"""What goes between supervisor, launcher and shim, byte by byte.

To the launcher: a frame of a length and a marshalled job, with four or five descriptors (directory, log, gate, status,
perhaps a log for stderr). From the shim: one line, `ready …` or `error …`; a line `task PID` if that is asked for; the
exit sector once it is durable; then end of file. Both ends run the same interpreter and this very module: the launcher
is started by its only peer.
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    class Order(TypedDict):
        """A job as the launcher gets it; texts are the bytes that the system calls take."""

        argv: list[bytes]
        env: dict[bytes, bytes]
        cwd: bytes
        prompt: bool
        timeout: float | None
        idle_timeout: float | None
        first_output: float | None
        grace: float
        announce: bool


HEADER = 8
"""Bytes of the length before each frame."""
GO = b"G"
"""What opens a gate; end of file closes it for good."""


def frame(order: Order) -> bytes:
    """An order with its length."""
    body = marshal.dumps(order)  # type: ignore[arg-type]  # a TypedDict is a dict
    return len(body).to_bytes(HEADER, "big") + body


def order(body: bytes) -> Order:
    """What `frame` was made of."""
    return marshal.loads(body)  # type: ignore[no-any-return]  # noqa: S302  # from our own parent


def ready(identity: dict[str, str]) -> bytes:
    """The shim's line once it holds its locks."""
    return ("ready " + " ".join(f"{key}={value}" for key, value in identity.items()) + "\n").encode()


def failed(error: str) -> bytes:
    """The shim's line when it could not get that far."""
    return ("error " + " ".join(error.split()) + "\n").encode("utf-8", "replace")


def task(pid: int) -> bytes:
    """The shim's line once its task may run."""
    return b"task %d\n" % pid


def heard(line: bytes) -> tuple[dict[str, str] | None, str]:
    """(identity, '') of a `ready` line, (None, what went wrong) of any other."""
    kind, _, rest = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
    if kind == "ready":
        return dict(part.split("=", 1) for part in rest.split(" ")), ""
    return None, rest or kind
