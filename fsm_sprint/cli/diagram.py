"""`diagram`: the machines, the plan and the run as pictures."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsm_sprint.cli import options, record
from fsm_sprint.cli.exits import UsageError

if TYPE_CHECKING:
    from diagrams.graph import Graph


class What(StrEnum):
    """What is drawn."""

    TASK = "task"
    GROUP = "group"
    SPRINT = "sprint"
    WORKTREE = "worktree"
    NOTICE = "notice"
    PLAN = "plan"
    RUN = "run"


class Format(StrEnum):
    """As what."""

    DOT = "dot"
    MERMAID = "mermaid"
    SVG = "svg"


def diagram(
    what: Annotated[
        What,
        typer.Argument(
            metavar="WHAT",
            help="A machine (task, group, sprint, worktree, notice), the plan, or the run with its states.",
        ),
    ],
    sprint: record.Record = None,
    *,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", "-f", help="By default what the name of the file says, else dot.", show_default=False
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE|-", help="Where to; `-` is stdout.")
    ] = "-",
    workflows: options.Workflows = None,
) -> None:
    """Draw a state machine, a plan or a run. SVG needs Graphviz; DOT and Mermaid need nothing."""
    graph = _graph(what, sprint, workflows)
    text = _text(graph, form or _meant(output))
    if output == "-":
        print(text, end="")
        return
    Path(output).write_text(text, encoding="utf-8")
    print(f"wrote {output}", file=sys.stderr)


def _graph(what: What, sprint: Path | None, workflows: list[Path] | None) -> "Graph":
    if what not in (What.PLAN, What.RUN):
        if sprint is not None:
            raise UsageError(
                f"the {what} machine is the same in every sprint",
                hint=f"`fsm-sprint diagram {what}` draws it",
            )
        from diagrams.gallery import picture

        return picture(what)
    from diagrams.plan import from_plan

    if what is What.PLAN and (sprint is None or not sprint.is_file() or sprint.name == "SPRINT.yaml"):
        from fsm_sprint.cli.definition import compiled

        return from_plan(compiled(options.paths(sprint), workflows).plan)
    return _recorded(what, sprint)


def _recorded(what: What, sprint: Path | None) -> "Graph":
    """From the journal: the plan that a run has, and for `run` where each of its units stands."""
    from diagrams.plan import from_plan
    from fsm.plan import load
    from fsm.transition import SPRINT_UNIT

    journal, _ = record.recorded(sprint)
    with record.reading(journal) as reader:
        run = reader.latest_run() or ""
        amended = reader.last(run, "amend", SPRINT_UNIT)
        if amended is None:
            raise UsageError("the last run recorded no plan", hint="`fsm-sprint verify` says what is wrong")
        plan = load(reader.text(amended.decoded()["plan"]))
        states = {unit.path: unit.state for unit in reader.units(run)} if what is What.RUN else None
    return from_plan(plan, states)


def _meant(output: str) -> Format:
    """The format that a file's name says."""
    return {".svg": Format.SVG, ".mmd": Format.MERMAID, ".mermaid": Format.MERMAID}.get(
        Path(output).suffix, Format.DOT
    )


def _text(graph: "Graph", form: Format) -> str:
    if form is Format.MERMAID:
        from diagrams.mermaid import mermaid

        return mermaid(graph)
    from diagrams.dot import dot

    if form is Format.DOT:
        return dot(graph)
    from diagrams.render import svg

    return svg(dot(graph))
