"""Numbers of tasks in words and as a bar. Imports nothing that costs time: `status` uses it."""

from collections.abc import Mapping, Sequence

from fsm.states import ENDED_WELL, LIVE, TaskState


def tally(states: Mapping[str, int]) -> str:
    """`5 of 12 tasks done, 1 failed, 2 running`; states without a task are left out."""
    every = sum(states.values())
    done = sum(states.get(state, 0) for state in ENDED_WELL)
    running = sum(states.get(state, 0) for state in LIVE)
    parts = [f"{done} of {every} task{'' if every == 1 else 's'} done"]
    parts += [
        f"{number} {word}"
        for word, number in (
            ("failed", states.get(TaskState.FAILED, 0)),
            ("cancelled", states.get(TaskState.CANCELLED, 0)),
            ("skipped", states.get(TaskState.SKIPPED, 0)),
            ("running", running),
            ("waiting", states.get(TaskState.WAITING, 0)),
        )
        if number
    ]
    return ", ".join(parts)


def bar(states: Mapping[str, int], width: int, *, ascii_only: bool = False) -> str:
    """A bar of `width` columns: what has ended, and how much of it well."""
    every = sum(states.values())
    if width < 4 or every == 0:
        return ""
    ended = sum(states.get(state, 0) for state in ENDED_WELL)
    bad = states.get(TaskState.FAILED, 0) + states.get(TaskState.CANCELLED, 0)
    well, gone = width * ended // every, width * (ended + bad) // every
    marks: Sequence[str] = "#x." if ascii_only else "█▒░"
    return marks[0] * well + marks[1] * (gone - well) + marks[2] * (width - gone)
