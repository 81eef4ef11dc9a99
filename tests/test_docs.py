"""What the pages say can be followed."""

import re
from datetime import date
from pathlib import Path

import pytest

from compiler.pipeline import compile_sprint
from fsm.plan import leaves
from fsm_sprint.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md")],
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert broken == []


def test_decisions_are_numbered_without_a_gap():
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def test_the_readme_names_every_command_and_no_other():
    rows = re.findall(r"^\| (`[^|]*) \|", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([a-z-]+)`", row)]

    assert sorted(named) == sorted(command.name for command in app.registered_commands if not command.hidden)


def test_every_example_says_what_it_is():
    for sprint in (ROOT / "examples").glob("*/SPRINT.yaml"):
        assert (sprint.parent / "README.md").exists()


def test_the_sprint_on_the_first_screen_compiles(tmp_path):
    sprint, workflow = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len((sprint + workflow).splitlines()) <= 25
    (tmp_path / "SPRINT.yaml").write_text(sprint)
    place = tmp_path / re.findall(r"^# (\S+):", workflow)[0]
    place.parent.mkdir(parents=True)
    place.write_text(workflow)

    compiled = compile_sprint(tmp_path, today=date(2026, 1, 1))

    assert compiled.warnings == ()
    assert [leaf.path for leaf in leaves(compiled.plan)] == [
        "develop/login/execute",
        "develop/logout/execute",
        "report",
    ]


@pytest.mark.parametrize(
    "example", sorted(path.parent.name for path in (ROOT / "examples").glob("*/SPRINT.yaml"))
)
def test_every_example_compiles_without_a_warning(example):
    compiled = compile_sprint(ROOT / "examples" / example, today=date(2026, 1, 1), strict=True)

    assert compiled.warnings == ()
