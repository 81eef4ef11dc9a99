"""What lives below this process. Imported by shims: nothing heavy."""

from __future__ import annotations

import os

from fsm_sprint.executors import platform


def members() -> list[platform.Process]:
    """Our descendants, and what is left in our session where orphans go elsewhere."""
    me = os.getpid()
    rows = [row for row in platform.processes() if row.pid != me]
    tree, size = {me}, 0
    while len(tree) > size:
        size = len(tree)
        tree.update(row.pid for row in rows if row.parent in tree)
    return [row for row in rows if (row.pid in tree or row.session == me) and not row.dead]
