"""What a wheel puts into an environment: five packages, the command, and nothing else."""

import shutil
import zipfile
from pathlib import Path

import pytest

from tests.test_architecture import MODULES, PACKAGES, ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built offline from a copy, so that nothing is left in the checkout."""
    builder = pytest.importorskip(
        "hatchling.builders.wheel", reason="hatchling is not installed in this environment"
    )
    copy = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    (built,) = builder.WheelBuilder(str(copy)).build(directory=str(copy / "dist"), versions=["standard"])
    return zipfile.ZipFile(built)


def test_the_wheel_brings_the_five_packages_and_its_metadata_only(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    metadata = {top for top in tops if top.endswith(".dist-info")}

    assert tops - metadata == set(PACKAGES)
    assert len(metadata) == 1


def test_the_wheel_holds_every_module(wheel):
    modules = {str(path.relative_to(ROOT)) for path in MODULES}

    assert modules <= set(wheel.namelist())
    assert {name for name in wheel.namelist() if name.endswith(".py")} == modules


def test_the_wheel_holds_every_file_that_is_not_code(wheel):
    """Pages, templates and schemas lie beside the modules that use them."""
    beside = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert beside <= set(wheel.namelist())


def test_the_command_is_named_in_the_wheel(wheel):
    (entry,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]

    assert "fsm-sprint = fsm_sprint.__main__:main" in wheel.read(entry).decode()


def test_the_metadata_keeps_the_wheel_off_the_index(wheel):
    (metadata,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    text = wheel.read(metadata).decode()

    assert "Private :: Do Not Upload" in text
    assert "Requires-Python: >=3.11" in text
    assert Path(ROOT / "README.md").read_text().splitlines()[0] in text
