"""What of the user's environment reaches a task."""

from fsm_sprint.executors.environment import user_environment

KEPT = (
    "HOME",
    "PATH",
    "LANG",
    "AWS_REGION",
    "AWS_KEY",
    "ANTHROPIC_API_KEY",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_USE_BEDROCK",
)
DROPPED = (
    "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "BASH_ENV", "ENV", "NODE_OPTIONS", "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT", "FSM_SPRINT_TASK",
)  # fmt: skip
MINE = {name: f"value of {name}" for name in KEPT + DROPPED}


def test_what_would_bend_programs_and_marks_of_an_enclosing_agent_are_dropped():
    assert user_environment(MINE) == {name: MINE[name] for name in KEPT}


def test_an_allow_list_narrows_it_to_names_and_patterns_and_what_nothing_starts_without():
    assert set(user_environment(MINE, ["AWS_*"])) == {"HOME", "PATH", "AWS_REGION", "AWS_KEY"}


def test_a_name_on_the_allow_list_passes_even_if_it_would_be_dropped():
    assert set(user_environment(MINE, ["LD_LIBRARY_PATH", "PYTHON*"])) == {"HOME", "PATH", "LD_LIBRARY_PATH"}


def test_an_unset_home_stays_unset():
    assert user_environment({"PATH": "/bin"}, []) == {"PATH": "/bin"}
