"""The compile as its callers know it: what it finds, what it reads, what it raises."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler import emit
from compiler.diagnostics import CompileError, Severity
from compiler.pipeline import check_workflow, compile_sprint
from fsm.errors import SprintError
from fsm.plan import Group, Leaf, dump, leaves, load, nodes
from tests.compiler.sprints import TODAY, compiled, write

ONE = 'name: one\nschema-version: "2.0"\nphases: [{id: a, prompt: A}]\n'
EACH = 'name: each\nschema-version: "2.0"\nphases: [{id: all, for-each: step}]\n'


def codes(error: CompileError) -> list[str]:
    return [found.code for found in error.diagnostics]


def failing(sprint: Path, source: str, **workflows: str) -> CompileError:
    with pytest.raises(CompileError) as raised:
        compiled(sprint, source, **workflows)
    return raised.value


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("2026-01-31_name", "", "2026-01-31_name"),
        ("name", "", "2026-01-02_name"),
        ("2026-01-31-name", "", "2026-01-02_2026-01-31-name"),
        ("name", "sprint-id: mine", "mine"),
        ("name", "sprint-id: 2026-01-05", "2026-01-05"),
        ("name", "sprint-id: 42", "42"),
        ("name", "sprint-id: ''", "2026-01-02_name"),
        ("name", "sprint-id:", "2026-01-02_name"),
        ("name", "sprint-id: a/b#c %", "a/b#c %"),
    ],
)
def test_a_sprint_is_called_as_it_says_or_after_its_dated_directory(
    tmp_path: Path, name: str, line: str, expected: str
) -> None:
    plan = compiled(tmp_path / name, f"workflow: one\n{line}\n", one=ONE).plan
    assert plan.sprint_id == expected


def test_the_directory_may_be_named_relatively(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path / "here", "workflow: one\n", one=ONE))
    found = compile_sprint(Path(), today=TODAY)
    assert found.plan.sprint_id == "2026-01-02_here"
    assert [name for name, _ in found.plan.sources] == ["SPRINT.yaml", ".claude/workflows/one.yaml"]


def test_workflows_are_found_upward_to_the_root_of_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "outside" / "repo"
    sprint = root / "sprints" / "s"
    write(tmp_path / "outside", "", far=ONE)
    write(root, "", near=ONE.replace("A", "from the root"))
    write(sprint, "workflow: near\n", near=ONE)
    (root / ".git").mkdir()
    other = root / "sprints" / ".fsm-sprint" / "workflows"
    other.mkdir(parents=True)
    (other / "middle.yml").write_text(ONE, encoding="utf-8")

    def prompt(name: str) -> str | None:
        (sprint / "SPRINT.yaml").write_text(f"workflow: {name}\n", encoding="utf-8")
        return next(leaves(compile_sprint(sprint, today=TODAY).plan)).prompt

    assert prompt("near") == "A"
    assert prompt("near.yaml") == "A"
    assert prompt("middle") == "A"
    (sprint / ".claude" / "workflows" / "near.yaml").unlink()
    assert prompt("near") == "from the root"
    with pytest.raises(CompileError, match="There is no workflow `far`"):
        prompt("far")


def test_given_directories_replace_the_search(tmp_path: Path) -> None:
    sprint = write(tmp_path / "s", "workflow: one\n", one=ONE)
    write(tmp_path / "other", "", two=ONE)
    with pytest.raises(CompileError) as raised:
        compile_sprint(sprint, workflows=[tmp_path / "other" / ".claude" / "workflows"], today=TODAY)
    assert codes(raised.value) == ["MAIN_WORKFLOW_NOT_FOUND"]
    with pytest.raises(CompileError) as raised:
        compile_sprint(sprint, workflows=[tmp_path / "gone"], today=TODAY)
    assert set(codes(raised.value)) == {"MAIN_WORKFLOW_NOT_FOUND", "WORKFLOWS_NOT_FOUND"}


@pytest.mark.parametrize(
    "name", ["../one", "/etc/passwd", "a/../../one", "~/one", "..", "a\\\\b", "x" * 5000]
)
def test_a_name_of_a_workflow_never_leads_out(tmp_path: Path, name: str) -> None:
    write(tmp_path / "s" / ".claude", "", one=ONE)
    assert "MAIN_WORKFLOW_NOT_FOUND" in codes(failing(tmp_path / "s", f'workflow: "{name}"\n', one=ONE))


def test_a_workflow_in_a_folder_below_can_be_named(tmp_path: Path) -> None:
    sprint = write(tmp_path / "s", "workflow: team/one\n")
    (sprint / ".claude" / "workflows" / "team").mkdir()
    (sprint / ".claude" / "workflows" / "team" / "one.yml").write_text(ONE, encoding="utf-8")
    assert compile_sprint(sprint, today=TODAY).plan.workflow == "team/one"


def test_a_workflow_that_is_no_file_is_not_opened(tmp_path: Path) -> None:
    sprint = write(tmp_path / "s", "workflow: pipe\n")
    os.mkfifo(sprint / ".claude" / "workflows" / "pipe.yaml")
    (sprint / ".claude" / "workflows" / "pipe").mkdir()
    with pytest.raises(CompileError, match="not a regular file"):
        compile_sprint(sprint, today=TODAY)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="There is no directory"):
        compile_sprint(tmp_path / "gone", today=TODAY)
    with pytest.raises(CompileError, match="no such file"):
        compile_sprint(tmp_path, today=TODAY)
    (tmp_path / "SPRINT.yaml").mkdir()
    with pytest.raises(CompileError, match="a directory"):
        compile_sprint(tmp_path, today=TODAY)


def test_the_sources_are_named_from_the_sprint_with_their_digests(tmp_path: Path) -> None:
    sprint = write(tmp_path / "s", "workflow: one\n")
    write(tmp_path, "", one=ONE)
    found = compile_sprint(sprint, today=TODAY)
    assert found.plan.sources == (
        ("SPRINT.yaml", hashlib.sha256(b"workflow: one\n").hexdigest()),
        ("../.claude/workflows/one.yaml", hashlib.sha256(ONE.encode()).hexdigest()),
    )


def test_a_compile_writes_nothing_and_runs_nothing(tmp_path: Path) -> None:
    work = ONE.replace("prompt: A", "run: touch made, gate: {script: touch made}")
    sprint = write(tmp_path / "s", "workflow: one\n", one=work)
    before = sorted(path.name for path in sprint.rglob("*"))
    sprint.chmod(0o500)
    compile_sprint(sprint, today=TODAY)
    sprint.chmod(0o700)
    assert sorted(path.name for path in sprint.rglob("*")) == before


def test_strict_makes_every_warning_an_error(tmp_path: Path) -> None:
    source = "workflow: one\nnote: x\n"
    assert [found.code for found in compiled(tmp_path, source, one=ONE).warnings] == ["UNKNOWN_KEY"]
    with pytest.raises(CompileError) as raised:
        compiled(tmp_path, source, strict=True, one=ONE)
    assert [found.severity for found in raised.value.diagnostics] == [Severity.ERROR]
    prose = ONE.replace("A}", "'{{item.id}}'}")
    with pytest.raises(CompileError, match="stands for nothing"):
        compiled(tmp_path, "workflow: one\n", strict=True, one=prose)


def test_the_error_says_the_first_thing_and_holds_them_all(tmp_path: Path) -> None:
    error = failing(
        tmp_path, "workflow: each\nmodle: opus\ncollections: {step: [{}, {promt: A}]}\n", each="name: x\n"
    )
    assert isinstance(error, SprintError)
    assert str(error).endswith("SPRINT.yaml:2: SPRINT.yaml has an unknown key `modle` (and 4 more)")
    assert error.hint == "did you mean `model`?"
    assert codes(error)[:4] == ["UNKNOWN_KEY", "MISSING_ITEM_PROMPT", "MISSING_ITEM_PROMPT", "UNKNOWN_KEY"]
    assert "SPRINT.yaml:2:1\n" in error.render()


def test_findings_come_file_by_file_from_top_to_bottom(tmp_path: Path) -> None:
    error = failing(
        tmp_path,
        "workflow: main\ncollections:\n  step:\n    - {prompt: '', workflow: gone}\n    - {id: x}\nmodle: x\n",
        main="phases:\n  - {id: a}\n  - {id: a, prompt: b}\nname: x\nphase: y\n",
    )
    places = [(Path(found.file).name, found.line) for found in error.diagnostics]
    assert places == sorted(places)
    assert len(places) == len(set(error.diagnostics)) == 7


def test_a_lone_workflow_is_checked_without_a_sprint(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    assert [found.code for found in check_workflow(path)] == ["FILE_NOT_FOUND"]
    path.write_text("phases: [", encoding="utf-8")
    assert [found.code for found in check_workflow(path)] == ["YAML_PARSE_ERROR"]
    path.write_text("- a", encoding="utf-8")
    assert [found.code for found in check_workflow(path)] == ["INVALID_WORKFLOW"]
    path.write_text(ONE + "  - {id: b, promt: x}\nmodel: gpt\n", encoding="utf-8")
    assert [found.code for found in check_workflow(path)] == ["YAML_PARSE_ERROR"]
    path.write_text(ONE.replace("A}", "A, modle: x}") + "model: gpt\n", encoding="utf-8")
    assert [found.code for found in check_workflow(path)] == ["UNKNOWN_KEY", "INVALID_MODEL"]
    path.write_text(ONE, encoding="utf-8")
    assert check_workflow(path) == ()


def test_values_too_long_for_an_environment_are_left_out_of_it(tmp_path: Path) -> None:
    prompt = "ä" * 60_000
    found = compiled(
        tmp_path, f"workflow: each\ncollections: {{step: [{{prompt: '{prompt}', k: v}}]}}\n", each=EACH
    )
    (leaf,) = leaves(found.plan)
    assert leaf.prompt == prompt
    names = [name for name, _ in leaf.env]
    assert names == ["ITEM_ID", "ITEM_INDEX", "ITEM_K", "STEP_ID", "SPRINT_ID", "PHASE_ID"]
    assert [warning.code for warning in found.warnings] == ["VARIABLE_TOO_LONG"]


def test_the_user_has_the_last_word_about_the_environment(tmp_path: Path) -> None:
    each = EACH.replace(
        "step}", "step, run: env, env: {ITEM_ID: mine, SPRINT_ID: ours, X: 1.0, Y: true, Z: }}"
    )
    found = compiled(
        tmp_path, "workflow: each\ncollections: {step: [{prompt: A, id: a, Index: b}]}\n", each=each
    )
    (leaf,) = leaves(found.plan)
    assert dict(leaf.env) == {
        "ITEM_ID": "mine",
        "ITEM_PROMPT": "A",
        "ITEM_INDEX": "0",
        "SPRINT_ID": "ours",
        "PHASE_ID": "all",
        "STEP_ID": "a",
        "X": "1",
        "Y": "true",
        "Z": "",
    }


def test_a_plan_beyond_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "workflow: each\ncollections: {step: [" + "{prompt: A}, " * 11 + "]}\n"
    monkeypatch.setattr(emit, "MAX_LEAVES", 10)
    assert codes(failing(tmp_path, source, each=EACH)) == ["PLAN_TOO_LARGE"]
    monkeypatch.setattr(emit, "MAX_LEAVES", 11)
    compiled(tmp_path, source, each=EACH)
    monkeypatch.setattr(emit, "MAX_TEXT", 10)
    assert codes(failing(tmp_path, source, each=EACH)) == ["PLAN_TOO_LARGE"]


def test_after_a_thousand_findings_the_rest_is_counted(tmp_path: Path) -> None:
    error = failing(tmp_path, "workflow: each\ncollections: {step: [" + "5, " * 1_200 + "]}\n", each=EACH)
    assert codes(error).count("INVALID_COLLECTION_ITEM") == 1_000
    assert [found.message for found in error.diagnostics if found.code == "TOO_MANY"] == [
        "There are 200 more findings of this kind"
    ]


IDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8) | st.sampled_from(
    ["a", "A", "a/b", "a%2Fb", "#gate", "..", ".", "-rf", "$(id)", ";", "CON", "step-0", "step-1", "é", "é"]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(IDS, min_size=1, max_size=6), st.lists(IDS, min_size=1, max_size=4, unique=True))
def test_every_unit_of_a_plan_has_a_path_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], phases: list[str]
) -> None:
    items = ", ".join(f"{{prompt: A, id: {quoted(name)}}}" for name in names)
    work = ", ".join(f"{{id: {quoted(name)}, prompt: B}}" for name in phases)
    sprint = write(
        tmp_path_factory.mktemp("s"),
        f"workflow: main\ncollections: {{step: [{items}, {{prompt: C}}]}}\n",
        main=f"name: main\nphases: [{{id: all, for-each: step, workflow: item}}, {work}]\n",
        item=f"name: item\nphases: [{work}]\n",
    )
    try:
        plan = compile_sprint(sprint, today=TODAY).plan
    except CompileError as error:
        twice = len(set(names)) < len(names) or f"step-{len(names)}" in names
        assert twice or "all" in phases, codes(error)  # noqa: PT017  # both outcomes are fine, for their reasons
        return
    paths = [node.path for node in nodes(plan)]
    assert len(paths) == len(set(paths))
    assert all(path.count("/") <= 2 and "#" not in path for path in paths)
    assert load(dump(plan)) == plan


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def test_a_background_leaf_and_a_sync_point_are_marked(tmp_path: Path) -> None:
    plan = compiled(
        tmp_path,
        "workflow: main\n",
        main=(
            'name: main\nschema-version: "2.0"\nphases:\n  - {id: a, run: x, parallel: true}\n'
            "  - {id: b, wait-for-parallel: true}\n  - {id: c, prompt: C, wait-for-parallel: true}\n"
        ),
    ).plan
    first, second, third = plan.phases
    assert isinstance(first, Leaf)
    assert first.parallel
    assert second == Group(id="b", path="b", level="phase", wait=True)
    assert third.wait
