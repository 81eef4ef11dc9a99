"""The console script `fsm-sprint`, the same as `python -m fsm_sprint`."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line; every expected error is two lines and a documented code, never a traceback."""
    try:
        _command()
    finally:
        _settle()


def _command() -> NoReturn:
    from fsm.errors import SprintError
    from fsm_sprint.cli.app import app
    from fsm_sprint.cli.exits import ExitCode, code_of, complain, hint_for

    _standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # names and output of others are in no particular encoding
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where a reader that has left is no surprise
    except SystemExit:
        if not hasattr(sys.stdout, "wrapped"):
            raise
        # typer calls it a failure that the reader of our output has left, and wraps stdout; `| head` is none.
        sys.exit(ExitCode.DONE)
    except SprintError as error:
        with suppress(OSError):  # whoever cannot be told has the exit code
            complain(error)
        sys.exit(code_of(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        sys.exit(ExitCode.DONE)  # who read it has left
    except OSError as error:
        what = SprintError(
            f"{error.filename or 'the system'}: {error.strerror or error}", hint=hint_for(error)
        )
        with suppress(OSError):
            complain(what)
        sys.exit(ExitCode.ENVIRONMENT)
    sys.exit(ExitCode.DONE)


def _standard_streams() -> None:
    """Where one was closed, nothing: else the lock or a log would get its number, and whatever is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _settle() -> None:
    """Drops what can be told to nobody: Python would try once more at its end, and leave with a code of its own."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except (OSError, ValueError):  # a ValueError when it was closed
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)


if __name__ == "__main__":
    main()
