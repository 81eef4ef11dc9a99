"""Whether a directory lies on a file system that a journal can be trusted to: locks that hold, memory that is shared.

Rule: known network and FUSE systems are refused, known local ones taken, and of the rest nobody knows: they are taken,
and `doctor` says so. Linux only; elsewhere every file system is one of the rest.
"""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from journal.errors import UnsafeFilesystem


class Trust(StrEnum):
    """What is known of a kind of file system."""

    LOCAL = "local"
    UNSAFE = "unsafe"
    UNKNOWN = "unknown"


class Mount(NamedTuple):
    """Where a directory lies: the mount point and the kernel's name for the kind of file system."""

    point: str
    kind: str

    @property
    def trust(self) -> Trust:
        """What is known of its kind."""
        if self.kind in _LOCAL:
            return Trust.LOCAL
        if self.kind in _UNSAFE or self.kind.partition(".")[0] in ("fuse", "fuseblk"):
            return Trust.UNSAFE
        return Trust.UNKNOWN


_LOCAL = frozenset(
    {
        "ext2",
        "ext3",
        "ext4",
        "xfs",
        "btrfs",
        "zfs",
        "f2fs",
        "bcachefs",
        "jfs",
        "nilfs2",
        "reiserfs",
        "tmpfs",
        "ramfs",
    }
    | {"overlay", "ufs", "apfs", "hfs"}
)

# WAL over these has corrupted journals, lost locks, or is documented not to work (sqlite.org/wal.html).
_UNSAFE = frozenset(
    {"nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "coda", "davfs"}
    | {"9p", "virtiofs", "drvfs", "vboxsf", "prl_fs", "vmhgfs"}
    | {"ceph", "lustre", "gpfs", "beegfs", "ocfs2", "gfs2", "orangefs", "pvfs2"}
)

_MOUNTS = Path("/proc/self/mountinfo")


def mount(path: Path, table: str | None = None) -> Mount | None:
    """The mount that `path` lies on, by the kernel's table (`table` replaces it); None where there is no such table."""
    if table is None:
        try:
            table = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return None
    real = os.path.realpath(path)
    best: Mount | None = None
    for line in table.splitlines():
        before, found, after = line.partition(" - ")
        fields = before.split(" ")
        if not found or len(fields) < 5:
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        # A later mount on the same point covers the earlier one.
        if inside and (best is None or len(point) >= len(best.point)):
            best = Mount(point, after.split(" ")[0])
    return best


_OCTAL = re.compile(r"\\([0-7]{3})")


def check(directory: Path, *, allow: bool = False, table: str | None = None) -> bool:
    """Whether a WAL can be used in `directory`. On an unsafe file system False with `allow`, else UnsafeFilesystem."""
    found = mount(directory, table)
    if found is None or found.trust is not Trust.UNSAFE:
        return True
    if allow:
        return False
    raise UnsafeFilesystem(
        f"{directory} lies on a file system of kind {found.kind} (mounted at {found.point}): "
        "its locks and shared memory cannot be relied on, and journals on such have been corrupted",
        hint="put the sprint on a local disk, or run with --unsafe-filesystem: slower, and at your own risk",
    )
