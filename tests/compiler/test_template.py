"""Variables: the order of the passes, what is left, and that no text makes them slow or endless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.template import Scope, expand, item_names, left_over, names_in, variable, variable_for

SCOPE = Scope(sprint_id="2026-01-02_s", sprint_name="Name")
ITEM = {"prompt": "P {{phase.id}} {{step.id}} {{item.id}}", "id": "i", "index": 0, "type": "step", "x": None}


def filled(text: str) -> str:
    return expand(text, SCOPE, phase_id="ph", phase_index=3, item=ITEM, kind="step")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{item.id}} {{step.id}} {{item.index}} {{item.type}} {{item.x}}", "i i 0 step null"),
        ("{{item.prompt}}", "P ph i {{item.id}}"),
        ("{{step.prompt}}", "P ph {{step.id}} {{item.id}}"),
        ("{{phase.id}}/{{phase.index}}/{{sprint.id}}/{{sprint.name}}", "ph/3/2026-01-02_s/Name"),
        ("{{ item.id }} {{item.none}} {{other.id}} {{item.x-y}} {item.id}", None),
        ("{{item.prömpt}}", None),
        ("{{{item.id}}}", "{i}"),
    ],
)
def test_variables_are_filled_in_as_they_were(text: str, expected: str | None) -> None:
    assert filled(text) == (text if expected is None else expected)


def test_without_an_item_only_phase_and_sprint_are_known() -> None:
    text = "{{item.id}} {{step.id}} {{phase.id}} {{sprint.name}}"
    nameless = Scope(sprint_id="s", sprint_name=None)
    assert expand(text, nameless, phase_id="p", phase_index=0) == "{{item.id}} {{step.id}} p {{sprint.name}}"


def test_the_name_of_a_for_each_is_taken_as_it_is() -> None:
    assert (
        expand("{{a.b.id}} {{axb.id}}", SCOPE, phase_id="", phase_index=0, item={"id": "i"}, kind="a.b")
        == "i {{axb.id}}"
    )


def test_what_is_left_is_what_looks_like_a_variable() -> None:
    assert left_over("{{a}} {{a}} {{}} {{b c\nd}} {{{e}} {f}} {{g} }} {{h") == [
        "{{a}}",
        "{{b c\nd}}",
        "{{{e}}",
    ]


@given(st.text(alphabet="{}ab. \n", max_size=60))
def test_what_is_left_agrees_with_the_predecessors_pattern(text: str) -> None:
    import re

    assert left_over(text) == list(dict.fromkeys(re.findall(r"\{\{[^}]+\}\}", text)))


@pytest.mark.parametrize("text", ["{{" * 300_000, "{{a}" * 200_000, "}}" * 300_000, "{{item." * 150_000])
def test_no_text_takes_longer_than_its_length(text: str) -> None:
    assert left_over(text) == []
    assert names_in(text) == set()
    assert filled(text) == text


def test_item_variables_are_found_with_the_way_they_are_written() -> None:
    assert item_names("{{item.a}} {{step.a}} {{item.a}} {{phase.id}}", "step") == [
        ("{{item.a}}", "a"),
        ("{{step.a}}", "a"),
    ]


@pytest.mark.parametrize(
    ("braces", "name"),
    [
        ("{{item.prompt}}", "ITEM_PROMPT"),
        ("{{feature.my-key}}", "ITEM_MY_KEY"),
        ("{{ sprint.id }}", "SPRINT_ID"),
        ("{{sprint.name}}", "SPRINT_NAME"),
        ("{{phase.id}}", "PHASE_ID"),
        ("{{phase.index}}", None),
        ("{{gate.output}}", None),
        ("{{.Names}}", None),
    ],
)
def test_commands_are_told_which_variable_holds_a_value(braces: str, name: str | None) -> None:
    assert variable_for(braces) == name


def test_keys_become_names_that_a_shell_can_read() -> None:
    assert [variable(key) for key in ("priority", "due-date", "a b", "größe")] == [
        "PRIORITY",
        "DUE_DATE",
        "A_B",
        "GR__E",
    ]
