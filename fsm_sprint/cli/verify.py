"""`verify`: whether the record is whole."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fsm_sprint.cli import options, record
from fsm_sprint.cli.exits import ExitCode, UsageError
from fsm_sprint.clock import SystemClock

_MOST = 50
"""Problems that are printed; one flipped bit early on can make very many."""


def verify(
    sprint: record.Record = None,
    *,
    json: options.Json = False,
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="HASH",
            help="A row must have this hash, or one that begins so.",
            show_default=False,
        ),
    ] = None,
    least: Annotated[
        int,
        typer.Option(
            "--min-seq", min=0, metavar="N", help="There must be N rows at least.", show_default=False
        ),
    ] = 0,
) -> None:
    """Check the chain, every row, every text, the fold of every run, and PROGRESS.yaml against them. Mends nothing."""
    from fsm_sprint.report.audit import audit
    from fsm_sprint.report.document import printed

    journal, paths = record.recorded(sprint)
    if head is not None and (len(head) < 8 or not set(head.lower()) <= set("0123456789abcdef")):
        raise UsageError(
            "--head wants at least 8 hex digits of a hash", hint="`fsm-sprint status` shows the newest"
        )
    with record.reading(journal) as reader, record.unswept():
        document = audit(reader, paths, SystemClock(), head=head.lower() if head else None, least=least)
    if json:
        print(printed(document))
    else:
        _show(document, journal)
    raise typer.Exit(ExitCode.DONE if document["ok"] else ExitCode.JOURNAL)


def _show(document: dict[str, Any], journal: Path) -> None:
    from fsm_sprint.report.terminal import line
    from fsm_sprint.report.times import span

    checked = document["checked"]
    for problem in document["problems"][:_MOST]:
        where = f"row {problem['seq']}: " if problem["seq"] else ""
        print(f"problem: {where}{line(problem['message'])}")
    if len(document["problems"]) > _MOST:
        print(f"and {len(document['problems']) - _MOST} more problems; `--json` has them all")
    for note in document["notes"]:
        print(f"note: {line(note)}", file=sys.stderr)
    progress = f", PROGRESS.yaml at row {checked['progress']}" if checked["progress"] else ""
    found, last = len(document["problems"]), document["checked"]["rows"]
    result = "all of it is whole" if document["ok"] else f"{found} problem{'' if found == 1 else 's'}"
    runs = f"{checked['runs']} run{'' if checked['runs'] == 1 else 's'}"
    print(
        f"{result}: {checked['rows']} rows chained, legal and folded in {runs},"
        f" {checked['units']} units, {checked['texts']} texts{progress}; {span(document['elapsed_ms'])}"
    )
    if document["ok"]:
        head = document["head"]
        print(f"head: row {head['seq']}, {head['hash']}")
    elif all("PROGRESS.yaml" in one["message"] and one["seq"] <= last for one in document["problems"]):
        print(
            "hint: `fsm-sprint replay --rebuild` writes PROGRESS.yaml anew from the journal", file=sys.stderr
        )
    else:
        print(
            f"hint: keep {journal} as it is; `fsm-sprint journal recover` makes a new one of what is whole",
            file=sys.stderr,
        )
