"""What has become of an attempt of which nothing is heard, and what has to be done before that can be said.

Rule: `fsm.judge` concludes; here is only obeyed. A task counts as lost when nothing of it lives any more.
"""

from fsm.errors import SprintError
from fsm.judge import Finding, Sight, judge
from fsm_sprint.executors import trees
from fsm_sprint.executors.sight import Here, look
from fsm_sprint.executors.watch import Watch

_SOON = 0.05
"""Seconds until a second look at what is changing."""
_ONCE_MORE = 0.01
"""Seconds between two passes over the processes, so that what was just being forked is met by the second."""
_LEAVING = 2.0
"""Seconds that something has to leave by itself."""


def outcome(watch: Watch, here: Here, now: float) -> tuple[Finding, Sight] | None:
    """The finding, once there is one that will stay; until then None, and `watch.due` says when to look again.

    Ends what is left of a tree whose shim is dead. `now` is monotonic. SprintError when the attempt lives where we
    cannot reach it.
    """
    sight = look(watch.folder, here, watch.identity)
    if (sight.shim or sight.tree) and here.foreign(watch.identity):
        raise SprintError(
            f"{watch.unit} runs in another container or pid namespace, {watch.identity['namespace']}",
            hint="go on where it was started, or end it there; from here it can be neither watched nor signalled",
        )
    finding = judge(sight, allowed=watch.allowed)
    if finding == Finding.LEAVING and not _impatient(watch, now):
        watch.due = now + _SOON
    elif finding in (Finding.ORPHANED, Finding.LEAVING) or (
        # Its shim died before it could sweep; what is killed now, nobody would come back for after its end is recorded.
        finding == Finding.EXITED and sight.tree and not _impatient(watch, now)
    ):
        trees.kill(trees.members(watch.folder, watch.identity, watch.marks))
        watch.due = now + _SOON
    elif finding == Finding.LOST and not sight.rebooted and not _alone(watch):
        watch.due = now + _ONCE_MORE
    else:
        return finding, sight
    return None


def _impatient(watch: Watch, now: float) -> bool:
    if watch.patience is None:
        watch.patience = now + _LEAVING
    return now >= watch.patience


def _alone(watch: Watch) -> bool:
    """Whether two passes in a row have found nothing of a tree whose shim is dead; what is found is killed."""
    found = trees.members(watch.folder, watch.identity, watch.marks)
    trees.kill(found)
    watch.quiet = 0 if found else watch.quiet + 1
    return watch.quiet >= 2
