"""Which file systems are taken, refused, or taken with a doubt."""

from pathlib import Path

import pytest

from journal.errors import UnsafeFilesystem
from journal.filesystem import Mount, Trust, check, mount

TABLE = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:5 / /proc rw - proc proc rw
30 21 0:40 / /net/home rw shared:9 master:2 - nfs4 server:/home rw,vers=4.2
31 21 0:41 / /mnt/with\\040space rw - fuse.sshfs host: rw
32 21 0:42 / /work rw - 9p share rw
33 32 0:43 / /work rw - xfs /dev/sdb rw
34 21 0:44 / /odd rw - newfs /dev/sdc rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind", "trust"),
    [
        ("/", "ext4", Trust.LOCAL),
        ("/home/user/sprint", "ext4", Trust.LOCAL),
        ("/net/homework", "ext4", Trust.LOCAL),
        ("/net/home/user", "nfs4", Trust.UNSAFE),
        ("/mnt/with space/a", "fuse.sshfs", Trust.UNSAFE),
        ("/work/a", "xfs", Trust.LOCAL),
        ("/odd/a", "newfs", Trust.UNKNOWN),
    ],
)
def test_the_innermost_and_latest_mount_decides(path: str, kind: str, trust: Trust) -> None:
    found = mount(Path(path), TABLE)

    assert found is not None
    assert (found.kind, found.trust) == (kind, trust)


@pytest.mark.parametrize(
    "kind", ["nfs", "cifs", "smb3", "9p", "virtiofs", "fuse", "fuseblk", "fuse.grpcfuse", "drvfs"]
)
def test_network_and_fuse_are_not_safe(kind: str) -> None:
    assert Mount("/", kind).trust is Trust.UNSAFE


def test_an_unsafe_file_system_is_refused_with_a_way_out_unless_allowed() -> None:
    with pytest.raises(UnsafeFilesystem, match=r"nfs4 \(mounted at /net/home\)") as refused:
        check(Path("/net/home/user"), table=TABLE)

    assert "--unsafe-filesystem" in str(refused.value.hint)
    assert check(Path("/net/home/user"), allow=True, table=TABLE) is False


@pytest.mark.parametrize("path", ["/home/user", "/odd/a"])
def test_local_and_unknown_ones_are_taken(path: str) -> None:
    assert check(Path(path), table=TABLE) is True


def test_without_a_table_nothing_is_known_and_nothing_refused() -> None:
    assert mount(Path("/"), "") is None
    assert check(Path("/"), table="") is True


def test_this_machine_has_one_for_every_directory(tmp_path: Path) -> None:
    if not Path("/proc/self/mountinfo").exists():
        pytest.skip("the kernel's table of mounts is Linux's")

    assert mount(tmp_path) is not None
