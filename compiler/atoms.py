"""The kinds of single values that the source files hold, and the two kinds of blocks.

Rule: what a value may be is said once, for the validator and for the JSON Schema alike. A closed block refuses a key
that it does not know; an open one keeps it for whoever reads the file.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from compiler.values import (
    DURATION,
    LONGEST,
    RETRIED,
    RETRIED_OF_OLD,
    address,
    free_name,
    item_id,
    one_line,
    path,
    plain,
    plain_id,
    seconds,
    variable,
    verdict,
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
Dollars = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**15)]
Attempts = Annotated[int, Field(ge=1, le=1000)]
Verdict = Annotated[
    str,
    AfterValidator(verdict),
    WithJsonSchema({"enum": list(dict.fromkeys((*RETRIED, *RETRIED_OF_OLD)))}),
]
Path = Annotated[str, Field(pattern=r"\S"), AfterValidator(path)]
"""A path, or a glob that stands for some."""
Paths = Annotated[list[Path], Field(min_length=1, max_length=1000)]
Address = Annotated[str, AfterValidator(address), WithJsonSchema({"type": "string", "pattern": "^https?://"})]


class Closed(BaseModel):
    """A block that knows all its keys."""

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=kebab)


class Open(Closed):
    """A block in which people keep notes of their own."""

    model_config = ConfigDict(extra="allow")
