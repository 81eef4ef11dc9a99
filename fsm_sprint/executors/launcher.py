"""The launcher: a small process of its own that forks a shim per attempt, so that the supervisor never forks.

Exec'd once per supervisor as `python -I -S -E -c "…; main(3)"`, in its own session, with the standard library only. It
keeps nothing: descriptors that come with an order are closed as soon as the shim has them, what ends is reaped at once,
and at the end of file of its socket it leaves. Shims do not depend on it.
"""

from __future__ import annotations

import gc
import os
import select
import time
from _socket import CMSG_SPACE, SCM_RIGHTS, SOL_SOCKET, socket  # `socket` itself costs 3 ms and 1 MB
from os import _exit as leave

from fsm_sprint.executors import child, platform, shim, wire
from fsm_sprint.executors.errand import Errand
from fsm_sprint.executors.platform import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_MOST = 5
"""Descriptors with one order."""
_INT = 4


def main(fd: int) -> NoReturn:
    """Serves orders from the socket `fd` until its end."""
    os.set_inheritable(fd, False)
    os.closerange(fd + 1, 1 << 16)  # whatever the user's shell had left open is not for tasks
    ended = _settle_signals()
    umask = os.umask(0o077)
    os.chdir("/")  # no file system is kept busy by us
    platform.call_me(b"fsm-launcher")
    birth = {"boot": platform.boot_id(), "namespace": platform.pid_namespace()}
    link = socket(fileno=fd)
    gc.disable()  # a fork of this process shares its memory until somebody writes to it
    gc.freeze()
    poll = select.poll()
    for heard in (fd, ended):
        poll.register(heard, select.POLLIN)
    while True:
        ready = [heard for heard, _ in poll.poll()]
        if ended in ready:
            os.read(ended, 4096)
            _reap()
        if fd not in ready:
            continue
        found = _receive(link)
        if found is None:
            leave(0)
        order, fds = found
        _launch(Errand(order, fds, birth, umask), fd)
        for received in fds:
            os.close(received)


def _launch(errand: Errand, link: int) -> None:
    error = None
    for pause in (0.1, 0.3, 0.6, 1.0, 0.0):
        try:
            pid = os.fork()
            break
        except OSError as failure:  # too many processes; often only for a moment
            error = failure
            time.sleep(pause)  # nothing tells when there is room again
    else:
        pid = -1
        os.write(errand.status, wire.failed(f"cannot fork: {error}"))
    if pid == 0:
        os.close(link)
        shim.guard(errand)


def _receive(link: socket) -> tuple[wire.Order, list[int]] | None:
    """The next order with its descriptors; None at the end of file."""
    head, ancillary, _, _ = link.recvmsg(wire.HEADER, CMSG_SPACE(_MOST * _INT))
    fds: list[int] = []
    for level, kind, data in ancillary:
        if level == SOL_SOCKET and kind == SCM_RIGHTS:
            fds += memoryview(data[: len(data) // _INT * _INT]).cast("i").tolist()
    for fd in fds:
        os.set_inheritable(fd, False)
    head = _rest(link, head, wire.HEADER)
    size = int.from_bytes(head, "big")
    body = _rest(link, b"", size) if len(head) == wire.HEADER else b""
    if len(head) < wire.HEADER or len(body) < size:
        return None
    return wire.order(body), fds


def _rest(link: socket, found: bytes, size: int) -> bytes:
    """Reads on until there are `size` bytes, or fewer at the end of file."""
    parts = [found]
    left = size - len(found)
    while left and (more := link.recv(min(left, 1 << 20))):
        parts.append(more)
        left -= len(more)
    return b"".join(parts)


def _settle_signals() -> int:
    """Makes every signal what launcher and shims want of it; returns what can be read when a shim has ended."""
    for number in range(1, signals.NSIG):
        if number not in (signals.SIGKILL, signals.SIGSTOP, 32, 33):  # two are the C library's own
            signals.signal(number, signals.SIG_IGN if number in child.PATIENT else signals.SIG_DFL)
    for number in child.CAUGHT:
        signals.signal(number, _heard)
    signals.pthread_sigmask(signals.SIG_SETMASK, ())
    heard, wake = os.pipe()
    for fd in (heard, wake):
        os.set_blocking(fd, False)
    signals.set_wakeup_fd(wake, warn_on_full_buffer=False)
    return heard


def _heard(_number: int, _frame: object) -> None:
    """The wake-up descriptor says which signal it was; a handler has to be there for it to be written."""


def _reap() -> None:
    """Collects the shims that have ended. Never SIG_IGN: a shim would inherit it and lose its child's status."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
