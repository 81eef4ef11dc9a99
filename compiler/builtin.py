"""Workflows that need no file."""

EXECUTE = "execute"
"""What an item goes through when nothing else is said: one phase that does what the item says."""

WORKFLOWS = {
    EXECUTE: """\
name: execute
schema-version: "2.0"
phases:
  - id: execute
    prompt: "{{item.prompt}}"
""",
    "execute-all": """\
name: execute-all
schema-version: "2.0"
phases:
  - id: execute-all
    for-each: step
""",
}
