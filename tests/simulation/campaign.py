"""Many simulated worlds, the invariants that need the journal package, and the shortest story of the first that fails.

`python -m tests.simulation.campaign --seeds 100000 --first 0` runs on two processes, prints one line of totals, and
stops at the first violation with its story; with `--all` it names the seeds that fail and goes on to the last.
"""

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from fsm.faults import HARMLESS
from fsm.simulate import RUN, Report, Simulation, Violation
from fsm.sprint import Sprint, fold
from fsm.story import shortened
from fsm.transition import Transition
from journal.memory import MemoryJournal, Rows
from journal.progress import Progress, render
from journal.replay import verify

SHOWN = 16
"""One world in so many has somebody who looks at PROGRESS.yaml (I9): that takes as long as all the rest of a world."""
CHAINED = 4
"""One in so many has its journal verified as a real one is (I3, I12)."""
_BLOCK = 250
_TOLD = 25_000
"""After so many seeds a long campaign says how far it is."""


class Looker:
    """A publisher that holds what people are shown against the fold of what is on disk (I9)."""

    def __init__(self, sprint: Sprint, rows: Rows) -> None:
        self.sprint, self.rows = sprint, rows
        self.progress = Progress(sprint)

    def publish(self, changed: Sequence[Transition], *, resting: bool) -> float | None:
        self.progress.touch(changed)
        seq = self.sprint.seq
        head = self.rows.head[0]
        if seq > head:
            raise Violation("I9", f"row {seq} is shown and only {head} are on disk")
        shown = self.progress.text()
        journal = MemoryJournal(self.rows)
        rows = (row for row in journal.read() if row.seq <= seq)
        again = render(fold(rows, RUN, journal.text))
        if shown != again or shown != render(self.sprint):
            raise Violation("I9", f"what is shown of row {seq} is not what its journal gives")
        return None


def world(seed: int, rows: Rows, mask: Collection[int] | None = ()) -> Simulation:
    """The world of a seed over a journal in memory; every so-manyth is looked at by a publisher."""
    looker = (lambda sprint: Looker(sprint, rows)) if seed % SHOWN == 0 else None
    return Simulation(seed, lambda: MemoryJournal(rows), mask=mask, publisher=looker)


def run(seed: int, mask: Collection[int] | None = ()) -> tuple[Report, Rows]:
    """One world to its end, with every invariant. Raises Violation."""
    rows = Rows()
    found = world(seed, rows, mask)
    report = found.run()
    if seed % CHAINED == 0:
        problem = next(iter(verify(rows.committed)), None)
        if problem is not None:
            raise Violation("I12", str(problem))
    # What becomes of steps that are proposed is a matter of time: who is asked, which gates are passed anew.
    if report.faults and HARMLESS.issuperset(report.faults) and found.plan.orchestration is None:
        _undisturbed(seed, report)
    return report, rows


def _undisturbed(seed: int, report: Report) -> None:
    """I15: crashes, in recovery too, change nothing about the end, nor about what was executed."""
    calm = world(seed, Rows(), None).run()
    for name, one, other in (("ends", report.end, calm.end), ("runs", report.runs, calm.runs)):
        for unit in sorted(one.keys() | other.keys()):
            if unit.startswith("#notice"):
                continue  # is called after the row that it tells of
            if one.get(unit) != other.get(unit):
                what = f"{unit} {name} as {one.get(unit)}, and undisturbed as {other.get(unit)}"
                raise Violation("I15", what, (unit,))


def failure(seed: int, mask: Collection[int] | None = ()) -> Violation | None:
    """What is wrong with a seed."""
    try:
        run(seed, mask)
    except Violation as violation:
        return violation
    return None


def shrunk(seed: int, violation: Violation, seconds: float = 20.0) -> set[int]:
    """The numbers of faults that can be left out, and the same invariant still breaks."""
    end = time.monotonic() + seconds
    numbers = [fault.number for fault in world(seed, Rows()).schedule]
    mask: set[int] = set()
    size = len(numbers)
    while size and time.monotonic() < end:
        for start in range(0, len(numbers), size):
            more = mask | set(numbers[start : start + size])
            found = failure(seed, more) if more != mask else None
            if found is not None and found.invariant == violation.invariant:
                mask = more
        size //= 2
    return mask


