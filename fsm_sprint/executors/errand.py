"""What the launcher hands a shim, and the shim its child: an order, and the descriptors that came with it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fsm_sprint.executors.wire import Order


class Errand:
    """One attempt, seen from below. Its holder owns the descriptors."""

    __slots__ = ("birth", "err", "folder", "gate", "order", "out", "status", "umask")

    def __init__(self, order: Order, fds: list[int], birth: dict[str, str], umask: int) -> None:
        """`birth`: boot id and pid namespace as the launcher found them; `umask`: the user's."""
        self.order = order
        self.folder, self.out, self.gate, self.status = fds[:4]
        self.err = fds[4] if len(fds) > 4 else self.out
        self.birth = birth
        self.umask = umask
