"""`--version`: installed, or a checkout that is run as it lies."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from fsm_sprint.cli import release
from tests.cli.command import Command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def uninstalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package of that name is installed."""

    def nothing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(release, "version", nothing)


@pytest.mark.usefixtures("uninstalled")
def test_a_checkout_that_is_not_installed_tells_its_version(fsm_sprint: Command) -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    number = fsm_sprint("--version").out.partition(" ")[0]

    assert f'\nversion = "{number}"\n' in project


@pytest.mark.usefixtures("uninstalled")
@pytest.mark.parametrize("text", [None, "[[", '[project]\nname = "other"\nversion = "9"\n', "x = 1\n"])
def test_what_nobody_knows_is_said_to_be_unknown(tmp_path: Path, text: str | None) -> None:
    project = tmp_path / "pyproject.toml"
    if text is not None:
        project.write_text(text)

    assert release.release(project) == "unknown"
