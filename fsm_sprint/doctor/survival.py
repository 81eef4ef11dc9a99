"""Who may end tasks over our heads: whoever owns the session, the unit, the container or the job around this process.

Tasks outlive their supervisor because nobody ends them with it. Where something else does, a `kill` of the whole group
leaves them `lost`, and it is better to know before the run.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fsm_sprint.doctor.finding import Finding, ok, warn

_JOBS = {
    "GITHUB_ACTIONS": "GitHub Actions",
    "GITLAB_CI": "GitLab CI",
    "JENKINS_URL": "Jenkins",
    "BUILDKITE": "Buildkite",
    "CIRCLECI": "CircleCI",
    "TF_BUILD": "Azure Pipelines",
    "TEAMCITY_VERSION": "TeamCity",
    "RUNNER_TRACKING_ID": "a CI runner",
    "CI": "a CI job",
}

_SETTINGS = ("/etc/systemd/logind.conf", "/run/systemd/logind.conf", "/usr/lib/systemd/logind.conf")


def survival(environ: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Iterator[Finding]:
    """What surrounds us; `root` is where the system's files are looked for."""
    before = [*_session(root), *_container(environ, root), *_job(environ)]
    yield from before
    if not before:
        yield ok("surroundings", "nothing is known here that would end running tasks")


def _session(root: Path) -> Iterator[Finding]:
    group = _text(root / "proc/self/cgroup")
    service = re.search(r"/([^/\n]+\.service)(?:/|$)", group, re.MULTILINE)
    scope = re.search(r"/(session-[^/\n]+\.scope)", group)
    if scope and _kills_processes(root):
        hint = "`loginctl enable-linger`, and run under `systemd-run --user --scope`; or KillUserProcesses=no"
        yield warn("logout", f"systemd ends what runs in {scope[1]} when you log out", hint)
    elif service and not service[1].startswith("user@"):
        hint = "set KillMode=process in it, or stop the sprint first: `fsm-sprint stop`"
        yield warn("unit", f"stopping {service[1]} ends the tasks in it too", hint)


def _kills_processes(root: Path) -> bool:
    """What logind's settings say; the first file found counts, then its drop-ins, the last word wins."""
    files = [root / name.lstrip("/") for name in _SETTINGS]
    texts = [next((text for file in files if (text := _text(file))), "")]
    for file in reversed(files):
        texts += [_text(part) for part in sorted(file.with_name("logind.conf.d").glob("*.conf"))]
    said = re.findall(r"(?m)^\s*KillUserProcesses\s*=\s*(\w+)", "\n".join(texts))
    return bool(said) and said[-1].lower() in ("yes", "true", "1", "on")


def _container(environ: Mapping[str, str], root: Path) -> Iterator[Finding]:
    marked = (root / ".dockerenv").exists() or (root / "run/.containerenv").exists()
    if marked or environ.get("container"):
        hint = "keep the sprint's directory on a volume; the next run then goes on, and what ran is `lost`"
        yield warn("container", "its end ends all tasks in it", hint)


def _job(environ: Mapping[str, str]) -> Iterator[Finding]:
    name = next((what for key, what in _JOBS.items() if environ.get(key)), None)
    if name is not None:
        hint = "wait for `fsm-sprint run` inside the job; `--detach` does not survive it"
        yield warn("job", f"{name} ends all processes of a job with it", hint)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
