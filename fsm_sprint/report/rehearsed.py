"""Rehearsals shown: one as the run that it would have been, many as what they add up to; each as a document too.

Rule: virtual times are told like real ones, and everything else is said to be a rehearsal's.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import Any

from fsm.outcomes import Cast
from fsm.rehearsal import MOST_CRASHES, Rehearsed
from fsm_sprint.report.closing import standing
from fsm_sprint.report.counts import Counts
from fsm_sprint.report.document import Document
from fsm_sprint.report.plain import stamped
from fsm_sprint.report.story import Narrator, Told, adoptions
from fsm_sprint.report.terminal import line
from fsm_sprint.report.times import iso, span

_WORST = 5
"""Units that are named among those that fail most."""


def told(rehearsed: Rehearsed) -> Iterator[Told]:
    """Every row of a rehearsal in words."""
    narrator = Narrator(line(rehearsed.sprint.plan.sprint_id) or "sprint", adoptions(rehearsed.rows))
    return map(narrator.tell, rehearsed.rows)


def timeline(rehearsed: Rehearsed) -> Iterator[str]:
    """The lines that `run` would have shown, and how it ended."""
    began = rehearsed.sprint.begun.at if rehearsed.sprint.begun is not None else None
    for one in told(rehearsed):
        if one.brief:
            yield stamped(one, began)
    yield from standing(rehearsed.sprint, logs=False)


def costs(rehearsed: Rehearsed) -> str:
    """`12 attempts, $1.20, 3,400 tokens`; what nobody reported is left out."""
    said = [f"{rehearsed.attempts} attempt{'' if rehearsed.attempts == 1 else 's'}"]
    if rehearsed.cost is not None:
        said.append(_dollars(rehearsed.cost))
    if rehearsed.tokens is not None:
        said.append(f"{rehearsed.tokens:,} tokens")
    if rehearsed.supervisors > 1:
        said.append(f"{rehearsed.supervisors} supervisors")
    return ", ".join(said)


def crashes(runs: Sequence[Rehearsed]) -> str:
    """What crashes at every row came to."""
    number = sum(run.crashes for run in runs)
    where = f" in {len(runs)} runs" if len(runs) > 1 else ""
    same = f"same end{'s' if len(runs) > 1 else ''}"
    enough = (
        f" (no more than {MOST_CRASHES:,} in one)" if any(run.crashes >= MOST_CRASHES for run in runs) else ""
    )
    return f"{number:,} crash{'' if number == 1 else 'es'}{where}{enough}, {same}"


def unused(cast: Cast, runs: Sequence[Rehearsed], lines: dict[int, int]) -> Iterator[str]:
    """What the script has and nothing came of."""
    for rule in cast.script.outcomes:
        if rule.place not in cast.used:
            about = f" about {rule.unit}" if rule.unit is not None else ""
            yield f"line {lines[rule.place]}: the rule{about} never counted"
    if len(runs) == 1:
        for entry in runs[0].unplayed:
            yield f"the {entry} never came: the sprint had come to its end"


def summary(runs: Sequence[Rehearsed]) -> Iterator[str]:
    """Many rehearsals: how they ended, what they took, what failed in them."""
    first, last = runs[0].seed, runs[-1].seed
    yield f"{len(runs)} rehearsals, seeds {first} to {last}"
    for state, number in Counter(_end(run) for run in runs).most_common():
        example = next(run.seed for run in runs if _end(run) == state)
        yield f"  {state:40}  {number:>5}  {_share(number, len(runs)):>4}   for one, seed {example}"
    yield f"  {'':10}  {'median':>10}  {'p90':>10}  {'most':>10}"
    for name, values, said in _measures(runs):
        shown = "  ".join(f"{said(_nth(values, part)):>10}" for part in (0.5, 0.9, 1.0))
        yield f"  {name:10}  {shown}"
    worst = _worst(runs)
    for path, (in_runs, times) in worst[:_WORST]:
        failed = f"{in_runs} run{'' if in_runs == 1 else 's'}, {times} time{'' if times == 1 else 's'} in all"
        yield f"  failed: {line(path)}: in {failed}"
    if len(worst) > _WORST:
        yield f"  and {len(worst) - _WORST} more"


def document(
    runs: Sequence[Rehearsed], cast: Cast, *, script: str | None, keep: str | None, lines: dict[int, int]
) -> Document:
    """The document of one rehearsal or of many."""
    measured = {name: values for name, values, _ in _measures(runs)}
    return {
        "version": 1,
        "sprint": cast.plan.sprint_id,
        "script": script,
        "seed": runs[0].seed,
        "runs": len(runs),
        "keep": keep,
        "crashes": sum(run.crashes for run in runs),
        "ends": dict(Counter(str(run.sprint.state) for run in runs)),
        "wall_ms": _spread(measured["time"]),
        "attempts": _spread(measured["attempts"]),
        "cost_usd": _spread(measured["cost"]) if "cost" in measured else None,
        "tokens": _spread(measured["tokens"]) if "tokens" in measured else None,
        "failing": [
            {"unit": path, "runs": in_runs, "times": times} for path, (in_runs, times) in _worst(runs)
        ],
        "unused": list(unused(cast, runs, lines)),
        "each": [_run(run) for run in runs],
        "rows": _rows(runs[0]) if len(runs) == 1 else None,
    }


def _run(run: Rehearsed) -> Document:
    facts = run.sprint.rested.decoded() if run.sprint.rested is not None else {}
    tasks = Counts(run.sprint)
    return {
        "seed": run.seed,
        "state": str(run.sprint.state),
        "unit": facts.get("unit"),
        "why": facts.get("why"),
        "wall_ms": run.wall,
        "tasks": tasks.all,
        "done": tasks.done,
        "attempts": run.attempts,
        "failures": sum(run.failures.values()),
        "supervisors": run.supervisors,
        "cost_usd": run.cost,
        "tokens": run.tokens,
    }


def _rows(run: Rehearsed) -> list[Document]:
    return [
        {
            "seq": one.row.seq,
            "at": iso(one.row.at),
            "unit": one.row.unit,
            "trigger": one.row.trigger,
            "source": one.row.source,
            "dest": one.row.dest,
            "attempt": one.row.attempt,
            "facts": one.row.decoded(),
            "text": one.text,
        }
        for one in told(run)
    ]


def _end(run: Rehearsed) -> str:
    """How one ended, in a few words: the same ones for ends of the same kind."""
    facts = run.sprint.rested.decoded() if run.sprint.rested is not None else {}
    if run.sprint.state == "completed":
        return "completed, with background failures" if facts.get("failed") else "completed"
    unit = facts.get("unit")
    return f"{run.sprint.state}{f': {line(str(unit))}' if unit else ''}"


_Measure = tuple[str, list[Any], Callable[[Any], str]]


def _measures(runs: Sequence[Rehearsed]) -> list[_Measure]:
    """What is measured of each, ascending, with how it is written. Sums of which a part is unknown are left out."""
    found: list[_Measure] = [
        ("time", sorted(run.wall for run in runs), span),
        ("attempts", sorted(run.attempts for run in runs), str),
    ]
    spent = sorted(run.cost for run in runs if run.cost is not None)
    used = sorted(run.tokens for run in runs if run.tokens is not None)
    if spent:
        found.append(("cost", spent, _dollars))
    if used:
        found.append(("tokens", used, lambda number: f"{number:,}"))
    return found


def _worst(runs: Sequence[Rehearsed]) -> list[tuple[str, tuple[int, int]]]:
    """Units by the number of runs in which they failed, and of their failures, the most first."""
    times: Counter[str] = Counter()
    in_runs: Counter[str] = Counter()
    for run in runs:
        times.update(run.failures)
        in_runs.update(run.failures.keys())
    found = [(path, (in_runs[path], times[path])) for path in times]
    return sorted(found, key=lambda one: (-one[1][0], -one[1][1], one[0]))


def _spread(values: Sequence[Any]) -> Document:
    return {
        "least": values[0],
        "median": _nth(values, 0.5),
        "p90": _nth(values, 0.9),
        "most": values[-1],
    }


def _nth(values: Sequence[Any], part: float) -> Any:
    """The value that `part` of all do not exceed: one that occurred, nothing in between."""
    return values[max(0, ceil(part * len(values)) - 1)]


def _share(number: int, of: int) -> str:
    return f"{round(100 * number / of)}%"


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}"
