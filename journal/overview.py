"""What PROGRESS.yaml says of the sprint as a whole: where it stands, what it counts, why it rests."""

from collections.abc import Sequence

from fsm.plan import Gate, Plan
from fsm.proposal import Proposal
from fsm.purse import COST, TOKENS
from fsm.sprint import Sprint
from fsm.states import ENDED, ENDED_WELL, SprintState
from fsm.transition import Facts
from fsm.unit import Unit
from fsm.waits import LIMIT
from journal.entries import Entry, moment, span


def current(sprint: Sprint) -> Entry:
    """Where the main line stands: its first unfinished leaf, by indices; the last one when all is done."""
    place: Entry = {"phase": 0, "step": None, "sub-phase": None}
    phases = _shown(sprint.root)
    if phases:
        index = _first(phases)
        place["phase"] = index
        steps = _shown(phases[index])
        if steps:
            place["step"] = _first(steps)
            place["sub-phase"] = _first(_shown(steps[_first(steps)]))
    return place


def stats(sprint: Sprint, phases: tuple[int, int], steps: tuple[int, int]) -> Entry:
    """Completed and all phases, completed and all steps, and when and how long it ran."""
    begun, rested = sprint.begun, sprint.rested
    entry: Entry = {"started-at": moment(begun.at) if begun is not None else None}
    entry["total-phases"], entry["completed-phases"] = phases[1], phases[0]
    if steps[1]:
        entry["total-steps"], entry["completed-steps"] = steps[1], steps[0]
    if sprint.state == SprintState.COMPLETED and rested is not None and begun is not None:
        entry["completed-at"] = moment(rested.at)
        entry["elapsed"] = span(max(0, rested.at - begun.at))
    return entry


def configured(plan: Plan, queue: Sequence[Proposal] = ()) -> tuple[Entry, Entry]:
    """What the plan says of the run: what stands before the dependency graph, and what after it.

    `queue`: steps that were proposed and that nobody has decided on.
    """
    before: Entry = {}
    if plan.orchestration is not None:
        wanted = plan.orchestration
        prompt: Entry = {} if wanted.prompt is None else {"prompt": wanted.prompt}
        before["orchestration"] = {
            "enabled": wanted.enabled,
            **prompt,
            "insertStrategy": wanted.insert_strategy,
            "autoApprove": wanted.auto_approve,
        }
        if wanted.enabled:
            before["step-queue"] = [_queued(found) for found in queue]
    if plan.prompts:
        before["prompts"] = dict(plan.prompts)
    if plan.worktree is not None:
        tree = plan.worktree
        before["worktree"] = {
            "enabled": True,
            "branch": tree.branch,
            "path": tree.path,
            "cleanup": tree.cleanup,
        }
    after: Entry = {}
    if plan.hooks:
        hooks: list[Entry] = []
        for hook in plan.hooks:
            entry: Entry = {"id": hook.id}
            if hook.workflow is not None:
                entry["workflow"] = hook.workflow
            if hook.prompt is not None:
                entry["prompt"] = hook.prompt
            hooks.append({**entry, "parallel": hook.parallel, "enabled": True})
        after["per-iteration-hooks"] = hooks
    return before, after


def _queued(found: Proposal) -> Entry:
    entry: Entry = {"id": found.id, "prompt": found.prompt, "proposedBy": found.by}
    if found.reasoning:
        entry["reasoning"] = found.reasoning
    entry["priority"] = found.priority
    return {**entry, "depends-on": list(found.depends_on)} if found.depends_on else entry


def reached(sprint: Sprint) -> Entry:
    """What only a run has: its last sign of life, and why it rests."""
    state, rested = sprint.state, sprint.rested
    if state == SprintState.NOT_STARTED:
        return {}
    entry: Entry = {"last-activity": moment(sprint.at)}
    if sprint.limits and sprint.waits[LIMIT]:
        limits = sorted(sprint.limits.items())
        entry["usage-limits"] = [{"account": name, "until": moment(until)} for name, until in limits]
    if sprint.purse.spent[COST] or sprint.purse.spent[TOKENS]:
        entry["spent"] = _spent(sprint)
    if rested is None or state != rested.dest:
        return entry
    facts, at = rested.decoded(), moment(rested.at)
    why = str(facts.get("why") or "")
    if state == SprintState.PAUSED:
        entry["pause-reason"] = _said(facts)
    elif state == SprintState.PAUSED_AT_BREAKPOINT:
        node = sprint.unit(facts["unit"]).node
        entry["breakpoint-phase-id"] = facts["unit"] if node is None or isinstance(node, Gate) else node.id
    elif state == SprintState.BLOCKED:
        entry["error"] = why
        if "unit" in facts:
            entry["failed-phase"] = facts["unit"]
        entry["blocked-at"] = at
    elif state == SprintState.NEEDS_HUMAN:
        details: Entry = {"details": f"asked by {facts['unit']}"} if "unit" in facts else {}
        entry["human-needed"] = {"reason": why, **details}
    elif state == SprintState.CANCELLED:
        entry["error"] = f"cancelled: {_said(facts)}"
        entry["completed-at"] = at
    else:
        entry["completed-at"] = at
        if facts.get("failed"):
            entry["failed-tasks"] = facts["failed"]
    return entry


def _spent(sprint: Sprint) -> Entry:
    """What agents have told of their cost, and how many have told nothing: that is unknown, and not free."""
    purse = sprint.purse
    entry: Entry = {}
    if purse.spent[COST]:
        entry["cost-usd"] = round(purse.spent[COST], 4)
    if purse.spent[TOKENS]:
        entry["tokens"] = int(purse.spent[TOKENS])
    if purse.unpriced:
        entry["attempts-of-unknown-cost"] = purse.unpriced
    return entry


def _first(units: Sequence[Unit]) -> int:
    """The first that the main line has not put behind it, else the last one."""
    return next((index for index, unit in enumerate(units) if not _passed(unit)), max(0, len(units) - 1))


def _shown(group: Unit) -> Sequence[Unit]:
    """The children of a group as the plan has them; what runs after them is told elsewhere."""
    return [child for child in group.children if child.leaf is None]


def _passed(unit: Unit) -> bool:
    # Asked of the rows, not of the fold's cursors. A background leaf is behind the main line once it was begun.
    if unit.background:
        return unit.first is not None or unit.state in ENDED
    return unit.state in ENDED_WELL


def _said(facts: Facts) -> str:
    """Why, and who says so."""
    return ", ".join(str(facts[key]) for key in ("why", "who") if facts.get(key)) or "not said"
