"""One generated sprint on one directory, with all that is needed to do harm to it and to judge it afterwards.

The product is known by its command line, its journal's tables and its files. Ledger and notes lie outside of it, so
that neither a full disk nor a power cut reaches them.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.judge import Harm, lines_of, rows_of, states_of, unfinished, violations
from tests.faults.plans import Generated
from tests.faults.processes import CHILD, SHIM, Victim, end_all, processes_of, send
from tests.faults.witness import noted

ROOT = Path(__file__).resolve().parents[2]
WITNESS = Path(__file__).with_name("witness.py")
PATIENCE = 60.0
"""Seconds within which anything that is undisturbed must be over."""


class Violated(AssertionError):
    """Something that must never be."""


class Stage:
    """A sprint, its ledger, its witness, and what was done to it so far."""

    def __init__(self, home: Path, sprint: Generated, directory: Path | None = None) -> None:
        """`home` is a new folder for what lies outside; the sprint is in it too unless `directory` says where."""
        self.home = home
        self.directory = home / "sprint" if directory is None else directory
        self.sprint = sprint
        self.ledger = home / "ledger"
        self.notes = home / "notes"
        self.harm = Harm()
        self.kills = 0
        self.prefix: tuple[str, ...] = ()
        """What its commands are run through."""
        self.copy: Path | None = None
        """Where the journal was copied to, when its own place is out of reach."""
        self._witness: subprocess.Popen[bytes] | None = None
        (home / "ledger.locks").mkdir(parents=True)
        (home / "user").mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home / "user"),
            "LEDGER": str(self.ledger),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
        }

    @property
    def journal(self) -> Path:
        return self.copy or self.directory / ".fsm-sprint" / "journal.db"

    def write(self) -> None:
        """Puts the sprint's own files where they belong."""
        folder = self.directory / ".claude" / "workflows"
        folder.mkdir(parents=True)
        # JSON is YAML, so nothing has to be quoted by hand.
        (self.directory / "SPRINT.yaml").write_text(json.dumps(self.sprint.sprint), encoding="utf-8")
        for name, content in self.sprint.workflows.items():
            (folder / name).write_text(json.dumps(content), encoding="utf-8")

    # Running

    def command(self, *words: str) -> list[str]:
        return [*self.prefix, sys.executable, "-m", "fsm_sprint", *words]

    def start(self, *words: str, said: Path | None = None) -> "subprocess.Popen[bytes]":
        """Starts a command; what it says goes to a file, so that nobody has to read along."""
        with (said or self.home / "said").open("wb") as output:
            return subprocess.Popen(
                self.command(*words),
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def run(self, *words: str, codes: tuple[int, ...] = (0,), patience: float = PATIENCE) -> int:
        """Runs a command to its end; Violated when it ends otherwise, hangs or shows a traceback."""
        process = self.start(*words)
        return self.ended(process, words, codes, patience)

    def ended(
        self,
        process: "subprocess.Popen[bytes]",
        words: tuple[str, ...],
        codes: tuple[int, ...],
        patience: float = PATIENCE,
    ) -> int:
        try:
            code = process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Violated(f"{words} did not end within {patience:.0f} s; {self.said()}") from None
        said = self.said()
        if "Traceback" in said or code not in codes:
            raise Violated(f"{words} ended with {code}: {said}")
        return code

    def said(self) -> str:
        return (self.home / "said").read_text(encoding="utf-8", errors="replace")[-3000:]

    def witness(self) -> None:
        """Sends for the reader outside, if he is not there."""
        if self._witness is None or self._witness.poll() is not None:
            self._witness = subprocess.Popen(
                [sys.executable, "-I", "-S", str(WITNESS), str(self.journal), str(self.notes)],
                env={},
                stdin=subprocess.DEVNULL,
            )

    def dismiss(self) -> None:
        if self._witness is not None:
            self._witness.kill()
            self._witness.wait()
            self._witness = None

    # Harm

    def victims(self, *roles: str) -> list[Victim]:
        return [victim for victim in processes_of(self.ledger) if not roles or victim.role in roles]

    def kill(self, victim: Victim) -> bool:
        """KILL to one process; what that may do to its attempt is remembered first."""
        shims, children = set(self.harm.shims), set(self.harm.children)
        if victim.role == SHIM:
            self.harm.shims.add(victim.attempt)
        elif victim.role == CHILD:
            unit, number = victim.attempt.rsplit(" ", 1)
            self.harm.children.add((unit, int(number)))
        if not send(victim, self.ledger, signal.SIGKILL):
            self.harm.shims, self.harm.children = shims, children
            return False
        self.kills += 1
        return True

    # Judgement

    def judge(self) -> None:
        """Holds the journal, as it is now, against ledger and notes."""
        if not self.journal.exists():
            if noted(self.notes) or lines_of(self.ledger):
                raise Violated("the journal is gone")
            return
        # The ledger first: what is in it happened before the journal is read.
        ledger, notes = lines_of(self.ledger), noted(self.notes)
        found = violations(rows_of(self.journal), ledger, self.harm, notes)
        if found:
            raise Violated(f"sprint {self.sprint.seed}: " + "; ".join(found))

    def judge_end(self, *, verify: bool = True) -> None:
        """The same for a sprint that has ended, and that everything in it has, and that nothing is left of it."""
        self.dismiss()
        self.judge()
        found = unfinished(states_of(self.journal), rows_of(self.journal), lines_of(self.ledger))
        if found:
            raise Violated(f"sprint {self.sprint.seed}: " + "; ".join(found))
        if verify:
            self.run("verify")
        left = self.left()
        if left:
            raise Violated(f"sprint {self.sprint.seed}: still there after its end: {left}")

    def left(self, patience: float = 5.0) -> list[Victim]:
        """What is still alive of it, after a moment for what is just leaving."""
        end = time.monotonic() + patience
        while (found := processes_of(self.ledger)) and time.monotonic() < end:
            time.sleep(0.02)
        return found

    def clear(self) -> None:
        """Ends and removes everything, whatever state it is in."""
        self.dismiss()
        end_all(self.ledger)
        shutil.rmtree(self.home, ignore_errors=True)
