"""The YAML that comes in: what is read, what is refused, and that the faster scanner reads what the stock one does."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from compiler.files import Refused, read
from compiler.load import Event, Kind, events
from compiler.reader import build, load
from compiler.tree import Document, Mapping


def tree(text: str) -> Any:
    document = Document(file="x.yaml", path=None, text=text, sha256="")
    build(document)
    return document.root


def refusal(content: str | bytes, tmp_path: Path) -> tuple[str, int, int]:
    """Why a file is refused, with line and column."""
    path = tmp_path / "x.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    document, found = load(path, shown="x.yaml", code="BAD")
    assert document.root is None
    (only,) = found
    assert only.code == "BAD"
    return only.message.removeprefix("Cannot read x.yaml: "), only.line, only.column


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {k: v}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 50)}], {name}: 1}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "brackets": ("[" * 40_000, "nested more than 64"),
    "braces": ("{a: " * 40_000, "nested more than 64"),
    "dashes": ("- " * 40_000 + "a", "nested more than 64"),
    "question marks": ("? " * 40_000, "nested more than 64"),
    "closed brackets": ("[" * 900 + "]" * 900, "nested more than 64"),
    "indentation": ("".join(f"{' ' * n}a:\n" for n in range(70)), "nested more than 64"),
    "aliases deep down": (
        "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40,
        "nested more than 64",
    ),
    "a circle": ("&a [*a]", "inside of what it names"),
    "a circle through a mapping": ("a: &a\n  b: *a\n", "inside of what it names"),
    "billion laughs": (LAUGHS, "more than 2,000,000 values"),
    "merged laughs": (MERGES, "more than 2,000,000 values"),
    "long laughs": ("a: &a " + "x" * 100_000 + "\nb: [" + "*a, " * 2_000 + "]", "too much text"),
    "lone surrogate": ('a: "\\ud800"', "U+D800"),
    "raw surrogate": ("a: \ud800", "is not UTF-8"),
    "no character": ('a: "\\U00110000"', "unknown escape"),
    "NUL escape": ('a: "\\0"', "U+0000"),
    "NUL": ("a: \0", "U+0000"),
    "bell": ("a: \a", "U+0007"),
    "escape": ("a: \x1b[31m", "U+001B"),
    "not UTF-8": (b"a: \xff", "is not UTF-8"),
    "UTF-16": ("a: b".encode("utf-16"), "UTF-16"),
    "two documents": ("a: 1\n---\nb: 2\n", "more than one document"),
    "a tag": ("a: !!python/object/apply:os.system [ls]", "tags are not allowed"),
    "a core tag": ("a: !!str 5", "tags are not allowed"),
    "a key twice": ("a: 1\nb: 2\na: 3\n", "the key 'a' is there twice, first in line 1"),
    "a key twice, quoted": ("{a: 1, 'a': 2}", "the key 'a' is there twice"),
    "an anchor that is not there": ("a: *b", "names no anchor"),
    "a long number": ("a: " + "9" * 5_000, "a number of 5000 digits"),
    "a tab as indentation": ("a:\n\tb: c", "cannot start any token"),
    "a quote": ('a: "b', "unexpected end of stream"),
    "a collection as key": ("[a]: b", "a key has to be a single word"),
    "a mapping as key": ("? {a: b}\n: c", "a key has to be a single word"),
    "merging text": ("<<: a", "takes a mapping"),
    "a reserved character": ("a: @b", "cannot start any token"),
    "many anchors": ("[" + ", ".join(f"&a{n} *a{n - 1}" for n in range(1, 3_000)) + "]", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_with_a_reason_and_a_place(name: str, tmp_path: Path) -> None:
    content, reason = HOSTILE[name]
    message, line, column = refusal(content, tmp_path)
    assert reason in message
    assert (line, column) >= (1, 1) or "UTF-" in message


def test_a_deep_document_is_read_to_the_bound_and_no_further() -> None:
    assert tree("[" * 64 + "]" * 64) is not None
    with pytest.raises(Refused, match="nested"):
        tree("[" * 65 + "]" * 65)


def test_an_unclosed_quote_is_shown_where_it_opens(tmp_path: Path) -> None:
    assert refusal('a: b\nc: "d\ne: f\n', tmp_path)[1:] == (2, 4)


def test_special_files_are_never_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "SPRINT.yaml"
    os.mkfifo(pipe)
    for path, reason in (
        (pipe, "not a regular file"),
        (tmp_path, "a directory"),
        (Path("/dev/zero"), "not a regular"),
    ):
        with pytest.raises(Refused, match=reason):
            read(path)
    with pytest.raises(Refused, match="no such file"):
        read(tmp_path / "gone")
    with pytest.raises(Refused, match="name"):
        read(Path("a\0b"))


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with path.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(Refused, match="larger than 64 MiB"):
        read(path)


def test_scalars_are_those_of_yaml_1_2() -> None:
    words = "yes no on True FALSE ~ null 012 0o17 0xff -1 +1 1e3 .5 1. 1_0 0b1 12:30:00 2026-01-01 a"
    values = ["yes", "no", "on", True, False, None, None, 12, 15, 255, -1, 1, 1000.0, 0.5, 1.0, "1_0", "0b1"]
    assert tree(f"[{words.replace(' ', ', ')}]") == [*values, "12:30:00", "2026-01-01", "a"]
    assert tree("['1', \"true\", |\n 1]".replace("|\n 1", "'~'")) == ["1", "true", "~"]


def test_merge_keys_give_way_to_what_is_written_and_to_earlier_ones() -> None:
    assert tree("b: &b {x: 1, y: 1}\nc: &c {x: 2, z: 2}\nd:\n  y: 3\n  <<: [*b, *c]\n  z: 4\n")["d"] == {
        "y": 3,
        "x": 1,
        "z": 4,
    }
    assert tree("'<<': 5") == {"<<": 5}


def test_keys_are_text_as_they_are_written() -> None:
    assert list(tree("1: a\ntrue: b\n: c\n012: d\n")) == ["1", "true", "null", "012"]


def test_the_two_escapes_that_json_writes_for_one_character_are_that_character() -> None:
    assert tree('a: "\\ud83d\\ude00, \\U0001F600"') == {"a": "\U0001f600, \U0001f600"}


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: b\r\nc: d\r\n")
    document, found = load(path, shown="x", code="BAD")
    assert not found
    assert document.root == {"a": "b", "c": "d"}
    assert document.position(document.offset(("c",), key=True)) == (2, 1)


def test_every_value_knows_its_place() -> None:
    document = Document(file="x", path=None, text="a:\n  - b: 1\n    c: [2,\n 3]\n", sha256="")
    build(document)
    assert isinstance(document.root, Mapping)
    places = {
        ("a",): (2, 3),
        ("a", 0): (2, 5),
        ("a", 0, "b"): (2, 8),
        ("a", 0, "c", 1): (4, 2),
        ("a", 0, "gone", 5): (2, 5),
    }
    assert {loc: document.position(document.offset(loc)) for loc in places} == places
    assert document.position(document.offset(("a", 0, "c"), key=True)) == (3, 5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a:\tb", "b"),
        ("a: b\t# c", "b"),
        ("a: b\tc d", "b\tc d"),
        ("a: 'b'\t", "b"),
        ("a: |\n \n   b\n", "\nb\n"),
        ("a: |\n  b\u2028c\x85d\n", "b\u2028c\x85d\n"),
        ("a: b\u2028c", "b\u2028c"),
        ('a: "b\u2028c"', "b\u2028c"),
        ("a: >\n  b\n  c\n\n   d\n  e\n", "b c\n\n d\ne\n"),
        ('a: "b \\\n   c\\\n\n  d\\ \n  e"', "b c\nd  e"),
        ("a: 'b\n\n  c ''d'''", "b\nc 'd'"),
        ("a: |2-\n   b\n\n\n", " b"),
        ("a: |+\n  b\n\n\n", "b\n\n\n"),
        ("a: http://b:c#d", "http://b:c#d"),
        ("{a: http://b:c}", "http://b:c"),
        ("a:\n  b\n  c: d", None),
    ],
)
def test_what_text_amounts_to(text: str, value: str | None) -> None:
    if value is None:
        with pytest.raises(Refused):
            tree(text)
    else:
        assert tree(text) == {"a": value}


@pytest.mark.parametrize(
    "text",
    [
        "a: '" + " " * 200_000 + "b'",
        'a: "' + "\\ " * 100_000 + '"',
        "a: '" + "''" * 100_000,
        'a: "' + "\\" * 200_001 + '"',
        "a: " + "b " * 100_000,
        "a: " + ": " * 3,
        "a: |\n" + "  x\n" * 50_000 + " y",
        "a: >\n" + "\n" * 100_000,
        "#" * 200_000,
        " " * 200_000 + "#",
        "a: b" + " " * 200_000 + "#\n" + " \n" * 100_000,
        "- a\n" * 5_000,
        "".join(f"k{n}: v\n" for n in range(5_000)),
        "{" + ", ".join(f"k{n}: v" for n in range(4_000)) + "}",
        "[" + "[], " * 4_000 + "]",
    ],
    ids=lambda text: text[:6],
)
def test_long_texts_take_no_more_than_their_length(text: str) -> None:
    """Each of these takes minutes where something backtracks or counts back; the suite's time limit says so."""
    assert ours(text) is None or tree(text) is not None or text.startswith((" ", "#"))


