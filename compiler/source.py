"""SPRINT.yaml and workflow files as they are written: which keys there are and what each may hold.

Rule: the keys live here and in `compiler.clauses`, and nowhere else; validation, did-you-mean and the JSON Schema are
all made from these models.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from compiler.atoms import (
    Closed,
    Env,
    Id,
    ItemId,
    Model,
    Name,
    Open,
    Seconds,
    SprintId,
    Text,
)
from compiler.clauses import Accepted, Agent, Agents, Approve, Budget, Gate, On, Retry, Run

OnLost = Literal["fail", "retry", "ask"]


class Settings(Closed):
    """What a sprint, a workflow and a phase can all say about running something. The nearest one counts."""

    model: Model | None = Field(default=None, description="The agent's model.")
    agent: Agent | None = Field(
        default=None, description="Who answers prompts: a driver by name, with its settings, or a program."
    )
    agents: Agents | None = Field(
        default=None,
        description="Who is asked first, and who when that one has met a limit or may not log in.",
    )
    env: Env | None = Field(default=None, description="Variables for the task's environment.")
    cwd: Id | None = Field(
        default=None, description="Where the task starts, relative to the sprint's working directory."
    )
    timeout: Seconds | None = Field(default=None, description="The time that one attempt may take.")
    idle_timeout: Seconds | None = Field(
        default=None, description="The time that an attempt may stay silent."
    )
    first_output: Seconds | None = Field(
        default=None, description="The time until the first byte of an attempt's output."
    )
    retry: Retry | None = None
    on_lost: OnLost | None = Field(
        default=None, description="What follows when nobody can know how an attempt ended."
    )
    idempotent: bool | None = Field(
        default=None, description="Running it twice does what running it once does."
    )


class Phase(Settings):
    """One phase of a workflow."""

    id: Id
    prompt: Text | None = None
    run: Run | None = Field(
        default=None, description="A command instead of a prompt: text for /bin/sh -c, or an argv."
    )
    for_each: Text | None = Field(
        default=None, description="The phase is done once for each item of this collection."
    )
    collection: Text | None = Field(
        default=None, description="Another collection than the one that for-each names."
    )
    workflow: Text | None = Field(default=None, description="Use the phases of this workflow.")
    parallel: bool | None = Field(
        default=None, description="In the background; for a for-each: its steps side by side."
    )
    wait_for_parallel: bool | None = Field(
        default=None, description="A sync point: wait for what runs in the background."
    )
    break_: bool | None = Field(
        default=None, alias="break", description="Pause the sprint when this phase is done."
    )
    gate: Gate | None = None
    accept: Accepted | None = Field(
        default=None, description="A gate in short: a command, or paths that have to be there."
    )
    approve: Approve | None = Field(default=None, description="What a person is asked before it starts.")
    budget: Budget | None = None
    exclusive: Id | None = Field(
        default=None, description="Two phases with the same name here never overlap."
    )
    on_parallel_failure: Literal["warn", "block"] | None = Field(
        default=None, description="At a sync point: what a failure in the background means."
    )


class Hook(Closed):
    """Something that runs after every leaf."""

    id: Id
    prompt: Text | None = None
    workflow: Text | None = None
    parallel: bool = False
    timeout: Seconds | None = Field(
        default=None, description="The time that one run of it may take; else as for the tasks."
    )
    enabled: bool = False


class Toggle(Closed):
    """Whether a hook of the workflow is on in this sprint."""

    enabled: bool


class Orchestration(Closed):
    """What happens to steps that an agent proposes."""

    enabled: bool = False
    prompt: Text | None = None
    insert_strategy: Literal["after-current", "end-of-phase", "custom"] | None = None
    auto_approve: bool | None = None
    old_insert_strategy: Literal["after-current", "end-of-phase", "custom"] | None = Field(
        default=None, alias="insertStrategy"
    )
    old_auto_approve: bool | None = Field(default=None, alias="autoApprove")


Cleanup = Literal["never", "on-complete", "on-merge"]


class SprintWorktree(Closed):
    """The git worktree of this sprint."""

    enabled: bool
    branch: Text | None = None
    path: Text | None = None
    cleanup: Cleanup | None = None


class WorkflowWorktree(Closed):
    """The git worktree of every sprint that uses the workflow."""

    enabled: bool
    branch_prefix: str | None = None
    path_prefix: str | None = None
    cleanup: Cleanup | None = None


class Workflow(Settings, Open):
    """A workflow file."""

    name: Text
    phases: Annotated[list[Phase], Field(min_length=1)]
    description: Any = None
    schema_version: Any = Field(default=None, description='"2.0"')
    mode: Any = Field(default=None, description="A key of old; `standard` is the only mode there is.")
    orchestration: Orchestration | None = None
    worktree: WorkflowWorktree | None = None
    per_iteration_hooks: list[Hook] | None = None


class Item(Open):
    """One item of a collection. Every other key is the item's own: `{{item.key}}` and `$ITEM_KEY`."""

    prompt: Text
    id: ItemId = None
    workflow: Text | None = Field(default=None, description="Another workflow for this item.")
    model: Model | None = None
    agent: Agent | None = None
    agents: Agents | None = None
    timeout: Seconds | None = None
    depends_on: list[Text] | None = Field(
        default=None, description="Ids of items that have to be completed first."
    )
    retry: Retry | None = None
    accept: Accepted | None = None
    approve: Approve | None = None
    budget: Budget | None = None


