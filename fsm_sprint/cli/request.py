"""A person's request on its way to whoever supervises the sprint; to ourselves, when nobody does."""

import re
import sys
import time
from typing import TYPE_CHECKING, NoReturn

import typer

from fsm.errors import SprintError
from fsm.events import Asked
from fsm.transition import SPRINT_UNIT, Facts
from fsm_sprint.cli import record
from fsm_sprint.cli.exits import ExitCode, UsageError
from fsm_sprint.paths import SprintPaths

if TYPE_CHECKING:
    from journal.reader import Reader

_PATIENCE = 60.0
"""Seconds that a living supervisor has to answer."""

_LONGEST = 16 * 1024
"""Bytes of what is said: it is a row of the journal, and may be six times as long on its way there."""

_PROPOSED = re.compile(r"step-\d+(-\d+)?")
"""The id of a step that an agent has proposed, which is no unit of the plan yet."""

_DECIDES = frozenset({"answer", "approve", "reject"})
"""Verbs that can be about such a step."""

_ENDS = frozenset({"stop", "cancel"})
"""Verbs that end what a dead supervisor has left running. With any other its end would have to be waited for."""


class NoAnswer(SprintError):
    """A supervisor holds the sprint and says nothing."""


def request(
    verb: str,
    sprint: str | None,
    unit: str | None,
    *,
    why: str,
    json: bool,
    text: str = "",
    options: Facts | None = None,
    needed: bool = True,
) -> NoReturn:
    """Asks, tells the answer and what to type next, and ends with its code.

    `sprint` and `unit` are the words of the command line; `needed` says that a unit has to be named.
    """
    from fsm_sprint.inbox import request_id
    from fsm_sprint.wiring import who

    paths, wanted = record.named(sprint, unit)
    if wanted is None and needed:
        raise UsageError(
            f"{verb} needs a UNIT", hint="`fsm-sprint status` tells what waits, `--all` lists all units"
        )
    with record.latest(paths) as (reader, run):
        path = "" if wanted is None else _meant(reader, run, verb, wanted)
    options = options or {}
    if path and "budget" in options:  # the budget is the unit's; what goes on is the sprint
        path, options = "", {**options, "budget": {**options["budget"], "unit": path}}
    asked = Asked(request_id(), verb, path, who(), why, text=text, options=options)
    answer, shown = _answered(paths, asked)
    _tell(paths, asked, answer, json=json, shown=shown)


def split(
    verb: str, words: list[str] | None, what: str, *, needed: bool = False
) -> tuple[str | None, str | None, str]:
    """Sprint, unit and text of the words `[SPRINT] [UNIT] TEXT`; UsageError when they are none, or too long."""
    fewest = 2 if needed else 1
    if not words or not fewest <= len(words) <= 3:
        raise UsageError(
            f"{verb} needs {'a UNIT and ' if needed else ''}{what}",
            hint='quote it if it has several words: "the second one"',
        )
    *place, text = words
    if len(text.encode(errors="replace")) > _LONGEST:
        raise UsageError(
            f"{what} has at most {_LONGEST // 1024} KiB", hint="put it into a file, and say where that lies"
        )
    match place:
        case [sprint, unit]:
            return sprint, unit, text
        case [one]:
            return (None, one, text) if needed else (one, None, text)  # which may be either; `named` tells
        case _:
            return None, None, text


def _meant(reader: "Reader", run: str, verb: str, wanted: str) -> str:
    """The path of the unit that is meant, '' for the sprint; or the id of a step that was proposed."""
    from fsm_sprint.report.lookup import NoSuchUnit, lookup

    try:
        path = lookup(reader, run, wanted).path
    except NoSuchUnit:
        if verb in _DECIDES and _PROPOSED.fullmatch(wanted):
            return wanted
        raise
    return "" if path == SPRINT_UNIT else path


