"""JSON Schema (2020-12) of the two files, for editors; made from the models, so that the keys cannot drift apart."""

from typing import Any

from compiler.validate import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: str) -> dict[str, Any]:
    """The schema of a kind of file: `sprint` or `workflow`."""
    made = KINDS[kind].model_json_schema(by_alias=True, mode="validation")
    return {"$schema": DIALECT, **made}
