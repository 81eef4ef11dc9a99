"""Whether the record of a sprint is whole, as one document: every page, row, text and projection, and PROGRESS.yaml.

Rule: `journal.audit` looks at the file, this at what the rows add up to. Every run is folded by the code that runs it;
its units and PROGRESS.yaml have to be what the fold says. Nothing is mended.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple

from fsm.errors import SprintError
from fsm.ports import Clock
from fsm.sprint import Sprint
from fsm.transition import Transition
from fsm_sprint.paths import SprintPaths
from fsm_sprint.report.document import Document
from journal import heading
from journal.audit import audit as examined
from journal.progress import render
from journal.reader import Reader
from journal.replay import Problem

_PAGE = 5_000
"""Rows that are read at once, so that memory does not grow with the journal."""


class Published(NamedTuple):
    """PROGRESS.yaml as it lies there."""

    content: bytes
    heading: heading.Heading | None
    intact: bool


def audit(
    reader: Reader, paths: SprintPaths | None, clock: Clock, *, head: str | None, least: int
) -> Document:
    """The document. `paths` is None for a journal that was named by itself: then PROGRESS.yaml is not asked for."""
    began = clock.monotonic()
    # Before the journal, which is always at least as new.
    published = None if paths is None else _published(paths)
    problems = list(examined(reader, head=head, least=least))
    checked: Document = {"rows": 0, "runs": 0, "units": 0, "texts": 0, "progress": None}
    notes: list[str] = [reader.note] if reader.note else []
    try:
        checked["texts"] = reader.texts()
        problems += _folded(reader, published, checked, notes)
    except (SprintError, ValueError, KeyError, TypeError) as error:
        problems.append(Problem(0, f"the rows cannot be read to their end: {error}"))
    seq, last = (0, "") if problems else reader.head()
    return {
        "version": 1,
        "journal": str(reader.path),
        "ok": not problems,
        "head": {"seq": seq, "hash": last},
        "checked": checked,
        "problems": [{"seq": problem.seq, "message": problem.message} for problem in problems],
        "notes": notes,
        "elapsed_ms": round((clock.monotonic() - began) * 1000),
    }


def _published(paths: SprintPaths) -> Published | None:
    try:
        content = paths.progress.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SprintError(f"{paths.progress}: {error.strerror}", hint="see its owner and its mode") from error
    file = BytesIO(content)
    found = heading.read(file)
    file.seek(0)
    return Published(content, found, heading.intact(file))


def _folded(
    reader: Reader, published: Published | None, checked: Document, notes: list[str]
) -> Iterator[Problem]:
    """Folds every run, and holds it against `units` and, at the row that it shows, against PROGRESS.yaml."""
    shown = published.heading.seq if published is not None and published.heading is not None else 0
    sprint: Sprint | None = None
    broken: set[str] = set()
    found: list[Problem] = []
    last = 0
    for row in pages(reader):
        checked["rows"] += 1
        last = row.seq
        if row.run in broken:
            continue
        if sprint is None or sprint.run != row.run:
            if sprint is not None:
                yield from _units(reader, sprint, checked)
            sprint = Sprint(row.run, reader.text)
            checked["runs"] += 1
        try:
            sprint.apply(row)
        except (SprintError, ValueError, KeyError, TypeError) as error:
            yield Problem(row.seq, f"the fold of run {row.run} stops here: {error}")
            broken.add(row.run)
            sprint = None
            continue
        if row.seq == shown and published is not None:
            checked["progress"] = row.seq
            found = list(_same(sprint, published))
    if sprint is not None:
        yield from _units(reader, sprint, checked)
    yield from found
    yield from _progress(published, last, notes)


def pages(reader: Reader, run: str | None = None, last: int | None = None) -> Iterator[Transition]:
    """All rows, or those of a run, up to `last`, a page at a time."""
    after = 0
    while rows := reader.rows(run, after, _PAGE):
        for row in rows:
            if last is not None and row.seq > last:
                return
            yield row
        after = rows[-1].seq


def _units(reader: Reader, sprint: Sprint, checked: Document) -> Iterator[Problem]:
    """Where the quick-read table and the fold of a run part."""
    known = 0
    rows = reader.units(sprint.run)
    checked["units"] += len(rows)
    for row in rows:
        unit = sprint.units.get(row.path)
        if unit is None:
            yield Problem(
                row.seq, f"`units` has {row.path}, which the plan of run {sprint.run} does not have"
            )
            continue
        known += 1
        if (row.state, row.attempt) != (unit.state, unit.attempt):
            yield Problem(
                row.seq,
                f"`units` has {row.path} as {row.state}, attempt {row.attempt};"
                f" the fold says {unit.state}, attempt {unit.attempt}",
            )
    if known < len(sprint.units):
        for path in sprint.units.keys() - {row.path for row in rows}:
            yield Problem(0, f"`units` lacks {path}, which the plan of run {sprint.run} has")


def _same(sprint: Sprint, published: Published) -> Iterator[Problem]:
    """Whether PROGRESS.yaml is what the fold says at the row that it shows, byte for byte."""
    if not published.intact:
        return  # an edit is told of as such
    expected = render(sprint).encode()
    if expected != published.content:
        lines = zip(expected.splitlines(), published.content.splitlines(), strict=False)
        place = next((n for n, (one, other) in enumerate(lines, 1) if one != other), 0)
        yield Problem(sprint.seq, f"PROGRESS.yaml differs from the fold at that row, from line {place} on")


def _progress(published: Published | None, last: int, notes: list[str]) -> Iterator[Problem]:
    if published is None:
        notes.append("there is no PROGRESS.yaml to compare with")
        return
    if published.heading is None:
        yield Problem(0, "PROGRESS.yaml was not written by fsm-sprint, or its heading was edited by hand")
        return
    if not published.intact:
        yield Problem(
            published.heading.seq, "PROGRESS.yaml was edited by hand: its body is not what its heading says"
        )
    elif published.heading.seq > last:
        yield Problem(
            published.heading.seq, f"PROGRESS.yaml shows this row, but the journal ends at row {last}"
        )
    elif published.heading.seq < last:
        notes.append(f"PROGRESS.yaml shows row {published.heading.seq} of {last}: nobody has published since")
