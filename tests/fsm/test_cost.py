"""A turn costs what moves and not what exists: counted in calls and in bytes, which do not depend on the machine."""

import sys
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median
from types import FrameType
from typing import NamedTuple

import pytest

from fsm.effects import Effect, Go, Spawn
from fsm.engine import Engine
from fsm.events import Ended, Event, Ready
from fsm.plan import Leaf, Plan, Retry
from fsm.sprint import Sprint
from journal.memory import MemoryJournal
from tests.fsm.plans import back, gate, leaf, phase, plan, step

SMALL, LARGE = 60, 1_500
LATER = Retry(max_attempts=2, backoff=(0.01,))


def steps(count: int, made: Callable[[int], Leaf], parallel: bool = False, needs: int | None = None) -> Plan:
    def after(n: int) -> tuple[str, ...]:
        other = None if needs is None else n + needs if needs else 0
        return (f"s{other}",) if other is not None and 0 <= other < count and other != n else ()

    return plan(
        phase("p", *(step(f"s{n}", made(n), depends_on=after(n)) for n in range(count)), parallel=parallel)
    )


SHAPES: dict[str, Callable[[int], Plan]] = {
    "phases": lambda count: plan(*(leaf(f"l{n}") for n in range(count))),
    "steps": lambda count: steps(count, lambda n: leaf("l")),
    "sub-phases": lambda count: plan(phase("p", step("s", *(leaf(f"l{n}") for n in range(count))))),
    "side by side": lambda count: steps(count, lambda n: leaf("l"), parallel=True),
    "each after the one before": lambda count: steps(count, lambda n: leaf("l"), needs=-1),
    "each after the one behind": lambda count: steps(count, lambda n: leaf("l"), needs=1),
    "all after the first": lambda count: steps(count, lambda n: leaf("l"), parallel=True, needs=0),
    "background sub-phases": lambda count: plan(
        phase("p", step("s", *(back(f"l{n}") for n in range(count))))
    ),
    "background steps": lambda count: steps(count, lambda n: back("l")),
    "gates": lambda count: steps(count, lambda n: leaf("l", gate=gate())),
    "each fails once": lambda count: steps(count, lambda n: leaf("l", retry=LATER)),
    "each fails once, side by side": lambda count: steps(
        count, lambda n: leaf("l", retry=LATER), parallel=True
    ),
    "the first takes until the end": lambda count: steps(
        count, lambda n: leaf("l" if n else "slow"), parallel=True
    ),
}


class Quick:
    """An executor, clock and publisher that cost next to nothing, so that the engine's own cost shows."""

    def __init__(self) -> None:
        self.told: set[tuple[str, int, type]] = set()
        self.events: list[Event] = []
        self.slow: list[Event] = []
        self.seconds = 0.0
        self.done = 0

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            assert isinstance(effect, Spawn | Go)
            key = (effect.unit, effect.attempt, type(effect))
            if key in self.told:
                continue
            self.told.add(key)
            if isinstance(effect, Spawn):
                self.events.append(Ready(effect.unit, effect.attempt, {"pid": "1"}))
                continue
            retried = effect.attempt == 1 and self.fails
            end = Ended(effect.unit, effect.attempt, "exit", "failed" if retried else "ok", {"code": 0})
            (self.slow if effect.unit.endswith("/slow") else self.events).append(end)
            self.done += 1

    fails = False

    def wait(self, timeout: float | None) -> Sequence[Event]:
        if not self.events and timeout is not None:
            self.seconds += timeout + 0.001
        elif not self.events:
            self.events, self.slow = self.slow, []
        found, self.events = self.events, []
        return found

    def now(self) -> int:
        return 1_700_000_000_000 + int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    def publish(self, changed: object, *, resting: bool) -> float | None:
        return None


class Cost(NamedTuple):
    """What a turn takes, as a rule: the median over a window of turns."""

    calls: float
    space: float
    """Bytes that were in use at most, less those that were in use before."""


def costs(made: Plan, *, fails: bool) -> tuple[Cost, Cost]:
    """(soon after the beginning, shortly before the end)"""
    journal = MemoryJournal()
    sprint, quick = Sprint("r", journal.text), Quick()
    quick.fails = fails
    engine = Engine(sprint, journal, quick, quick, quick, limit=4)
    engine.take_over({}, plan=made)
    turns = sum(unit.machine == "task" and not unit.path.endswith("#fix") for unit in sprint.order) * (
        1 + fails
    )
    windows: tuple[list[Cost], list[Cost]] = ([], [])
    events: Sequence[Event] = []
    while not sprint.at_rest:
        window = windows[quick.done > turns // 2]
        if 10 < quick.done < 30 or turns - 30 < quick.done < turns - 10:
            window.append(measured(lambda events=events: engine.turn(events)))  # type: ignore[misc]
        else:
            engine.turn(events)
        events = [*quick.wait(engine._patience()), *engine._due()]
    assert sprint.state == "completed"
    assert min(len(window) for window in windows) > 5
    early, late = (Cost(*map(median, zip(*window, strict=True))) for window in windows)
    return early, late


def measured(turn: Callable[[], None]) -> Cost:
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    sys.setprofile(count)
    try:
        turn()
    finally:
        sys.setprofile(None)
        space = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
    return Cost(calls, space)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_turn_costs_the_same_in_a_plan_of_60_leaves_and_of_1500(shape: str):
    fails = shape.startswith("each fails")
    usual = max(costs(SHAPES[shape](SMALL), fails=fails))
    for cost in costs(SHAPES[shape](LARGE), fails=fails):
        assert cost.calls <= 1.1 * usual.calls + 3
        assert cost.space <= usual.space + 3_000
