"""Which version this is: of the installed package, or of the checkout that is run as it lies."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def release(project: Path = _PROJECT) -> str:
    """The version; `unknown` where neither an installed package nor `project` tells it."""
    try:
        return version("fsm-sprint")
    except PackageNotFoundError:
        pass
    import tomllib

    try:
        found = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        return (
            f"{found['version']} (a checkout, not installed)" if found["name"] == "fsm-sprint" else "unknown"
        )
    except (OSError, ValueError, KeyError):
        return "unknown"
