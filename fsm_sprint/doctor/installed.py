"""Python, SQLite, and whether what is imported as ours is ours and whole.

Other distributions install packages called `diagrams`, `compiler` and `journal`, and installers let them overwrite ours
without a word: docs/decisions/0009-names-on-pypi.md.
"""

import base64
import hashlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fsm_sprint.doctor.finding import Finding, bad, ok, warn

NAME = "fsm-sprint"
PACKAGES = ("fsm", "compiler", "journal", "diagrams", "fsm_sprint")

_OWN = "install fsm-sprint into an environment of its own: `uv tool install`, `pipx`"


def python() -> Iterator[Finding]:
    """The interpreter and its SQLite."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield ok("version", f"Python {version}, {sys.executable}")
    try:
        import sqlite3  # noqa: TID251  # only its version
    except ImportError:
        yield bad("SQLite", "this Python was built without it", "use a Python that has the module sqlite3")
        return
    if sqlite3.sqlite_version_info < (3, 24):
        yield bad(
            "SQLite",
            f"{sqlite3.sqlite_version} is too old",
            "use a Python that comes with SQLite 3.24 or later",
        )
    elif sqlite3.sqlite_version_info < (3, 51, 3):
        # sqlite.org/wal.html: two connections that write or checkpoint at once can corrupt a WAL.
        yield ok(
            "SQLite",
            f"{sqlite3.sqlite_version}; its WAL-reset bug cannot strike, because one process writes alone",
        )
    else:
        yield ok("SQLite", sqlite3.sqlite_version)


def packages() -> Iterator[Finding]:
    """Ours and those that we need."""
    here = _root()
    try:
        ours = metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        yield warn(NAME, f"not installed; runs from {here}")
        yield from _origins(here)
        return
    linked = _linked(ours)
    root = (linked or Path(str(ours.locate_file("")))).resolve()
    if root == here:
        yield ok(NAME, f"{ours.version}, {'linked to' if linked else 'in'} {root}")
    else:
        yield warn(NAME, f"{ours.version} is installed in {root}, but what runs is in {here}")
    yield from _origins(here)
    if linked is None:
        yield from _files(ours)
    yield from _rivals()
    yield from _needed(ours)


def _root() -> Path:
    return Path(__file__).resolve().parents[2]


def _linked(distribution: metadata.Distribution) -> Path | None:
    """The directory that an editable installation points to."""
    text = distribution.read_text("direct_url.json")
    found = json.loads(text) if text else {}
    if not found.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(str(found.get("url", ""))).path))


def _origins(root: Path) -> Iterator[Finding]:
    """Whether `import` finds each package where this one lies."""
    wrong = False
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin is None:
            yield bad(name, "cannot be imported", f"install fsm-sprint anew; {_OWN}")
        elif not origin.is_relative_to(root):
            yield bad(name, f"another package of this name is imported: {origin.parent}", _OWN)
        else:
            continue
        wrong = True
    if not wrong:
        yield ok("imports", f"{', '.join(PACKAGES)}: none is shadowed")


def _files(distribution: metadata.Distribution) -> Iterator[Finding]:
    """Whether the installed files are those that were installed."""
    missing, changed, seen = [], [], 0
    for file in distribution.files or ():
        if file.parts[0] not in PACKAGES or file.suffix != ".py":
            continue
        path = Path(str(distribution.locate_file(file)))
        seen += 1
        try:
            digest = hashlib.sha256(path.read_bytes()).digest()
        except OSError:
            missing.append(str(file))
            continue
        if file.hash is not None and file.hash.mode == "sha256":
            known = base64.urlsafe_b64decode(file.hash.value + "=" * (-len(file.hash.value) % 4))
            if known != digest:
                changed.append(str(file))
    for what, names in (("missing", missing), ("not as they were installed", changed)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            yield bad("files", f"{what}: {', '.join(names[:3])}{more}", f"install fsm-sprint anew; {_OWN}")
    if not missing and not changed:
        yield ok("files", f"{seen} installed files are whole")


def _rivals() -> Iterator[Finding]:
    """Other distributions in this environment that bring a package of our name."""
    brought = metadata.packages_distributions()
    for name in PACKAGES:
        others = {other for other in brought.get(name, ()) if other.lower().replace("_", "-") != NAME}
        if others:
            yield bad(name, f"also brought by {', '.join(sorted(others))}", _OWN)


_WANTED = re.compile(r"\s*([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?")


def _needed(distribution: metadata.Distribution) -> Iterator[Finding]:
    """Whether everything that we depend on is here, in a version that we can use."""
    good: list[str] = []
    for requirement in distribution.requires or ():
        found = _WANTED.fullmatch(requirement)
        if found is None or (found[3] and "extra" in found[3]):
            continue
        name, bounds = found[1], found[2].strip()
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield bad(name, "not installed", "install fsm-sprint anew")
            continue
        if all(map(_meets(version), bounds.split(","))):
            good.append(f"{name} {version}")
        else:
            yield bad(name, f"{version} is installed, {bounds} is needed", f"install fsm-sprint anew; {_OWN}")
    if good:
        yield ok("dependencies", ", ".join(good))


class _meets:  # noqa: N801  # reads as a question
    """Whether a version keeps a bound like `>=1.2`; bounds of other kinds are taken as kept."""

    def __init__(self, version: str) -> None:
        self._version = _numbers(version)

    def __call__(self, bound: str) -> bool:
        found = re.fullmatch(r"\s*(>=|<)\s*([0-9.]+)\s*", bound)
        if found is None:
            return True
        wanted = _numbers(found[2])
        return self._version >= wanted if found[1] == ">=" else self._version < wanted


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])
