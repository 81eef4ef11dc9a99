"""A sprint of one prompt for a real agent, and a provider that plays a scenario to it; then, what the journal says.

Rule: the agent has a home of its own with nothing in it that it could do without, and speaks to the loopback only.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsm_sprint.executors import platform
from tests.clis.provider import Provider, playing
from tests.clis.scenario import Scenario, Turn
from tests.e2e.sprints import Sandbox, wait_until

MODELS = {"claude": "claude-sonnet-4-5", "codex": "gpt-5-codex", "gemini": "gemini-2.5-pro"}
PROMPT = "Write the word of the day into hello.txt."
RETRIES = 1
"""How often an agent asks again by itself; left alone, claude and gemini would go on for minutes."""
_GEMINI = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"enableAutoUpdate": False, "maxAttempts": RETRIES + 1},
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One agent, one sprint, one provider."""

    agent: str
    box: Sandbox
    provider: Provider
    _started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self) -> "subprocess.Popen[str]":
        """Starts a run and lets it be; the agent has asked its provider for something when this returns."""
        process = self.box.start("run")
        self._started.append(process)
        wait_until(lambda: len(self.asked) == 1, 60)
        return process

    def close(self) -> None:
        """Ends what a failed test has left."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()
                self.box.run("stop")

    def run(self, *words: str) -> int:
        """Runs the sprint to its rest; its exit code. Nothing of it may be left then."""
        code = self.box.run("run", "--no-wait", *words).returncode
        assert self.alive() == [], "no process is left"
        return code

    def facts(self, *triggers: str) -> list[dict[str, Any]]:
        """The facts of the prompt's rows that moved it so, in order."""
        return [
            row["facts"]  # type: ignore[misc]
            for row in self.box.rows()
            if row["unit"] == "ask" and row["trigger"] in triggers
        ]

    def end(self) -> dict[str, Any]:
        """The facts of the last attempt's end."""
        found = self.facts("succeed", "fail", "cancel")[-1]
        return {"verdict": "ok", **found}

    @property
    def place(self) -> Path:
        """Where the agent works."""
        return self.box.directory

    @property
    def asked(self) -> list[str]:
        """What reached the provider as part of the conversation."""
        return self.provider.scenario.asked

    def alive(self, patience: float = 2.0) -> list[str]:
        """Who still has this test's home in its environment, after a moment for what is just dying."""
        home = f"HOME={self.box.env['HOME']}".encode()
        end = time.monotonic() + patience
        while True:
            left = [
                f"{row.pid} {_command(row.pid)}"
                for row in platform.processes()
                if not row.dead and home in platform.environment(row.pid)
            ]
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.05)  # of processes that are not its children the kernel tells nothing


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")[:200]
    except OSError:
        return "(ending)"


@contextmanager
def staged(
    agent: str,
    folder: Path,
    programs: Path,
    *turns: Turn,
    args: tuple[str, ...] = (),
    env: Mapping[str, str] = {},
    **settings: object,
) -> Iterator[Stage]:
    """A sprint whose phase `ask` has these settings, and a provider that plays these turns.

    `args` are more arguments for the agent, `env` more variables; an empty one is taken away.
    """
    with playing(Scenario(turns)) as provider:
        home = folder / "home"
        more, led = _led(agent, provider.address, home)
        asked: dict[str, object] = {"name": agent}
        if more or args:
            asked["args"] = [*more, *args]
        if "permissions" in settings:
            asked["permissions"] = settings.pop("permissions")
        phase = {
            "id": "ask",
            "prompt": PROMPT,
            "agent": asked,
            "model": MODELS[agent],
            "timeout": 60,
            "retry": {"max-attempts": 1},
            **settings,
        }
        flow = {"name": "main", "schema-version": "2.0", "phases": [phase]}
        box = Sandbox(folder / "sprint", "workflow: main\nsprint-id: real\n", {"main.yaml": flow})
        if (
            agent == "gemini"
        ):  # it takes settings from nowhere else, and will not log in by a key without them
            (home / ".gemini").mkdir()
            (home / ".gemini" / "settings.json").write_text(json.dumps(_GEMINI))
        temporary = folder / "tmp"
        temporary.mkdir()
        box.env |= {**led, **env, "TMPDIR": str(temporary), "PATH": f"{programs}:{box.env['PATH']}"}
        box.env = {name: value for name, value in box.env.items() if value}
        stage = Stage(agent, box, provider)
        try:
            yield stage
        finally:
            stage.close()


def _led(agent: str, address: str, home: Path) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The arguments and variables by which an agent speaks to the loopback, and does not ask again for minutes."""
    if agent == "claude":
        return (), {
            "ANTHROPIC_BASE_URL": address,
            "ANTHROPIC_API_KEY": "a-key-of-nobody",
            "CLAUDE_CODE_MAX_RETRIES": str(RETRIES),
        }
    if agent == "gemini":
        return (), {"GOOGLE_GEMINI_BASE_URL": address, "GEMINI_API_KEY": "a-key-of-nobody"}
    provider = (
        f'{{name="loopback",base_url="{address}/v1",wire_api="responses",env_key="LOOPBACK_KEY",'
        f"request_max_retries={RETRIES},stream_max_retries={RETRIES}}}"
    )
    return ("-c", 'model_provider="loopback"', "-c", f"model_providers.loopback={provider}"), {
        "LOOPBACK_KEY": "a-key-of-nobody"
    }
