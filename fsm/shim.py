"""The shim's life as a sequence of operations, without the operations.

One shim guards one attempt. What it does is written here once, as a generator; the executor's shim interprets the
operations with system calls, the simulator with a simulated disk and simulated processes. So the order that is proved
is the order that ships. Rule: *started* is durable before the child may run, the exit record before anybody is told.
Imports builtins only: see `fsm.attempt`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, TypeAlias

LOCK = "lock"
"""Take `shim.lock` (own, close-on-exec). Result: none."""
CREATE = "create"
"""Make the attempt file exclusively, empty and full-sized; sync it and its directory. Result: none.

Where there is one already, the attempt is over: a later supervisor has buried it, under `shim.lock`. Then leave.
"""
TREE = "tree"
"""Take `tree.lock` (inherited by every descendant). Result: none."""
READY = "ready"
"""Tell the supervisor who we are, over the status pipe. Result: none."""
GATE = "gate"
"""Wait for the supervisor's word. Result: True for GO, False for end of file."""
FORK = "fork"
"""Fork the child; it waits at the inner gate and leaves at its end of file. Result: its fields (pid, start)."""
STARTED = "started"
"""Write the *started* sector with the given fields; durable when it returns, retried for ever. Result: none."""
RELEASE = "release"
"""Open the inner gate: the child execs. Result: none."""
WAIT = "wait"
"""Wait for the child's end, keeping deadline and idle bound, passing signals on. Result: the exit fields."""
EXIT = "exit"
"""Write the exit sector with the given fields; durable when it returns, retried for ever. Result: none."""
SWEEP = "sweep"
"""End what is left of the tree. Result: none."""

Fields: "TypeAlias" = "dict[str, Any]"
Operation: "TypeAlias" = "tuple[str, Fields]"


def shim() -> "Generator[Operation, Any, None]":
    """Yields (operation, fields) and is sent each one's result; returning means: close the status pipe and leave."""
    yield LOCK, {}
    yield CREATE, {}
    yield TREE, {}
    yield READY, {}
    if not (yield GATE, {}):
        return
    child = yield FORK, {}
    yield STARTED, child
    yield RELEASE, {}
    ended = yield WAIT, {}
    yield EXIT, ended
    yield SWEEP, {}
