"""SPRINT.yaml and workflow files as they are written: which keys there are and what each may hold.

Rule: the keys live here and nowhere else; validation, did-you-mean and the JSON Schema are all made from these models.
A closed block refuses a key that it does not know; an open one keeps it for whoever reads the file.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)

from compiler.values import (
    DURATION,
    LONGEST,
    free_name,
    item_id,
    one_line,
    plain,
    plain_id,
    seconds,
    variable,
)

MODELS = ("sonnet", "opus", "haiku")
"""The names that the default agent gives its models."""


def kebab(name: str) -> str:
    """A field's name as it is written in YAML."""
    return name.replace("_", "-")


Text = Annotated[str, Field(pattern=r"\S")]
Id = Annotated[str, Field(pattern=r"\S"), AfterValidator(one_line)]
Name = Annotated[
    str | None, BeforeValidator(plain), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]
SprintId = Annotated[
    str | None, BeforeValidator(plain_id), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]
ItemId = Annotated[
    str | None, BeforeValidator(item_id), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]
Seconds = Annotated[
    float,
    BeforeValidator(seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST},
                {"type": "string", "pattern": f"^{DURATION}$"},
            ]
        }
    ),
]
Model = Annotated[
    str,
    Field(pattern=r"\S"),
    AfterValidator(one_line),
    WithJsonSchema({"anyOf": [{"enum": list(MODELS)}, {"type": "string", "pattern": r"\S"}]}),
]
Variable = Annotated[
    str,
    BeforeValidator(variable),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"], "maxLength": 100_000}),
]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"), AfterValidator(free_name)]
Env = dict[VariableName, Variable]
Argv = Annotated[list[str], Field(min_length=1)]


class Closed(BaseModel):
    """A block that knows all its keys."""

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=kebab)


class Open(Closed):
    """A block in which people keep notes of their own."""

    model_config = ConfigDict(extra="allow")


class Program(Closed):
    """An agent that is any program: it gets the prompt on stdin."""

    command: Argv = Field(description="The program and its arguments.")


def _agent_kind(value: Any) -> str:
    return "program" if isinstance(value, dict | Program) else "name"


def _run_kind(value: Any) -> str:
    return "argv" if isinstance(value, list) else "text"


def _step_kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "item"


def _limits_kind(value: Any) -> str:
    return "limits" if isinstance(value, dict | Concurrency) else "number"


Agent = Annotated[Annotated[Id, Tag("name")] | Annotated[Program, Tag("program")], Discriminator(_agent_kind)]
Run = Annotated[Annotated[Text, Tag("text")] | Annotated[Argv, Tag("argv")], Discriminator(_run_kind)]
TAGS = frozenset({"name", "program", "text", "argv", "item", "number", "limits"})
"""Names of union members: they turn up in the location of a finding and are no part of the document."""


class Retry(Closed):
    """How often and after what something is tried again, in today's spelling or the predecessor's."""

    max_attempts: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Tries in all."
    )
    backoff: list[Seconds] | None = Field(
        default=None, description="Waits before the second, third, … try; the last one repeats."
    )
    on: list[Text] | None = Field(default=None, description="Verdicts or classes that are tried again.")
    old_max_attempts: Annotated[int, Field(ge=1, le=1000)] | None = Field(default=None, alias="maxAttempts")
    old_backoff: list[Annotated[float, Field(ge=0, le=LONGEST * 1000)]] | None = Field(
        default=None, alias="backoffMs", description="As `backoff`, in milliseconds."
    )
    old_on: list[Text] | None = Field(default=None, alias="retryOn")


class Settings(Closed):
    """What a sprint, a workflow and a phase can all say about running something. The nearest one counts."""

    model: Model | None = Field(default=None, description="The agent's model.")
    agent: Agent | None = Field(
        default=None, description="Who answers prompts: a driver by name, or a program."
    )
    env: Env | None = Field(default=None, description="Variables for the task's environment.")
    cwd: Id | None = Field(
        default=None, description="Where the task starts, relative to the sprint's working directory."
    )
    timeout: Seconds | None = Field(default=None, description="The time that one attempt may take.")
    idle_timeout: Seconds | None = Field(
        default=None, description="The time that an attempt may stay silent."
    )
    retry: Retry | None = None


class OnFail(Closed):
    """What happens between two runs of a gate's script."""

    prompt: Text = Field(description="What the fix agent is told; the script's output is added.")
    max_retries: Annotated[int, Field(ge=1, le=1000)] = Field(
        3, description="Runs of the script, the first included."
    )


class Gate(Closed):
    """A check that has to pass before its phase counts as done."""

    script: Text = Field(description="Text for /bin/sh -c; exit 0 passes.")
    on_fail: OnFail | None = None
    timeout: Seconds = Field(default=60.0, description="The time that one run of the script may take.")


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
    depends_on: list[Text] | None = Field(
        default=None, description="Ids of items that have to be completed first."
    )
    retry: Retry | None = None


Step = Annotated[Annotated[Text, Tag("text")] | Annotated[Item, Tag("item")], Discriminator(_step_kind)]


class Prompts(Closed):
    """Sections of the prompts, replaced."""

    header: str | None = None
    position: str | None = None
    retry_warning: str | None = None
    instructions: str | None = None
    result_reporting: str | None = None


AtOnce = Annotated[int, Field(ge=1, le=100_000)]


class Concurrency(Closed):
    """Tasks at once, at most, by kind."""

    agents: AtOnce | None = Field(default=None, description="Tasks that prompt an agent.")
    total: AtOnce | None = Field(default=None, description="All tasks.")


Limits = Annotated[
    Annotated[AtOnce, Tag("number")] | Annotated[Concurrency, Tag("limits")], Discriminator(_limits_kind)
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
    exclusive: bool = Field(default=False, description="No other sprint may work in the same git work tree.")
    on_parallel_failure: Literal["warn", "block"] | None = None
    parallel_execution: ParallelExecution | None = None
