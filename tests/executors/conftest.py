import os
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.executors.hands import Hands, survivors


@pytest.fixture
def hands(tmp_path: Path) -> Iterator[Hands]:
    """A sprint directory with an executor. At the end nothing of it may be alive."""
    made = Hands(tmp_path / "sprint", f"test-{secrets.token_hex(6)}")
    yield made
    made.executor.close()
    end = time.monotonic() + 5
    while (left := survivors(made.run, made.paths.directory)) and time.monotonic() < end:
        time.sleep(0.01)
    for pid, _ in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, f"still alive: {left}"
