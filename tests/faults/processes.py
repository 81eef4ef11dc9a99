"""The processes of one sprint, found from outside by the ledger's name in their environment, and signalled safely."""

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

SUPERVISOR, LAUNCHER, SHIM, CHILD = "supervisor", "launcher", "shim", "child"
_FOLDER = re.compile(r"/attempts/([^/]+)(?:/|$)")
"""In what it has open. A fork that has not become its task yet holds no more than the lock of the tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """One process, and what it is to its sprint."""

    pid: int
    role: str
    attempt: str
    """For a child `<unit> <number>`, for a shim its attempt's directory; '' where neither is known."""


def processes_of(ledger: Path) -> list[Victim]:
    """Everything alive that has this ledger in its environment, the caller excepted."""
    mark = f"LEDGER={ledger}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            victim = _seen(int(entry.name), mark)
            if victim is not None:
                found.append(victim)
    return found


def _seen(pid: int, mark: bytes) -> Victim | None:
    folder = Path(f"/proc/{pid}")
    try:
        environment = (folder / "environ").read_bytes().split(b"\0")
        if mark not in environment:
            return None
        comm = (folder / "comm").read_text().strip()
        attempt = ""
        task = [
            line for line in environment if line.startswith((b"FSM_SPRINT_TASK=", b"FSM_SPRINT_ATTEMPT="))
        ]
        if len(task) == 2:
            role = CHILD
            named = dict(os.fsdecode(line).split("=", 1) for line in task)
            attempt = f"{named['FSM_SPRINT_TASK']} {named['FSM_SPRINT_ATTEMPT']}"
        elif comm == "fsm-launcher":
            role = LAUNCHER
        elif comm == "fsm-shim":
            role = SHIM
            attempt = _guarded(folder / "fd")
        else:
            role = SUPERVISOR
    except OSError:
        return None  # it has ended meanwhile
    return Victim(pid=pid, role=role, attempt=attempt)


def _guarded(descriptors: Path) -> str:
    for entry in descriptors.iterdir():
        try:
            found = _FOLDER.search(str(entry.readlink()))
        except OSError:
            continue
        if found:
            return found[1]
    return ""


def send(victim: Victim, ledger: Path, number: int) -> bool:
    """Signals the very process that was seen; False when it has ended. Its pid may be another's by now."""
    try:
        fd = os.pidfd_open(victim.pid)
    except OSError:
        return False
    try:
        again = _seen(victim.pid, f"LEDGER={ledger}".encode())
        # A forked process that has exec'd its task meanwhile is another victim.
        if again != victim:
            return False
        signal.pidfd_send_signal(fd, number)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def end_all(ledger: Path) -> int:
    """Kills everything of a sprint, until a look finds nothing; how many there were. For cleaning up."""
    killed = 0
    for _ in range(200):
        found = processes_of(ledger)
        if not found:
            return killed
        for victim in found:
            killed += send(victim, ledger, signal.SIGKILL)
    raise AssertionError(f"{len(found)} processes of {ledger} cannot be ended")
