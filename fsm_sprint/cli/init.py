"""`init`: a sprint directory that runs as it is, to be changed into one's own; or one taken over from m42-sprint."""

import re
from pathlib import Path
from typing import Annotated

import typer

from fsm_sprint.cli import options
from fsm_sprint.cli.exits import EnvironmentFault, UsageError
from fsm_sprint.paths import SprintPaths

DEFAULT = "shell"
TEMPLATES = {
    DEFAULT: "two steps and a check, in shell: needs no agent and costs nothing",
    "plan-execute-verify": "each task is planned, carried out and verified by an agent",
    "bugfix": "each bug gets a test that fails, is mended until that passes, and is looked at once more",
    "feature-docs": "features one after the other, the documentation of each in the background",
}
"""Each a directory beside this module, and what it is good for."""

_PLACE = Path(__file__).with_name("templates")


def init(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIRECTORY", help="Made if need be.", show_default=False)
    ] = None,
    *,
    template: Annotated[
        str | None,
        typer.Option(
            "--template", metavar="NAME", help="What to begin with; --list has them.", show_default=False
        ),
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(
            "--agent", metavar="NAME", help="Who answers prompts, in place of claude.", show_default=False
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="Take over a sprint of m42-sprint; that one stays as it is.",
            show_default=False,
        ),
    ] = None,
    workflows: options.Workflows = None,
    listed: Annotated[bool, typer.Option("--list", help="Say which templates there are.")] = False,
) -> None:
    """Make a sprint directory with a SPRINT.yaml and workflows that run as they are. Never overwrites anything."""
    if listed:
        for name, what in TEMPLATES.items():
            print(f"{name:{max(map(len, TEMPLATES))}}  {what}")
        return
    if directory is None:
        raise UsageError("say in which directory", hint="`fsm-sprint init DIRECTORY` makes it")
    if template is not None and source is not None:
        raise UsageError("--template and --from are two things", hint="ask for one of them")
    if workflows is not None and source is None:
        raise UsageError("--workflows goes with --from", hint="templates bring their workflows along")
    sprint = directory / "SPRINT.yaml"
    if sprint.exists() or sprint.is_symlink():
        raise UsageError(f"{sprint} exists already", hint="name another directory")
    if agent is not None:
        _known(agent)
    told: list[str] = []
    if source is not None:
        from fsm_sprint.cli.takeover import take
        from fsm_sprint.clock import SystemClock

        taken = take(source, directory, workflows, agent, SystemClock().today())
        files, told = taken.files, taken.told
    else:
        files = _from_template(template or DEFAULT, agent)
    _write(directory, files | _schemas())
    print(f"made {sprint}")
    for text in told:
        print(f"  {text}")
    print(f"next: fsm-sprint check {directory} && fsm-sprint run {directory}")


def _known(agent: str) -> None:
    from fsm_sprint.agents.registry import KNOWN

    if agent not in KNOWN:
        from compiler.nearest import closest

        meant = closest(agent, KNOWN)
        raise UsageError(
            f"no agent is called {agent!r}",
            hint=f"{f'did you mean {meant}? ' if meant else ''}known are {', '.join(sorted(KNOWN))}; any other program"
            " is named in SPRINT.yaml: `agent: {command: […]}`",
        )


def _from_template(name: str, agent: str | None) -> dict[str, bytes]:
    """Its files by their paths in the new directory."""
    if name not in TEMPLATES:
        from compiler.nearest import closest

        meant = closest(name, TEMPLATES)
        hint = f"{f'did you mean {meant}? ' if meant else ''}there are {', '.join(TEMPLATES)}"
        raise UsageError(f"no template is called {name!r}", hint=hint)
    text = (_PLACE / name / "SPRINT.yaml").read_text(encoding="utf-8")
    if agent is not None:
        text, found = re.subn(r"(?m)^agent: .*$", f"agent: {agent}", text)
        text += "" if found else f"\nagent: {agent}\n"
    workflows = sorted((_PLACE / name / "workflows").glob("*.yaml"))
    return {
        "SPRINT.yaml": text.encode(),
        **{f".claude/workflows/{path.name}": path.read_bytes() for path in workflows},
    }


def _schemas() -> dict[str, bytes]:
    """For the editor."""
    from json import dumps

    from compiler.schema import schema

    return {
        f".fsm-sprint/schema/{kind}.json": (dumps(schema(kind), indent=1) + "\n").encode()
        for kind in ("sprint", "workflow")
    }


def _write(directory: Path, files: dict[str, bytes]) -> None:
    """All of them, or none where something is in the way."""
    for name in files:
        if (directory / name).exists() or (directory / name).is_symlink():
            raise UsageError(f"{directory / name} exists already", hint="name another directory")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        SprintPaths(directory).prepare()
        for name, content in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
    except OSError as error:
        raise EnvironmentFault(f"{error.filename}: {error.strerror}") from error
