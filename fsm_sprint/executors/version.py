"""What a program says of its own version, asked with a short patience."""

import os
import re
import signal
import subprocess
from contextlib import suppress

_VERSION = re.compile(r"\d+\.\d+[\w.+-]*")
_MOST = 4096


def version(program: str, seconds: float = 5.0) -> str | None:
    """What it prints for `--version`; None when it says nothing in time. Whatever it has started ends with it."""
    try:
        asked = subprocess.Popen(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    with asked:
        try:
            said, _ = asked.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            said = b""
        finally:
            # Its group is its own: nothing else can have that number while it, unreaped or not, is ours to end.
            if asked.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(asked.pid, signal.SIGKILL)
    found = _VERSION.search(said[:_MOST].decode("utf-8", "replace"))
    return found[0] if found else None
