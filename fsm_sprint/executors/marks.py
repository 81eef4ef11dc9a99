"""What an attempt's processes are known by, and what they may tell their own attempts apart by."""

import os


def environment(run: str, unit: str, attempt: int) -> dict[str, str]:
    """The variables that every process of an attempt gets; the key is the same over all attempts of a task."""
    return {
        "FSM_SPRINT_RUN": run,
        "FSM_SPRINT_TASK": unit,
        "FSM_SPRINT_ATTEMPT": str(attempt),
        "FSM_SPRINT_IDEMPOTENCY_KEY": f"{run}/{unit}",
    }


def lines(run: str, unit: str, attempt: int) -> frozenset[bytes]:
    """The lines of an environment that only this attempt's processes have."""
    return frozenset(
        os.fsencode(f"{name}={value}") for name, value in environment(run, unit, attempt).items()
    )
