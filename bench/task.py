"""A task from spawn to completed, durable and adoptable, against the floor that the protocol leaves and against peers.

Ours is measured twice: the engine with its journal and its executor in one process, and `fsm-sprint run` as a user has
it. Programs are run with two numbers of tasks, and the difference is taken, so that no one's start-up counts.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import floors
from bench.compare import Bench, Figures, Rounds, Row, Side, at_most, ms, number, spread
from bench.engines import Local
from bench.peers import PEERS, Peer
from bench.plans import directory, plan
from bench.process import command, run
from bench.process import inside as in_process

_TASKS = 120
"""Tasks of a side that syncs, in a round: few enough that a disk rented by the operation does not run dry in it."""
_OTHERS = 500
"""Tasks of a peer in a round."""
_OURS = {"engine": "engine, journal and executor", "run": "`fsm-sprint run`"}
_ROWS = 3
"""Rows of an attempt."""
_USUAL = 10_000
"""Bytes per row where the system does not say how many a process writes."""


def measure(bench: Bench) -> Iterator[Row]:
    """The table's rows for -j1 and -j2."""
    program = floors.built(bench.scratch.fresh())
    for jobs in (1, 2):
        count = bench.pick(_TASKS, 24)
        bench.say(f"{count} tasks, {jobs} at a time")
        sides = _sides(bench, program, count, jobs)
        yield from _rows(bench.alternate(sides, rounds=7, seconds=45, disk=True), jobs)
    yield from _syncs(bench, program)


def _sides(bench: Bench, program: list[str] | None, count: int, jobs: int) -> dict[str, Side]:
    size = _size(bench, jobs)
    sides: dict[str, Side] = {
        "engine": partial(_engine, bench, count=count, jobs=jobs),
        "run": partial(_run, count=count, jobs=jobs),
    }
    if program is not None:
        sides["C floor"] = partial(floors.floor, program, count=count, jobs=jobs, size=size)
    sides["Python floor"] = partial(floors.floor, floors.PYTHON, count=count, jobs=jobs, size=size)
    for peer in PEERS:
        if peer.installed:
            sides[peer.name] = partial(_peer, peer, count=bench.pick(_OTHERS, count), jobs=jobs)
    return sides


def _rows(rounds: Rounds, jobs: int) -> Iterator[Row]:
    waited = spread(rounds.synced).times(1e3)
    extremes = f"{number(waited.least)} – {number(waited.most)}"
    yield Row(
        measure="task",
        what=f"an fdatasync between them, -j{jobs}",
        ours=f"{number(waited.middle)} ms ({extremes})",
    )
    strict = "C floor" if "C floor" in rounds.sides else "Python floor"
    limits = {strict: 2.0, "GNU parallel": 1.0, "ninja": 2.5}
    others = [name for name in rounds.sides if name not in _OURS]
    for ours, what in _OURS.items():
        for other in others:
            ratio = rounds.ratio(ours, other, "seconds")
            limit = limits.get(other)
            yield Row(
                measure="task",
                what=f"{what}, -j{jobs}",
                ours=ms(rounds.of(ours, "seconds")),
                against=f"{other} {ms(rounds.of(other, 'seconds'))}",
                ratio=ratio,
                target=f"≤ {limit:.1f} ×" if limit else "",
                met=at_most(ratio, limit)
                if limit and (rounds.fast if other != strict else rounds.sound)
                else None,
            )
    for ours, what in _OURS.items():
        cpu = {name: number(rounds.of(name, "cpu").middle * 1e3) for name in (ours, *others)}
        yield Row(
            measure="task",
            what=f"CPU of a task, {what}, -j{jobs}",
            ours=f"{cpu.pop(ours)} ms",
            against=", ".join(f"{name} {value}" for name, value in cpu.items()),
        )


def _engine(bench: Bench, folder: Path, count: int, jobs: int) -> Figures:
    found = bench.inside("task", folder=str(folder), count=count, jobs=jobs)
    return {"seconds": found["seconds"] / count, "cpu": found["cpu"] / count}


def _run(folder: Path, count: int, jobs: int) -> Figures:
    few = count // 5
    taken = []
    for tasks in (few, count):
        place = directory(
            folder / str(tasks),
            tasks // (4 if jobs == 1 else 1),
            phases=4 if jobs == 1 else 1,
            background=jobs > 1,
        )
        taken.append(run(command("run", str(place), f"-j{jobs}", "--workflows", str(place / "workflows"))))
    return _difference(taken[0].seconds, taken[1].seconds, taken[0].cpu, taken[1].cpu, count - few)


def _peer(peer: Peer, folder: Path, count: int, jobs: int) -> Figures:
    few = count // 5
    taken = []
    for tasks in (few, count):
        place = folder / str(tasks)
        place.mkdir()
        taken.append(peer.run(place, tasks, jobs))
    return _difference(taken[0].seconds, taken[1].seconds, taken[0].cpu, taken[1].cpu, count - few)


def _difference(few: float, many: float, cpu_few: float, cpu_many: float, tasks: int) -> Figures:
    return {"seconds": (many - few) / tasks, "cpu": (cpu_many - cpu_few) / tasks}


def _size(bench: Bench, jobs: int) -> int:
    """Bytes that our supervisor writes for each row, for the floor to write as many."""
    count = bench.pick(100, 20)
    found = bench.inside("task", folder=str(bench.scratch.fresh()), count=count, jobs=jobs)
    return round(found["written"] / (count * _ROWS)) if found["written"] else _USUAL


def _syncs(bench: Bench, program: list[str] | None) -> Iterator[Row]:
    """Syncs per task: two traced runs of different length, so that those of the start do not count."""
    if shutil.which("strace") is None:
        return
    bench.say("syncs of a task, traced")
    for jobs in (1, 2):
        ours, theirs = [], []
        for count in (20, bench.pick(80, 40)):
            folder, log = bench.scratch.fresh(), bench.scratch.fresh() / "strace"
            trace = ["strace", "-f", "-c", "-o", str(log), "-e", "trace=fsync,fdatasync"]
            in_process("task", {"folder": str(folder), "count": count, "jobs": jobs}, before=trace)
            ours.append(_counted(log))
            if program is not None:
                floors.floor([*trace, *program], bench.scratch.fresh(), count, jobs, _USUAL)
                theirs.append(_counted(log))
        more = bench.pick(80, 40) - 20
        against = f"floor {number((theirs[1] - theirs[0]) / more)}; peers 0" if theirs else "peers 0"
        yield Row(
            measure="task",
            what=f"syncs of a task, -j{jobs}",
            ours=number((ours[1] - ours[0]) / more),
            against=against,
        )


def _counted(log: Path) -> int:
    """Calls of fsync and fdatasync in the table that `strace -c` writes."""
    lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    return sum(int(line[3]) for line in lines if line and re.fullmatch(r"f(data)?sync", line[-1]))


def inside(folder: str, count: int, jobs: int) -> Figures:
    """Seconds, CPU seconds and bytes written by the supervisor for `count` tasks of the real engine."""
    local = Local(Path(folder), jobs, plan(count, "beside"))
    written, cpu, begin = _written(), _cpu(), time.perf_counter()
    local.engine.run()
    seconds = time.perf_counter() - begin
    written = _written() - written
    local.close()
    assert local.sprint.state == "completed", local.sprint.state
    return {"seconds": seconds, "cpu": _cpu() - cpu, "written": written}


def _cpu() -> float:
    """CPU seconds of this process and of all that it has waited for: the launcher, and through it shims and tasks."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _written() -> int:
    """Bytes that this process has written to files and pipes; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))
