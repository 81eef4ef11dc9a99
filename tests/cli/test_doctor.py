"""`doctor`: what it sees, what it makes of it, and that it touches nothing."""

import base64
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from fsm_sprint.doctor import installed, place
from fsm_sprint.doctor.agents import agents
from fsm_sprint.doctor.examination import examine, page
from fsm_sprint.doctor.finding import Finding, Mark, bad, ok
from fsm_sprint.doctor.survival import survival
from fsm_sprint.executors.version import version
from fsm_sprint.paths import SprintPaths
from tests.cli.command import Command
from tests.report.scene import Scene, leaf

ROOT = Path(__file__).parents[2]


def marks(findings: Iterator[Finding]) -> dict[str, str]:
    return {finding.name: finding.mark.value for finding in findings}


def said(findings: Iterator[Finding], name: str) -> str:
    return next(f"{one.mark} {one.detail} {one.hint}" for one in findings if one.name == name)


def test_a_healthy_place_is_found_healthy_and_left_as_it_was(home: Path, fsm_sprint: Command) -> None:
    (home / "SPRINT.yaml").write_text("workflow: x\n")
    done = fsm_sprint("doctor")

    assert "x " not in [line[2:4] for line in done.out.splitlines()]
    assert [path.name for path in home.iterdir()] == ["SPRINT.yaml"]
    groups = {one["group"] for one in fsm_sprint("doctor", "--json").document["checks"]}
    assert groups == {
        "Python",
        "packages",
        "sprint",
        "state",
        "programs",
        "agents",
        "terminal",
        "limits",
        "survival",
    }


def test_what_is_missing_makes_the_code_four(home: Path, fsm_sprint: Command) -> None:
    done = fsm_sprint("doctor", home / "nowhere", check=4)

    assert "x     directory" in done.out
    assert done.out.splitlines()[-1].startswith("1 missing or wrong, ")


def test_it_speaks_without_any_installed_package(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "fsm_sprint.doctor", str(home)], cwd=ROOT, capture_output=True, text=True
    )

    assert "packages" in done.stdout.splitlines()
    assert done.stderr == ""


def test_a_check_that_breaks_hides_no_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_paths: SprintPaths) -> Iterator[Finding]:
        yield ok("first", "fine")
        raise ZeroDivisionError("oops")

    groups = (("broken", broken), ("next", lambda _: iter([bad("thing", "gone", "get one")])))
    monkeypatch.setattr("fsm_sprint.doctor.examination.GROUPS", groups)
    found = examine(SprintPaths(home))

    assert list(page(found)) == [
        "broken",
        "  ok    first       fine",
        "  warn  this check  could not be made: oops",
        "next",
        "  x     thing  gone",
        "               → get one",
        "",
        "1 missing or wrong, 1 to know about",
    ]


@pytest.mark.parametrize(
    ("trust", "mark"),
    [("ext4", Mark.OK), ("nfs4", Mark.BAD), ("fuse.sshfs", Mark.BAD), ("whatfs", Mark.WARN)],
)
def test_file_systems_are_trusted_as_they_deserve(
    home: Path, monkeypatch: pytest.MonkeyPatch, trust: str, mark: Mark
) -> None:
    from journal.filesystem import Mount

    monkeypatch.setattr(place, "mount", lambda _: Mount("/data", trust))

    assert marks(place.directory(SprintPaths(home)))["file system"] == mark


def test_little_room_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, mark in ((50 << 20, "x"), (500 << 20, "warn"), (50 << 30, "ok")):
        usage = shutil.disk_usage(home)._replace(free=free)
        monkeypatch.setattr(place.shutil, "disk_usage", lambda _, usage=usage: usage)
        assert marks(place.directory(SprintPaths(home)))["room"] == mark


