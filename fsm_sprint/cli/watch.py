"""`watch`: a run as it goes on, from any terminal."""

import sys

from fsm_sprint.cli import options, record
from fsm_sprint.clock import SystemClock


def watch(sprint: options.Sprint = None, *, json: options.Json = False) -> None:
    """Look on while a sprint runs: its tree, what each task is doing, until when it waits, what it has cost so far.

    Changes nothing; Ctrl-C ends the looking, not the run. Ends by itself when the run has come to rest. Where stdout is
    no terminal, a line is printed for each change; with --json, a JSON object.
    """
    from fsm_sprint.report.outlet import Outlet, audience
    from fsm_sprint.report.terminal import drawable
    from fsm_sprint.report.watching import Watcher

    paths, clock = options.paths(sprint), SystemClock()
    with record.latest(paths) as (reader, run):
        if reader.note:
            print(f"note: {reader.note}", file=sys.stderr)
        with record.unswept():
            watcher = Watcher(paths, reader, run)
        if not json and drawable(sys.stdout):
            from fsm_sprint.report.board import Board

            outlet = Outlet(sys.stdout)
            board = Board(watcher, clock, paths.directory, outlet)
            try:
                watcher.watch(board, audience(sys.stdout))
            finally:
                board.close()
                outlet.close()
            return
        from fsm_sprint.report.feed import Lines, Objects

        feed = Objects if json else Lines
        watcher.watch(feed(watcher, clock, paths.directory, _write), audience(sys.stdout))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
