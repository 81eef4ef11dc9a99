"""The command that runs the model checker, and the page that says what it proves."""

import re
from pathlib import Path

import pytest

from fsm.check import LAWS, Finding, Looked, Proof, subjects
from fsm_sprint.cli import proof
from tests.cli.command import Command

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "checking.md").read_text(encoding="utf-8")
LOOKED = Looked("task", "one task", 1200, 34567, True)


def held(*findings: Finding, complete: bool = True) -> Proof:
    return Proof(findings=findings, looked=(LOOKED._replace(complete=complete),), met=frozenset())


def test_the_page_has_every_law_in_its_words() -> None:
    assert dict(re.findall(r"^\| ([a-z ]+) \| ([A-Z].*\.) \|$", PAGE, re.MULTILINE)) == LAWS


def test_the_page_has_every_plan_that_is_explored() -> None:
    figures = PAGE.split("<!-- figures -->")[1].split("<!-- end -->")[0]

    assert re.findall(r"^\| ([a-z, ]+?) \| .* \| [\d,]+ \| [\d,]+ \|$", figures, re.MULTILINE) == [
        one.name for one in subjects()
    ]


def test_what_the_page_says_of_the_example_is_what_check_says(fsm_sprint: Command) -> None:
    shown = PAGE.split("    $ fsm-sprint check examples/agent-feature\n")[1].split("\n\n")[0]

    assert (
        fsm_sprint("check", "examples/agent-feature", cwd=ROOT).out
        == re.sub("^    ", "", shown, flags=re.MULTILINE) + "\n"
    )


def test_the_figures_are_put_into_a_page() -> None:
    page = proof.with_figures("before\n<!-- figures -->\nold\n<!-- end -->\nafter\n", [LOOKED])

    assert "old" not in page
    assert "| task | one task | 1,200 | 34,567 |\n| all | | 1,200 | 34,567 |\n" in page
    assert proof.with_figures(page, [LOOKED]) == page


def test_a_law_that_does_not_hold_is_told_and_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Finding("cancel", "it goes on", ("run", "somebody types: cancel"))
    results = [held(), held(broken), held(complete=False)]
    monkeypatch.setattr(proof, "prove", lambda *_, **__: results.pop(0))

    assert [proof.main([]), proof.main([]), proof.main([])] == [0, 1, 1]
    shown = capsys.readouterr()
    assert "cancel: it goes on\n  1. run\n  2. somebody types: cancel\n" in shown.err
    assert shown.out.count("all hold") == 1
    assert "1,200, cut off" in shown.out
