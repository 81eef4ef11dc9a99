"""Blocks that more than one level of a sprint can hold: agents, retries, bounds on spending, checks, people.

Rule: as in `compiler.source`, the keys live here and nowhere else.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from compiler.atoms import (
    Address,
    Argv,
    Attempts,
    Closed,
    Count,
    Dollars,
    Id,
    Model,
    Paths,
    Seconds,
    Text,
    Verdict,
)
from compiler.values import LONGEST

TAGGED = "\0"
"""What the names of union members begin with, which no word of a document can hold: they turn up in the location of a
finding and are no part of the document."""


class Named(Closed):
    """An agent that has a driver of its own."""

    name: Id
    model: Model | None = Field(default=None, description="In place of the `model` around it.")
    account: Id | None = Field(
        default=None, description="Whose limits it meets: agents of one account wait together."
    )
    permissions: Id | None = Field(
        default=None, description="Its own word for what it may do without asking."
    )
    args: Argv | None = Field(default=None, description="More arguments for its program.")


class Program(Closed):
    """An agent that is any program: it gets the prompt on stdin."""

    command: Argv = Field(description="The program and its arguments.")
    model: Model | None = None
    account: Id | None = None
    permissions: Id | None = None


def _agent_kind(value: Any) -> str:
    if isinstance(value, dict):
        return "\0program" if "command" in value else "\0named"
    return "\0program" if isinstance(value, Program) else "\0named" if isinstance(value, Named) else "\0name"


Agent = Annotated[
    Annotated[Id, Tag("\0name")] | Annotated[Named, Tag("\0named")] | Annotated[Program, Tag("\0program")],
    Discriminator(_agent_kind),
]
Agents = Annotated[list[Agent], Field(min_length=1, max_length=16)]


class Growth(Closed):
    """Waits that grow from one try to the next."""

    initial: Seconds
    factor: Annotated[float, Field(ge=1, le=1000)] = 2.0
    max: Seconds | None = None


def _waits_kind(value: Any) -> str:
    return "\0growth" if isinstance(value, dict | Growth) else "\0list"


Waits = Annotated[
    Annotated[list[Seconds], Field(max_length=1000), Tag("\0list")] | Annotated[Growth, Tag("\0growth")],
    Discriminator(_waits_kind),
]


class Retry(Closed):
    """How often and after what something is tried again, in today's spelling or the predecessor's."""

    max_attempts: Attempts | None = Field(default=None, description="Tries in all.")
    backoff: Waits | None = Field(
        default=None,
        description="Waits before the second, third, … try, the last one repeats; or {initial, factor, max}.",
    )
    jitter: bool | None = Field(
        default=None, description="What is waited is drawn between nothing and the wait."
    )
    on: list[Verdict] | None = Field(default=None, description="Verdicts or classes that are tried again.")
    resume: bool | None = Field(
        default=None, description="Whether a second try may go on in the agent's session, once."
    )
    old_max_attempts: Attempts | None = Field(default=None, alias="maxAttempts")
    old_backoff: list[Annotated[float, Field(ge=0, le=LONGEST * 1000)]] | None = Field(
        default=None, alias="backoffMs", description="As `backoff`, in milliseconds."
    )
    old_on: list[Verdict] | None = Field(default=None, alias="retryOn")


class Budget(Closed):
    """What may be spent. What runs when it is reached may finish."""

    cost_usd: Dollars | None = Field(default=None, description="US dollars, as far as agents report them.")
    tokens: Count | None = None
    wall: Seconds | None = Field(default=None, description="Time, added up over attempts.")
    attempts: Count | None = None


class Approval(Closed):
    """A person has to agree before it starts."""

    message: Text
    timeout: Seconds | None = Field(
        default=None, description="The time after which `on-timeout` answers for the person."
    )
    on_timeout: Literal["approve", "reject"] | None = None


def _approve_kind(value: Any) -> str:
    return "\0text" if isinstance(value, str) else "\0approval"


Approve = Annotated[
    Annotated[Text, Tag("\0text")] | Annotated[Approval, Tag("\0approval")], Discriminator(_approve_kind)
]


class Accept(Closed):
    """What has to be there before something counts as done."""

    exists: Paths | None = Field(default=None, description="Paths and globs; each has to be there.")
    changed: Paths | None = Field(
        default=None, description="Paths and globs; something of each has to be written since the task began."
    )
    run: Text | None = Field(default=None, description="Text for /bin/sh -c; exit 0 accepts.")
    timeout: Seconds | None = None


def _accept_kind(value: Any) -> str:
    return "\0text" if isinstance(value, str) else "\0paths" if isinstance(value, list) else "\0block"


Accepted = Annotated[
    Annotated[Text, Tag("\0text")] | Annotated[Paths, Tag("\0paths")] | Annotated[Accept, Tag("\0block")],
    Discriminator(_accept_kind),
]


class OnFail(Closed):
    """What happens between two runs of a gate's script."""

    prompt: Text = Field(description="What the fix agent is told; the script's output is added.")
    max_retries: Attempts = Field(3, description="Runs of the script, the first included.")


class Gate(Closed):
    """A check that has to pass before its phase counts as done."""

    script: Text = Field(description="Text for /bin/sh -c; exit 0 passes.")
    on_fail: OnFail | None = None
    timeout: Seconds = Field(default=60.0, description="The time that one run of the script may take.")


class Command(Closed):
    """Somebody is told by a command."""

    run: Text = Field(description="Text for /bin/sh -c.")


class Web(Closed):
    """Somebody is told by a request to a web address."""

    url: Address


def _notice_kind(value: Any) -> str:
    if isinstance(value, dict):
        return "\0web" if "url" in value else "\0command"
    if isinstance(value, list):
        return "\0list"
    return "\0web" if isinstance(value, Web) else "\0command" if isinstance(value, Command) else "\0text"


Notice = Annotated[
    Annotated[Text, Tag("\0text")] | Annotated[Command, Tag("\0command")] | Annotated[Web, Tag("\0web")],
    Discriminator(_notice_kind),
]
Notices = Annotated[
    Annotated[Text, Tag("\0text")]
    | Annotated[Command, Tag("\0command")]
    | Annotated[Web, Tag("\0web")]
    | Annotated[list[Notice], Field(min_length=1, max_length=64), Tag("\0list")],
    Discriminator(_notice_kind),
]


class On(Closed):
    """Whom to tell when the sprint comes into a state."""

    blocked: Notices | None = None
    completed: Notices | None = None
    waiting: Notices | None = None
    needs_human: Notices | None = None
    paused: Notices | None = None
    cancelled: Notices | None = None


def _run_kind(value: Any) -> str:
    return "\0argv" if isinstance(value, list) else "\0text"


Run = Annotated[Annotated[Text, Tag("\0text")] | Annotated[Argv, Tag("\0argv")], Discriminator(_run_kind)]
