"""Real sprints for tests: written into a directory, run by the real command, held against a ledger of their own."""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TEN_PHASES = """\
workflow: main
sprint-id: ten
collections:
  part:
    - {id: a, prompt: The first}
    - {id: b, prompt: The second}
"""

# Every task writes down that it began and with which code it ends: the ledger is the truth that the journal is held to.
TASK = 'echo "begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT" >>"$LEDGER"; sleep {nap}; {more}'
LEAVE = 'echo "end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT {code}" >>"$LEDGER"; exit {code}'


def task(nap: float = 0.03, code: int = 0) -> str:
    """Shell text of a task that naps and leaves with a code."""
    return TASK.format(nap=nap, more=LEAVE.format(code=code))


def flaky(nap: float = 0.03) -> str:
    """Shell text of a task that fails with 7 at its first try and succeeds at the next."""
    again = LEAVE.format(code=0)
    first = 'touch "$LEDGER.tried"; ' + LEAVE.format(code=7)
    return TASK.format(nap=nap, more=f'if [ -e "$LEDGER.tried" ]; then {again}; else {first}; fi')


def workflows(nap: float = 0.03) -> dict[str, object]:
    """Ten tasks: simple phases, two steps of three, gates, a retry."""
    return {
        "main.yaml": {
            "name": "main",
            "schema-version": "2.0",
            "phases": [
                {"id": "first", "run": task(nap)},
                {"id": "parts", "for-each": "part", "workflow": "part"},
                {"id": "flaky", "run": flaky(nap), "retry": {"max-attempts": 2}},
                {"id": "last", "run": task(nap), "gate": {"script": task(nap)}},
            ],
        },
        "part.yaml": {
            "name": "part",
            "schema-version": "2.0",
            "phases": [
                {"id": "make", "run": task(nap), "gate": {"script": task(nap)}},
                {"id": "check", "run": task(nap)},
                {"id": "tidy", "run": task(nap)},
            ],
        },
    }


class Sandbox:
    """One sprint directory and the command run in it, in an environment with nothing of ours."""

    def __init__(self, directory: Path, sprint: str, files: Mapping[str, object]) -> None:
        self.directory = directory
        self.ledger = directory.parent / f"{directory.name}.ledger"
        folder = directory / ".claude" / "workflows"
        folder.mkdir(parents=True)
        (directory / "SPRINT.yaml").write_text(textwrap.dedent(sprint), encoding="utf-8")
        for name, content in files.items():
            # JSON is YAML, so nothing here has to be quoted by hand.
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / name).write_text(text, encoding="utf-8")
        home = directory.parent / "home"
        home.mkdir(exist_ok=True)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LEDGER": str(self.ledger),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
        }

    def command(self, *words: str) -> list[str]:
        """The argv of a command."""
        return [sys.executable, "-m", "fsm_sprint", *words]

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Starts a command on the sprint and lets it run."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, check: int | None = None) -> "subprocess.CompletedProcess[str]":
        """Runs a command to its end; `check` is the exit code that it must have."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in done.stderr, done.stderr
        if check is not None:
            assert done.returncode == check, (words, done.returncode, done.stdout, done.stderr)
        return done

    def entries(self) -> list[list[str]]:
        """The ledger, line by line, in words."""
        if not self.ledger.exists():
            return []
        return [line.split() for line in self.ledger.read_text(encoding="utf-8").splitlines()]

    def rows(self) -> list[dict[str, object]]:
        """The journal's rows, as `replay --json` tells them."""
        document = json.loads(self.run("replay", "--json", check=0).stdout)
        return list(document["rows"])


def kill_at_random(
    sandbox: Sandbox, dice: random.Random, *, longest: float, kills: int, slots: int = 4
) -> int:
    """Runs the sprint, killing its supervisor at random moments, until it has ended by itself; the kills that hit."""
    hit = 0
    while True:
        process = sandbox.start("run", "-j", str(slots))
        if hit < kills:
            try:
                process.communicate(timeout=dice.uniform(0, longest))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                hit += 1
        _, said = process.communicate(timeout=60)
        if process.returncode != -signal.SIGKILL:
            assert process.returncode == 0, (process.returncode, said)
            return hit


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for a condition that something else brings about; fails when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("what was waited for did not come")
