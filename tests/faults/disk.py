"""A small disk of its own under a sprint: tmpfs, or ext4 in a file. It can be filled, given room, made read-only."""

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

BLOCKS = {"ext4": "4096", "ext4 of small blocks": "1024"}
"""Bytes in a block. SQLite makes sure of room for its shared memory by one byte in each 4,096: on smaller blocks that
does not do, and a process that writes to memory for which the disk has no room is ended by SIGBUS."""


def unavailable(kind: str) -> str:
    """Why there is no such disk here; '' when there is one."""
    if os.geteuid() != 0:
        return "only root may mount"
    if kind != "tmpfs" and (shutil.which("mkfs.ext4") is None or not Path("/dev/loop-control").exists()):
        return "there is no mkfs.ext4, or no loop device"
    return ""


class Disk:
    """A mounted file system. `kilobytes` is what it has; for ext4, with what that takes for itself."""

    def __init__(self, folder: Path, kind: str, kilobytes: int) -> None:
        self.place = folder / "disk"
        self.place.mkdir()
        self.kind = kind
        self._filler = self.place / "filler"
        if kind == "tmpfs":
            _done("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(self.place))
            return
        image = folder / "disk.image"
        with image.open("wb") as file:
            file.truncate(kilobytes << 10)
        _done("mkfs.ext4", "-q", "-F", "-m", "0", "-b", BLOCKS[kind], "-N", "400", str(image))
        _done("mount", "-o", "loop", str(image), str(self.place))

    def fill(self, *, leave: int = 0) -> None:
        """Takes all room but so many bytes."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 16, 1 << 12, 1 << 9, 1):
                with suppress(OSError):
                    while file.write(b"\0" * size) == size:
                        pass
        if leave:
            os.truncate(self._filler, max(0, self._filler.stat().st_size - leave))

    def free(self) -> None:
        """Gives the room back."""
        self._filler.unlink(missing_ok=True)

    def resize(self, kilobytes: int) -> None:
        """Gives a tmpfs another size."""
        _done("mount", "-o", f"remount,size={kilobytes}k", str(self.place))

    def read_only(self, *, really: bool) -> None:
        """Remounts it; nothing may be open for writing on it."""
        _done("mount", "-o", "remount,ro" if really else "remount,rw", str(self.place))

    def clear(self) -> None:
        """Unmounts it; whoever works on it has been ended."""
        for _ in range(200):
            done = subprocess.run(["umount", str(self.place)], capture_output=True)
            if done.returncode == 0:
                return
            time.sleep(0.02)
        raise AssertionError(done.stderr.decode(errors="replace"))


def _done(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
