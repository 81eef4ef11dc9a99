"""`journal`: copies of the record, the record as text and back, and what is whole of a damaged one."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsm_sprint.cli import record
from fsm_sprint.cli.exits import EnvironmentFault, UsageError
from fsm_sprint.paths import SprintPaths

if TYPE_CHECKING:
    from fsm_sprint.recovery import Recovered

app = typer.Typer(
    name="journal",
    help="Copy the journal, write it as text and read it back, or go on from what is whole of a damaged one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_MOST = 20
"""Units that are named one by one."""

Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to; it must not exist.")]


@app.command("backup")
def backup(sprint: record.Record = None, *, output: Output) -> None:
    """Copy the journal while a run goes on: one whole file, checked once more after it was written."""
    from journal.audit import audit
    from journal.backup import backup as copied
    from journal.errors import JournalDamaged
    from journal.reader import open_reader

    journal, _ = record.recorded(sprint)
    copied(journal, output)
    with open_reader(output) as reader:
        problem = next(audit(reader), None)
        seq, head = reader.head()
    if problem is not None:
        where = f" at row {problem.seq}" if problem.seq else ""
        raise JournalDamaged(
            f"{output} is as damaged as {journal}{where}: {problem.message}",
            hint="`fsm-sprint journal recover` writes what is whole of it to a new file",
        )
    print(f"wrote {output}, {seq} rows")
    print(f"head: row {seq}, {head}")


@app.command("export")
def export(
    sprint: record.Record = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to; it must not exist. Stdout without it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the journal as lines of JSON, the same bytes for the same journal; docs/journal.md says what they mean."""
    from fsm_sprint.report.document import Tamed
    from journal.errors import JournalError
    from journal.exchange import export as told

    journal, _ = record.recorded(sprint)
    with record.reading(journal) as reader:
        if output is None:
            told(reader, Tamed(sys.stdout.buffer) if sys.stdout.isatty() else sys.stdout.buffer)
            return
        made = False
        try:
            with output.open("xb") as file:
                made = True
                seq, _ = told(reader, file)
        except FileExistsError as error:
            raise JournalError(f"{output} exists already", hint="name a file that does not exist") from error
        except BaseException:  # Ctrl-C too leaves no half of a file
            if made:
                output.unlink(missing_ok=True)
            raise
    print(f"wrote {output}, {seq} rows", file=sys.stderr)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `journal export` has written; `-` is stdin.")
    ],
    *,
    output: Output,
) -> None:
    """Make a journal from lines of JSON: the same rows under the same hashes, or none if one of them is not right."""
    from journal.exchange import import_ as made

    if str(file) == "-":
        seq, head = made(sys.stdin.buffer, "stdin", output)
    else:
        with file.open("rb") as source:
            seq, head = made(source, str(file), output)
    print(f"wrote {output}, {seq} rows")
    print(f"head: row {seq}, {head}")


@app.command("recover")
def recover(
    sprint: record.Record = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to; it must not exist. Beside the journal without it.",
            show_default=False,
        ),
    ] = None,
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place", help="Put the new journal in the place of the damaged one, which is kept."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --in-place: do not ask.")] = False,
) -> None:
    """Write what is whole of a damaged journal to a new file; the damaged one is never mended."""
    from journal.lease import Lease

    if in_place and output is not None:
        raise UsageError("-o and --in-place are two things", hint="ask for one of them")
    if yes and not in_place:
        raise UsageError("--yes goes with --in-place", hint="without it nothing is replaced")
    if in_place and not yes and not _asked():
        raise UsageError("--in-place asks first, and nobody is at the terminal", hint="say --in-place --yes")
    journal, paths = record.recorded(sprint)
    if paths is None:
        if in_place:
            raise UsageError(
                "a journal named by its file has no place to be put in", hint="name the sprint's directory"
            )
        _alone(journal, output or _free(journal))
        return
    with Lease.take(paths.lock, {"pid": os.getpid(), "for": "journal recover"}):
        _of_sprint(paths, output, in_place=in_place, yes=yes)


