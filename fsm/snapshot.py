"""The fold as a value: copied without sharing anything that moves, and told apart by what decisions can be made on.

Rule: a field that the fold comes to have is compared as it is, and copied or refused, until it is said here how else.
"""

import json
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any

from fsm.ending import MOST_ABORTS
from fsm.past import Past
from fsm.plan import Gate, Group, Leaf, Plan
from fsm.purse import Purse
from fsm.retry import AGENTS, ONCE_MORE
from fsm.sprint import Sprint
from fsm.states import ENDED, LIVE, Machine, TaskState
from fsm.transition import Facts, Transition
from fsm.unit import Unit

_UNIT_FIELDS = tuple(field.name for field in fields(Unit))
_UNIT_VALUES = attrgetter(*_UNIT_FIELDS)
_ABSTRACT_UNIT = frozenset(
    {
        *(
            "path",
            "machine",
            "node",
            "parent",
            "owner",
            "index",
            "position",
            "background",
            "children",
            "gate",
            "fix",
            "leaf",
            "after",
            "hooks",
        ),
        *(
            "dependents",
            "choice",
            "cursor",
            "broken",
            "alive",
            "needs",
        ),  # the plan, and what follows from the states
        *(
            "attempt",
            "tries",
            "first",
            "spawned",
            "started",
            "exited",
            "reported",
            "ended",
            "moved",
        ),  # see `_unit_key`
    }
)
_ABSTRACT_SPRINT = frozenset(
    {
        *("run", "_text", "plan", "plan_digest", "nth", "seq", "hash", "at", "epoch", "lease", "begun"),
        *("root", "units", "order", "live", "slots", "failed", "waiting", "agents", "mutexes", "beside"),
        *("tasks", "requests", "rested", "why", "waits", "repeats"),
    }
)
_FEW = 10
"""A backstop that is larger is out of reach: attempts are not counted towards it."""
_NAMES = frozenset({"log", "name", "task", "logs", "error", "who", "lifts"})
"""Facts that no decision is made on."""
_KEPT_FIELDS = tuple(name for name in _UNIT_FIELDS if name not in _ABSTRACT_UNIT)
_SHARED = frozenset({str, int, float, bool, type(None), Transition, Plan, Leaf, Group, Gate, Machine})
_PLAIN = (str, int, float, bool, type(None), Enum, Transition)


def copied(sprint: Sprint) -> Sprint:
    """A fold that shares nothing that can change with the first: quicker than folding the rows again."""
    memo: dict[int, Any] = {id(unit): object.__new__(Unit) for unit in sprint.units.values()}
    for unit in sprint.units.values():
        made = memo[id(unit)]
        for name, value in zip(_UNIT_FIELDS, _UNIT_VALUES(unit), strict=True):
            setattr(made, name, value if type(value) in _SHARED else _copied(value, memo))
    twin = object.__new__(type(sprint))
    for name, value in vars(sprint).items():
        setattr(twin, name, _copied(value, memo))
    return twin


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    kind = type(value)
    if kind in _SHARED:
        return value
    if kind is Unit or id(value) in memo:
        return memo[id(value)]
    if issubclass(kind, dict):
        return kind({key: _copied(one, memo) for key, one in value.items()})
    if kind in (list, set, tuple):
        return kind(_copied(one, memo) for one in value)
    if is_dataclass(kind) and not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        made = object.__new__(kind)
        if kind is Purse:  # one and the same for all that spend of it
            memo[id(value)] = made
        for field in fields(value):
            setattr(made, field.name, _copied(getattr(value, field.name), memo))
        return made
    if isinstance(value, (*_PLAIN, frozenset)) or is_dataclass(kind) or callable(value):
        return value
    raise TypeError(f"the checker cannot copy a {kind.__name__}: say how in fsm/snapshot.py")


def mark(sprint: Sprint) -> tuple[Any, ...]:
    """Equal for two folds from which the same may follow. Attempt numbers, times and names do not tell apart."""
    resting = sprint.rested.decoded().get("kind") if sprint.rested is not None and sprint.at_rest else None
    few = sprint.plan.most_attempts < _FEW
    rest: list[Any] = [sprint.repeats] if few else []
    rest += [(name, _plainly(value)) for name, value in vars(sprint).items() if name not in _ABSTRACT_SPRINT]
    return (
        sprint.root.state,
        resting,
        tuple(rest),
        tuple(_unit_key(unit, sprint.epoch, _enough(unit, sprint.plan)) for unit in sprint.order),
    )


def _enough(unit: Unit, plan: Plan) -> int:
    """Tries beyond which the number of them decides nothing any more."""
    if isinstance(unit.node, Gate):
        return unit.node.tries
    if not isinstance(unit.node, Leaf):
        return 0
    policies = (unit.node.retry, plan.retry, AGENTS, ONCE_MORE)
    return max(policy.max_attempts for policy in policies if policy is not None)


def _unit_key(unit: Unit, epoch: int, enough: int) -> tuple[Any, ...]:
    """Of its rows only what the next decision can ask for: whose attempt it is, how it ended, for what it waits."""
    told: Any = None
    if unit.state in LIVE:
        told = unit.spawned is not None and unit.spawned.epoch < epoch
    elif unit.state in ENDED:
        told = _facts(unit.ended)
    elif unit.state == TaskState.WAITING:
        told = _facts(unit.moved)
    kept = tuple(_plainly(getattr(unit, name)) for name in _KEPT_FIELDS)
    return told, unit.background and unit.first is not None, min(unit.tries, enough), kept


def _facts(row: Transition | None) -> tuple[Any, ...]:
    return _told(row.facts) if row is not None else ()


@cache
def _told(text: str) -> tuple[Any, ...]:
    facts: Facts = json.loads(text) if text else {}
    return tuple((name, str(value)) for name, value in sorted(facts.items()) if name not in _NAMES)


def _plainly(value: Any) -> Any:
    """Something that can be compared and hashed, for any field that the fold may come to have."""
    if isinstance(value, Unit):
        return value.path
    if isinstance(value, Transition):
        return (value.trigger, value.dest, _facts(value))
    if isinstance(value, dict):
        return tuple(sorted((str(name), _plainly(one)) for name, one in value.items()))
    if isinstance(value, list | tuple):
        return tuple(_plainly(one) for one in value)
    if isinstance(value, set | frozenset):
        return tuple(sorted(map(str, value)))
    if isinstance(value, Purse):
        if not value.bounded:
            return None
        return tuple(
            _plainly(one) for one in (value.raised, value.spent, value.live, value.largest, value.above)
        )
    if isinstance(value, Past):
        aborts = (value.aborts - 1) % MOST_ABORTS + 1 if value.aborts else 0
        value = replace(
            value, used={}, cost=None, aborts=aborts, limits=0
        )  # every limit here says until when
    if is_dataclass(value) and not isinstance(value, type):
        plain = tuple(_plainly(getattr(value, field.name)) for field in fields(value))
        return None if plain == _NOTHING else plain
    return value


_NOTHING = tuple(_plainly(getattr(Past(), field.name)) for field in fields(Past))
"""What a past says in which nothing has happened: the same as none."""
