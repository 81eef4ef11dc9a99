"""`schema`: what editors are told of the two files."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from tests.cli.command import Command

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("kind", ["sprint", "workflow"])
def test_a_schema_is_valid_and_takes_the_examples(fsm_sprint: Command, kind: str) -> None:
    schema = json.loads(fsm_sprint("schema", kind).out)
    Draft202012Validator.check_schema(schema)
    files = EXAMPLES.glob("*/SPRINT.yaml" if kind == "sprint" else "*/.claude/workflows/*.yaml")
    read = [YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) for path in files]

    assert read
    for content in read:
        assert list(Draft202012Validator(schema).iter_errors(content)) == []


def test_there_are_two_schemas(fsm_sprint: Command) -> None:
    assert "'plan' is not one of 'sprint', 'workflow'" in fsm_sprint("schema", "plan", check=2).err
