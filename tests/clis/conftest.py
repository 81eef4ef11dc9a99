"""One of the real agents on a stage of its own; and what came of it, for the table of docs/agents.md."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.clis import installed
from tests.clis.stage import Stage, staged


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Half a gigabyte is not installed because somebody runs all tests: they have to be asked for."""
    if re.search(r"\bclis\b", str(config.option.markexpr or "")):
        return
    unasked = [item for item in items if item.get_closest_marker("clis")]
    if unasked:
        config.hook.pytest_deselected(items=unasked)
        items[:] = [item for item in items if not item.get_closest_marker("clis")]


Staged = Callable[..., AbstractContextManager[Stage]]
Told = Callable[..., None]


@pytest.fixture(scope="session")
def clis() -> Path:
    """Where the programs are installed."""
    try:
        place = installed.directory()
        for agent in installed.PACKAGES:
            installed.version(place, agent)
    except installed.Unavailable as why:
        pytest.skip(str(why))
    return place


@pytest.fixture(params=list(installed.PACKAGES))
def agent(request: pytest.FixtureRequest) -> str:
    """Each of them."""
    return str(request.param)


@pytest.fixture
def stage(agent: str, clis: Path, tmp_path: Path) -> Staged:
    """The agent's stage: give it turns, and settings of the phase."""
    return partial(staged, agent, tmp_path, installed.programs(clis))


@pytest.fixture
def told(agent: str, clis: Path, record_property: Callable[[str, object], None]) -> Told:
    """Takes down what a case came to: (its name, the verdict, more in words)."""

    def take(case: str, verdict: str, more: str = "") -> None:
        cell = f"`{verdict}`{more and f', {more}'}"
        record_property("clis", json.dumps([case, agent, cell, installed.version(clis, agent)]))

    return take
