"""Golden cases: each directory below `cases` holds sources and what a compile makes of them.

`plan.json` is the plan, `warnings.txt` what is worth knowing about it, `diagnostics.txt` what is wrong with sources
that cannot be compiled. UPDATE_CASES=1 writes them anew: read the difference before you believe it.
"""

import json
import os
import re
from datetime import date
from pathlib import Path

import pytest

from compiler.diagnostics import CompileError
from compiler.pipeline import compile_sprint
from fsm.plan import Plan, dump, load

HOME = Path(__file__).parent / "cases"
CASES = sorted(path.parent for path in HOME.glob("*/SPRINT.yaml"))
TODAY = date(2026, 1, 2)


def told(text: str, case: Path) -> str:
    """Rendered diagnostics with paths as seen from the case."""
    for shown in (f"{case}/", f"{os.path.relpath(case)}/"):
        text = text.replace(shown, "")
    return re.sub(r" +$", "", text, flags=re.MULTILINE) + "\n" if text else ""


def pretty(plan: Plan) -> str:
    data = json.loads(dump(plan))
    data["sources"] = [name for name, _ in data["sources"]]
    return json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def outcome(case: Path) -> dict[str, str]:
    try:
        found = compile_sprint(case, workflows=[case / "workflows"], today=TODAY)
    except CompileError as error:
        return {"diagnostics.txt": told(error.render(), case)}
    assert load(dump(found.plan)) == found.plan
    return {"plan.json": pretty(found.plan), "warnings.txt": told(found.render(), case)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_compiles_to_what_lies_beside_it(case: Path) -> None:
    made = outcome(case)
    if os.environ.get("UPDATE_CASES"):
        for name in ("plan.json", "warnings.txt", "diagnostics.txt"):
            (case / name).unlink(missing_ok=True)
            if made.get(name):
                (case / name).write_text(made[name], encoding="utf-8")
    kept = ("plan.json", "warnings.txt", "diagnostics.txt")
    lying = {name: (case / name).read_text(encoding="utf-8") for name in kept if (case / name).exists()}
    assert {name: text for name, text in made.items() if text} == lying


CODE = re.compile(r'"((?:[A-Z]+_)+[A-Z]+)"')
NOT_CODES = {
    "FSM_SPRINT_SINCE",
    "ITEM_ID",
    "ITEM_INDEX",
    "ITEM_PROMPT",
    "PHASE_ID",
    "SPRINT_ID",
    "SPRINT_NAME",
    "STEP_ID",
}
ELSEWHERE = {
    "HOOK_WORKFLOW_UNFIT": "test_hooks",
    "FILE_NOT_FOUND": "test_pipeline",
    "YAML_PARSE_ERROR": "test_pipeline",
    "WORKFLOWS_NOT_FOUND": "test_pipeline",
    "PLAN_TOO_LARGE": "test_pipeline",
    "TOO_MANY": "test_pipeline",
    "VARIABLE_TOO_LONG": "test_pipeline",
}


def codes_of_sprints() -> set[str]:
    """The codes of findings about sprints and workflows; scripts of outcomes and other sprints are no such files."""
    package = Path(__file__).parents[2] / "compiler"
    files = [path for path in package.glob("*.py") if path.name not in ("outcomes.py", "predecessor.py")]
    return {code for path in files for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_has_a_case() -> None:
    codes = codes_of_sprints()
    shown = {
        code
        for path in HOME.glob("*/*.txt")
        for code in re.findall(r"^(?:error|warning)\[(\w+)\]", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert codes - NOT_CODES - set(ELSEWHERE) - shown == set()
    for code, module in ELSEWHERE.items():
        assert code in (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")


def test_every_code_is_explained_in_the_docs() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
    assert [code for code in sorted(codes_of_sprints() - NOT_CODES) if f"`{code}`" not in docs] == []
