"""outcomes.yaml: what it may say, and that everything wrong with it is told at once, with its place."""

from pathlib import Path
from typing import get_args

import pytest

from compiler.diagnostics import CompileError, Diagnostic
from compiler.outcomes import Asking, Broken, read_script
from fsm.outcomes import ASKED, CRASHES, Crash, Outcome, Request, Script
from fsm.plan import Gate, Group, Leaf, Plan

PLAN = Plan(
    sprint_id="boat",
    phases=(
        Group(
            id="g",
            path="g",
            level="phase",
            children=tuple(
                Group(
                    id=name,
                    path=f"g/{name}",
                    level="step",
                    children=(
                        Leaf(
                            id="implement", path=f"g/{name}/implement", prompt="do", gate=Gate(script="true")
                        ),
                        Leaf(id="test", path=f"g/{name}/test", run="true"),
                    ),
                )
                for name in ("one", "two")
            ),
        ),
    ),
)


@pytest.fixture
def script(tmp_path: Path):
    def read(text: str) -> Script:
        file = tmp_path / "outcomes.yaml"
        file.write_text(text)
        return read_script(file, PLAN)[0]

    return read


@pytest.fixture
def wrong(script):
    def read(text: str) -> tuple[Diagnostic, ...]:
        with pytest.raises(CompileError) as caught:
            script(text)
        return caught.value.diagnostics

    return read


def test_every_key_of_a_rule_is_understood(script):
    text = """\
- unit: g/*/implement
  try: [1, 3]
  chance: 0.5
  takes: [90s, 1h30m]
  ends: limit
  until: 2h
  cost-usd: 1
  tokens: 200
  says: come back later
"""
    expected = Outcome(
        place=0,
        unit="g/*/implement",
        tries=(1, 3),
        chance=0.5,
        takes=(90_000, 5_400_000),
        ends="limit",
        until=7_200_000,
        cost=1.0,
        tokens=200,
        says="come back later",
    )

    assert script(text).outcomes == (expected,)


def test_short_forms_mean_what_they_seem_to(script):
    found = script("- try: 2\n- takes: 4m\n- takes: 0.5\n- ends: code 3\n- ends: 0\n- {}\n").outcomes

    assert found[0].tries == (2,)
    assert found[1].takes == (240_000, 240_000)
    assert found[2].takes == (500, 500)
    assert (found[3].code, found[4].code) == (3, 0)
    assert found[5] == Outcome(place=5)


def test_crashes_and_requests_stand_in_the_same_list(script):
    text = """\
- crash: power
  after-row: 17
  down: 1m
- ask: skip
  unit: g/two
  at: 20m
  reason: not needed
- crash: supervisor
  at: 10
"""
    found = script(text)

    assert found.crashes == (
        Crash(kind="power", after_row=17, down=60_000),
        Crash(kind="supervisor", at=10_000),
    )
    assert found.requests == (Request(verb="skip", at=1_200_000, unit="g/two", why="not needed"),)


def test_what_is_answered_is_told_to_a_unit(script):
    found = script("- ask: answer\n  unit: g/two\n  text: the shorter one\n  at: 20m\n")

    assert found.requests == (Request(verb="answer", at=1_200_000, unit="g/two", text="the shorter one"),)


def test_an_empty_script_is_none(script):
    assert script("") == Script()
    assert script("# nothing yet\n") == Script()


def test_each_rule_is_known_by_its_line(tmp_path):
    file = tmp_path / "outcomes.yaml"
    file.write_text("# one\n- ends: ok\n\n- crash: power\n  at: 3\n- ends: failed\n")

    assert read_script(file, PLAN)[1] == {0: 2, 2: 6}


