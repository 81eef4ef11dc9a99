"""Running what is measured: programs, and parts of this package in processes of their own."""

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A program that has ended. CPU and memory include everything that it waited for."""

    seconds: float
    cpu: float
    resident: int
    """Bytes of the largest process; at least what this one had when it began."""
    code: int
    out: str


def run(
    argv: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    good: Sequence[int] = (0,),
) -> Done:
    """Runs a program to its end. RuntimeError with the last it said when it ends with an unexpected status."""
    with subprocess.Popen(
        argv,
        cwd=cwd,
        env=environment() if env is None else dict(env),
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        begin = time.perf_counter()
        if process.stdin is not None:
            process.stdin.write(stdin)
            process.stdin.close()
        assert process.stdout is not None, "it is a pipe"
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in good:
        raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}:\n{out[-2000:]}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Done(
        seconds=seconds,
        cpu=usage.ru_utime + usage.ru_stime,
        resident=usage.ru_maxrss * scale,
        code=process.returncode,
        out=out,
    )


def environment() -> dict[str, str]:
    """The user's, with this checkout importable from anywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(ROOT)}


def command(*arguments: str) -> list[str]:
    """`fsm-sprint ARGUMENTS` of this checkout, as the console script runs it."""
    return [sys.executable, "-m", "fsm_sprint", *arguments]


def inside(measure: str, arguments: Mapping[str, Any], *, before: Sequence[str] = ()) -> dict[str, float]:
    """`bench.<measure>.inside(**arguments)` in a process of its own; `before` is a program that starts it."""
    done = run([*before, sys.executable, "-m", "bench.process", measure, json.dumps(arguments)])
    found: dict[str, float] = json.loads(done.out.splitlines()[-1])
    return found


def resident() -> int:
    """The most memory that this process has had resident, in bytes."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    print(json.dumps(importlib.import_module(f"bench.{sys.argv[1]}").inside(**json.loads(sys.argv[2]))))
