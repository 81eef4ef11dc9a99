"""SPRINT.yaml and workflow files in, an immutable `fsm.plan.Plan` out. Reads files, never writes or runs one."""
