"""The child's side of a fork: from the shim's copy to the user's program, as clean as if a shell had started it.

Rule: nothing of ours is left in it but what it is meant to inherit: the tree lock, its output, its environment.
Whatever goes wrong before the exec is told to the shim in words, and is no crash. Imported by the shim: nothing heavy.
"""

# ruff: noqa: PTH110, PTH118

from __future__ import annotations

import errno
import os
from os import _exit as leave

from fsm_sprint.executors.files import PROMPT
from fsm_sprint.executors.platform import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from fsm_sprint.executors.errand import Errand

PATIENT = tuple(
    getattr(signals, name)
    for name in (
        "SIGHUP", "SIGINT", "SIGQUIT", "SIGPIPE", "SIGALRM", "SIGUSR2", "SIGTSTP", "SIGTTIN", "SIGTTOU",
        "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGIO",
    )
)  # fmt: skip
"""Signals that launcher and shim ignore; a program inherits that over exec, so the child puts them back."""
CAUGHT = (signals.SIGTERM, signals.SIGUSR1, signals.SIGCHLD)
"""Signals that mean something to the shim; the launcher lets them wake it, and nothing more."""

_NOT_FOUND = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT)


def become(errand: Errand, gate: int, report: int, tree: int, *, shims: tuple[int, ...]) -> NoReturn:
    """Closes what is the shim's, waits at the inner gate, then becomes the user's program.

    Leaves without a trace if the shim dies first. CAUGHT has to be blocked: a TERM must not be lost on the way.
    """
    order = errand.order
    code = 126
    try:
        signals.set_wakeup_fd(-1)
        for fd in shims:
            os.close(fd)
        for number in (*PATIENT, *CAUGHT):
            signals.signal(number, signals.SIG_DFL)
        os.setpgid(0, 0)  # a task that signals its own group must not hit its shim
        signals.pthread_sigmask(signals.SIG_SETMASK, ())
        if not os.read(gate, 1):
            leave(0)
        error = _enter(order["cwd"])
        if not error:
            prompt = order["prompt"]
            stdin = (
                os.open(PROMPT, os.O_RDONLY, dir_fd=errand.folder)
                if prompt
                else os.open(os.devnull, os.O_RDONLY)
            )
            for number, fd in enumerate((stdin, errand.out, errand.err)):
                os.dup2(fd, number)
            os.set_inheritable(tree, True)
            os.umask(errand.umask)
            code, error = _execute(order["argv"], order["env"])
    except BaseException as failure:  # noqa: BLE001  # whatever it was, the user is told
        error = f"cannot start it: {failure}"
    try:
        os.write(report, error.encode("utf-8", "replace")[:4096])
    finally:
        leave(code)


def _enter(folder: bytes) -> str:
    try:
        os.chdir(folder)
    except OSError as failure:
        return f"cannot work in {os.fsdecode(folder)}: {_words(failure)}"
    return ""


def _execute(argv: list[bytes], env: dict[bytes, bytes]) -> tuple[int, str]:
    """Execs, looking along the PATH of the new environment; returns only to say (status as shells have it, why not)."""
    program = argv[0]
    if b"/" in program:
        places = [program]
    else:
        places = [
            os.path.join(place, program) for place in env.get(b"PATH", os.fsencode(os.defpath)).split(b":")
        ]
    found: OSError | None = None
    for place in places:
        try:
            os.execve(place, argv, env)  # noqa: S606  # a program is what it is asked for; shells are named
        except OSError as failure:
            if failure.errno == errno.EACCES:
                # A file that may not be run, unless it is the directory that may not be looked into.
                found = failure if os.path.exists(place) or len(places) == 1 else found
            elif failure.errno not in _NOT_FOUND:
                found = failure
                break
            elif len(places) == 1 and os.path.exists(place):
                return 127, f"cannot execute {os.fsdecode(place)}: its interpreter does not exist"
    if found is None:
        return 127, f"command not found: {os.fsdecode(program)}"
    return 126, f"cannot execute {os.fsdecode(program)}: {_words(found)}"


def _words(failure: OSError) -> str:
    return f"{failure.strerror} ({errno.errorcode.get(failure.errno or 0, failure.errno)})"