def story(seed: int) -> str:
    """How a seed fails, with as little going wrong as it takes, in at most some forty lines."""
    violation = failure(seed)
    if violation is None:
        return f"seed {seed} holds"
    mask = shrunk(seed, violation)
    rows = Rows()
    told = world(seed, rows, mask)
    try:
        told.run()
    except Violation as again:
        violation = again
    lines = shortened(told.story, violation.units)
    head = f"seed {seed}: {violation}"
    if mask:
        head += f"\n(left out of {len(told.schedule)} faults: {sorted(mask)})"
    return "\n".join((head, *(line[:200] for line in lines)))


@dataclass(slots=True)
class Totals:
    """What a campaign comes to."""

    seeds: int = 0
    rows: int = 0
    lives: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)
    """Seeds that broke an invariant, or at which something was raised. Nothing else of them is counted."""

    @property
    def looked(self) -> int:
        """How many seeds were looked at, those that failed among them."""
        return self.seeds + len(self.failed)

    def add(self, other: "Totals") -> None:
        self.seeds += other.seeds
        self.rows += other.rows
        self.lives += other.lives
        self.faults += other.faults
        self.states += other.states
        self.failed += other.failed

    def line(self, first: int, seconds: float) -> str:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in self.faults.most_common())
        ends = ", ".join(f"{state} {count:,}" for state, count in self.states.most_common())
        return (
            f"{self.looked:,} seeds from {first:,} in {seconds:,.0f} s ({self.looked / max(seconds, 0.001):,.0f}/s): "
            f"{len(self.failed)} violations; {self.rows:,} rows, {self.lives:,} lives, "
            f"{self.faults.total():,} faults ({kinds}); ends: {ends}"
        )


def block(seeds: Iterable[int], *, on: bool = False) -> Totals:
    """Some seeds, up to the first that fails, or past it."""
    totals = Totals()
    gc.disable()  # worlds are full of cycles; they are collected between two of them
    try:
        for count, seed in enumerate(seeds):
            try:
                report, _ = run(seed)
            except Exception:  # noqa: BLE001  # `story` tells or raises it again
                totals.failed.append(seed)
                if on:
                    continue
                break
            totals.seeds += 1
            totals.rows += report.rows
            totals.lives += report.lives
            totals.faults += report.faults
            totals.states[report.state] += 1
            if count % 64 == 63:
                gc.collect()
    finally:
        gc.enable()
    return totals


def campaign(first: int, seeds: int, processes: int = 2, *, on: bool = False) -> Totals:
    """So many seeds on so many processes, up to the first that fails, or, to go `on`, all of them."""
    totals = Totals()
    blocks = [range(at, min(at + _BLOCK, first + seeds)) for at in range(first, first + seeds, _BLOCK)]
    with ProcessPoolExecutor(processes) as pool:
        for done in as_completed([pool.submit(block, part, on=on) for part in blocks]):
            totals.add(found := done.result())
            for seed in found.failed:
                print(f"seed {seed} fails", file=sys.stderr, flush=True)
            if totals.looked % _TOLD == 0:
                print(f"{totals.looked:,} seeds, {len(totals.failed)} failed", file=sys.stderr, flush=True)
            if totals.failed and not on:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    return totals


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="go on after a seed that fails")
    parser.add_argument("--story", type=int, help="tell how this one seed fails")
    asked = parser.parse_args()
    if asked.story is not None:
        print(story(asked.story))
        return 0
    began = time.monotonic()
    totals = campaign(asked.first, asked.seeds, asked.processes, on=asked.all)
    print(totals.line(asked.first, time.monotonic() - began), flush=True)
    if totals.failed:
        print(story(min(totals.failed)))
    return 1 if totals.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
