"""The command line, in the directory of the sprint that a test makes."""

from pathlib import Path

import pytest

from tests.cli.command import Command


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The directory of the sprint."""
    made = tmp_path / "sprint"
    made.mkdir()
    return made


@pytest.fixture
def fsm_sprint(home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`fsm-sprint`, run in `home`."""
    return Command(home, capfd, monkeypatch)
