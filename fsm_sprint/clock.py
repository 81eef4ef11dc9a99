"""The one place where the application asks what time it is."""

import time
from datetime import UTC, date, datetime


class SystemClock:
    """The machine's clocks, as `fsm.ports.Clock` wants them."""

    def now(self) -> int:
        """Wall time in ms since the epoch; may jump."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never go back; neither Linux nor macOS counts the time that the machine slept."""
        return time.monotonic()

    def today(self) -> date:
        """The date in UTC, as it enters ids of sprints without one."""
        return datetime.now(UTC).date()
