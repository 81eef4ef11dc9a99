"""Where workflow files are looked for, and which file a name means.

Rule: a name never leads out of the directory that it is looked up in.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from compiler.files import PASSING

ENDINGS = (".yaml", ".yml", "")
_HOMES = (".claude/workflows", ".fsm-sprint/workflows")


def folders(sprint_dir: Path) -> tuple[Path, ...]:
    """The workflow directories of a sprint: its own and those above it, up to the root of the repository.

    Outside of a repository, up to the last directory that belongs to the user.
    """
    start = sprint_dir.absolute()
    chain = [start, *start.parents]
    root = next((at for at, place in enumerate(chain) if (place / ".git").exists()), None)
    if root is None:
        root = next((at - 1 for at, place in enumerate(chain) if at and not _ours(place)), len(chain) - 1)
    homes = (place / home for place in chain[: root + 1] for home in _HOMES)
    return tuple(home for home in homes if home.is_dir())


def is_name(name: str) -> bool:
    """Whether a workflow can be called that: a relative path that goes down only."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith(("/", "~")) and ".." not in parts and "\\" not in name


def find(name: str, places: Sequence[Path]) -> Path | None:
    """The file that a name means, or None. The name has to be one by `is_name`.

    OSError where that cannot be told: another place may have another workflow of that name.
    """
    for place in places:
        for ending in ENDINGS:
            path = place / (name + ending)
            try:
                if path.exists() and not path.is_dir():
                    return path
            except OSError as error:
                if error.errno in PASSING:
                    raise
                continue  # a name longer than a file's can be, or a place that we may not look into
    return None


def names(places: Sequence[Path]) -> Iterator[str]:
    """What there is to be found, for did-you-mean."""
    for place in places:
        try:
            files = sorted(place.iterdir())
        except OSError:
            continue
        yield from (file.stem for file in files if file.suffix in (".yaml", ".yml"))


def _ours(place: Path) -> bool:
    try:
        return place.stat().st_uid == os.geteuid()
    except OSError:
        return False