class Odd(Exception):
    """The stock parser refuses blank lines before the text of a block that are shorter than it: YAML allows them."""


def stock(text: str) -> list[Event] | None:
    """The events of the unchanged parser; None where it refuses."""

    def made() -> Iterator[Event]:
        for event in YAML(typ="safe", pure=True).parse(text):
            at = event.start_mark.index
            if getattr(event, "tag", None) is not None:
                raise YAMLError
            match event:
                case ScalarEvent():
                    plain = event.style is None and event.implicit[0]
                    yield Event(Kind.SCALAR, at, event.value, plain, event.anchor)
                case MappingStartEvent():
                    yield Event(Kind.MAPPING, at, anchor=event.anchor)
                case SequenceStartEvent():
                    yield Event(Kind.SEQUENCE, at, anchor=event.anchor)
                case CollectionEndEvent():
                    yield Event(Kind.END, at)
                case AliasEvent():
                    yield Event(Kind.ALIAS, at, anchor=event.anchor)
                case DocumentStartEvent():
                    yield Event(Kind.DOCUMENT, at)

    try:
        return list(made())
    except Exception as error:  # noqa: BLE001  # the stock parser has bugs of its own on texts such as these
        if "more indented follow up line" in str(error):
            raise Odd from None
        return None


def ours(text: str) -> list[Event] | None:
    try:
        return list(events(text))
    except Refused:
        return None


