"""The floor of a task, compiled here and in Python: the same forks, syncs and bytes as ours, and no logic."""

import shutil
import sys
from pathlib import Path

from bench.plans import TRUE
from bench.process import ROOT, run

_HERE = ROOT / "bench"
PYTHON = [sys.executable, "-I", "-S", "-E", str(_HERE / "floor.py")]
"""The floor as a script."""


def built(folder: Path) -> list[str] | None:
    """The floor as a program, made in `folder`; None without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    program = folder / "floor"
    run([compiler, "-O2", "-o", str(program), str(_HERE / "floor.c")])
    return [str(program)]


def floor(program: list[str], folder: Path, count: int, jobs: int, size: int) -> dict[str, float]:
    """Seconds and CPU seconds per task; `size` is the number of bytes that go with each row."""
    done = run([*program, str(folder), str(count), str(jobs), str(size), "/bin/sh", "-c", TRUE])
    return {"seconds": float(done.out) / count, "cpu": done.cpu / count}
