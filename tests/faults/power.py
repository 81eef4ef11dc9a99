"""A machine whose power can be cut: a disk in a file, and a life of mount, pid and boot id from one cut to the next.

A boot is a mount and pid namespace: its first process mounts the image and puts another boot id where the kernel's
stands, and when it is killed everything in it dies and the mount goes with it. The cut itself is the file system's
shutdown without a flush of its log: what it had not sent to the disk is lost, what it had is there. What a disk loses
of its own cache, though it was told to flush, cannot be had this way.
"""

import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

from tests.faults.stage import WITNESS, Stage, Violated

_SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN: `_IOR('X', 125, __u32)`."""
_NOLOGFLUSH = 2

_BOOT = """\
mount -o loop "$IMAGE" "$DISK" && mount --bind "$BOOT" /proc/sys/kernel/random/boot_id && cd "$DISK/sprint" || exit 99
: >"$OUT/up"
"$PYTHON" -I -S "$WITNESS" "$DISK/sprint/.fsm-sprint/journal.db" "$OUT/notes" 9>&- &
"$@" >"$OUT/said" 2>&1
code=$?
if [ $code = 0 ]; then
  "$PYTHON" -m fsm_sprint verify >"$OUT/verified" 2>&1 || code=98
  cp .fsm-sprint/journal.db "$OUT/journal.db"
fi
exit $code
"""


def unavailable() -> str:
    """Why no power can be cut here; '' when it can."""
    if os.geteuid() != 0:
        return "only root may mount"
    for program in ("mkfs.ext4", "mount", "unshare"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "true"], capture_output=True
    )
    return "" if tried.returncode == 0 else f"no namespaces: {tried.stderr.decode(errors='replace').strip()}"


class Machine:
    """One disk with one sprint on it. `stage.home` is outside and survives everything."""

    def __init__(self, stage: Stage, *, kind: str = "ext4", megabytes: int = 64) -> None:
        self.stage = stage
        self.image = stage.home / "image"
        self.disk = stage.home / "disk"
        self.disk.mkdir()
        stage.directory = self.disk / "sprint"
        stage.harm.cut = True
        with self.image.open("wb") as file:
            file.truncate(megabytes << 20)
        made = {
            "ext4": ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
            "xfs": ["mkfs.xfs", "-q", "-f"],
        }[kind]
        subprocess.run([*made, str(self.image)], check=True, capture_output=True)
        self._fill()
        self._power: subprocess.Popen[bytes] | None = None

    def _fill(self) -> None:
        """The sprint's own files, safely on the disk before anything happens to it."""
        files = self.stage.home / "files"
        self.stage.directory = files
        self.stage.write()
        self.stage.directory = self.disk / "sprint"
        fill = 'mount -o loop "$1" "$2" && cp -r "$3" "$2/sprint" && umount "$2"'
        subprocess.run(
            ["unshare", "--mount", "sh", "-c", fill, "sh", str(self.image), str(self.disk), str(files)],
            check=True,
        )
        self._released()

    def boot(self, *words: str) -> "subprocess.Popen[bytes]":
        """Turns it on and runs a command of fsm-sprint; the process ends with its code, 98 or 99 for other trouble."""
        home = self.stage.home
        (home / "boot").write_text(f"{uuid.uuid4()}\n")
        (home / "up").unlink(missing_ok=True)
        environment = {
            **self.stage.environment,
            "IMAGE": str(self.image),
            "DISK": str(self.disk),
            "BOOT": str(home / "boot"),
            "OUT": str(home),
            "PYTHON": sys.executable,
            "WITNESS": str(WITNESS),
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        }
        self._power = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"),
                *("sh", "-c", _BOOT, "sh", *self.stage.command(*words)),
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self._power

    def cut(self) -> bool:
        """Cuts the power, now; whether the disk was in use yet."""
        assert self._power is not None, "it was turned on"
        up = (self.stage.home / "up").exists()
        hit = False
        with suppress(OSError, IndexError):  # it has ended by itself meanwhile
            children = Path(f"/proc/{self._power.pid}/task/{self._power.pid}/children").read_text().split()
            root = Path(f"/proc/{children[0]}/root")
            disk = os.open(f"{root}{self.disk}", os.O_RDONLY)
            try:
                if up:
                    fcntl.ioctl(disk, _SHUTDOWN, struct.pack("I", _NOLOGFLUSH))
                    hit = True
            finally:
                os.close(disk)
        self._power.send_signal(signal.SIGKILL)
        self.off()
        return hit

    def off(self) -> int:
        """Waits until everything in it has ended and the disk is given back; the code of what ran."""
        assert self._power is not None, "it was turned on"
        code = self._power.wait(timeout=120)
        self._released()
        return code

    def _released(self) -> None:
        """Mounted twice, an image would be ruined: by us, and not by what is tested."""
        end = time.monotonic() + 30
        while any(_backing(loop) == str(self.image) for loop in Path("/sys/block").glob("loop*")):
            if time.monotonic() > end:
                raise AssertionError(f"{self.image} is still mounted")
            time.sleep(0.005)

    def clear(self) -> None:
        """Turns it off for good."""
        if self._power is not None and self._power.poll() is None:
            self._power.kill()
        if self._power is not None:
            self.off()


def _backing(loop: Path) -> str:
    try:
        return (loop / "loop" / "backing_file").read_text().strip()
    except OSError:
        return ""


def cuts_of_a_sprint(stage: Stage, machine: Machine, dice: random.Random, cuts: int) -> int:
    """Cuts the power so many times while the sprint runs, then lets it end; judges; the cuts that hit the disk."""
    hit = boots = 0
    while boots < 60:
        boots += 1
        running = machine.boot("run", "-j", str(dice.randint(1, 6)))
        if hit < cuts:
            _moment(stage, dice)
            if running.poll() is None:
                hit += machine.cut()
                continue
        code = machine.off()
        if code == 0:
            stage.copy = stage.home / "journal.db"
            stage.judge_end(verify=False)
            return hit
        if code != 1:  # blocked, by a gate that was lost
            raise Violated(f"run ended with {code}: {stage.said()}")
    raise Violated(f"sprint {stage.sprint.seed} does not come to its end: {stage.said()}")


def _moment(stage: Stage, dice: random.Random) -> None:
    """Waits for any moment, or for one soon after tasks have begun or ended, however slow the machine is."""
    before, lines = _size(stage), dice.randint(1, 6)
    if dice.random() < 0.2:
        time.sleep(dice.uniform(0.05, 0.6))
        return
    end = time.monotonic() + 5
    while time.monotonic() < end and _size(stage) - before < lines * 20:
        time.sleep(0.001)
    time.sleep(dice.choice((0, dice.uniform(0, 0.02), dice.uniform(0, 0.2))))


def _size(stage: Stage) -> int:
    return stage.ledger.stat().st_size if stage.ledger.exists() else 0
