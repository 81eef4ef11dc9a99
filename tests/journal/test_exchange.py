"""A journal as lines of JSON and back: the same rows, the same hashes, the same bytes; or a refusal with its line."""

import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from fsm.transition import Transition
from journal.audit import audit
from journal.errors import JournalDamaged, JournalError, JournalTooNew
from journal.exchange import NotAnExport, export, import_
from journal.reader import open_reader
from journal.store import SqliteJournal
from tests.journal.harm import tampered
from tests.journal.rows import histories, life, row

TEXTS = ["the plan", "", "ümlaut \U0001f600", "lone \ud800 surrogate", "x" * 100_000]


def exported(path: Path) -> bytes:
    out = io.BytesIO()
    with open_reader(path) as reader:
        export(reader, out)
    return out.getvalue()


def contents(path: Path) -> tuple[list[Transition], list[tuple[str, object]]]:
    with open_reader(path) as reader:
        return reader.stored(), reader.connection.execute("SELECT * FROM texts ORDER BY digest").fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with SqliteJournal.open(tmp_path / "journal.db", primed=0) as journal:
        for text in TEXTS:
            journal.keep(text)
        for one in life(30):
            journal.append(one)
        journal.append(row(31, "note", facts={"path": "/home/\udcff", "n": 1.5, "deep": [{"a": None}]}))
        journal.commit()
    return tmp_path / "journal.db"


def test_the_way_there_and_back_gives_the_same_journal_and_the_same_bytes(path: Path, tmp_path: Path) -> None:
    lines = exported(path)

    head = import_(io.BytesIO(lines), "export", tmp_path / "again.db")

    assert contents(tmp_path / "again.db") == contents(path)
    assert exported(tmp_path / "again.db") == lines == exported(path)
    with open_reader(tmp_path / "again.db") as reader:
        assert reader.head() == head
        assert not list(audit(reader))
    assert not list(tmp_path.glob("*.part*"))


