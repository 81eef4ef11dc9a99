"""The process of one try to tell somebody outside: runs a command or posts to an address, says how that went, and ends.

It leads a session of its own and keeps the bound itself, so that it holds without a supervisor too. Whatever the
command has started ends with it. Rule: a try that is not certainly taken has failed; redirects are not followed.

Standard input is a file: the order as one line of JSON, and after it what is to be told. Descriptor 3 gets one line:
unit, attempt, error, as a JSON list; an empty error says that it was taken.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from threading import Thread

from fsm_sprint.executors import platform
from fsm_sprint.executors.child import CAUGHT, PATIENT
from fsm_sprint.executors.family import members
from fsm_sprint.executors.platform import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    class Order(TypedDict):
        """What is to be done, and for whom it is reported."""

        unit: str
        attempt: int
        key: str
        """The same for each try of this notice: the receiver may know it already."""
        run: str | None
        url: str | None
        env: dict[str, str]
        cwd: str
        bound: float
        """Seconds that the try may take."""


REPORT = 3
"""The descriptor of the report."""
LONGEST = 300
"""Characters of an error."""
_TAIL = 4096
"""Bytes of a command's output that are looked at for its last line."""
_SWEEP = 2.0
"""Seconds after which a process that does not die of KILL is left (a hanging disk)."""


def main() -> None:
    """Does what the order says, and leaves."""
    os.set_inheritable(REPORT, False)
    platform.become_subreaper()
    platform.call_me(b"fsm-courier")
    with open(0, "rb", closefd=False) as file:
        first = file.readline()
        told = file.read()
    os.lseek(0, len(first), os.SEEK_SET)  # where a command begins to read
    order: Order = json.loads(first)
    said: list[str] = []
    # A thread, because the search for an address in the network cannot be interrupted.
    worker = Thread(target=lambda: said.append(_try(order, told)), daemon=True)
    worker.start()
    worker.join(order["bound"])
    error = said[0] if said else f"had not ended after {order['bound']:g} s"
    _sweep()
    line = json.dumps([order["unit"], order["attempt"], error[:LONGEST]])
    with suppress(BrokenPipeError):  # its supervisor has gone; the next one tries again
        os.write(REPORT, line.encode() + b"\n")
    os._exit(0)


def _try(order: Order, told: bytes) -> str:
    """Why it was not taken; '' when it was."""
    try:
        if order["run"] is not None:
            return _run(order["run"], order)
        return _post(order["url"] or "", told, order)
    except Exception as error:  # noqa: BLE001  # whatever it was, it is told and tried again
        return f"{type(error).__name__}: {error}"


def _run(text: str, order: Order) -> str:
    os.chdir(order["cwd"])
    ours, theirs = os.pipe()
    pid = os.posix_spawn(
        "/bin/sh",
        ["/bin/sh", "-c", text],
        order["env"],
        file_actions=[(os.POSIX_SPAWN_DUP2, theirs, 1), (os.POSIX_SPAWN_DUP2, theirs, 2)],
        setpgroup=0,
        setsigmask=(),
        setsigdef=(*PATIENT, *CAUGHT),
    )
    os.close(theirs)
    tail: list[bytes] = [b""]
    reader = Thread(target=_keep, args=(ours, tail), daemon=True)
    reader.start()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 0:
        return ""
    reader.join(0.2)  # what it left behind may hold the other end
    lines = tail[0].decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    end = f"exit code {code}" if code > 0 else f"killed by signal {-code}"
    return f"{end}: {last}" if last else end


def _keep(fd: int, tail: list[bytes]) -> None:
    """Empties a pipe to its end and keeps the last of it."""
    while piece := os.read(fd, 65536):
        tail[0] = (tail[0] + piece)[-_TAIL:]


def _post(url: str, told: bytes, order: Order) -> str:
    from base64 import b64encode
    from urllib.error import HTTPError, URLError
    from urllib.parse import quote, unquote, urlsplit, urlunsplit
    from urllib.request import (
        HTTPDefaultErrorHandler,
        HTTPErrorProcessor,
        HTTPHandler,
        HTTPSHandler,
        OpenerDirector,
        ProxyHandler,
        Request,
    )

    parts = urlsplit(url)
    login, _, place = parts.netloc.rpartition("@")
    path, query = (quote(part, safe="%/:=&?~+!$,;'@()*[]") for part in (parts.path, parts.query))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "fsm-sprint",
        "Idempotency-Key": order["key"],
    }
    if login:
        headers["Authorization"] = f"Basic {b64encode(unquote(login).encode()).decode()}"
    request = Request(urlunsplit((parts.scheme, place, path, query, "")), told, headers)  # noqa: S310  # http, https
    opener = OpenerDirector()
    for handler in (ProxyHandler, HTTPHandler, HTTPSHandler, HTTPDefaultErrorHandler, HTTPErrorProcessor):
        opener.add_handler(handler())
    try:
        opener.open(request, timeout=order["bound"]).close()
    except HTTPError as error:
        moved = ", and redirects are not followed" if 300 <= error.code < 400 else ""
        return f"HTTP {error.code} {error.reason}{moved}"
    except URLError as error:
        reason = error.reason
        return (reason.strerror if isinstance(reason, OSError) else None) or str(reason) or "no answer"
    return ""


def _sweep() -> None:
    """Ends everything that the try has started."""
    end = time.monotonic() + _SWEEP
    while time.monotonic() < end:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            if platform.LINUX or not members():
                return  # orphans are given to a subreaper: no children means no descendants
        for row in members():
            platform.send(row.pid, row.start, signals.SIGKILL)
        time.sleep(0.005)  # of descendants that are no children the kernel tells nothing
