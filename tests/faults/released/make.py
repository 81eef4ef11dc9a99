"""Makes the fixture of a version: `python -m tests.faults.released.make VERSION COMMIT`, once per release.

That version itself, unpacked from git, runs a generated sprint up to a breakpoint. Its journal is kept as SQL text, so
that a change of a fixture can be read, and because a text is not changed by whoever only opens it.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.faults.plans import Generated, generated
from tests.faults.stage import ROOT, Stage

HERE = Path(__file__).parent
_SEED = 11


def unpacked(commit: str, folder: Path) -> str:
    """Unpacks the packages of a commit into a folder; why that cannot be done, or ''."""
    if shutil.which("git") is None:
        return "there is no git"
    done = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "fsm", "compiler", "journal", "diagrams", "fsm_sprint"],
        capture_output=True,
    )
    if done.returncode:
        return f"git has no commit {commit} here"
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=done.stdout, check=True)
    return ""


def sprint() -> Generated:
    """A generated one with a breakpoint in its middle."""
    made = generated(_SEED)
    phases = made.workflows["main.yaml"]["phases"]
    assert isinstance(phases, list)
    phases[len(phases) // 2]["break"] = True
    return made


def dumped(journal: Path) -> str:
    """A database as text, with what tells whose it is and of which format."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as reader:
        lines = list(reader.iterdump())
        marks = [
            (name, reader.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("application_id", "user_version")
        ]
    return "\n".join([*lines, *(f"PRAGMA {name} = {value};" for name, value in marks)]) + "\n"


def main(version: str, commit: str) -> None:
    with tempfile.TemporaryDirectory(prefix="fsm-sprint-") as folder:
        code = Path(folder) / "code"
        if why := unpacked(commit, code):
            raise SystemExit(why)
        stage = Stage(Path(folder) / "home", sprint())
        stage.environment["PYTHONPATH"] = str(code)
        stage.write()
        stage.run("run", codes=(10,))
        stage.run("verify")
        (HERE / f"{version}.sql").write_text(dumped(stage.journal), encoding="utf-8")
        about = {"commit": commit, "sprint": stage.sprint.sprint, "workflows": stage.sprint.workflows}
        (HERE / f"{version}.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
