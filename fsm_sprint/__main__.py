"""The console script `fsm-sprint`, the same as `python -m fsm_sprint`."""

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line; every expected error is two lines and a documented code, never a traceback."""
    from fsm.errors import SprintError
    from fsm_sprint.cli.app import app
    from fsm_sprint.cli.exits import ExitCode, code_of, complain

    try:
        app()
    except SprintError as error:
        complain(error)
        sys.exit(code_of(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Who read our output has left; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(ExitCode.DONE)
    except OSError as error:
        complain(SprintError(f"{error.filename or 'the system'}: {error.strerror or error}"))
        sys.exit(ExitCode.ENVIRONMENT)
    sys.exit(ExitCode.DONE)


if __name__ == "__main__":
    main()
