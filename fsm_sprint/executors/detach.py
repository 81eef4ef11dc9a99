"""Starts this program once more, in a session of its own and with its output in a file: it outlives its terminal."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from fsm.errors import SprintError

_PATIENCE = 30.0
"""Seconds in which the new process must have taken over or have ended."""


class EndedAtOnce(SprintError):
    """The new process has ended before it ran anything; the message is what it said."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.status = status


def detach(arguments: list[str], output: Path, lock: Path, holder: Callable[[Path], int | None]) -> int:
    """Runs `fsm-sprint ARGUMENTS` detached; returns its pid once it has taken over or has ended well already.

    `holder` says the pid that holds the lease of `lock`, if any. Raises EndedAtOnce when it ends with an error before
    that.
    """
    begin = output.stat().st_size if output.exists() else 0
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fsm_sprint", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        # It says that it has taken over; before that it may hold the lease and still refuse.
        begun = output.stat().st_size > begin and holder(lock) == process.pid
        if begun or process.poll() == 0:
            return process.pid
        if process.returncode is not None:
            said = output.read_bytes()[begin:].decode("utf-8", "replace").strip()
            raise EndedAtOnce(said, process.returncode)
        time.sleep(0.02)  # nothing wakes whoever waits for a lock to be taken by another
    raise SprintError(f"it did not take over within {_PATIENCE:.0f} s", hint=f"see {output}")
