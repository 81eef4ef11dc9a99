"""The outsider: starts sprints, does harm to them from outside, and judges what is left.

`python -m tests.faults.outsider --rounds N [--seed S] [--keep]` runs N rounds, a generated sprint each. It knows the
product by its command line, its journal's tables and its files. The moves: kill -9 of any process of the sprint or of
all at once, SIGSTOP and SIGCONT, `stop`, a second supervisor, a full disk, a power cut (the last two as root).
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults import disk, power
from tests.faults.disk import Disk
from tests.faults.plans import generated
from tests.faults.power import Machine, cuts_of_a_sprint
from tests.faults.processes import CHILD, LAUNCHER, SHIM, SUPERVISOR, end_all, send
from tests.faults.stage import PATIENCE, Stage, Violated

BLOCKED, HELD, WAITING = 1, 6, 10
ENVIRONMENT = 4
LONGEST = 0.4
"""Seconds until the next move, at most; counted, for most, from when a task has begun or ended."""


class Outsider:
    """One round: a sprint, a number of moves, and then it is left alone until it has ended."""

    def __init__(self, stage: Stage, dice: random.Random, place: Disk | None = None) -> None:
        self.stage = stage
        self.place = place
        """The disk that it is on, if that can be filled."""
        self.dice = dice
        self.done: Counter[str] = Counter()
        """Moves that hit, by name."""
        self._launchers = 0
        self._rivals = 0
        self._full = False

    def round(self, moves: dict[str, int], number: int, *, longest: float = LONGEST) -> None:
        """So many moves, drawn with these weights; then to the end. Violated when something must not be."""
        stage = self.stage
        stage.write()
        left = number
        starts = 0
        while True:
            starts += 1
            if starts > number + 60:
                raise Violated(f"sprint {stage.sprint.seed} does not come to its end: {stage.said()}")
            stage.witness()
            process = stage.start("run", "-j", str(self.dice.randint(1, 6)))
            self._launchers = self._rivals = 0
            self._full = False
            while left > 0:
                try:
                    self._watch(process)
                    process.wait(timeout=self.dice.uniform(0, longest))
                    break
                except subprocess.TimeoutExpired:
                    name = self.dice.choices(list(moves), list(moves.values()))[0]
                    if getattr(self, f"_{name}")(process):
                        self.done[name] += 1
                        left -= 1
            code = stage.ended(process, ("run",), self._codes())
            if self.place is not None:
                self.place.free()
            stage.judge()
            if code == 0:
                break
        stage.judge_end()

    def _codes(self) -> tuple[int, ...]:
        """What a run may end with, after what was done: blocked by a gate that was killed, or by a stop."""
        few = (ENVIRONMENT,) if self._launchers > 2 or self._full else ()
        stopped = (WAITING, 143) if self.stage.harm.stopped else ()
        held = (HELD,) if self._rivals else ()  # who came later may have been faster
        return (0, -signal.SIGKILL, BLOCKED, *few, *stopped, *held)

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        """Most moves are made while tasks run, not while a supervisor starts, however slow the machine is."""
        before, end = self._size(), time.monotonic() + 3
        if self.dice.random() < 0.6:
            while self._size() == before and process.poll() is None and time.monotonic() < end:
                time.sleep(0.002)

    def _size(self) -> int:
        ledger = self.stage.ledger
        return ledger.stat().st_size if ledger.exists() else 0

    # The moves. Each says whether it hit.

    def _supervisor(self, process: "subprocess.Popen[bytes]") -> bool:
        if process.poll() is not None:
            return False
        process.kill()
        self.stage.kills += 1
        return True

    def _launcher(self, process: "subprocess.Popen[bytes]") -> bool:
        self._launchers += 1
        return self._one(LAUNCHER)

    def _shim(self, process: "subprocess.Popen[bytes]") -> bool:
        return self._one(SHIM)

    def _child(self, process: "subprocess.Popen[bytes]") -> bool:
        return self._one(CHILD)

    def _one(self, role: str) -> bool:
        found = self.stage.victims(role)
        return bool(found) and self.stage.kill(self.dice.choice(found))

    def _everything(self, process: "subprocess.Popen[bytes]") -> bool:
        found = self.stage.victims()
        self.dice.shuffle(found)
        return sum([self.stage.kill(victim) for victim in found]) > 0

    def _freeze(self, process: "subprocess.Popen[bytes]") -> bool:
        """SIGSTOP to the supervisor, to the shims or to everything, for a moment."""
        stage = self.stage
        roles = self.dice.choice([(SUPERVISOR,), (SHIM,), ()])
        frozen = [victim for victim in stage.victims(*roles) if send(victim, stage.ledger, signal.SIGSTOP)]
        time.sleep(self.dice.uniform(0, 0.5))
        for victim in frozen:
            send(victim, stage.ledger, signal.SIGCONT)
        return bool(frozen)

    def _rival(self, process: "subprocess.Popen[bytes]") -> bool:
        """A second supervisor: it is refused, unless the first has just let go."""
        self._rivals += 1
        said = self.stage.home / "rival"
        rival = self.stage.start("run", said=said)
        code = rival.wait(timeout=PATIENCE)
        if code not in (0, BLOCKED, HELD, *self._codes()) or b"Traceback" in said.read_bytes():
            raise Violated(f"a second run ended with {code}: {said.read_text()}")
        return code == HELD

    def _fill(self, process: "subprocess.Popen[bytes]") -> bool:
        """No room for a while, or until this life of the supervisor is over."""
        assert self.place is not None, "this move is for rounds on a disk of their own"
        self._full = True
        self.place.fill(leave=self.dice.choice((0, 0, 512, 4096, 20_000)))
        time.sleep(self.dice.uniform(0, 0.4))
        if self.dice.random() < 0.6:
            self.place.free()
        return True

    def _stop(self, process: "subprocess.Popen[bytes]") -> bool:
        """`fsm-sprint stop`; the sprint rests then, and the next `run` goes on."""
        stage = self.stage
        if not stage.journal.exists():
            return False
        stage.harm.stopped = True
        said = stage.home / "stopping"
        stopping = stage.start("stop", said=said)
        code = stopping.wait(timeout=PATIENCE)
        if code not in (0, ENVIRONMENT, 2) or b"Traceback" in said.read_bytes():
            raise Violated(f"stop ended with {code}: {said.read_text()}")
        return code == 0


KILLS = {"supervisor": 5, "launcher": 2, "shim": 2, "child": 2, "everything": 1}
MOVES = KILLS | {"freeze": 2, "rival": 1, "stop": 1}
ON_A_DISK = MOVES | {"fill": 6}


def one_round(folder: Path, seed: int, moves: int) -> Counter[str]:
    """A round of the outsider, three of five plain, one under power cuts, one on a disk that fills up."""
    dice = random.Random(f"outsider {seed}")
    kind = ("plain", "power", "plain", "disk", "plain")[seed % 5]
    if kind == "power" and not power.unavailable():
        stage = Stage(folder, generated(seed))
        machine = Machine(stage)
        try:
            return Counter(cut=cuts_of_a_sprint(stage, machine, dice, moves))
        finally:
            machine.clear()
            stage.dismiss()
    if kind == "disk" and not disk.unavailable("ext4"):
        folder.mkdir()
        place = Disk(folder, "ext4", 20 << 10)
        stage = Stage(folder / "home", generated(seed), place.place / "sprint")
        outsider = Outsider(stage, dice, place)
        try:
            outsider.round(ON_A_DISK, moves)
        finally:
            stage.dismiss()
            end_all(stage.ledger)
            place.clear()
        return outsider.done
    stage = Stage(folder, generated(seed))
    outsider = Outsider(stage, dice)
    try:
        outsider.round(MOVES, moves)
    finally:
        stage.dismiss()
        end_all(stage.ledger)
    return outsider.done


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.outsider", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the first round; the next ones count on")
    parser.add_argument("--moves", type=int, default=8, help="in a round")
    parser.add_argument("--keep", action="store_true", help="leave the files of a round that failed")
    asked = parser.parse_args(words)
    total: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="outsider-") as folder:
        for seed in range(asked.seed, asked.seed + asked.rounds):
            try:
                total += one_round(Path(folder) / str(seed), seed, asked.moves)
            except Violated as violated:
                print(f"round {seed}: {violated}", flush=True)
                if asked.keep:
                    kept = Path(tempfile.mkdtemp(prefix=f"outsider-kept-{seed}-"))
                    (Path(folder) / str(seed)).rename(kept / "round")
                    print(f"its files: {kept}", flush=True)
                return 1
            shutil.rmtree(Path(folder) / str(seed))
    seconds = time.monotonic() - began
    print(
        f"{asked.rounds} rounds, {sum(total.values())} moves in {seconds:.0f} s, no violation: {dict(total)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
