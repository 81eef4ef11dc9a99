"""The console script `fsm-sprint`, the same as `python -m fsm_sprint`."""

import os
import sys
from io import TextIOWrapper
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line; every expected error is two lines and a documented code, never a traceback."""
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
        complain(error)
        sys.exit(code_of(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        _drop_output()  # who read it has left
        sys.exit(ExitCode.DONE)
    except OSError as error:
        complain(
            SprintError(f"{error.filename or 'the system'}: {error.strerror or error}", hint=hint_for(error))
        )
        _drop_output()
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


def _drop_output() -> None:
    """Python would complain once more when it closes a stdout that cannot take what is left in it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
