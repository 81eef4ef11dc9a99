"""The story of a run as a page for people, and what stands below it."""

from collections.abc import Iterator

from fsm.sprint import Sprint
from fsm.states import LIVE, TaskState
from fsm_sprint.report.ending import ending as ended
from fsm_sprint.report.history import History
from fsm_sprint.report.sentences import waited
from fsm_sprint.report.tally import tally
from fsm_sprint.report.terminal import cells, line, pad
from fsm_sprint.report.times import local, span, watch

_MOST = 32
"""Columns that the names of units get; a longer one moves its own line only."""


def told(history: History) -> Iterator[str]:
    """A line for each row: time of day, time since the run began, what moved, what happened."""
    day, began, width = "", 0, 0
    for one in history.tell():
        row = one.row
        if not began:
            began = row.at
            yield f"run {line(history.run)}, from row {row.seq} on"
        moment = local(row.at)
        if moment.split()[0] != day:
            day = moment.split()[0]
            yield day
        if not width and history.sprint.order:
            width = min(max(cells(line(unit.path)) for unit in history.sprint.order), _MOST)
        yield f"{moment.split()[1]}  {watch(row.at - began):>7}  {pad(one.unit, width)}  {one.text}"


def ending(history: History, *, stopped: bool) -> Iterator[str]:
    """What it added up to; and, when the story was stopped, where everything stood then."""
    sprint, summary = history.sprint, history.summary()
    yield ""
    if stopped:
        yield f"after row {sprint.seq}, {local(sprint.at)}: the sprint is {sprint.state}"
        yield from _state(sprint)
    states = {key: value for key, value in history.state()["tasks"].items() if key != "all"}
    yield f"{tally(states)}; {span(summary['wall_ms'])} in all"
    parts = [
        f"{summary['attempts']} attempt{'' if summary['attempts'] == 1 else 's'}",
        f"{summary['failures']} failed",
        *([f"{summary['interrupted']} interrupted"] if summary["interrupted"] else []),
        *([f"{summary['aborted']} never ran"] if summary["aborted"] else []),
        *([f"{summary['adopted']} adopted"] if summary["adopted"] else []),
        f"{summary['supervisors']} supervisor{'' if summary['supervisors'] == 1 else 's'}",
        f"{summary['crashes']} crash{'' if summary['crashes'] == 1 else 'es'} survived",
    ]
    yield ", ".join(parts)


def _state(sprint: Sprint) -> Iterator[str]:
    for unit in sprint.order:
        if unit.state in LIVE:
            since = span(sprint.at - unit.moved.at) if unit.moved is not None else "?"
            yield f"  {unit.state}: {line(unit.path)}, attempt {unit.attempt}, for {since}"
        elif unit.state == TaskState.WAITING and unit.moved is not None:
            facts = unit.moved.decoded()
            until = f" until {local(facts['until'], sprint.at)}" if "until" in facts else ""
            yield f"  waiting: {line(unit.path)}{until}: {waited(facts)}"
        elif unit.state == TaskState.FAILED and unit.ended is not None:
            why = ended(unit.ended.decoded())
            yield f"  failed: {line(unit.path)}{f': {why}' if why else ''}"
