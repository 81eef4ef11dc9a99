"""Writes docs/reference/cli.md and exit-codes.md from the commands themselves: `python -m fsm_sprint.cli.reference`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from fsm_sprint.cli.app import app
from fsm_sprint.cli.exits import MEANINGS

_CLI = """\
# The command line

Made from the commands by `make docs`. What comes out on stdout is data, everything else goes to stderr; what `--json`
prints is described in [json.md](json.md), exit codes in [exit-codes.md](exit-codes.md).
"""

_EXITS = """\
# Exit codes

Made from the program by `make docs`. One table for all commands.
"""

_AFTER = """\
`status` and the other reading commands end with 0 when they could tell. `status --exit-status` ends with the code that
`run` would give, and with 10 while the sprint has not ended. `verify` ends with 5 when something is wrong with the
record, `doctor` with 4 when something is missing or wrong.
"""


def pages() -> dict[str, str]:
    """The pages by their names in docs/reference."""
    return {"cli.md": "\n".join(_commands()), "exit-codes.md": "\n".join(_exits())}


def commands() -> dict[str, Any]:
    """Every command that is shown, by what is typed for it: those of a group too."""
    group: Any = typer.main.get_command(app)
    found: dict[str, Any] = {}
    for name, one in group.commands.items():
        if not one.hidden:
            parts = getattr(one, "commands", None)
            found |= {name: one} if parts is None else {f"{name} {part}": parts[part] for part in parts}
    return found


def _commands() -> Iterator[str]:
    shown = commands()
    yield _CLI
    yield "| command | |"
    yield "| --- | --- |"
    for name, command in shown.items():
        yield f"| [`{name}`](#{name.replace(' ', '-')}) | {_cell(_first(command.help))} |"
    for name, command in shown.items():
        yield ""
        yield f"## {name}"
        yield ""
        context = command.make_context(name, [], resilient_parsing=True)
        usage = " ".join(command.collect_usage_pieces(context))
        yield f"    fsm-sprint {name} {usage}".rstrip()
        yield ""
        yield " ".join(command.help.split())
        yield ""
        yield "| | |"
        yield "| --- | --- |"
        for parameter in command.get_params(context):
            record = parameter.get_help_record(context)
            if record is not None and record[0] != "--help":
                yield f"| `{_cell(record[0])}` | {_cell(record[1])} |"
    yield ""


def _exits() -> Iterator[str]:
    yield _EXITS
    yield "| code | meaning |"
    yield "| --- | --- |"
    for code, meaning in MEANINGS.items():
        yield f"| {code.value} | {meaning} |"
    yield ""
    yield _AFTER


def _first(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].rstrip(".")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(folder: Path) -> None:
    """Writes the pages that have changed, and names them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages().items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            path.write_text(page, encoding="utf-8")
            print(path, file=sys.stderr)


if __name__ == "__main__":
    main(Path("docs/reference"))
