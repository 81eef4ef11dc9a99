"""Compiling 10, 1,000 and 5,000 steps of four sub-phases, with process start, against a bare start of Python.

One process computes from beginning to end, so its CPU time is what the clock shows on a machine with nothing else to
do: that is what the limits are held against.
"""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.compare import Bench, Figures, Row, Side, number
from bench.plans import prompted
from bench.process import command, run

_LIMITS = {10: 0.35, 1_000: 0.8, 5_000: 2.5}
"""Seconds by number of steps."""
_STRETCH = {10: 0.30, 1_000: 0.55, 5_000: 1.3}
"""What the predecessor needed on the machine on which these limits were set."""


def measure(bench: Bench) -> Iterator[Row]:
    """One row per size."""
    for steps, limit in _LIMITS.items():
        if bench.quick and steps > 1_000:
            continue
        bench.say(f"compile of {steps:,} steps")
        sides: dict[str, Side] = {
            "ours": partial(_compiled, steps),
            "bare": _started,
        }
        found = bench.alternate(sides, rounds=5, seconds=10)
        clock, cpu = found.of("ours", "seconds"), found.of("ours", "cpu")
        yield Row(
            measure="compile",
            what=f"compile of {steps:,} steps, process start included",
            ours=f"{number(cpu.middle)} s, by the clock {number(clock.middle)} s",
            against=f"bare Python {number(found.of('bare', 'cpu').middle)} s",
            ratio=found.ratio("ours", "bare", "cpu"),
            target=f"≤ {limit} s (stretch {_STRETCH[steps]})",
            met=round(cpu.middle, 2) <= limit,
        )


def _compiled(steps: int, folder: Path) -> Figures:
    place = prompted(folder / "sprint", steps)
    done = run(
        command(
            "compile", str(place), "--workflows", str(place / "workflows"), "-o", str(folder / "out.yaml")
        )
    )
    return {"seconds": done.seconds, "cpu": done.cpu}


def _started(folder: Path) -> Figures:
    done = run([sys.executable, "-c", "pass"], cwd=folder)
    return {"seconds": done.seconds, "cpu": done.cpu}
