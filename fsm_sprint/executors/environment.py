"""The environment of tasks: the user's, less what would bend the programs that they start.

Rule: a name on the allow-list passes even if it would be dropped otherwise; with an allow-list, nothing else passes.
"""

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

_PREFIXES = ("LD_", "DYLD_", "PYTHON", "FSM_SPRINT_")
_NAMES = frozenset({
    "BASH_ENV", "ENV", "NODE_OPTIONS",
    # What agents tell the programs inside of them; a task is not inside of the agent that started the sprint.
    "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT", "CLAUDE_CODE_SESSION_ID", "CLAUDE_PROJECT_DIR",
    "CLAUDE_ENV_FILE", "CLAUDE_AGENT_SDK_VERSION", "AI_AGENT", "CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED",
    "CODEX_THREAD_ID", "GEMINI_CLI", "GEMINI_CLI_NO_RELAUNCH", "CURSOR_AGENT", "CURSOR_TRACE_ID", "OPENCODE",
    "COPILOT_CLI", "AGENT",
})  # fmt: skip
_ALWAYS = ("HOME", "PATH")
"""Without these hardly anything starts; an allow-list need not name them."""


def user_environment(environment: Mapping[str, str], allow: Collection[str] | None = None) -> dict[str, str]:
    """What of the user's environment tasks get; `allow` holds names and patterns (`AWS_*`), None for no such list."""
    if allow is None:
        return {name: value for name, value in environment.items() if not _bends(name)}
    patterns = (*allow, *_ALWAYS)
    return {
        name: value
        for name, value in environment.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns) and (name in allow or not _bends(name))
    }


def _bends(name: str) -> bool:
    return name in _NAMES or name.startswith(_PREFIXES)