def _alone(journal: Path, target: Path) -> None:
    from fsm_sprint.clock import SystemClock
    from fsm_sprint.recovery import recover

    found = recover(journal, None, target, SystemClock())
    if found is None:
        print(f"nothing is wrong with {journal}")
    else:
        _tell(found, journal)


def _of_sprint(paths: SprintPaths, output: Path | None, *, in_place: bool, yes: bool) -> None:
    from fsm_sprint.clock import SystemClock
    from fsm_sprint.recovery import recover, replace, replacements

    found = recover(paths.journal, paths, output or _free(paths.journal), SystemClock())
    if found is None:
        print(f"nothing is wrong with {paths.journal}")
        return
    _tell(found, paths.journal)
    moves = replacements(found, paths)
    if found.obstacles:
        for folder in found.obstacles:
            print(f"still runs, and is unknown to the new journal: {folder.name}")
        why = "attempts still run that the new journal cannot go on with"
        hint = "wait for their end, or end them; then `fsm-sprint journal recover` again"
        if in_place:
            found.file.unlink()
            raise EnvironmentFault(why, hint=hint)
        print(f"{why}: {hint}", file=sys.stderr)
    elif (in_place and yes) or (output is None and _asked() and _wanted(paths)):
        replace(moves)
        print(f"the damaged journal is kept as {moves[0][1]}")
        _publish(found, paths)
        print("`fsm-sprint run` goes on")
        return
    print("to put it in place, while nothing supervises the sprint:")
    print("  " + " && ".join(_move(*move) for move in moves[:-1]))
    print("  " + _move(*moves[-1]))
    print("or: fsm-sprint journal recover --in-place --yes " + shlex.quote(os.path.relpath(paths.directory)))


def _free(journal: Path) -> Path:
    """Where the new journal goes: beside the damaged one, because a rename has to keep its inode."""
    return next(
        place
        for n in range(1, 10_000)
        if not os.path.lexists(
            place := journal.with_name(f"{journal.stem}.recovered{f'-{n}' if n > 1 else ''}.db")
        )
    )


def _tell(found: "Recovered", journal: Path) -> None:
    from fsm_sprint.report.terminal import line

    print(f"damaged: {line(str(journal))}: {line(found.why)}")
    left = f"; {found.left} after them are left behind" if found.left else ""
    print(f"wrote {line(str(found.file))}: rows 1 to {found.rows} of it{left}")
    for what, units in (
        ("taken up by what lies in attempts/", found.taken),
        ("lost, nothing tells what became of it", found.lost),
        ("still runs, the next `run` goes on with it", found.adoptable),
        (
            "of nothing that is left, set aside when it is put in place",
            [folder.name for folder in found.strangers],
        ),
    ):
        for unit in units[:_MOST]:
            print(f"{what}: {line(unit)}")
        if len(units) > _MOST:
            print(f"{what}: {len(units) - _MOST} more")


def _asked() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _wanted(paths: SprintPaths) -> bool:
    """What that person says."""
    return typer.confirm(f"put it in the place of {paths.journal}?", default=False, err=True)


def _publish(found: "Recovered", paths: SprintPaths) -> None:
    """PROGRESS.yaml shows rows that are no more."""
    from journal.progress import render
    from journal.publish import PublishedFile

    file = PublishedFile(paths.progress, lambda text: print(text, file=sys.stderr))
    file.prepare()
    file.write(render(found.sprint).encode(), durable=True)


def _move(old: Path, new: Path) -> str:
    return f"mv -n {_typed(old)} {_typed(new)}"


def _typed(path: Path) -> str:
    """A path as a shell takes it; one that a terminal would obey by the codes of its bytes."""
    from fsm_sprint.report.terminal import line

    text = os.path.relpath(path)
    quoted = shlex.quote(text)
    if line(quoted) == quoted:
        return quoted
    plain = (
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\'" else f"\\x{byte:02x}"
        for byte in os.fsencode(text)
    )
    return f"$'{''.join(plain)}'"
