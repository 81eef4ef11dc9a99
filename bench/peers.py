"""Other programs that run many small commands, as far as they are installed here. None survives its own `kill -9`.

Each runs `true` through /bin/sh, as our shell phases do: an argv without a shell is a third cheaper, so like with like.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.plans import TRUE
from bench.process import Done, environment, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A program that may be installed."""

    name: str
    program: str
    write: Callable[[Path, int], str]
    """Makes its input for so many tasks in a directory; gives what it reads on stdin."""
    arguments: Callable[[int], list[str]]
    """Its arguments for so many tasks at once."""

    @property
    def installed(self) -> bool:
        """Whether it is on the PATH."""
        return shutil.which(self.program) is not None

    def run(self, folder: Path, count: int, jobs: int) -> Done:
        """Runs so many tasks in an empty directory."""
        stdin = self.write(folder, count)
        home = {
            "HOME": str(folder),
            "PARALLEL_HOME": str(folder),
            "SHELL": "/bin/sh",
            "PARALLEL_SHELL": "/bin/sh",
        }
        argv = [self.program, *self.arguments(jobs)]
        return run(argv, cwd=folder, env={**environment(), **home}, stdin=stdin)


def _ninja(folder: Path, count: int) -> str:
    builds = "".join(f"build task-{number}: task\n" for number in range(count))
    (folder / "build.ninja").write_text(f"rule task\n  command = {TRUE}\n{builds}", encoding="utf-8")
    return ""


def _make(folder: Path, count: int) -> str:
    names = " ".join(f"task-{number}" for number in range(count))
    # Without the semicolon make would exec it without a shell.
    text = f".PHONY: all {names}\nall: {names}\n{names}:\n\t@{TRUE};\n"
    (folder / "Makefile").write_text(text, encoding="utf-8")
    return ""


def _parallel(folder: Path, count: int) -> str:
    (folder / "will-cite").touch()
    return "".join(f"{number}\n" for number in range(count))


def _doit(folder: Path, count: int) -> str:
    text = (
        f"def task_bench():\n    for number in range({count}):\n"
        f"        yield {{'name': str(number), 'actions': [{TRUE!r}]}}\n"
    )
    (folder / "dodo.py").write_text(text, encoding="utf-8")
    return ""


PEERS = (
    Peer(
        name="GNU parallel",
        program="parallel",
        write=_parallel,
        arguments=lambda jobs: ["--will-cite", f"-j{jobs}", f"{TRUE} {{}}"],
    ),
    Peer(name="ninja", program="ninja", write=_ninja, arguments=lambda jobs: [f"-j{jobs}", "--quiet"]),
    Peer(name="make", program="make", write=_make, arguments=lambda jobs: [f"-j{jobs}", "all"]),
    Peer(
        name="doit",
        program="doit",
        write=_doit,
        arguments=lambda jobs: ["-v0", *(["-n", str(jobs), "-P", "thread"] if jobs > 1 else [])],
    ),
)
"""In the order of the table."""
