"""Several publishers as one."""

from collections.abc import Sequence

from fsm.ports import Publisher
from fsm.transition import Transition


class Publishers:
    """Tells each of them, in order; wants to be called again as soon as any of them does."""

    def __init__(self, *publishers: Publisher) -> None:
        self._publishers = publishers

    def publish(self, changed: Sequence[Transition], *, resting: bool) -> float | None:
        """As each of them does."""
        wanted = [publisher.publish(changed, resting=resting) for publisher in self._publishers]
        return min((delay for delay in wanted if delay is not None), default=None)
