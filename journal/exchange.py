"""A journal as lines of JSON: for archives, for comparing, for programs that know no SQLite; and back again.

Rule: the same journal gives the same bytes, and the way there and back gives the same rows with the same hashes. A file
is taken in whole or refused, with the line and the reason.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from fsm.errors import SprintError
from fsm.plan import digest as digest_of
from fsm.transition import Transition, encode_facts
from journal import rebuild, schema
from journal.audit import audit
from journal.codec import NOTHING
from journal.errors import AFTER_DAMAGE, JournalDamaged, JournalTooNew
from journal.reader import Reader, open_reader
from journal.replay import chained

VERSION = 1
"""The version of the lines; `format` in the header is that of the rows in them (`schema.FORMAT`)."""

_PAGE = 2_000
_KIND = "fsm-sprint-journal"
_COLUMNS: dict[str, type] = {
    name: kind for name, kind in Transition.__annotations__.items() if isinstance(kind, type)
}


class Sink(Protocol):
    """What takes the lines, each whole."""

    def write(self, raw: bytes, /) -> object:
        """Takes one."""
        ...


class NotAnExport(SprintError):
    """A line is none that `export` writes."""


def export(reader: Reader, out: Sink) -> tuple[int, str]:
    """Writes a header, the texts by digest, the rows in order; returns the head. JournalDamaged as soon as it shows.

    Beside a run it is the journal of one moment; no transaction is kept open meanwhile.
    """
    with reader.snapshot():
        head = reader.head()
        sql = "SELECT count(*), coalesce(max(rowid), 0) FROM texts"
        count, last = reader.connection.execute(sql).fetchone()
    out.write(
        _line({_KIND: VERSION, "format": schema.FORMAT, "texts": count, "rows": head[0], "head": head[1]})
    )
    for digest in [
        digest
        for (digest,) in reader.connection.execute(
            "SELECT digest FROM texts WHERE rowid <= ? ORDER BY digest", [last]
        )
    ]:
        out.write(_line({"digest": digest, "text": reader.text(digest)}))
    before = NOTHING
    while before[0] < head[0]:
        rows = reader.stored(after=before[0], limit=min(_PAGE, head[0] - before[0]))
        problem = next(chained(rows, before), None)
        if problem is not None or not rows:
            said = f" at row {problem.seq}: {problem.message}" if problem is not None else ""
            raise JournalDamaged(f"{reader.path} is damaged{said}", hint=AFTER_DAMAGE)
        for row in rows:
            out.write(_line(_told(row)))
        before = rows[-1].seq, rows[-1].hash
    return head


def import_(source: IO[bytes], name: str, target: Path) -> tuple[int, str]:
    """Makes the journal `target`, which must not exist, from the lines of `name`; returns its head.

    NotAnExport when a line is none of ours, JournalTooNew, JournalDamaged when a text, the chain or a move is not what
    it was. Then nothing is made.
    """
    lines = _Lines(source, name)
    header = lines.header()
    with rebuild.anew(target) as journal:
        try:
            rebuild.copy(journal, lines.rows(header["rows"]), lines.texts(header["texts"]))
        except JournalDamaged as error:
            raise lines.damaged(str(error)) from error
        lines.end()
        if journal.head[1] != header["head"]:
            raise lines.damaged("the last row is not the one that the header names")
        with open_reader(journal.path) as reader:
            for problem in audit(reader):
                lines.number = 1 + header["texts"] + problem.seq
                raise lines.damaged(problem.message)
        return journal.head


class _Lines:
    """The lines of a file, counted, each of the shape that its place asks for."""

    def __init__(self, source: IO[bytes], name: str) -> None:
        self._source = source
        self._name = name
        self.number = 0

    def header(self) -> dict[str, Any]:
        """The first line."""
        found = self._next(
            {_KIND: int, "format": int, "texts": int, "rows": int, "head": str}, "no export of a journal"
        )
        if found[_KIND] > VERSION or found["format"] > schema.FORMAT:
            raise JournalTooNew(
                f"{self._name} was written by a later version of fsm-sprint",
                hint="use that version to import it",
            )
        return found

    def texts(self, count: int) -> Iterator[str]:
        """So many texts, each what its digest says."""
        for _ in range(count):
            found = self._next({"digest": str, "text": str}, "no text")
            if digest_of(found["text"]) != found["digest"]:
                raise self.damaged("the text is not the one that its digest names")
            yield str(found["text"])

    def rows(self, count: int) -> Iterator[Transition]:
        """So many rows, numbered from 1."""
        for seq in range(1, count + 1):
            found = self._next({**_COLUMNS, "facts": object}, "no row")
            facts = found["facts"]
            if not isinstance(facts, dict | str):
                raise self._refused("`facts` is neither an object nor a text")
            if found["seq"] != seq:
                raise self.damaged(f"row {found['seq']} stands where row {seq} has to")
            names = [found[name] for name, kind in _COLUMNS.items() if kind is str and name != "facts"]
            if any("\ud800" <= character <= "\udfff" for character in "".join(names)):
                raise self._refused("a name holds half a character")
            yield Transition(**{**found, "facts": facts if isinstance(facts, str) else encode_facts(facts)})

    def end(self) -> None:
        """Nothing may follow."""
        if self._source.readline():
            self.number += 1
            raise self._refused("there is more than the header names")

    def damaged(self, why: str) -> JournalDamaged:
        """The error for a line that says something else than it once did."""
        return JournalDamaged(
            f"{self._name}, line {self.number}: {why}", hint="it was changed after it was written"
        )

    def _next(self, shape: dict[str, type], otherwise: str) -> dict[str, Any]:
        self.number += 1
        raw = self._source.readline()
        if not raw.endswith(b"\n"):
            raise self._refused("the file is cut off" if self.number > 1 or raw else otherwise)
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise self._refused(f"{otherwise}: {error}") from error
        if not isinstance(found, dict) or found.keys() != shape.keys():
            raise self._refused(otherwise)
        for name, kind in shape.items():
            if kind is not object and type(found[name]) is not kind:
                raise self._refused(f"`{name}` is not of the type it has to be")
        return found

    def _refused(self, why: str) -> NotAnExport:
        return NotAnExport(
            f"{self._name}, line {self.number}: {why}", hint="`fsm-sprint journal export` writes such files"
        )


def _told(row: Transition) -> dict[str, Any]:
    """A row as an object. Facts that would not come back as the same text stay the text that they are."""
    facts: Any = row.facts
    try:
        decoded: Any = row.decoded()
        # A lone surrogate stands as an escape in what is stored, and `seal` makes it one again.
        if isinstance(decoded, dict) and _stored(encode_facts(decoded)) == row.facts:
            facts = decoded
    except (ValueError, RecursionError):
        pass
    return {**row._asdict(), "facts": facts}


def _stored(facts: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in facts)


def _line(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return f"{text}\n".encode()
    except UnicodeEncodeError:  # lone surrogates; then all of the line is escaped
        return f"{json.dumps(value, separators=(',', ':'))}\n".encode()
