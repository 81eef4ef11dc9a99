"""One supervisor per sprint, whatever is done to the lock file."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from journal.errors import JournalError, LeaseHeld
from journal.lease import Lease, holder

ABOUT = {"pid": os.getpid(), "host": "box", "started": "2026-01-02 03:04"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".fsm-sprint" / "lock"


def test_a_second_supervisor_is_told_who_the_first_is(path: Path) -> None:
    with (
        Lease.take(path, ABOUT),
        pytest.raises(LeaseHeld, match=rf"\(pid {os.getpid()}, host box, since 2026-01-02 03:04\)"),
    ):
        Lease.take(path, {"pid": 1})


def test_a_child_that_a_killed_supervisor_had_forked_keeps_nobody_out_for_long(path: Path) -> None:
    """Between fork and exec it has the lock's descriptor too."""
    program = """if True:
        import os, sys
        from pathlib import Path
        from journal.lease import Lease
        lease = Lease.take(Path(sys.argv[1]), {"pid": os.getpid()})
        if os.fork():
            os.kill(os.getpid(), 9)
        sys.stdin.read()
    """
    forked = subprocess.Popen([sys.executable, "-c", program, path], stdin=subprocess.PIPE)
    assert forked.wait(timeout=30) == -9
    assert forked.stdin is not None
    assert holder(path) == {"pid": forked.pid}

    threading.Timer(0.2, forked.stdin.close).start()
    Lease.take(path, ABOUT).release()


@pytest.mark.parametrize("pid", [10**30, -1, 0, "1", None, True])
def test_whatever_pid_stands_in_a_held_lock_it_is_held(path: Path, pid: object) -> None:
    with Lease.take(path, {"pid": pid}), pytest.raises(LeaseHeld):
        Lease.take(path, ABOUT)


def test_a_lease_that_was_given_up_can_be_taken(path: Path) -> None:
    first = Lease.take(path, ABOUT)
    first.release()
    first.release()

    with Lease.take(path, {}):
        assert holder(path) == {}


def test_who_holds_it_can_be_asked(path: Path) -> None:
    assert holder(path) is None
    with Lease.take(path, ABOUT):
        assert holder(path) == ABOUT
        path.write_bytes(b"\xff nonsense")
        assert holder(path) == {}
    assert holder(path) is None


def test_asking_does_not_get_in_the_way_of_taking(path: Path) -> None:
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            holder(path)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(100):
            Lease.take(path, ABOUT).release()
    finally:
        over.set()
        asking.join()


@pytest.mark.process
def test_a_killed_supervisor_holds_nothing(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from journal.lease import Lease\n"
        "lease = Lease.take(Path(sys.argv[1]), {'pid': 1}); print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(LeaseHeld):
        Lease.take(path, {})

    process.kill()
    process.communicate()

    Lease.take(path, {}).release()


def test_a_child_does_not_inherit_the_lease(path: Path) -> None:
    lease = Lease.take(path, ABOUT)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    lease.release()

    Lease.take(path, {}).release()
    child.communicate(b"\n")


def test_a_lock_file_deleted_under_its_holder_is_no_way_to_hold_the_same_one(path: Path) -> None:
    """That the two then differ is what the journal's watch and its fence are for."""
    with Lease.take(path, ABOUT) as first:
        path.unlink()
        with Lease.take(path, {}) as second:
            assert os.fstat(first._descriptor).st_ino != os.fstat(second._descriptor).st_ino


def test_the_file_is_for_the_user_alone_and_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    Lease.take(path, {}).release()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match="cannot be opened"):
        Lease.take(path, {})
