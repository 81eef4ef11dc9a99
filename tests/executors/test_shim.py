"""The shim against a disk that is full: nothing begins without room, and what is known is never given up."""

import os
import resource
from pathlib import Path

import pytest

from fsm import attempt
from fsm.errors import SprintError
from fsm_sprint.executors import shim
from tests.executors.hands import Hands


def test_a_verdict_that_cannot_be_written_is_tried_again_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """/dev/full refuses every write; the third pause makes room."""
    guard = shim._Shim.__new__(shim._Shim)
    guard.record = os.open("/dev/full", os.O_RDWR)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            room = os.open(tmp_path / "attempt", os.O_RDWR | os.O_CREAT)
            os.dup2(room, guard.record)
            os.close(room)

    monkeypatch.setattr("fsm_sprint.executors.shim.time.sleep", pause)
    raw = attempt.sector("exit", {"status": 256})
    guard.write(0, raw)
    os.close(guard.record)
    assert attempt.parse((tmp_path / "attempt").read_bytes(), "exit") == {"status": "256"}
    assert pauses == sorted(pauses)


def test_an_attempt_without_room_for_its_file_is_an_error_and_nothing_runs(hands: Hands):
    """A limit on the size of files is what a full disk looks like to a shim."""
    hands.ran(hands.shell("true"), "before")
    resource.prlimit(hands.executor._link._pid, resource.RLIMIT_FSIZE, (512, 512))
    hands.spawn(hands.shell("echo ran"))
    with pytest.raises(SprintError, match=r"cannot prepare task: .*No space left"):
        hands.ended()
    assert hands.log() == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may always write")
def test_a_directory_that_cannot_be_written_is_an_error(hands: Hands):
    hands.paths.attempts.chmod(0o500)
    try:
        with pytest.raises(SprintError, match="Permission denied"):
            hands.spawn(hands.shell("true"))
    finally:
        hands.paths.attempts.chmod(0o700)


def test_a_task_has_the_limits_of_its_user(hands: Hands):
    hands.ran(hands.shell("ulimit -n; ulimit -c"))
    soft = [resource.getrlimit(name)[0] for name in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)]
    core = "unlimited" if soft[1] == resource.RLIM_INFINITY else str(soft[1] // 512)
    assert hands.log().split() == [str(soft[0]), core]
