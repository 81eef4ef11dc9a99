"""Names on disk: distinct, short and harmless on every file system, whatever the ids are."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from fsm.names import name, task_id
from fsm.plan import digest

HARMLESS = re.compile(r"[a-z0-9_][a-z0-9_.+-]*")
DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)}

wild = st.text(max_size=60)
tame = st.text(st.sampled_from("ab1-_/#.+AB~"), min_size=1, max_size=8)
digested = wild.map(digest).map(lambda text: f"x-{text[:8]}")
paths = (
    wild
    | tame
    | digested
    | st.sampled_from(
        ["con", "nul/a", "com1#gate", "LPT9", "aux.txt", "..", ".", "", "-rf", "\x00", "é", "a" * 300]
    )
)


@given(paths)
@example("../../etc/passwd")
@example("a b\nc")
@example("\ud800")
def test_a_name_is_harmless_on_every_file_system(path: str):
    found = name(path)

    assert HARMLESS.fullmatch(found)
    assert len(found) <= 80
    assert not found.endswith(".")
    assert found.split(".")[0] not in DEVICES
    assert "~" not in found


@given(paths, paths)
@example("a/b", "a.b")
@example("a#gate", "a+gate")
@example("A", "a")
@example("a" * 200, "a" * 201)
def test_distinct_paths_get_distinct_names_on_any_file_system(one: str, other: str):
    if one != other:
        assert name(one).casefold() != name(other).casefold()


@given(paths)
@example("A")
def test_no_path_can_take_the_name_that_another_gets(path: str):
    """A digest behind a slug could be written as an id by whoever knows the other path."""
    assert path == name(path) or name(name(path)) != name(path)


@given(paths, paths, st.integers(1, 30), st.integers(1, 30))
def test_directories_and_logs_of_all_attempts_are_distinct(one: str, other: str, n: int, m: int):
    if (one, n) != (other, m):
        assert f"{name(one)}.{n}" != f"{name(other)}.{m}"


def test_ordinary_paths_can_be_read():
    assert name("development") == "development"
    assert name("development/step-0/update-docs") == "development.step-0.update-docs"
    assert name("development/step-0/test#gate") == "development.step-0.test+gate"


def test_other_paths_say_what_they_can():
    assert re.fullmatch(r"qa-review-des-ger-ts-[0-9a-f]{8}", name("qa/Review des Geräts"))


AT = 1_700_000_000_999


def test_a_parallel_task_is_called_after_step_phase_and_second():
    assert task_id("step-0", "docs", AT, ()) == "step-0-docs-1700000000"
    assert task_id(None, "docs", AT, ()) == "docs-1700000000"


def test_two_parallel_tasks_of_one_second_differ():
    taken = ["step-0-docs-1700000000"]
    assert task_id("step-0", "docs", AT, taken) == "step-0-docs-1700000000-2"
    taken.append("step-0-docs-1700000000-2")
    assert task_id("step-0", "docs", AT, taken) == "step-0-docs-1700000000-3"
    assert task_id("step-0", "docs", AT, dict.fromkeys(taken)) == "step-0-docs-1700000000-3"


@given(st.none() | wild, wild, st.sets(wild, max_size=3))
def test_the_id_of_a_parallel_task_is_a_name_too_and_never_one_that_is_taken(
    step: str | None, phase: str, taken: set[str]
):
    found = task_id(step, phase, AT, taken)

    assert re.fullmatch(r"[a-z0-9_][a-z0-9_+-]*", found)
    assert len(found) <= 95
    assert found not in taken
    assert task_id(step, phase, AT, {*taken, found}) != found
