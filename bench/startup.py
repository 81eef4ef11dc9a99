"""What it costs to ask: CPU of `--help` and of `status`, against a bare start of Python; and what they import."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.compare import Bench, Figures, Row, Side, Spread, number
from bench.plans import directory
from bench.process import command, run

_LIMIT = 0.120
"""Seconds of CPU."""
_HEAVY = ("pydantic", "ruamel", "sqlite_utils", "transitions")


def measure(bench: Bench) -> Iterator[Row]:
    """`--help`, and `status` on a small and on a large journal."""
    small, large = (_finished(bench.scratch.fresh(), tasks) for tasks in (8, bench.pick(400, 16)))
    bench.say("--help and status")
    cases = {
        "`--help`": ["--help"],
        "`status`, 8 tasks": ["status", str(small)],
        f"`status`, {bench.pick(400, 16)} tasks": ["status", str(large)],
    }
    sides: dict[str, Side] = {what: partial(_asked, command(*arguments)) for what, arguments in cases.items()}
    sides["bare"] = partial(_asked, [sys.executable, "-c", "pass"])
    found = bench.alternate(sides, rounds=9, seconds=10)
    bare = found.of("bare", "cpu")
    for what, arguments in cases.items():
        ours = found.of(what, "cpu")
        heavy = _imported(arguments)
        yield Row(
            measure="startup",
            what=f"CPU of {what}" + (f", imports {', '.join(heavy)}" if heavy else ""),
            ours=_ms(ours),
            against=f"bare Python {_ms(bare)}",
            ratio=found.ratio(what, "bare", "cpu"),
            target=f"≤ {_LIMIT * 1e3:.0f} ms, none of the four imported",
            met=ours.middle <= _LIMIT and not heavy,
        )


def _ms(cpu: Spread) -> str:
    return f"{number(cpu.middle * 1e3)} ms"


def _finished(folder: Path, tasks: int) -> Path:
    place = directory(folder / "sprint", tasks // 4, phases=4)
    run(command("run", str(place), "--workflows", str(place / "workflows")))
    return place


def _asked(argv: list[str], _: Path) -> Figures:
    done = run(argv)
    return {"seconds": done.seconds, "cpu": done.cpu}


def _imported(arguments: list[str]) -> list[str]:
    """Which of the heavy packages the command imports."""
    argv = command(*arguments)
    out = run([argv[0], "-X", "importtime", *argv[1:]]).out
    names = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in out.splitlines()
        if "import time:" in line
    }
    return [name for name in _HEAVY if name in names]