PIECES = [
    "a", "bc", "1", "é", "-", ":", "?", "[", "]", "{", "}", ",", "\"", "'", "''", "\"x\"", "'y'", "#",
    "&x", "*x", "~", "\\", "\\n", "\\x41", "%", "@", "!", "- ", ": ", "? ", "\n", "\r\n", "\n  ",
    "\n    ", " ", "  ", ", ", "# c", "&x ", "*x ", "k: v\n", "- i\n", "ab\n  cd", "|\n", "|-\n", ">\n",
    ">+\n", "|2\n",
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
@example("a: >\n\n  b\n   c\n\n  d\n")
@example("? a\n: - b\n  - c\n")
@example("a: [b: c, {d}]\n")
@example("- - a\n  - b\n-\n")
def test_the_scanner_reads_what_the_stock_one_reads(piece: str) -> None:
    text = f"k: x\nz:\n  {piece}"
    try:
        expected = stock(text)
    except Odd:
        reject()
    assert ours(text) == expected


SOURCES = sorted(Path(__file__).parents[3].glob("shared/corpus/*/workflows/*.yaml"))
SOURCES += sorted(Path(__file__).parent.glob("cases/*/workflows/*.yaml"))


def test_the_scanner_reads_real_files_as_the_stock_one_does() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        expected = stock(text)
        assert expected is None or ours(text) == expected, path