def test_what_earlier_runs_left_is_named_with_what_to_do(home: Path) -> None:
    with Scene(home, leaf("a"), leaf("b")).begin() as scene:
        scene.spawn("a")
        scene.spawn("b")
        scene.live("a")
        scene.commit()
        (home / "PROGRESS.yaml.edited-3").touch()
        (scene.paths.state / "journal-3.db.part").touch()
        (scene.paths.inbox / "1-x.json").touch()
        scene.paths.state.chmod(0o755)
        found = list(place.state(scene.paths))
        scene.paths.state.chmod(0o700)
        with scene.supervise():
            supervised = marks(place.state(scene.paths))

    assert said(iter(found), "tasks") == (
        "warn 1 alive without a supervisor `fsm-sprint run` takes them over, `fsm-sprint stop` ends them"
    )
    assert marks(iter(found)) == {
        "owner": "warn",
        "journal": "ok",
        "edits": "warn",
        "copies": "warn",
        "tasks": "warn",
        "requests": "warn",
    }
    assert supervised == {"journal": "ok", "supervisor": "ok", "edits": "warn", "copies": "warn"}


def test_a_journal_that_cannot_be_read_is_wrong(home: Path) -> None:
    paths = SprintPaths(home)
    paths.prepare()
    assert marks(place.state(paths)) == {"journal": "warn"}
    paths.journal.write_text("nothing like a database" * 100)
    paths.progress.symlink_to("elsewhere")

    assert marks(place.state(paths)) == {"journal": "x", "PROGRESS.yaml": "x"}


def distribution(folder: Path, *, requires: str = "") -> metadata.Distribution:
    """An installed fsm-sprint of one file, as an installer leaves it."""
    package = folder / "diagrams"
    package.mkdir(parents=True)
    (package / "dot.py").write_text("ours\n")
    (package / "gone.py").write_text("ours too\n")
    info = folder / "fsm_sprint-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fsm-sprint\nVersion: 1.0\n{requires}\n")
    digest = {
        path.name: base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
        for path in package.iterdir()
    }
    (info / "RECORD").write_text("".join(f"diagrams/{name},sha256={of},5\n" for name, of in digest.items()))
    return metadata.Distribution.at(info)


def test_files_that_another_package_has_overwritten_are_found(tmp_path: Path) -> None:
    ours = distribution(tmp_path)
    assert marks(installed._files(ours)) == {"files": "ok"}
    (tmp_path / "diagrams" / "dot.py").write_text("somebody else's\n")
    (tmp_path / "diagrams" / "gone.py").unlink()
    found = list(installed._files(ours))

    assert [one.mark for one in found] == [Mark.BAD, Mark.BAD]
    assert [one.detail for one in found] == [
        "missing: diagrams/gone.py",
        "not as they were installed: diagrams/dot.py",
    ]


def test_a_package_of_our_name_that_is_imported_instead_is_found(tmp_path: Path) -> None:
    assert marks(installed._origins(ROOT)) == {"imports": "ok"}
    assert said(installed._origins(tmp_path), "diagrams").startswith(
        f"x another package of this name is imported: {ROOT / 'diagrams'}"
    )


def test_dependencies_that_are_missing_or_of_the_wrong_age_are_found(tmp_path: Path) -> None:
    wanted = ["typer<0.1,>=0.0", "no-such-thing>=1", "rich>=13", "x; extra == 'dev'"]
    ours = distribution(tmp_path, requires="\n".join(f"Requires-Dist: {one}" for one in wanted))
    found = marks(installed._needed(ours))

    assert found == {"typer": "x", "no-such-thing": "x", "dependencies": "ok"}


def program(folder: Path, name: str, script: str = "exit 1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_without_an_agent_on_path_one_is_told_which_there_are(tmp_path: Path) -> None:
    found = list(agents({"PATH": str(tmp_path)}))
    assert marks(iter(found)) == {"agents": "warn"}
    assert "claude, codex, gemini, copilot, opencode, aider" in found[0].detail


def test_an_agent_is_told_with_version_login_and_flags(tmp_path: Path) -> None:
    claude = program(
        tmp_path / "bin", "claude", f"touch {tmp_path}/was-run-$1; echo 'warning\n2.1.9 (Claude Code)'"
    )
    environ = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    (first, others) = agents(environ)
    assert first.mark == Mark.WARN
    assert first.detail.startswith(
        f"2.1.9, {claude}; no login is seen; started as `claude -p --output-format stream-json"
    )
    assert "ANTHROPIC_API_KEY" in first.hint
    assert [path.name for path in tmp_path.glob("was-run*")] == ["was-run---version"]
    assert others.detail == "not on PATH: codex, gemini, copilot, opencode, aider"

    assert "login: $ANTHROPIC_API_KEY;" in said(agents({**environ, "ANTHROPIC_API_KEY": "secret"}), "claude")
    assert "secret" not in said(agents({**environ, "ANTHROPIC_API_KEY": "secret"}), "claude")
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / ".credentials.json").touch()
    assert f"login: {tmp_path}/.claude/.credentials.json;" in said(agents(environ), "claude")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".credentials.json").touch()
    environ["CLAUDE_CONFIG_DIR"] = str(elsewhere)
    assert f"login: {elsewhere}/.credentials.json;" in said(agents(environ), "claude")


