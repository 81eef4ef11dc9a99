"""`watch` as a process of its own, on a terminal that somebody interrupts."""

import os
import select
import signal
import subprocess
from pathlib import Path

import pytest

from fsm_sprint.report.terminal import plain
from tests.e2e.sprints import Sandbox
from tests.report.scene import Scene, leaf
from tests.report.test_console import Terminal

pytestmark = pytest.mark.process


def test_ctrl_c_ends_the_looking_with_130_and_leaves_the_terminal_in_order(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "sprint", "workflow: none\n", {})
    terminal = Terminal(70, 20)
    with Scene(box.directory, leaf("a")).begin() as scene, scene.supervise():
        log = scene.spawn("a", "at work\n")
        scene.commit()
        before = scene.paths.journal.read_bytes()
        looking = subprocess.Popen(
            box.command("watch"),
            cwd=box.directory,
            env=box.env | {"TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=terminal.stream,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = ""
        while "at work" not in said:
            assert select.select([terminal.ours], [], [], 60)[0], said
            said += os.read(terminal.ours, 65536).decode()
        looking.send_signal(signal.SIGINT)
        _, errors = looking.communicate(timeout=60)
        said += terminal.read()
        assert scene.paths.journal.read_bytes() == before
        assert log.read_text() == "at work\n"
    terminal.close()

    assert (looking.returncode, errors) == (130, "")
    assert said.rfind("\x1b[?25h") > said.rfind("\x1b[?25l")
    assert plain(said).endswith("\n")
