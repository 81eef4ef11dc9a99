"""What no single module can see of itself: who imports whom, how long modules are, what must not be written down."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PYPROJECT["tool"]["importlinter"]["root_packages"]
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def written() -> list[Path]:
    """Every text file of the project, as version control sees it; without version control, every file but made ones."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [
            path
            for path in ROOT.rglob("*")
            if not any(
                part.startswith((".venv", "__pycache__", "dist")) for part in path.relative_to(ROOT).parts
            )
        ]
    return [path for path in found if path.is_file() and not path.is_symlink()]


@pytest.mark.slow
def test_the_import_contracts_hold():
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        pytest.skip("import-linter is not installed in this environment")
    done = subprocess.run(
        [program, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-3000:]


def test_every_package_is_under_contract():
    """`exhaustive` sees new modules, not a new package beside the others."""
    beside = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}

    assert beside == set(PACKAGES)
    assert PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == PACKAGES


def test_no_module_is_longer_than_400_lines():
    long = {
        str(path.relative_to(ROOT)): n for path in MODULES if (n := len(path.read_text().splitlines())) > 400
    }

    assert long == {}


def test_every_package_init_holds_a_docstring_and_nothing_else():
    inits = [path for path in MODULES if path.name == "__init__.py"]
    more = [
        str(path.relative_to(ROOT)) for path in inits if not re.fullmatch(r'"""[^"]+"""\n', path.read_text())
    ]

    assert more == []


def test_no_dependency_brings_a_package_of_our_name():
    brought = packages_distributions()
    others = {name: set(brought.get(name, ())) - {"fsm-sprint", "fsm_sprint"} for name in PACKAGES}

    assert others == {name: set() for name in PACKAGES}


def test_nothing_that_is_written_down_names_a_machine_or_a_registry():
    """Paths of somebody's home and addresses of package registries rot, and tell what is nobody's business."""
    wrong = re.compile(
        "|".join(
            [
                r"(?<![\w.-])/(?:home|Users)/(?!user\b|you\b)[a-z]\w*",
                r"/root/",
                r"/work" + r"/(?:main|shared)",
                r"/tmp" + r"/venv",
                r"https?://[^\s/]*(?:pypi|pythonhosted|artifactory|nexus)[^\s/]*",
                r"(?i:--(?:extra-)?index-url|index-url\s*=)",
                r"-----BEGIN [A-Z ]*PRIVATE KEY",
            ]
        )
    )
    here = Path(__file__)
    found = []
    for path in written():
        if path != here and path.suffix not in {".png", ".db", ".gz", ".bin"}:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in wrong.finditer(text)]

    assert found == []


def test_the_constraints_pin_every_dependency():
    pinned = {
        re.split(r"==", line)[0].lower().replace("_", "-")
        for line in (ROOT / "requirements" / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    project = PYPROJECT["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    wanted = {re.split(r"[<>=\[]", name)[0].lower() for name in project["dependencies"] + extras}

    assert wanted <= pinned
