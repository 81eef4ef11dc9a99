"""The pages about the command line are current, and what is advised to type exists."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from fsm.states import SprintState
from fsm_sprint.cli.app import app
from fsm_sprint.cli.reference import commands as shown
from fsm_sprint.cli.reference import main, pages
from fsm_sprint.report.advice import advice
from fsm_sprint.report.asking import Question, answers, limit

ROOT = Path(__file__).parents[2]
CODE = [
    path
    for package in ("fsm", "compiler", "journal", "diagrams", "fsm_sprint")
    for path in (ROOT / package).rglob("*.py")
]


def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands) | shown()


@pytest.mark.parametrize("name", pages())
def test_a_page_is_what_make_docs_would_write(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")

    assert written == pages()[name], "run `make docs`"


def test_the_pages_are_written_where_they_are_wanted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    main(tmp_path / "reference")
    assert sorted(path.name for path in (tmp_path / "reference").iterdir()) == sorted(pages())
    assert capfd.readouterr().err.count(".md") == len(pages())
    main(tmp_path / "reference")
    assert capfd.readouterr().err == ""


def test_every_command_says_what_it_does_and_what_each_option_means() -> None:
    for name, command in commands().items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), (name, parameter.name)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_text_tells_to_type_exists(path: Path) -> None:
    """With every option that the text gives it."""
    known = commands()
    for words in re.findall(r"`fsm-sprint ([a-z][^`{]*)`", path.read_text(encoding="utf-8")):
        verb, *rest = words.split()
        if rest and hasattr(known.get(verb), "commands"):
            verb = f"{verb} {rest.pop(0)}"
        assert verb in known, words
        options = {
            option
            for parameter in known[verb].params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {word for word in rest if word.startswith("-")} <= options | {"--help"}, words


@pytest.mark.parametrize("state", SprintState)
@pytest.mark.parametrize("supervised", [True, False])
@pytest.mark.parametrize("alive", [True, False])
def test_advice_can_be_typed(state: SprintState, supervised: bool, alive: bool) -> None:
    place = Path.cwd() / "it's a place"
    asked = answers([Question("a b", approval=True), Question("c", approval=False)], place)
    told = advice(
        state,
        place,
        supervised=supervised,
        alive=alive,
        failed="a b",
        asked=asked,
        limited="a b",
        rejected="c d",
    )

    assert told
    for command, what in [*told, *limit("a b", place)]:
        program, verb, directory, *rest = shlex.split(command)
        assert (program, directory) == ("fsm-sprint", "it's a place")
        options = {option for parameter in commands()[verb].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("-")} <= options
        assert what
