"""What is recorded of a sprint, named by the sprint or by the journal's own file: a copy, a backup, somebody else's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.exits import UsageError
from fsm_sprint.paths import SprintPaths

if TYPE_CHECKING:
    from journal.reader import Reader

Record = Annotated[
    Path | None,
    typer.Argument(
        metavar="[SPRINT|JOURNAL]",
        help="The sprint's directory, the current one by default; or the file of a journal.",
        show_default=False,
    ),
]


def recorded(named: Path | None) -> tuple[Path, SprintPaths | None]:
    """The journal, and the places of its sprint unless it was named by itself. UsageError when there is none."""
    if named is not None and named.is_file() and named.name != "SPRINT.yaml":
        return named, None
    paths = options.paths(named)
    if not there(paths):
        raise _never_run()
    return paths.journal, paths


def there(paths: SprintPaths) -> bool:
    """Whether a sprint has a journal. JournalReplaced where none is left and attempts show one."""
    exists = paths.journal.exists()
    wal = paths.journal.with_name("journal.db-wal")
    bare = not exists or not (paths.journal.stat().st_size or (wal.exists() and wal.stat().st_size))
    if bare and paths.attempts.is_dir() and any(paths.attempts.iterdir()):
        from journal.errors import JournalReplaced

        raise JournalReplaced(
            f"{paths.journal} is {'empty' if exists else 'gone'}, but attempts/ beside it shows that there was one",
            hint="put journal.db or a backup of it back, or remove .fsm-sprint and logs to begin anew",
        )
    return exists


def named(sprint: str | None, unit: str | None) -> tuple[SprintPaths, str | None]:
    """The sprint and the unit of two words; one word alone is a sprint if that is what lies there, else a unit."""
    if sprint is not None and unit is None:
        place = Path(sprint)
        folder = place.parent if place.name == "SPRINT.yaml" else place
        if not (folder / "SPRINT.yaml").exists() and not (folder / ".fsm-sprint").exists():
            return options.paths(None), sprint
    return options.paths(Path(sprint) if sprint is not None else None), unit


@contextmanager
def reading(journal: Path) -> "Iterator[Reader]":
    """The journal, open for reading. What is written in it and cannot be understood makes it JournalDamaged."""
    from journal.errors import JournalDamaged
    from journal.reader import open_reader

    with open_reader(journal) as reader:
        try:
            yield reader
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # SQLite stores whatever it is given, so a damaged row may hold anything in any column.
            raise JournalDamaged(
                f"{journal} holds something that makes no sense: {type(error).__name__}: {error}",
                hint="`fsm-sprint verify` says what is wrong with it",
            ) from error


@contextmanager
def latest(paths: SprintPaths) -> "Iterator[tuple[Reader, str]]":
    """The journal of a sprint and its latest run. UsageError when nothing was ever run."""
    if not there(paths):
        raise _never_run()
    with reading(paths.journal) as reader:
        run = reader.latest_run()
        if run is None:
            raise _never_run()
        yield reader, run


@contextmanager
def unswept() -> Iterator[None]:
    """Without the search for garbage: a fold keeps all that it makes, and the search would take a third of its time."""
    import gc

    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _never_run() -> UsageError:
    return UsageError("nothing was ever run here", hint="`fsm-sprint run` begins")