def _step_kind(value: Any) -> str:
    return "\0text" if isinstance(value, str) else "\0item"


Step = Annotated[Annotated[Text, Tag("\0text")] | Annotated[Item, Tag("\0item")], Discriminator(_step_kind)]


class Prompts(Closed):
    """Sections of the prompts, replaced."""

    header: str | None = None
    position: str | None = None
    retry_warning: str | None = None
    instructions: str | None = None
    result_reporting: str | None = None


def _limits_kind(value: Any) -> str:
    return "\0limits" if isinstance(value, dict | Concurrency) else "\0number"


AtOnce = Annotated[int, Field(ge=1, le=100_000)]


class Concurrency(Closed):
    """Tasks at once, at most, by kind."""

    agents: AtOnce | None = Field(default=None, description="Tasks that prompt an agent.")
    total: AtOnce | None = Field(default=None, description="All tasks.")


Limits = Annotated[
    Annotated[AtOnce, Tag("\0number")] | Annotated[Concurrency, Tag("\0limits")], Discriminator(_limits_kind)
]


class Config(Closed):
    """Keys of old that had no effect."""

    max_tasks: Any = None
    time_box: Any = None
    auto_commit: Any = None
    max_iterations: Any = None


class ParallelExecution(Closed):
    """The predecessor's switch for dependencies between steps."""

    enabled: bool = True
    max_concurrency: Annotated[int, Field(ge=0)] | None = Field(default=None, alias="maxConcurrency")
    on_dependency_failure: Literal["skip-dependents", "fail-phase", "continue"] | None = Field(
        default=None, alias="onDependencyFailure"
    )


class Sprint(Settings, Open):
    """SPRINT.yaml."""

    workflow: Text = Field(description="Name of the main workflow.")
    collections: dict[str, list[Item] | None] | None = None
    steps: list[Step] | None = Field(default=None, description="The oldest form of `collections: {step: …}`.")
    sprint_id: SprintId = None
    name: Name = None
    description: Any = None
    created: Any = None
    owner: Any = None
    config: Config | None = None
    prompts: Prompts | None = None
    worktree: SprintWorktree | None = None
    per_iteration_hooks: dict[str, Toggle] | None = None
    concurrency: Limits | None = Field(
        default=None, description="Tasks at once, at most; or by kind: agents, total."
    )
    budget: Budget | None = None
    max_repeats: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="Attempts beyond the first of each task, of all tasks together, at most."
    )
    on: On | None = Field(default=None, description="Whom to tell of what.")
    exclusive: bool = Field(default=False, description="No other sprint may work in the same git work tree.")
    on_parallel_failure: Literal["warn", "block"] | None = None
    parallel_execution: ParallelExecution | None = None
