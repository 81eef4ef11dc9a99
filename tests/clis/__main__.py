"""Runs the real agents and prints what came of each case: `python -m tests.clis`; with `--write` into docs/agents.md.

Other words are pytest's (`-k codex`). The page is written only when every case of every agent has gone as expected.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.clis.installed import PACKAGES

_PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


class Table:
    """Listens to a test session: cases are rows, agents are columns."""

    def __init__(self) -> None:
        self.cells: dict[str, dict[str, str]] = {}
        self.versions: dict[str, str] = {}
        self.passed = self.others = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.passed += 1
        elif not report.passed:
            self.others += 1
        for name, value in report.user_properties:
            if name == "clis" and report.when == "call" and report.passed:
                case, agent, cell, version = json.loads(str(value))
                self.cells.setdefault(case, {})[agent] = cell
                self.versions[agent] = version

    def lines(self) -> Iterator[str]:
        """As Markdown, with its date."""
        agents = [agent for agent in PACKAGES if agent in self.versions]
        named = ", ".join(f"{agent} {self.versions[agent]}" for agent in agents)
        yield f"Run on {datetime.now(UTC):%Y-%m-%d} with {named}: {self.passed} cases, all as it says here."
        yield ""
        yield f"| | {' | '.join(f'`{agent}`' for agent in agents)} |"
        yield "| --- " * (len(agents) + 1) + "|"
        for case, cells in self.cells.items():
            yield f"| {case} | {' | '.join(cells.get(agent, '–') for agent in agents)} |"


def main(words: Sequence[str]) -> int:
    """The exit code of pytest; 1 when nothing could be run."""
    table = Table()
    rest = [word for word in words if word != "--write"]
    place = str(Path(__file__).parent)
    code = pytest.main(["-q", "-n", "0", "-m", "clis", place, *rest], plugins=[table])
    if not table.passed:
        return int(code) or 1
    print("\n".join(table.lines()))
    if "--write" in words and not table.others and not rest:
        text = "\n".join(table.lines())
        page = re.sub(
            r"(<!-- clis -->\n).*?(<!-- end -->)",
            lambda found: f"{found[1]}\n{text}\n\n{found[2]}",
            _PAGE.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        _PAGE.write_text(page, encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
