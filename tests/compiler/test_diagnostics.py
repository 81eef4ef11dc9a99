"""How findings are shown, also where the source would rather not be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.diagnostics import Diagnostic, Related, Severity, as_json, render, visible
from compiler.nearest import closest, near_miss
from compiler.scalars import as_text


def shown(line: str, column: int) -> list[str]:
    found = Diagnostic(code="C", message="m", file="f", line=1, column=column)
    return render(found, [line]).split("\n")[3:]


def test_a_finding_has_a_head_a_place_the_line_a_caret_and_a_hint() -> None:
    found = Diagnostic(code="BAD", message="It is bad", file="S.yaml", line=2, column=3, hint="mend it")
    assert render(found, ["a:", "  b: c"]) == (
        "error[BAD]: It is bad\n  --> S.yaml:2:3\n  |\n2 |   b: c\n  |   ^\nhint: mend it"
    )


def test_a_second_place_is_shown_as_a_note() -> None:
    other = Related(message="and here", file="S.yaml", line=1, column=1)
    found = Diagnostic(
        code="BAD", message="m", severity=Severity.WARNING, file="S.yaml", line=2, column=1, related=(other,)
    )
    assert render(found, ["a", "b"]).split("\n")[5:] == [
        "note: and here",
        "  --> S.yaml:1:1",
        "  |",
        "1 | a",
        "  | ^",
    ]


def test_a_finding_about_a_whole_file_has_no_excerpt() -> None:
    assert render(Diagnostic(code="C", message="m", file="f"), []) == "error[C]: m\n  --> f"
    assert render(Diagnostic(code="C", message="m"), []) == "error[C]: m"
    assert (
        render(Diagnostic(code="C", message="m", file="f", line=9, column=1), [])
        == "error[C]: m\n  --> f:9:1"
    )


def test_the_caret_stands_under_its_column_with_tabs_and_wide_characters() -> None:
    assert shown("a:\tb", 4) == ["1 | a:\tb", "  |   \t^"]
    assert shown("日本: x", 5) == ["1 | 日本: x", "  |       ^"]
    assert shown("e\u0301: x", 4) == ["1 | e\u0301: x", "  |   ^"]


def test_a_long_line_is_cut_around_the_caret() -> None:
    line, caret = shown("x" * 500 + "HERE" + "y" * 500, 501)
    assert line.removeprefix("1 | ")[len(caret.removeprefix("  | ")) - 1 :].startswith("HERE")
    assert len(line) < 130


@given(st.text(max_size=300), st.integers(1, 320))
def test_no_line_can_take_over_the_terminal(line: str, column: int) -> None:
    text = "\n".join(shown(line.replace("\n", " ").replace("\r", " "), column))
    assert not any(char in text for char in "\x00\x07\x1b\x9b\u202e\u2066\r")
    assert "\x1b" not in visible(line)
    assert "\n" not in visible(line)


def test_a_finding_as_data_always_has_the_same_keys() -> None:
    other = Related(message="r", file="g", line=3, column=4)
    full = as_json(Diagnostic(code="C", message="m", file="f", line=1, column=2, hint="h", related=(other,)))
    assert set(full) == set(as_json(Diagnostic(code="C", message="m")))
    assert json.loads(json.dumps(full))["related"] == [{"message": "r", "file": "g", "line": 3, "column": 4}]


KNOWN = ("workflow", "wait-for-parallel", "prompt", "run", "id", "env", "model", "depends-on")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("wokflow", "workflow"),
        ("promt", "prompt"),
        ("porompt", "prompt"),
        ("prompts", "prompt"),
        ("dependsOn", "depends-on"),
        ("depends_on", "depends-on"),
        ("wait-for-paralel", "wait-for-parallel"),
        ("waitforparallel", "wait-for-parallel"),
        ("Model", "model"),
        ("ID", "id"),
        ("idx", None),
        ("ran", None),
        ("ent", None),
        ("priority", None),
        ("flow", None),
        ("x" * 10_000, None),
    ],
)
def test_a_slip_is_told_from_a_word_of_its_own(word: str, meant: str | None) -> None:
    assert near_miss(word, KNOWN) == meant


def test_the_closest_of_several_names_is_found_for_hints() -> None:
    assert closest("develpment", ["Development", "deployment", "docs"]) == "Development"
    assert closest("xyz", ["docs"]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e3, "1000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (123456789012345680000.0, "123456789012345683968"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-9, "1.25e-9"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (float("nan"), "NaN"),
        (10**30, "1" + "0" * 30),
        (True, "true"),
        (None, "null"),
        ([1, [2, None], "a"], "1,2,,a"),
        ({"a": [1]}, '{"a":[1]}'),
    ],
)
def test_values_read_as_javascript_writes_them(value: object, text: str) -> None:
    assert as_text(value) == text
