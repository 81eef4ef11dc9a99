"""What the state owes the world now: (fold) → effects. After a crash it gives the same answer, so recovery is this too.

Rule: an effect is owed as long as the state says so; whoever performs it must take being asked twice for once.
"""

from fsm.effects import Attach, Effect, Go, Spawn, Stop
from fsm.notices import notify
from fsm.sprint import Sprint
from fsm.states import TaskState
from fsm.unit import Unit


def owed(sprint: Sprint) -> list[Effect]:
    """The effects for every live unit, in the order in which they went live."""
    effects: list[Effect] = []
    for unit in sprint.live.values():
        if unit.state == TaskState.VERIFYING:
            continue  # its own attempt is over; its gate and its fix are units of their own
        spawned = unit.spawned
        assert spawned is not None, "a live unit has been spawned"
        facts = spawned.decoded()
        if unit.state == TaskState.SPAWNED:
            effects.append(Spawn(unit.path, unit.attempt, facts["name"], facts["log"]))
            continue
        if spawned.epoch < sprint.epoch:
            identity = unit.started.decoded() if unit.started is not None else {}
            effects.append(Attach(unit.path, unit.attempt, facts["name"], facts["log"], identity))
        elif unit.state == TaskState.RUNNING:
            effects.append(Go(unit.path, unit.attempt))
        if unit.state == TaskState.STOPPING:
            effects.append(Stop(unit.path, unit.attempt, _kill_at(unit)))
    return effects + notify(sprint) if sprint.due else effects


def _kill_at(unit: Unit) -> int:
    assert unit.moved is not None, "a stopping unit was moved there"
    return int(unit.moved.decoded()["kill-at"])
