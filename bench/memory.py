"""Memory of a supervisor over 100,000 leaves: engine and journal alone, and `fsm-sprint run` as a user has it."""

from collections.abc import Iterator
from pathlib import Path

from bench.compare import Bench, Figures, Row
from bench.engines import scripted
from bench.plans import PHASES, directory, plan
from bench.process import command, resident, run
from journal.store import SqliteJournal

_LIMIT = 300e6
_TASKS = 400


def measure(bench: Bench) -> Iterator[Row]:
    """The most memory that is ever resident. Runs stop at their first task, which fails."""
    leaves = bench.pick(100_000, 4_000)
    steps = leaves // len(PHASES)
    bench.say(f"memory over {leaves:,} leaves")
    found = {
        "engine and journal": bench.inside("memory", folder=str(bench.scratch.fresh()), leaves=leaves)[
            "resident"
        ]
    }
    folder = directory(bench.scratch.fresh() / "sprint", steps, phases=len(PHASES), what="false")
    argv = command("run", str(folder), "--workflows", str(folder / "workflows"))
    found["`run`, which compiles first"] = run(argv, good=(1,)).resident
    found["`run` once more, from the journal"] = run(argv, good=(1,)).resident
    for what, most in found.items():
        yield Row(
            measure="memory",
            what=f"{leaves:,} leaves, {what}",
            ours=f"{most / 1e6:.0f} MB",
            target=f"< {_LIMIT / 1e6:.0f} MB",
            met=None if bench.quick else most < _LIMIT,
        )


def inside(folder: str, leaves: int) -> Figures:
    """Bytes, after some hundred instantaneous tasks."""
    with SqliteJournal.open(Path(folder) / "journal.db") as journal:
        scripted(journal, plan(leaves), until=_TASKS).run()
    return {"resident": resident()}
