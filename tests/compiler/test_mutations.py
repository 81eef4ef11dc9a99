"""Whatever is done to a sound sprint, the answer is a plan or a CompileError, and never anything else."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.diagnostics import CompileError, Severity
from compiler.pipeline import check_workflow, compile_sprint
from compiler.validate import keys_at
from fsm.plan import dump, load
from tests.compiler.sprints import TODAY, write

CASES = sorted(path.parent for path in Path(__file__).parent.glob("cases/*/plan.json"))
PIECES = [
    "a", "0", "-1", "~", "true", "yes", "{", "}", "[", "]", ":", "-", "#", "&a", "*a", "!x", "|", ">",
    "\"", "'", "{{", "}}", "{{item.x}}", "{{step.id}}", "../", "é", "1e999", ".nan", "null", "@", "`",
    "prompt", "id", "workflow", "run", "gate", "for-each", "depends-on", "parallel", "env", "2h", ": ",
    "- ", "\n", "  ", "\t", "<<: *a", "\\", "\u202e", "\x07", "\ufeff", "\u2028",
    "999999999999999999999999999999", "---\n", "%YAML 1.1\n",
]  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    """The text with a few characters or lines taken out, put in, doubled or swapped."""
    for _ in range(chance.randint(1, 5)):
        at, to = sorted((chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)))
        lines = text.splitlines(keepends=True)
        match chance.randrange(7):
            case 0:
                text = text[:at] + text[min(to, at + 8) :]
            case 1 | 2:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 3:
                text = text[:at]
            case 4 if lines:
                line = chance.randrange(len(lines))
                text = "".join(lines[: line + 1] + lines[line:])
            case 5 if lines:
                chance.shuffle(lines)
                text = "".join(lines)
            case _:
                text = text.replace(
                    chance.choice(["prompt", "id", ": ", "  ", "- "]), chance.choice(PIECES), 1
                )
    return text


def judged(sprint: Path) -> None:
    try:
        found = compile_sprint(sprint, workflows=[sprint / ".claude" / "workflows"], today=TODAY)
    except CompileError as error:
        explained(error)
    else:
        assert load(dump(found.plan)) == found.plan
        assert found.render() is not None


def explained(error: CompileError) -> None:
    """Every finding has its place in a file, and can be shown."""
    assert any(one.severity is Severity.ERROR for one in error.diagnostics)
    assert error.render()
    for one in error.diagnostics:
        lines = error.texts.get(one.file, ())
        assert one.line <= len(lines)
        assert not lines or one.column <= len(lines[one.line - 1]) + 1


@pytest.mark.parametrize("seed", range(16))
def test_a_mutated_sprint_compiles_or_says_why_not(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    for _ in range(65):
        case = chance.choice(CASES)
        workflows = {
            path.stem: path.read_text(encoding="utf-8") for path in sorted(case.glob("workflows/*.yaml"))
        }
        source = (case / "SPRINT.yaml").read_text(encoding="utf-8")
        victim = chance.choice([None, *workflows])
        if victim is None:
            source = mutated(source, chance)
        else:
            workflows[victim] = mutated(workflows[victim], chance)
        judged(write(tmp_path, source, **workflows))
        for path in (tmp_path / ".claude" / "workflows").iterdir():
            check_workflow(path)
            path.unlink()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", " ", "a", "step", "w", "2h", "{{item.x}}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "prompt", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
SPRINT_KEYS = [*keys_at("sprint", ""), "x"]
PHASE_KEYS = [*keys_at("workflow", "phases/#"), "x"]


@settings(max_examples=120, deadline=None)
@given(
    st.dictionaries(st.sampled_from(SPRINT_KEYS), VALUES, max_size=4),
    st.lists(st.dictionaries(st.sampled_from(PHASE_KEYS), VALUES, max_size=5) | VALUES, max_size=4),
    st.lists(
        st.dictionaries(st.sampled_from(["prompt", "id", "depends-on", "workflow", "x"]), VALUES, max_size=4)
    ),
)
def test_any_value_in_any_place_is_answered(
    tmp_path_factory: pytest.TempPathFactory,
    sprint: dict[str, object],
    phases: list[object],
    items: list[object],
) -> None:
    source = {"workflow": "w", "collections": {"step": items}, **sprint}
    workflow = {"name": "w", "phases": [{"id": "first", "prompt": "A"}, *phases]}
    judged(write(tmp_path_factory.mktemp("s"), written(source), w=written(workflow)))


def written(value: Any) -> str:
    """The value as flow YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(str(value), str(value))
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
