"""The machine that a table belongs to, in neutral words: figures from different ones are not to be compared."""

import os
import platform
import sqlite3
import time
from pathlib import Path
from statistics import median

from bench.peers import PEERS
from bench.scratch import creation, filesystem

FAST = 0.0002
"""Seconds: with an fdatasync faster than this, rates have to be kept, and peers that promise nothing kept up with."""


def facts(folder: Path, synced: float) -> list[str]:
    """One line each; `folder` is where the bench writes, `synced` the median seconds of an fdatasync there."""
    kernel = platform.release().split("-")[0]
    present = [peer.name for peer in PEERS if peer.installed]
    absent = [peer.name for peer in PEERS if not peer.installed]
    disk = f"{filesystem(folder)}: an fdatasync of 4 kB in place takes {synced * 1e3:.2f} ms"
    missing = f"; not installed: {', '.join(absent)}" if absent else ""
    return [
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {kernel}, load {os.getloadavg()[0]:.1f}",
        f"{disk}, making a directory with a file in it {creation(folder) * 1e6:.0f} µs",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"peers: {', '.join(present) or 'none'}{missing}",
    ]


def fdatasync(folder: Path, count: int = 200) -> float:
    """Median seconds for making 4 kB in an 8 MB file durable."""
    taken = []
    fd = os.open(folder / "synced", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(fd, bytes(8 << 20))
        os.fsync(fd)
        for number in range(count):
            os.pwrite(fd, b"x" * 4096, 4096 * number)
            begin = time.perf_counter()
            getattr(os, "fdatasync", os.fsync)(fd)
            taken.append(time.perf_counter() - begin)
    finally:
        os.close(fd)
    return median(taken)
