"""The command line in this process: quick, and with real descriptors."""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fsm_sprint.__main__ import main


class Done(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Command:
    """`fsm-sprint`, run in a directory; neither a terminal nor colours."""

    def __init__(self, directory: Path, capfd: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._directory = directory
        self._capfd = capfd
        self._patch = patch
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "CI"):
            patch.delenv(name, raising=False)

    def __call__(self, *words: str | Path, cwd: Path | None = None, check: int | None = 0) -> Done:
        """Runs a command; `check` is the exit code that it must have."""
        self._capfd.readouterr()
        self._patch.setattr(sys, "argv", ["fsm-sprint", *map(str, words)])
        with contextlib.chdir(cwd or self._directory):
            try:
                main()
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else os.EX_OK if left.code is None else 1
            else:  # pragma: no cover  # it never returns
                code = -1
        out, err = self._capfd.readouterr()
        if check is not None:
            assert code == check, (words, code, out, err)
        return Done(code, out, err)
