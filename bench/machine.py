"""The machine that a table belongs to, in neutral words: figures from different ones are not to be compared."""

import os
import platform
import sqlite3
from pathlib import Path

from bench.peers import PEERS
from bench.scratch import creation, filesystem


def facts(folder: Path, synced: float) -> list[str]:
    """One line each; `folder` is where the bench writes, `synced` the median seconds of an fdatasync there."""
    kernel = platform.release().split("-")[0]
    present = [peer.name for peer in PEERS if peer.installed]
    absent = [peer.name for peer in PEERS if not peer.installed]
    disk = f"{filesystem(folder)}: an fdatasync of 4 kB in place takes {synced * 1e3:.2f} ms at its best"
    missing = f"; not installed: {', '.join(absent)}" if absent else ""
    return [
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {kernel}, load {os.getloadavg()[0]:.1f}",
        f"{disk}, making a directory with a file in it {creation(folder) * 1e6:.0f} µs",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"peers: {', '.join(present) or 'none'}{missing}",
    ]
