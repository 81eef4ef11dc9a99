"""Changes of a plan under way, as rows: steps that agents propose or people add, and a plan that was compiled anew.

Rule: a change is an `amend` row with the whole plan that holds from then on. Agents add without being asked only where
the sprint allows it, and only so many; everything else is queued until a person has agreed.
"""

from fsm.events import Asked
from fsm.graft import refusals, sketch
from fsm.plan import Plan, digest, dump
from fsm.proposal import Proposal, added, proposal, proposals
from fsm.resume import fresh_gate, reopen
from fsm.sprint import Sprint
from fsm.states import ENDED, Machine, SprintState, TaskState
from fsm.transition import SPRINT_UNIT, Facts, Move, Moves
from fsm.unit import Unit, ancestors

MOST_ADDED = 100
"""Steps that are added in one run without a person having agreed; an agent that always wants one more must end."""


def proposed(sprint: Sprint, unit: Unit, facts: Facts) -> Moves:
    """Takes in what an attempt that has just ended proposes, where the sprint agrees to that beforehand."""
    wanted = sprint.plan.orchestration
    if "proposed-steps" not in facts or wanted is None or not (wanted.enabled and wanted.auto_approve):
        return
    for found in proposals(sprint.seq, unit.path, facts):
        if sprint.added < MOST_ADDED:
            yield from take_in(sprint, found, {"by": unit.path})


def take_in(sprint: Sprint, found: Proposal, facts: Facts) -> Moves:
    """Adds one step: the plan with it, and whatever around it had ended is open again."""
    wanted = sprint.plan.orchestration
    plan, path = added(sprint.plan, found, wanted.insert_strategy if wanted is not None else "after-current")
    yield _amended(sprint, plan, {**facts, "added": [path], "proposal": found.id})
    unit = sprint.unit(path)
    for group in reversed(list(ancestors(unit))):
        if group.state in ENDED:
            yield from reopen([group])
            yield from fresh_gate(group)


def _amended(sprint: Sprint, plan: Plan, facts: Facts) -> Move:
    text = dump(plan)
    return Move(SPRINT_UNIT, "amend", {**facts, "plan": digest(text), "nth": sprint.nth}, text=text)


def asked_to_add(sprint: Sprint, unit: Unit, event: Asked) -> tuple[str, Moves]:
    """The answer to who wants a step added beside a unit, and the moves."""
    by = "" if unit.machine == Machine.SPRINT else unit.path
    said = {"prompt": event.text, **event.options}
    found = proposal(f"step-{sprint.seq}", by, said)
    if found is None:
        return "refused: say what the step is to do", iter(())
    _, path = added(
        sprint.plan, found, "end-of-phase" if unit.machine == Machine.GROUP and "/" not in by else ""
    )
    return f"added {path}", _added(sprint, found, event)


def _added(sprint: Sprint, found: Proposal, event: Asked) -> Moves:
    facts: Facts = {"who": event.who, "why": event.why}
    if sprint.state == SprintState.COMPLETED:
        yield Move(SPRINT_UNIT, "retry", facts)
    yield from take_in(sprint, found, facts)


def decided(sprint: Sprint, event: Asked) -> tuple[str, Moves]:
    """The answer to who approves or rejects a proposal that is queued, and the moves."""
    found = sprint.proposed[event.unit]
    agreed = event.verb == "approve" or event.text.strip().lower() in ("yes", "y")
    if not agreed and event.verb != "reject" and event.text.strip().lower() not in ("no", "n"):
        return f"refused: {found.id} is a step that was proposed: answer yes or no", iter(())
    if not agreed:
        return f"{found.id} is rejected", iter(())
    return f"{found.id} is added", _added(sprint, found, event)


def replanned(sprint: Sprint, plan: Plan, who: str, why: str) -> Moves:
    """Takes in a plan that was compiled anew; `problems` must have found none.

    What had ended is open again where something new stands in it. A leaf that is done is not done again for a hook.
    """
    if dump(plan) == dump(sprint.plan):
        return
    known = set(sprint.units)
    yield _amended(sprint, plan, {"who": who, "why": why})
    for unit in [unit for unit in sprint.order if unit.path not in known]:
        if unit.leaf is not None and unit.leaf.state == TaskState.COMPLETED:
            yield Move(
                unit.path, "skip", {"by": "plan", "why": "its task was done when it came"}, unit.attempt
            )
        elif unit.owner is None and unit.leaf is None:
            for group in reversed(list(ancestors(unit))):
                if group.state in ENDED:
                    yield from reopen([group])
                    yield from fresh_gate(group)


def problems(sprint: Sprint, plan: Plan) -> list[str]:
    """Why a plan cannot be taken in now, in words."""
    return refusals(sprint.units, sketch(plan))
