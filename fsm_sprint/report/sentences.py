"""A sentence for every trigger of every table, and what has to be remembered of earlier rows to say it.

Rule: whatever a unit, an agent or a person has written into a row is made plain before it is said.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from fsm.states import AT_REST, LIVE, Machine
from fsm.transition import SPRINT_UNIT, Facts, Transition
from fsm.waits import reason
from fsm_sprint.report.changed import changed
from fsm_sprint.report.ending import ending, took
from fsm_sprint.report.terminal import line
from fsm_sprint.report.times import local, span


@dataclass(slots=True)
class Memory:
    """What earlier rows have said."""

    adopted: Mapping[int, int]
    started: dict[str, int] = field(default_factory=dict)
    """When the last attempt of each unit was started."""
    failures: dict[str, int] = field(default_factory=dict)
    """How often each unit has failed in its present round."""
    alive: set[str] = field(default_factory=set)
    state: str = "not-started"
    passing: bool = False
    """Whether the last supervisor came only to do what somebody had asked for."""
    epoch: int = 0
    at: int = 0
    """Of the last row; both 0 before the first."""

    def note(self, row: Transition, facts: Facts) -> None:
        """Remembers a row that has been told."""
        self.epoch, self.at = row.epoch, row.at
        if row.machine == Machine.SPRINT:
            self.state = row.dest
            if row.trigger == "lease":
                self.passing = bool(facts.get("passing"))
        if row.machine != Machine.TASK:
            return
        if row.dest in LIVE:
            self.alive.add(row.unit)
        else:
            self.alive.discard(row.unit)
        if row.trigger == "start":
            self.started[row.unit] = row.at
        elif row.trigger == "fail":
            self.failures[row.unit] = self.failures.get(row.unit, 0) + 1
        elif row.trigger == "succeed" or (row.trigger == "retry" and facts.get("by") != "gate"):
            self.failures.pop(row.unit, None)

    def after(self, row: Transition, facts: Facts) -> str:
        """` after 2.1 s (3 files, +40 -2)`, as far as that is known and there is anything."""
        time, made = took(facts, self.started.get(row.unit), row.at), changed(facts, nothing="")
        return (f" after {time}" if time else "") + (f" ({made})" if made else "")


_Say = Callable[[Transition, Facts, Memory], str]


class Sentence(NamedTuple):
    """How a kind of row is told."""

    say: _Say
    brief: bool


SENTENCES: dict[tuple[str, str], Sentence] = {}
"""By machine and trigger."""


def _for(machine: Machine, *triggers: str, brief: bool = True) -> Callable[[_Say], _Say]:
    def register(say: _Say) -> _Say:
        SENTENCES.update({(machine.value, trigger): Sentence(say, brief) for trigger in triggers})
        return say

    return register


# ---------------------------------------------------------------------------------------------------------- tasks


@_for(Machine.TASK, "spawn", brief=False)
def _spawn(row: Transition, facts: Facts, _: Memory) -> str:
    task = f", task {_word(facts, 'task')}" if "task" in facts else ""
    moved = facts.get("failover")
    asks = (
        f", asks {_word(moved, 'to')} instead of {_word(moved, 'from')} ({_word(moved, 'why')})"
        if moved
        else ""
    )
    resumed = f", in the session {_word(facts, 'resume')}" if "resume" in facts else ""
    return f"attempt {row.attempt} prepared{task}{asks}{resumed}, output in {_word(facts, 'log')}"


@_for(Machine.TASK, "start")
def _start(row: Transition, _facts: Facts, _: Memory) -> str:
    what = {"#gate": "check", "#fix": "fix"}.get(row.unit[row.unit.rfind("#") :], "attempt")
    return "started" if row.attempt == 1 and what == "attempt" else f"{what} {row.attempt} started"


@_for(Machine.TASK, "abort")
def _abort(row: Transition, facts: Facts, _: Memory) -> str:
    return f"attempt {row.attempt} never ran{_because(facts, 'why', 'error')}; it costs no try"


@_for(Machine.TASK, "succeed")
def _succeed(row: Transition, facts: Facts, memory: Memory) -> str:
    if row.source == "verifying":
        return "completed: its gate has passed"
    if row.unit.endswith("#gate"):
        return f"passed{memory.after(row, facts)}"
    late = ", although it was being stopped" if row.source == "stopping" else ""
    return f"completed{memory.after(row, facts)}{late}{_because(facts, 'summary')}"


@_for(Machine.TASK, "verify")
def _verify(row: Transition, facts: Facts, memory: Memory) -> str:
    if row.source == "pending":
        return "its gate is tried again; the work stays as it is"
    return f"ended well{memory.after(row, facts)}; now its gate has to pass"


@_for(Machine.TASK, "fail")
def _fail(row: Transition, facts: Facts, memory: Memory) -> str:
    time = "" if row.source == "verifying" else memory.after(row, facts)
    verdict = facts.get("verdict")
    if verdict == "lost" and facts.get("stopped"):
        return f"lost while it was being stopped{time}; it costs no try, and the next run starts it again"
    if verdict == "interrupted":
        return f"interrupted{time}; it costs no try, and the next run starts it again"
    why = ending(facts)
    said = f": {why}" if why else ""
    if row.unit.endswith("#gate"):
        return f"check failed{time}, for the {_nth(memory.failures.get(row.unit, 0) + 1)} time{said}"
    return f"{'lost' if verdict == 'lost' else 'failed'}{time}{said}"


@_for(Machine.TASK, "delay")
@_for(Machine.GROUP, "delay")
def _delay(row: Transition, facts: Facts, _: Memory) -> str:
    until = facts.get("until")
    if not isinstance(until, int):
        return f"waits until somebody answers: {waited(facts)}"
    return f"waits {span(facts.get('delay', until - row.at))}, until {local(until, row.at)}: {waited(facts)}"


@_for(Machine.TASK, "wake", brief=False)
@_for(Machine.GROUP, "wake", brief=False)
def _wake(_row: Transition, facts: Facts, _: Memory) -> str:
    if "approved" in facts:
        return f"{'approved' if facts['approved'] else 'rejected'}{_asked(facts)}"
    if facts.get("by") == "operator":
        return f"waits no longer{_asked(facts)}"
    over = (
        f"; the usage limit of {', '.join(map(str, facts['lifted']))} is over" if facts.get("lifted") else ""
    )
    return f"has waited long enough and may start{line(over)}"


@_for(Machine.TASK, "stop")
def _stop(row: Transition, facts: Facts, _: Memory) -> str:
    return f"attempt {row.attempt} is being stopped{_asked(facts)}"


@_for(Machine.TASK, "skip")
@_for(Machine.GROUP, "skip")
def _skip(_row: Transition, facts: Facts, _: Memory) -> str:
    return f"skipped{_asked(facts)}; the main line goes on without it"


@_for(Machine.TASK, "cancel")
@_for(Machine.GROUP, "cancel")
@_for(Machine.SPRINT, "cancel")
def _cancel(row: Transition, facts: Facts, _: Memory) -> str:
    known = ending(facts) if row.source == "stopping" else ""
    return f"cancelled{_asked(facts)}{f' ({known})' if known else ''}"


@_for(Machine.TASK, "retry", brief=False)
def _retry(_row: Transition, facts: Facts, _: Memory) -> str:
    by = facts.get("by")
    if by == "gate":
        return "is to be tried again"
    if by == "answer":
        return f"is to be run again with an answer by {_word(facts, 'who')}: {_word(facts, 'answer')}"
    return "is to be run again, with fresh tries" + ("" if by == "run" else _asked(facts))


@_for(Machine.TASK, "adopt")
def _adopt(row: Transition, _facts: Facts, _: Memory) -> str:
    return f"attempt {row.attempt} was found alive by supervisor {row.epoch} and goes on"


@_for(Machine.TASK, "report", brief=False)
def _report(_row: Transition, facts: Facts, _: Memory) -> str:
    return f"learnt while it runs: {listed(facts)}"


# --------------------------------------------------------------------------------------------------------- groups


@_for(Machine.GROUP, "start", brief=False)
def _begins(_row: Transition, _facts: Facts, _: Memory) -> str:
    return "begins"


@_for(Machine.GROUP, "complete", brief=False)
def _complete(_row: Transition, _facts: Facts, _: Memory) -> str:
    return "complete"


@_for(Machine.GROUP, "fail")
def _group_fails(_row: Transition, facts: Facts, _: Memory) -> str:
    why = ending(facts)
    return f"failed: {why}" if why else "failed, because something in it has"


# ----------------------------------------------------------------------------------------------------- the sprint


@_for(Machine.SPRINT, "start", brief=False)
def _sprint_begins(_row: Transition, _facts: Facts, _: Memory) -> str:
    return "begins"


@_for(Machine.SPRINT, "complete")
def _sprint_completes(_row: Transition, facts: Facts, _: Memory) -> str:
    failed = facts.get("failed")
    if isinstance(failed, list) and failed:
        return f"completed, with failures in the background: {', '.join(line(str(path)) for path in failed)}"
    return "completed: every phase ended well"


@_for(Machine.SPRINT, "pause")
def _pause(_row: Transition, facts: Facts, _: Memory) -> str:
    return f"paused{_asked(facts)}"


@_for(Machine.SPRINT, "break")
def _break(_row: Transition, facts: Facts, _: Memory) -> str:
    return f"paused at the breakpoint after {_word(facts, 'unit')}"


@_for(Machine.SPRINT, "block")
def _block(_row: Transition, facts: Facts, _: Memory) -> str:
    return f"blocked: {blame(facts)}"


@_for(Machine.SPRINT, "ask")
def _ask(_row: Transition, facts: Facts, _: Memory) -> str:
    return f"needs a person: {blame(facts)}"


@_for(Machine.SPRINT, "resume")
def _resume(row: Transition, facts: Facts, _: Memory) -> str:
    return f"goes on from {row.source}{_asked(facts)}"


@_for(Machine.SPRINT, "retry")
def _run_again(row: Transition, facts: Facts, _: Memory) -> str:
    return f"tries again what has failed, from {row.source}{_asked(facts)}"


@_for(Machine.SPRINT, "lease")
def _lease(row: Transition, facts: Facts, memory: Memory) -> str:
    who = f" (pid {_word(facts, 'pid')} on {_word(facts, 'host')})" if "pid" in facts else ""
    recovered = facts.get("recovered")
    if isinstance(recovered, dict):
        return f"goes on from a damaged journal{who}, {_word(recovered, 'left-behind')} rows of which are left behind"
    if memory.epoch in (0, row.epoch):
        return f"supervisor {row.epoch}{who} began"
    gap = f"{span(row.at - memory.at)} after the last row of supervisor {memory.epoch}"
    if memory.alive:
        gap += f", which had ended while {_count(len(memory.alive), 'task')} ran"
    elif memory.state not in AT_REST and not memory.passing:
        gap += ", which had ended in the middle of it"
    only = " to do what is asked" if facts.get("passing") else ""
    found = memory.adopted.get(row.epoch, 0)
    adopted = f"; adopted {_count(found, 'task')}" if found else ""
    return f"supervisor {row.epoch}{who} took over{only} (epoch {row.epoch}), {gap}{adopted}"


@_for(Machine.SPRINT, "amend", brief=False)
def _amend(_row: Transition, facts: Facts, _: Memory) -> str:
    if facts.get("added"):
        who = f", proposed by {_word(facts, 'by')}" if facts.get("by") else _asked(facts)
        return f"{', '.join(line(str(path)) for path in facts['added'])} was added to the plan{who}"
    if facts.get("who"):
        return f"the plan was changed to {_word(facts, 'plan')[:12]}{_asked(facts)}"
    return f"the plan {_word(facts, 'plan')[:12]} was recorded"


@_for(Machine.SPRINT, "tolerate")
def _tolerate(_row: Transition, facts: Facts, _: Memory) -> str:
    unit = _word(facts, "unit")
    where = "its end" if unit == SPRINT_UNIT else unit
    logs = facts.get("logs") or []
    failed = zip_longest(facts.get("failed") or [], logs, fillvalue="")
    said = ", ".join(line(f"{path} ({log})" if log else str(path)) for path, log in failed)
    return f"{where} goes on although background tasks have failed: {said}"


@_for(Machine.SPRINT, "request")
def _request(_row: Transition, facts: Facts, _: Memory) -> str:
    unit = f" {_word(facts, 'unit')}" if facts.get("unit") else ""
    answer = f"; answer: {_word(facts, 'answer')}" if facts.get("answer") else ""
    return f"asked to {_word(facts, 'verb')}{unit}{_asked(facts)}{answer}"


# ------------------------------------------------------------------------------- groups, worktrees, notices, notes


def _fixed(text: str) -> _Say:
    return lambda _row, facts, _: f"{text}{f': {listed(facts)}' if facts else ''}"


for _machine, _trigger, _text, _brief in (
    (Machine.GROUP, "retry", "to come after all: it had not begun", False),
    (Machine.GROUP, "reopen", "open again: something in it runs once more", False),
    (Machine.WORKTREE, "create", "git is asked for the worktree", False),
    (Machine.WORKTREE, "ready", "the worktree can be worked in", True),
    (Machine.WORKTREE, "abandon", "git could not make the worktree", True),
    (Machine.WORKTREE, "merge", "the branch is being merged", False),
    (Machine.WORKTREE, "merged", "its work is in the target branch", True),
    (Machine.WORKTREE, "conflict", "the merge needs a person", True),
    (Machine.WORKTREE, "remove", "the worktree is being taken away", False),
    (Machine.WORKTREE, "removed", "the worktree is gone", False),
    (Machine.WORKTREE, "keep", "the worktree could not be taken away safely, and stays", True),
    (Machine.NOTICE, "sent", "the notice was taken by its receiver", False),
    (Machine.NOTICE, "retry", "the notice is to be sent again", False),
    *((machine, "note", "noted", False) for machine in Machine if machine != Machine.NOTICE),
):
    _for(_machine, _trigger, brief=_brief)(_fixed(_text))


@_for(Machine.NOTICE, "due", brief=False)
def _due(_row: Transition, facts: Facts, _: Memory) -> str:
    return f"somebody outside is to be told: {_word(facts, 'event')}, row {_word(facts, 'cause')}"


@_for(Machine.NOTICE, "note", brief=True)
def _untold(_row: Transition, facts: Facts, _: Memory) -> str:
    return f"somebody outside could not be told: {_word(facts, 'error')}; it is tried again"


@_for(Machine.NOTICE, "give-up", brief=True)
def _never_told(_row: Transition, facts: Facts, _: Memory) -> str:
    return f"somebody outside could not be told in {_word(facts, 'tries')} tries: {_word(facts, 'error')}"


# ---------------------------------------------------------------------------------------------------------- parts


def waited(facts: Facts) -> str:
    """Why a unit waits, from the facts of its `delay`."""
    after = facts.get("after")
    return f"{line(reason(facts))}{f' after {line(str(after))}' if after else ''}"


def blame(facts: Facts) -> str:
    """What a sprint was blocked by, or needs a person for, from the facts of that row."""
    unit = f"{_word(facts, 'unit')}: " if facts.get("unit") else ""
    return f"{unit}{line(str(facts.get('why') or 'no reason given'))}"


def listed(facts: Facts) -> str:
    """Facts of any kind, one after the other."""
    return ", ".join(f"{line(str(key))} {line(str(value))}" for key, value in facts.items()) or "nothing"


def _word(facts: Facts, key: str) -> str:
    return line(str(facts.get(key, "?")))


def _because(facts: Facts, *keys: str) -> str:
    said = next((line(str(facts[key])) for key in keys if facts.get(key)), "")
    return f": {said}" if said else ""


def _asked(facts: Facts) -> str:
    by = f" by {_word(facts, 'who')}" if facts.get("who") else ""
    return f"{by}{_because(facts, 'why')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _nth(number: int) -> str:
    ending_ = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending_}"