@pytest.mark.parametrize(
    ("text", "code", "place", "message", "hint"),
    [
        ("- unit: g/*/implemnt", "UNKNOWN_UNIT", (1, 9), "`g/*/implemnt`", "did you mean `g/*/implement`?"),
        ("- unit: implement", "UNKNOWN_UNIT", (1, 9), "`implement`", "did you mean `**/implement`?"),
        ("- unit: g/on/test", "UNKNOWN_UNIT", (1, 9), "`g/on/test`", "did you mean `g/one/test`?"),
        (
            "- unit: g/*",
            "UNKNOWN_UNIT",
            (1, 9),
            "no task",
            "g/one is a phase or step; its tasks are `g/*/**`",
        ),
        ("- unit: qqqqqqqq", "UNKNOWN_UNIT", (1, 9), "no task", "tasks are: g/one/implement"),
        ("- unit: g/*/test\n  ends: limit", "IMPOSSIBLE_ENDING", (2, 9), "only an agent can", "commands and"),
        ("- unit: '**#gate'\n  ends: idle", "IMPOSSIBLE_ENDING", (2, 9), "an agent or a command", "gates"),
        ("- ends: faild", "INVALID_ENTRY", (1, 9), "did you mean `failed`?", None),
        ("- ends: code 256", "INVALID_ENTRY", (1, 9), "from 0 to 255", None),
        ("- ends: {}", "INVALID_ENTRY", (1, 9), "known are ok, failed", None),
        ("- takes: [2m, 1m]", "INVALID_ENTRY", (1, 10), "begins with the longer", None),
        ("- takes: [1m]", "INVALID_ENTRY", (1, 10), "a list of two", None),
        ("- takes: soon", "INVALID_ENTRY", (1, 10), "neither a time", None),
        ("- takes: 0", "INVALID_ENTRY", (1, 10), "neither a time", None),
        ("- try: 0", "INVALID_ENTRY", (1, 8), "a number from 1 on", None),
        ("- try: []", "INVALID_ENTRY", (1, 8), "a number from 1 on", None),
        ("- chance: 0", "INVALID_ENTRY", (1, 11), "is not more than 0", None),
        ("- chance: 30", "INVALID_ENTRY", (1, 11), "is more than 1", None),
        ("- cost-usd: .nan", "INVALID_ENTRY", (1, 13), "`cost-usd`", None),
        ("- cost-usd: much", "INVALID_ENTRY", (1, 13), "is not a number", None),
        ("- tokens: 1.5", "INVALID_ENTRY", (1, 11), "is not a whole number", None),
        ("- unit: 7", "INVALID_ENTRY", (1, 9), "is not text", None),
        ("- unit: ''", "INVALID_ENTRY", (1, 9), "is blank", None),
        ("- ends: ok\n  until: 3h", "INVALID_UNTIL", (2, 10), "without a limit", "`ends: limit`"),
        ("- ends: ok\n  tkaes: 3h", "UNKNOWN_KEY", (2, 3), "unknown key `tkaes`", "did you mean `takes`?"),
        ("- ends: ok\n  zzz: 3h", "UNKNOWN_KEY", (2, 3), "unknown key `zzz`", "known are: unit, try, chance"),
        (
            "- crash: supervizor\n  at: 3",
            "INVALID_ENTRY",
            (1, 10),
            "is none of",
            "did you mean `supervisor`?",
        ),
        ("- crash: power", "INVALID_CRASH", (1, 10), "when", None),
        ("- crash: power\n  at: 3\n  after-row: 3", "INVALID_CRASH", (1, 10), "not both", None),
        ("- crash: power\n  after-row: 0", "INVALID_ENTRY", (2, 14), "is less than 1", None),
        ("- ask: pase\n  at: 3", "INVALID_ENTRY", (1, 8), "is none of", "did you mean `pause`?"),
        ("- ask: pause", "INVALID_ENTRY", (1, 3), "has no `at`", None),
        ("- ask: skip\n  at: 3", "INVALID_ASK", (1, 8), "has to name the unit", None),
        ("- ask: pause\n  at: 3\n  unit: g", "INVALID_ASK", (1, 8), "pause is about the sprint", None),
        ("- ask: answer\n  at: 3\n  unit: g", "INVALID_ASK", (1, 8), "has to say the `text`", None),
        ("- ask: pause\n  at: 3\n  text: go", "INVALID_ASK", (1, 8), "pause has none", None),
        ("- ask: skip\n  at: 3\n  unit: g/tow", "UNKNOWN_UNIT", (3, 9), "no unit", "did you mean `g/two`?"),
        ("- 17", "INVALID_ENTRY", (1, 3), "is not a mapping", "write `- unit"),
        ("rules: []", "INVALID_OUTCOMES", (1, 1), "a list of entries", "begin each entry"),
        ("- [", "OUTCOMES_LOAD_ERROR", (1, 4), "Cannot read outcomes.yaml", None),
        ("- !!python/object:os.system {}", "OUTCOMES_LOAD_ERROR", (1, 3), "tags are not allowed", "quote"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_how_to_mend_it(wrong, text, code, place, message, hint):
    found = wrong(text)

    assert [one.code for one in found] == [code]
    assert (found[0].line, found[0].column) == place
    assert message in found[0].message
    assert (found[0].hint is None) if hint is None else (hint in (found[0].hint or ""))


def test_all_mistakes_are_told_at_once(wrong):
    found = wrong("- unit: nobody\n- ends: badly\n  try: 0\n- crash: everything\n  at: 3\n- ask: nicely\n")

    assert [one.line for one in found] == [1, 3, 2, 4, 6, 6]


def test_a_script_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(CompileError, match="no such file"):
        read_script(tmp_path / "nothing.yaml", PLAN)


def test_the_words_of_a_script_are_those_of_the_core():
    assert get_args(Broken.model_fields["crash"].annotation) == CRASHES
    assert get_args(Asking.model_fields["ask"].annotation) == ASKED
