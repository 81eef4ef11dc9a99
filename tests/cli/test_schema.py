"""`schema`: what editors are told of the files that people write."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from tests.cli.command import Command

EXAMPLES = Path(__file__).parents[2] / "examples"


FILES = {
    "sprint": "*/SPRINT.yaml",
    "workflow": "*/.claude/workflows/*.yaml",
    "outcomes": "*/outcomes.yaml",
}


@pytest.mark.parametrize("kind", FILES)
def test_a_schema_is_valid_and_takes_the_examples(fsm_sprint: Command, kind: str) -> None:
    schema = json.loads(fsm_sprint("schema", kind).out)
    Draft202012Validator.check_schema(schema)
    files = EXAMPLES.glob(FILES[kind])
    read = [YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) for path in files]

    assert read
    for content in read:
        assert list(Draft202012Validator(schema).iter_errors(content)) == []


ENTRIES = [
    ("{}", True),
    ("{unit: first, try: [1, 2], chance: 0.5, takes: [2m, 20m], ends: limit, until: 2h}", True),
    ("{ends: code 3, takes: 1.5, cost-usd: 0.4, tokens: 18000, says: well}", True),
    ("{ends: 255}", True),
    ("{ends: 256}", False),
    ("{ends: code 256}", False),
    ("{ends: well}", False),
    ("{takes: [2m]}", False),
    ("{takes: soon}", False),
    ("{try: 0}", False),
    ("{chance: 0}", False),
    ("{units: a}", False),
    ("{crash: supervisor, at: 10m, down: 30s}", True),
    ("{crash: power, after-row: 17}", True),
    ("{crash: power}", False),
    ("{crash: power, after-row: 17, at: 1m}", False),
    ("{crash: disk, at: 1m}", False),
    ("{ask: pause, at: 20m, reason: lunch}", True),
    ("{ask: skip, unit: first, at: 25m}", True),
    ("{ask: skip, at: 25m}", False),
    ("{ask: pause, unit: first, at: 25m}", False),
    ("{ask: answer, unit: first, text: keep it, at: 25m}", True),
    ("{ask: answer, unit: first, at: 25m}", False),
    ("{ask: resume}", False),
    ("5", False),
]


@pytest.mark.parametrize(("entry", "good"), ENTRIES)
def test_the_schema_of_a_script_takes_what_simulate_takes(
    home: Path, fsm_sprint: Command, entry: str, *, good: bool
) -> None:
    (home / "SPRINT.yaml").write_text("workflow: w\nsprint-id: s\n")
    flow = home / ".claude" / "workflows" / "w.yaml"
    flow.parent.mkdir(parents=True)
    flow.write_text("name: w\nphases: [{id: first, prompt: Do it}]\n")
    script = home / "outcomes.yaml"
    script.write_text(f"- {entry}\n")
    said = json.loads(fsm_sprint("schema", "outcomes").out)
    content = YAML(typ="safe", pure=True).load(script.read_text(encoding="utf-8"))

    assert (list(Draft202012Validator(said).iter_errors(content)) == []) is good
    assert (fsm_sprint("simulate", "--script", script, check=None).code != 3) is good


def test_there_are_three_schemas(fsm_sprint: Command) -> None:
    assert (
        "'plan' is not one of 'sprint', 'workflow', 'outcomes'" in fsm_sprint("schema", "plan", check=2).err
    )
