"""`replay`: what happened, from the journal alone; and PROGRESS.yaml, made anew from it."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsm.errors import SprintError
from fsm_sprint.cli import options, record
from fsm_sprint.cli.exits import UsageError
from fsm_sprint.paths import SprintPaths

if TYPE_CHECKING:
    from fsm.sprint import Sprint
    from fsm_sprint.report.history import History
    from journal.reader import Reader


def replay(
    sprint: record.Record = None,
    *,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="SEQ|TIME",
            help="Stop after row SEQ, or before what is later than TIME: ISO 8601, or HH:MM[:SS] of the first day.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run", metavar="RUN", help="An earlier run, by the beginning of its id.", show_default=False
        ),
    ] = None,
    json: options.Json = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Write PROGRESS.yaml from the journal alone.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE|-",
            help="With --rebuild: where to; `-` is stdout.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Tell what happened, row by row; every state is computed by the code that runs sprints."""
    from fsm_sprint.report.history import History, run_named

    if json and rebuild:
        raise UsageError("--json and --rebuild are two things", hint="ask for one at a time")
    if output is not None and not rebuild:
        raise UsageError("-o goes with --rebuild", hint="redirect stdout to keep the story")
    journal, paths = record.recorded(sprint)
    with record.reading(journal) as reader, record.unswept():
        if reader.note:
            print(f"note: {reader.note}", file=sys.stderr)
        name = run_named(reader, run)
        history = History(reader, name, None if at is None else _row(reader, name, at))
        if rebuild:
            for _ in history.tell():
                pass
            _rebuild(history.sprint, paths, output, partly=at is not None or name != reader.latest_run())
        elif json:
            _document(history, reader)
        else:
            _story(history, stopped=at is not None)


def _row(reader: "Reader", run: str, at: str) -> int:
    """The row that `--at` means."""
    from fsm_sprint.report.history import row_at
    from fsm_sprint.report.times import local, parse

    head = reader.head()[0]
    if at.isdecimal():
        first = _first(reader, run)
        if not first <= int(at) <= head:
            raise UsageError(f"there is no row {at} in this run", hint=f"it has rows from {first} to {head}")
        return int(at)
    text = at
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?", at):
        began = reader.rows(run, limit=1)[0].at
        text = f"{local(began).split()[0]} {at:0>{len(at) + (at[1] == ':')}}"
    try:
        moment = parse(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{at!r} is neither a row nor a time",
            hint="write a number, 2026-05-31T14:03:00, or 14:03:00 for the day on which the run began",
        ) from error
    return row_at(reader, run, moment)


def _first(reader: "Reader", run: str) -> int:
    return reader.rows(run, limit=1)[0].seq


def _document(history: "History", reader: "Reader") -> None:
    """One document, written as it is read: a journal may be larger than memory."""
    from fsm_sprint.report.document import printed
    from fsm_sprint.report.history import rows_of

    seq, last = reader.head()
    head = {"version": 1, "run": history.run, "head": {"seq": seq, "hash": last}}
    out = sys.stdout
    out.write(printed(head)[:-1] + ', "rows": [')
    error: SprintError | None = None
    try:
        for place, told in enumerate(history.tell()):
            out.write((",\n" if place else "\n") + printed(rows_of(told)))
    except SprintError as broken:
        error = broken
    rest = {
        "sprint": history.plan.sprint_id or None,
        "state": history.state(),
        "summary": history.summary(),
        "error": str(error) if error is not None else None,
    }
    out.write("\n], " + printed(rest)[1:] + "\n")
    if error is not None:
        raise error


def _story(history: "History", *, stopped: bool) -> None:
    from fsm_sprint.report.page import ending, told

    for line in told(history):
        print(line)
    for line in ending(history, stopped=stopped):
        print(line)


def _rebuild(sprint: "Sprint", paths: SprintPaths | None, output: str | None, *, partly: bool) -> None:
    from journal.progress import render

    content = render(sprint)
    if output == "-":
        sys.stdout.buffer.write(content.encode())
        return
    if output is not None and not (paths is not None and Path(output).resolve() == paths.progress):
        Path(output).write_bytes(content.encode())
        print(f"wrote {output}, as of row {sprint.seq}", file=sys.stderr)
        return
    if paths is None:
        raise UsageError(
            "a journal named by its file has no place for PROGRESS.yaml",
            hint="say where to with -o FILE, or name the sprint's directory",
        )
    if partly:
        raise UsageError(
            "PROGRESS.yaml shows the latest run as it is now",
            hint="write an earlier moment elsewhere, with -o FILE",
        )
    _publish(paths, content.encode())


def _publish(paths: SprintPaths, content: bytes) -> None:
    """In the place of the supervisor, which must not live meanwhile: LeaseHeld when one does."""
    import os

    from journal.lease import Lease
    from journal.publish import PublishedFile

    with Lease.take(paths.lock, {"pid": os.getpid(), "for": "replay --rebuild"}):
        file = PublishedFile(paths.progress, lambda text: print(text, file=sys.stderr))
        file.prepare()
        file.write(content, durable=True)
    print(f"wrote {os.path.relpath(paths.progress)}", file=sys.stderr)
