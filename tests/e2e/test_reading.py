"""Commands that read start nothing and write nothing, whatever lies in the sprint or on PATH."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e.sprints import Sandbox

pytestmark = [pytest.mark.process, pytest.mark.slow]

READERS = (
    "check", "check --json", "validate", "compile", "compile --json", "run --dry-run", "run --dry-run --json", "status",
    "status --json", "watch", "watch --json", "explain", "explain . first --json", "logs",
    "logs . first --raw", "replay", "replay --json",
    "replay --at 3", "verify", "verify --json", "journal export", "diagram plan", "diagram run", "diagram task",
    "schema sprint", "simulate --runs 2", "doctor", "doctor --json", "--help",
)  # fmt: skip
WATCHED = (
    ["check"], ["run", "--dry-run"], ["status", "--json"], ["logs"], ["replay"], ["diagram", "plan"], ["doctor"],
)  # fmt: skip
CALLS = (
    "execve,execveat,open,openat,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,truncate,link,linkat,"
    "symlink,symlinkat,chmod,fchmodat"
)
SCRATCH = ("journal.db-shm", "journal.db-wal")
"""SQLite makes these for any reader of a journal in WAL mode, the second one empty."""
PROGRAMS = ("sh", "bash", "git", "dot", "less", "python3", "env", "claude", "codex", "editor")

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    """A sprint that has run, whose every program leaves a trace, with a PATH of programs that do."""
    trap = tmp_path / "trap"
    trip = f": >{tmp_path}/tripped"  # without a program, which PATH would have to have
    phases = [
        {"id": "first", "run": "echo well", "gate": {"script": "true"}},
        {"id": "asks", "prompt": "$(" + trip + ")", "agent": {"command": ["./agent", "--fast"]}},
    ]
    sprint = "workflow: w\nsprint-id: s\non: {blocked: '" + trip + "'}\n"
    made = Sandbox(
        tmp_path / "s",
        sprint,
        {"w.yaml": json.dumps({"name": "w", "schema-version": "2.0", "phases": phases})},
    )
    agent = made.directory / "agent"
    agent.write_text("#!/bin/sh\nexit 1\n")
    agent.chmod(0o755)
    made.run("run", check=1)
    (tmp_path / "tripped").unlink()  # a run tells whom it is told to tell
    agent.write_text(f"#!/bin/sh\n{trip}\n")
    trap.mkdir()
    for name in PROGRAMS:
        (trap / name).write_text(f'#!/bin/sh\n[ "$*" = --version ] || {trip}\n')
        (trap / name).chmod(0o755)
    for name in ("sitecustomize.py", "fsm.py", "typer.py"):  # what lies in the directory is not imported
        (made.directory / name).write_text(f"import os\nos.system({trip!r})\n")
    own = made.directory / "gemini"  # nor, where PATH has nothing else of its name, asked for its version
    own.write_text(f"#!/bin/sh\n{trip}\n")
    own.chmod(0o755)
    made.env["PATH"] = f"{trap}{os.pathsep}."
    made.env |= {"PAGER": "less", "EDITOR": "editor", "PYTHONSAFEPATH": "1"}
    return made


def everything(folder: Path) -> dict[str, tuple[int, ...]]:
    """Every file with inode, size, mode and the times of its last changes."""
    return {
        str(path): (found.st_ino, found.st_size, found.st_mode, found.st_mtime_ns, found.st_ctime_ns)
        for path in [folder, *folder.rglob("*")]
        if path.name not in SCRATCH
        for found in [path.lstat()]
    }


def test_reading_starts_nothing_and_writes_nothing(box: Sandbox, tmp_path: Path) -> None:
    box.run("status")  # and with it what SQLite makes for its readers
    before = everything(box.directory)
    for words in READERS:
        done = box.run(*words.split())
        assert done.returncode in (0, 1, 4), (words, done.stderr)
        assert everything(box.directory) == before, words
        assert not (tmp_path / "tripped").exists(), words
    assert (box.directory / ".fsm-sprint" / SCRATCH[1]).stat().st_size == 0


@needs_strace
def test_the_system_is_asked_to_execute_nothing_and_to_write_nothing_of_a_sprint(
    box: Sandbox, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    strace = str(shutil.which("strace", path=os.environ["PATH"]))
    for one in WATCHED:
        box.command = lambda *_, one=one: [  # type: ignore[method-assign]  # the same command, watched
            *(strace, "-f", "-qq", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(trace)),
            *(sys.executable, "-m", "fsm_sprint", *one),
        ]
        box.run(*one)
        seen = trace.read_text(errors="replace").splitlines()
        executed = [line for line in seen if re.search(r"\bexecve(at)?\(", line)][
            1:
        ]  # the first is the command
        allowed = [line for line in executed if re.search(r'/trap/\w+"?, .*"--version"', line)]
        assert [line for line in executed if line not in allowed or one != ["doctor"]] == [], one
        place = re.escape(str(box.directory))
        written = [
            line
            for line in seen
            if not any(f'{name}"' in line for name in SCRATCH)
            and re.search(rf'"({place}|\.fsm-sprint|logs|PROGRESS)', line)
            and re.search(
                r"O_WRONLY|O_RDWR|O_CREAT|\b(creat|rename\w*|unlink\w*|mkdir\w*|truncate|\w*link\w*|chmod|fchmodat)\(",
                line,
            )
        ]
        assert written == [], one