def test_any_history_comes_back_as_it_was() -> None:
    @settings(max_examples=40)
    @given(rows=histories())
    def check(rows: list[Transition]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            first, second = Path(folder) / "a.db", Path(folder) / "b.db"
            with SqliteJournal.open(first, primed=0) as journal:
                for one in rows:
                    journal.append(one)
                journal.commit()

            import_(io.BytesIO(exported(first)), "export", second)

            assert contents(second) == contents(first)

    check()


def test_facts_are_objects_in_the_lines_and_what_is_no_canonical_json_stays_a_text(tmp_path: Path) -> None:
    odd = '{"b": 1, "a": 2}'
    with SqliteJournal.open(tmp_path / "journal.db", primed=0) as journal:
        journal.append(row(facts={"b": 1}))
        journal.append(row(2, "note")._replace(facts=odd))
        journal.append(row(3, "note"))
        journal.commit()

    lines = [json.loads(line) for line in exported(tmp_path / "journal.db").splitlines()]

    assert lines[0] == {
        "fsm-sprint-journal": 1,
        "format": 1,
        "texts": 0,
        "rows": 3,
        "head": lines[3]["hash"],
    }
    assert [line["facts"] for line in lines[1:]] == [{"b": 1}, odd, {}]
    import_(io.BytesIO(exported(tmp_path / "journal.db")), "export", tmp_path / "again.db")
    assert contents(tmp_path / "again.db") == contents(tmp_path / "journal.db")


def changed(lines: bytes, number: int, **fields: object) -> bytes:
    """The export with one line changed: fields set, or taken away where they are `...`."""
    parts = lines.splitlines(keepends=True)
    found = json.loads(parts[number - 1])
    for name, value in fields.items():
        if value is ...:
            del found[name]
        else:
            found[name] = value
    parts[number - 1] = json.dumps(found).encode() + b"\n"
    return b"".join(parts)


ROW = len(TEXTS) + 5


@pytest.mark.parametrize(
    ("line", "fields", "error", "said"),
    [
        (1, {"fsm-sprint-journal": 2}, JournalTooNew, "later version"),
        (1, {"format": 99}, JournalTooNew, "later version"),
        (1, {"fsm-sprint-journal": ...}, NotAnExport, "line 1: no export"),
        (1, {"rows": "many"}, NotAnExport, "line 1: `rows`"),
        (1, {"rows": 30}, NotAnExport, "line 37: there is more"),
        (1, {"rows": 32}, NotAnExport, "line 38: the file is cut off"),
        (1, {"head": "0" * 64}, JournalDamaged, "the last row is not the one"),
        (2, {"text": "another"}, JournalDamaged, "line 2: the text is not"),
        (2, {"text": 7}, NotAnExport, "line 2: `text`"),
        (ROW, {"at": 7}, JournalDamaged, f"line {ROW}: row 4: the chain is broken"),
        (ROW, {"facts": {"a": 1}}, JournalDamaged, f"line {ROW}: row 4: the chain is broken"),
        (ROW, {"facts": [1]}, NotAnExport, f"line {ROW}: `facts`"),
        (ROW, {"seq": 9}, JournalDamaged, f"line {ROW}: row 9 stands where row 4"),
        (ROW, {"attempt": True}, NotAnExport, f"line {ROW}: `attempt`"),
        (ROW, {"unit": "half \ud800"}, NotAnExport, f"line {ROW}: a name holds half"),
        (ROW, {"unit": ...}, NotAnExport, f"line {ROW}: no row"),
        (ROW, {"more": 1}, NotAnExport, f"line {ROW}: no row"),
    ],
)
def test_a_line_that_is_not_right_is_refused_by_its_number_and_nothing_is_made(
    path: Path, tmp_path: Path, line: int, fields: dict[str, object], error: type[JournalError], said: str
) -> None:
    lines = changed(exported(path), line, **fields)

    with pytest.raises(error, match=said.replace("(", r"\(")):
        import_(io.BytesIO(lines), "export", tmp_path / "again.db")

    assert not list(tmp_path.glob("again*"))


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{", b"{}\n", b"[" * 100_000 + b"\n", b"\xff\xfe\n", b"9" * 10_000 + b"\n", b'"text"\n'],
    ids=lambda content: repr(content[:8]),
)
def test_what_is_no_export_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NotAnExport, match="line 1"):
        import_(io.BytesIO(content), "file", tmp_path / "again.db")

    assert not list(tmp_path.iterdir())


def test_an_illegal_move_under_a_whole_chain_is_refused(tmp_path: Path) -> None:
    with SqliteJournal.open(tmp_path / "journal.db", primed=0) as journal:
        journal.append(row())
        journal.append(row(2, "resume", "paused", "in-progress"))
        journal.commit()

    with pytest.raises(JournalDamaged, match="line 3"):
        import_(io.BytesIO(exported(tmp_path / "journal.db")), "export", tmp_path / "again.db")

    assert not (tmp_path / "again.db").exists()


def test_every_cut_of_an_export_is_refused(path: Path, tmp_path: Path) -> None:
    lines = exported(path)

    for size in range(0, len(lines), 1_499):
        with pytest.raises((NotAnExport, JournalDamaged)):
            import_(io.BytesIO(lines[:size]), "export", tmp_path / "again.db")


def test_a_damaged_journal_is_not_exported(path: Path) -> None:
    tampered(path, "UPDATE transitions SET at = 7 WHERE seq = 9")

    with pytest.raises(JournalDamaged, match="row 9"):
        exported(path)


def test_an_import_replaces_nothing(path: Path, tmp_path: Path) -> None:
    lines = exported(path)
    (tmp_path / "again.db").write_text("precious")

    with pytest.raises(JournalError, match="exists already"):
        import_(io.BytesIO(lines), "export", tmp_path / "again.db")

    assert (tmp_path / "again.db").read_text() == "precious"


def test_what_is_appended_meanwhile_is_not_in_it(path: Path) -> None:
    before = exported(path)
    with SqliteJournal.open(path, primed=0) as journal, open_reader(path) as reader:

        class Slow(io.BytesIO):
            def write(self, data: object) -> int:
                if journal.head[0] == 31:
                    journal.keep("a text that came later")
                    journal.append(row(32, "note"))
                    journal.commit()
                return super().write(data)  # type: ignore[arg-type]  # what BytesIO takes

        out = Slow()
        export(reader, out)

    assert out.getvalue() == before