def _answered(paths: SprintPaths, asked: Asked) -> tuple[str, bool]:
    """The answer, and whether what came of it was shown already.

    It comes from the supervisor that lives, within a minute, or is found by taking over for as long as that takes.
    """
    from fsm_sprint.inbox import answer_to, ask, withdraw
    from journal.errors import LeaseHeld

    left = False
    end = time.monotonic() + _PATIENCE
    try:
        while time.monotonic() < end:
            try:
                return _without_supervisor(paths, asked)
            except LeaseHeld:
                # Left to that supervisor, and to no other one: what a person has seen is what it has made.
                if not left and (epoch := _epoch(paths)):
                    ask(paths, asked._replace(epoch=epoch))
                    left = True
            # The answer is a file, and the lease a lock: nothing wakes whoever waits for either.
            time.sleep(0.05)
            answer = answer_to(paths, asked.id)
            if answer is not None:
                return answer, False
    finally:
        withdraw(paths, asked.id)
    raise NoAnswer(
        "the supervisor did not answer",
        hint="`fsm-sprint status` says which process it is; it may be stopped or hang on a disk",
    )


def _epoch(paths: SprintPaths) -> int:
    """The epoch of the supervisor that holds the lease; 0 as long as it has not written that it does."""
    from journal.lease import holder

    held = holder(paths.lock)
    if held is None or held.get("pid") is None:
        return 0
    with record.latest(paths) as (reader, run):
        lease = reader.last(run, "lease", SPRINT_UNIT)
    return lease.epoch if lease is not None and lease.decoded().get("pid") == held["pid"] else 0


def _without_supervisor(paths: SprintPaths, asked: Asked) -> tuple[str, bool]:
    """Takes the lease, recovers without starting anything, and does it; so orphans are reaped on command."""
    from fsm_sprint.report.screen import screen
    from fsm_sprint.wiring import Supervisor
    from fsm_sprint.work import Work

    # Whoever ends what runs in a copy of a sprint means what runs there: nothing. It counts as lost, and that is all.
    with Supervisor(paths, allow_copy=asked.verb in _ENDS) as supervisor:
        before = supervisor.sprint
        known = 0
        if before is not None:
            if asked.id in before.requests:  # done by a supervisor that ended before it could answer
                return str(before.requests[asked.id].decoded()["answer"]), False
            known = before.seq
            ended = (f"{asked.unit}/", f"{asked.unit}#") if asked.unit else ("",)
            others = [path for path in before.live if path != asked.unit and not path.startswith(ended)]
            if before.busy and (asked.verb not in _ENDS or others):
                raise UsageError(
                    "tasks still run although their supervisor has ended",
                    hint="`fsm-sprint run` adopts them, `fsm-sprint stop` ends them; then ask again",
                )
        after = supervisor.run(
            lambda fold: Work(fold, paths),
            lambda fold: screen(paths, fold, supervisor.clock, quiet=asked.verb not in _ENDS),
            events=[asked],
            spawning=False,
        )
    shown = after.at_rest and after.rested is not None and after.rested.seq > known
    return str(after.requests[asked.id].decoded()["answer"]), shown


def _tell(paths: SprintPaths, asked: Asked, answer: str, *, json: bool, shown: bool) -> NoReturn:
    """The answer on stdout; what to type next on stderr, where something is to be typed and that was not `shown`."""
    from fsm_sprint.clock import SystemClock
    from fsm_sprint.report.status import status
    from fsm_sprint.report.terminal import cells, line, pad

    refused = answer.startswith("refused")
    with record.latest(paths) as (reader, _):
        now = status(paths, reader, SystemClock())
    if json:
        from fsm_sprint.report.document import printed

        document = {
            "version": 1,
            "verb": asked.verb,
            "unit": asked.unit or None,
            "done": not refused,
            "answer": answer,
            "state": now["state"],
            "supervised": now["supervisor"] is not None,
            "next": now["next"],
        }
        print(printed(document))
    else:
        print(line(answer))
        if not refused and not shown and now["supervisor"] is None:
            width = min(max((cells(one["command"]) for one in now["next"]), default=0), 48)
            for place, one in enumerate(now["next"]):
                head = "next:" if place == 0 else ""
                print(f"{head:5}  {pad(one['command'], width)}  {one['what']}", file=sys.stderr)
    raise typer.Exit(ExitCode.USAGE if refused else ExitCode.DONE)
