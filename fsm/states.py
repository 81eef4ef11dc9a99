"""The states of the five machines, spelt as users see them, and the sets that the rules speak of."""

from enum import StrEnum


class Machine(StrEnum):
    """Which table a unit moves by."""

    TASK = "task"
    GROUP = "group"
    SPRINT = "sprint"
    WORKTREE = "worktree"
    NOTICE = "notice"


class TaskState(StrEnum):
    """Whatever runs a process: a leaf, a gate script, a fix agent, a hook."""

    PENDING = "pending"
    SPAWNED = "spawned"
    RUNNING = "running"
    VERIFYING = "verifying"
    STOPPING = "stopping"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class GroupState(StrEnum):
    """A step, or a phase that holds steps."""

    PENDING = "pending"
    WAITING = "waiting"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class SprintState(StrEnum):
    """The whole run."""

    NOT_STARTED = "not-started"
    IN_PROGRESS = "in-progress"
    PAUSED = "paused"
    PAUSED_AT_BREAKPOINT = "paused-at-breakpoint"
    BLOCKED = "blocked"
    NEEDS_HUMAN = "needs-human"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class WorktreeState(StrEnum):
    """A git worktree that a sprint or a task works in."""

    ABSENT = "absent"
    CREATING = "creating"
    READY = "ready"
    MERGING = "merging"
    CONFLICT = "conflict"
    MERGED = "merged"
    REMOVING = "removing"
    REMOVED = "removed"


class NoticeState(StrEnum):
    """A notification owed to somebody outside."""

    DUE = "due"
    SENT = "sent"
    GIVEN_UP = "given-up"


INITIAL: dict[Machine, str] = {
    Machine.TASK: TaskState.PENDING.value,
    Machine.GROUP: GroupState.PENDING.value,
    Machine.SPRINT: SprintState.NOT_STARTED.value,
    Machine.WORKTREE: WorktreeState.ABSENT.value,
    Machine.NOTICE: NoticeState.DUE.value,
}
"""The state in which a unit of each machine begins. Plain text: to `transitions` an enum member is its name."""

LIVE = frozenset({TaskState.SPAWNED, TaskState.RUNNING, TaskState.VERIFYING, TaskState.STOPPING})
"""Task states that hold a slot: a process exists, may exist, or is about to."""

ENDED = frozenset({TaskState.COMPLETED, TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED})
"""Terminal states of tasks and, by the same words, of groups."""

ENDED_WELL = frozenset({TaskState.COMPLETED, TaskState.SKIPPED})
"""Terminal states that let the main line go on."""

AT_REST = frozenset(
    {
        SprintState.PAUSED,
        SprintState.PAUSED_AT_BREAKPOINT,
        SprintState.BLOCKED,
        SprintState.NEEDS_HUMAN,
        SprintState.COMPLETED,
        SprintState.CANCELLED,
    }
)
"""Sprint states in which nothing new is started."""
