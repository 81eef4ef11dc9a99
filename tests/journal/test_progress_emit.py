import math
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from journal.emit import document

TYPED = "~ null Null yes No on OFF y N true 1:30 190:20:30 0x1f 0o17 017 0b1 1e3 1.5 .5 5. 1_000 1,000 +1 -1 .inf -.INF"
SIGNS = "= << - -- ... ? : # & * ! | > % @ ` a: a:b :a #a a#b é ~a .nan 2026-01-18 2026-01-18T12:00:00Z 12e03 3d 1st"
SPACED = [
    "",
    " ",
    "a ",
    " a",
    "a: b",
    "a #b",
    "- a",
    "? a",
    "--- a",
    "> a",
    "1 apple",
    "[a] b",
    "{{a.x}}",
    "'a'",
    '"a"',
]
BLOCKS = [
    "a\n",
    "a\n\n",
    "\na",
    "\n",
    "\n\n",
    " a\nb",
    "a\n b",
    "\ta\nb",
    "a\n\t\nb",
    "a\n  \nb \n",
    "a\n   ",
]
BLOCKS += [
    "a\n   \n",
    "  \n a",
    "a\n---\nb",
    "a\n...\n",
    "# a\nb",
    "a\n# b\n",
    "a\n- b: |\n    c",
    "\n  a\n b\n\n",
]
BREAKS = ["a\r\nb", "a\tb\nc", "a\x85\nb", "\u2028", "a\u2029\nb", "\ufeffa\nb", "\ufffe\n", "😀\n😀"]
CONTROLS = ["\x00", "\x1b[0m", "\x7f", "\x85", "\ufeff", "\ufffe", "\t", "a\tb", "\\n", "C:\\new"]
BEYOND = ["😀", "a\u00a0b", "\u00a0", "\u3000", "x" * 1_100, "y " * 90]
AWKWARD = [*TYPED.split(" "), *SIGNS.split(" "), *SPACED, *BLOCKS, *BREAKS, *CONTROLS, *BEYOND]

texts = (
    st.sampled_from(AWKWARD)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=15)
    | st.text(" \n\ta:#-|'\"{}\\", max_size=15)
    | st.text("0123456789-+.:_eExXoObBfFtTzZ, ", max_size=10)
)
scalars = texts | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
mappings = st.dictionaries(texts, values, max_size=4)


def load(text: str, version: tuple[int, int] = (1, 2)) -> Any:
    reader = YAML(typ="safe", pure=True)
    if version != (1, 2):
        reader.version = version
    return reader.load(text)


def test_the_two_readers_differ() -> None:
    assert load("a: yes", (1, 1)) == {"a": True}
    assert load("a: yes") == {"a": "yes"}


def shape(value: Any) -> Any:
    """The value with the type of every scalar beside it, so that 1, 1.0 and True differ."""
    if isinstance(value, Mapping):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else (type(value), value)


@given(mappings)
@example({"": {"": [[], {}, [[""]], {"a": []}]}})
def test_what_is_written_reads_back_equal(items: dict[str, Any]) -> None:
    assert shape(load(document(items))) == shape(items)


@given(mappings)
def test_a_reader_of_the_older_yaml_sees_the_same(items: dict[str, Any]) -> None:
    assert shape(load(document(items), (1, 1))) == shape(items)


@pytest.mark.parametrize("text", AWKWARD)
@pytest.mark.parametrize("version", [(1, 1), (1, 2)])
def test_awkward_text_stays_itself_everywhere(text: str, version: tuple[int, int]) -> None:
    items = {text: text, "next": [text, {"deep": text, text: [text]}, [text]], "last": text}

    assert load(document(items), version) == items


@given(st.text(st.characters(codec=None), max_size=10))
def test_any_text_is_valid_utf_8_and_loads(text: str) -> None:
    written = document({"text": text}).encode()

    assert load(written.decode())["text"] == re.sub("[\ud800-\udfff]", "\ufffd", text)


def test_floats_beyond_the_finite_keep_their_meaning() -> None:
    found = load(document({"least": -math.inf, "most": math.inf, "none": math.nan, "zero": -0.0}))

    assert (found["least"], found["most"]) == (-math.inf, math.inf)
    assert math.isnan(found["none"])
    assert math.copysign(1, found["zero"]) == -1


def test_the_layout_is_the_predecessors() -> None:
    items = {
        "sprint-id": "2026-01-16_a-sprint",
        "phases": [
            {
                "id": "a",
                "prompt": "Do it:\n\n  - carefully\n",
                "steps": [{"id": "step-0", "prompt": "no end"}, {"prompt": "more\n\n"}],
                "model": None,
            }
        ],
        "tasks": [],
        "stats": {"total": 3, "ratio": 0.5},
    }

    assert document(items) == (
        "sprint-id: 2026-01-16_a-sprint\n"
        "phases:\n"
        "  - id: a\n"
        "    prompt: |\n"
        "      Do it:\n"
        "\n"
        "        - carefully\n"
        "    steps:\n"
        "      - id: step-0\n"
        "        prompt: no end\n"
        "      - prompt: |+\n"
        "          more\n"
        "\n"
        "    model: null\n"
        "tasks: []\n"
        "stats:\n"
        "  total: 3\n"
        "  ratio: 0.5\n"
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain words, even (these)", "plain words, even (these)"),
        ("yes", '"yes"'),
        ("2026-01-18T12:00:00.000Z", '"2026-01-18T12:00:00.000Z"'),
        ("Fix: it", '"Fix: it"'),
        ("a\x85\x00\u2028\ufeff\x7f", r'"a\x85\x00\u2028\ufeff\x7f"'),
        ("two\nlines", "|-\n  two\n  lines"),
        ("  two\n lines\n", "|2\n    two\n   lines"),
        ("😀 smile", "😀 smile"),
        ("\ud800", '"\ufffd"'),
    ],
)
def test_each_text_in_the_plainest_style_that_is_safe(text: str, written: str) -> None:
    assert document({"text": text}) == f"text: {written}\n"