def test_an_agent_whose_files_tell_its_version_is_not_run(tmp_path: Path) -> None:
    package = tmp_path / "lib" / "codex"
    real = program(package / "bin", "codex.js", f"touch {tmp_path}/was-run")
    (package / "package.json").write_text('{"name": "codex", "version": "0.169.0"}')
    native = program(tmp_path / "versions", "2.1.328", f"touch {tmp_path}/was-run")
    venv = program(tmp_path / "venv" / "bin", "aider", f"touch {tmp_path}/was-run")
    (tmp_path / "venv/lib/python3.12/site-packages/aider_chat-0.86.2.dist-info").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for name, path in (("codex", real), ("claude", native), ("aider", venv)):
        (tmp_path / "bin" / name).symlink_to(path)
    found = {one.name: one.detail for one in agents({"PATH": str(tmp_path / "bin")})}

    assert found["codex"].startswith("0.169.0, ")
    assert found["claude"].startswith("2.1.328, ")
    assert found["aider"].startswith("0.86.2, ")
    assert not (tmp_path / "was-run").exists()


def test_an_agent_that_does_not_say_its_version_in_time_is_not_waited_for(tmp_path: Path) -> None:
    slow = program(tmp_path, "slow", "sleep 60 & sleep 60")
    assert version(str(slow), 0.2) is None
    assert version(str(program(tmp_path, "mute", "exit 3"))) is None
    assert version(str(tmp_path / "gone")) is None


def machine(root: Path, **files: str) -> Path:
    """A root directory with files in it; `__` in a name stands for a slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"


def test_a_quiet_machine_ends_nothing(tmp_path: Path) -> None:
    assert marks(survival({}, machine(tmp_path, proc__self__cgroup="0::/user.slice\n"))) == {
        "surroundings": "ok"
    }


def test_a_logout_that_kills_is_told_of(tmp_path: Path) -> None:
    quiet = machine(
        tmp_path / "a", proc__self__cgroup=SESSION, etc__systemd__logind_DOT_conf="#KillUserProcesses=yes\n"
    )
    deadly = machine(
        tmp_path / "b",
        proc__self__cgroup=SESSION,
        etc__systemd__logind_DOT_conf="[Login]\nKillUserProcesses = yes\n",
    )
    mended = machine(
        tmp_path / "c",
        proc__self__cgroup=SESSION,
        usr__lib__systemd__logind_DOT_conf="KillUserProcesses=yes\n",
        etc__systemd__logind_DOT_conf_DOT_d__keep_DOT_conf="KillUserProcesses=no\n",
    )

    assert marks(survival({}, quiet)) == {"surroundings": "ok"}
    assert marks(survival({}, deadly)) == {"logout": "warn"}
    assert marks(survival({}, mended)) == {"surroundings": "ok"}


def test_units_containers_and_jobs_are_told_of(tmp_path: Path) -> None:
    unit = machine(tmp_path / "a", proc__self__cgroup="0::/system.slice/worker.service\n")
    user = machine(
        tmp_path / "b", proc__self__cgroup="0::/user.slice/user@1000.service/app.slice/shell.scope\n"
    )
    box = machine(tmp_path / "c", _DOT_dockerenv="")

    assert "worker.service" in said(survival({}, unit), "unit")
    assert marks(survival({}, user)) == {"surroundings": "ok"}
    assert marks(survival({}, box)) == {"container": "warn"}
    assert "GitHub Actions" in said(survival({"CI": "true", "GITHUB_ACTIONS": "true"}, tmp_path), "job")
    assert marks(survival({"RUNNER_TRACKING_ID": "x"}, tmp_path)) == {"job": "warn"}
