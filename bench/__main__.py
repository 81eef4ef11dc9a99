"""`python -m bench`: one table of what everything costs, beside its floor or its peers."""

import argparse
import importlib
import sys
import time
from pathlib import Path

from bench import machine, table
from bench.compare import Bench, Row
from bench.disk import Disk
from bench.page import write
from bench.scratch import Scratch

MEASURES = ("task", "flat", "append", "fold", "compile", "startup", "memory")
"""In the order of the table. Each is a module; `compile` is a builtin's name, so that one is `compiling`."""


def main() -> int:
    """Measures, prints, and with --write brings docs/performance.md up to date."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)}; all if none is named"
    )
    parser.add_argument("--quick", action="store_true", help="small numbers: does everything still run?")
    parser.add_argument(
        "--dir", type=_directory, help="where to write; a directory on the disk to be measured"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.measures if name not in MEASURES]
    if unknown:
        parser.error(f"there is no measure {unknown[0]}; there are {', '.join(MEASURES)}")
    measures = [name for name in MEASURES if name in chosen.measures or not chosen.measures]
    begin = time.monotonic()
    with Scratch(chosen.dir) as scratch:
        disk = Disk(scratch.fresh(), patience=0 if chosen.quick else 90)
        bench = Bench(scratch=scratch, disk=disk, quick=chosen.quick, say=_say)
        rows: list[Row] = []
        for name in measures:
            module = importlib.import_module("bench.compiling" if name == "compile" else f"bench.{name}")
            rows += module.measure(bench)
        facts = machine.facts(scratch.fresh(), disk.best)
    print("\n".join([*facts, "", table.text(rows), "", f"{time.monotonic() - begin:.0f} s"]), flush=True)
    if chosen.write:
        write(
            facts,
            rows,
            " ".join(["python -m bench", *chosen.measures, *(["--quick"] if chosen.quick else [])]),
        )
    return 0


def _directory(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a directory")
    return path


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
