"""JSON Schemas (2020-12) of the files that people write, for editors; made from the models, so that no key drifts."""

from typing import Any

from compiler.outcomes import outcomes_schema
from compiler.validate import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: str) -> dict[str, Any]:
    """The schema of a kind of file: `sprint`, `workflow`, or `outcomes`, the script of a rehearsal."""
    if kind == "outcomes":
        return {"$schema": DIALECT, **outcomes_schema()}
    made = KINDS[kind].model_json_schema(by_alias=True, mode="validation")
    return {"$schema": DIALECT, **made}
