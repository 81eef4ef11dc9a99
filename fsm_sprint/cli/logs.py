"""`logs`: what tasks printed, and what they print."""

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsm_sprint.cli import options, record
from fsm_sprint.cli.exits import UsageError
from fsm_sprint.paths import SprintPaths, errors_of

if TYPE_CHECKING:
    from fsm_sprint.report.attempts import Output
    from fsm_sprint.report.log import Shown
    from journal.reader import Reader


def logs(
    sprint: options.Place = None,
    unit: Annotated[str | None, options.unit("what runs, or ran last")] = None,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until it has ended.")] = False,
    lines: Annotated[
        int | None,
        typer.Option(
            "-n", "--lines", min=0, metavar="LINES", help="Only the last LINES lines.", show_default=False
        ),
    ] = None,
    attempt: Annotated[
        int | None,
        typer.Option(
            "--attempt", min=1, metavar="N", help="Attempt N instead of the last one.", show_default=False
        ),
    ] = None,
    errors: Annotated[bool, typer.Option("--stderr", help="What an agent printed on stderr.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="The bytes as they are, with escape sequences, secrets and events.")
    ] = False,
) -> None:
    """Show what tasks printed, made harmless for a terminal, with what looks like a secret hidden.

    The stream of an agent is told in words: what it said, what it did, what came of that.
    """
    from fsm_sprint.report.attempts import chosen
    from fsm_sprint.report.follow import Follower
    from fsm_sprint.report.lookup import lookup
    from fsm_sprint.report.outlet import audience
    from fsm_sprint.report.terminal import line

    paths, wanted = record.named(sprint, unit)
    if attempt is not None and wanted is None:
        raise UsageError("--attempt needs a UNIT", hint="`fsm-sprint status --all` lists them")
    with record.latest(paths) as (reader, run):
        found = lookup(reader, run, wanted) if wanted is not None else None
        shown = chosen(reader, run, found, attempt)
        writer = _Writer(paths, raw=raw, told=not errors, headed=len(shown) > 1 or (follow and found is None))
        if follow:
            target = found.path if found is not None else None
            why = Follower(paths, reader, run, target, errors=errors).follow(
                shown, lines, writer.show, audience(sys.stdout)
            )
            if why:
                print(line(why), file=sys.stderr)
            return
        for output in shown:
            writer.whole(output, _log(paths, output, errors=errors), lines)
            if found is not None:
                for said in _made(reader, run, paths, output):
                    print(said, file=sys.stderr)
        if not shown:
            name = found.path if found is not None else "this run"
            print(f"nothing of {line(name)} was started yet", file=sys.stderr)


def _made(reader: "Reader", run: str, paths: SprintPaths, output: "Output") -> Iterator[str]:
    """What an attempt has changed, and where it has left files."""
    from fsm_sprint.report.changed import changed
    from fsm_sprint.report.terminal import line

    ended = reader.exited(run, output.unit, output.attempt, output.seq)
    said = changed(ended.decoded()) if ended is not None else ""
    if said:
        yield f"{line(output.unit)}, attempt {output.attempt}: {said}"
    folder = paths.artifacts / output.name
    if folder.is_dir() and any(folder.iterdir()):
        yield f"{line(output.unit)}: artifacts in {line(os.path.relpath(folder))}"


def _log(paths: SprintPaths, output: "Output", *, errors: bool) -> Path:
    log = paths.log(output.log)
    return errors_of(log) if errors else log


class _Writer:
    """Puts output on stdout, under headings where it is of several tasks."""

    def __init__(self, paths: SprintPaths, *, raw: bool, told: bool, headed: bool) -> None:
        self._paths = paths
        self._raw = raw
        self._told = told
        self._headed = headed
        self._shown: dict[tuple[str, int], Shown] = {}
        self._last: tuple[str, int] | None = None

    def show(self, output: "Output", block: bytes) -> None:
        """The next bytes of an attempt; b'' ends it."""
        key = output.unit, output.attempt
        shown = self._shown.get(key) or self._shown.setdefault(key, self._made(output))
        if self._raw:
            text, raw = "", block
        else:
            text, raw = (shown.feed(block) if block else shown.close()), b""
        if text or raw:
            self._head(output)
            sys.stdout.write(text)
            sys.stdout.flush()
            sys.stdout.buffer.write(raw)
            sys.stdout.buffer.flush()
        if not block:
            del self._shown[key]

    def _made(self, output: "Output") -> "Shown":
        from fsm_sprint.report.log import Shown, is_agents

        return Shown(told=self._told and is_agents(self._paths.log(output.log)))

    def whole(self, output: "Output", log: Path, lines: int | None) -> None:
        """A log up to its present end."""
        from fsm_sprint.report.log import begin, blocks, is_agents, opened
        from fsm_sprint.report.terminal import line

        try:
            file = opened(log)
        except FileNotFoundError:
            print(f"{line(os.path.relpath(log))} is not there (any more)", file=sys.stderr)
            return
        with file:
            if lines is not None and self._told and not self._raw and is_agents(log):
                self._last_told(output, blocks(file), lines)
                return
            begin(file, lines)
            for block in blocks(file):
                self.show(output, block)
        self.show(output, b"")

    def _last_told(self, output: "Output", stream: Iterable[bytes], lines: int) -> None:
        """The last lines of what a stream says in words: how many events those are, nobody knows before."""
        shown, kept = self._made(output), deque[str](maxlen=lines)
        for block in stream:
            kept.extend(shown.feed(block).splitlines(keepends=True))
        kept.extend(shown.close().splitlines(keepends=True))
        if kept:
            self._head(output)
            sys.stdout.write("".join(kept))

    def _head(self, output: "Output") -> None:
        from fsm_sprint.report.terminal import line

        key = output.unit, output.attempt
        if self._headed and key != self._last:
            again = f" (attempt {output.attempt})" if output.attempt > 1 else ""
            sys.stdout.write(f"{'' if self._last is None else chr(10)}==> {line(output.unit)}{again} <==\n")
        self._last = key
