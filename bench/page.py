"""Brings the generated part of docs/performance.md up to date; what stands around it is written by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bench.compare import Row
from bench.process import ROOT
from bench.table import cells, markdown

PAGE = ROOT / "docs" / "performance.md"
_BEGIN = "<!-- bench: begin -->"
_END = "<!-- bench: end -->"


def write(facts: Sequence[str], rows: Sequence[Row], said: str) -> None:
    """Puts machine and table between the markers. `said`: the command that gave them."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, marker, after = rest.partition(_END)
    if not marker:
        raise SystemExit(f"{PAGE.name} has lost its markers {_BEGIN} and {_END}")
    PAGE.write_text(f"{before}{_BEGIN}\n{_part(facts, rows, said)}\n{_END}{after}", encoding="utf-8")


def _part(facts: Sequence[str], rows: Sequence[Row], said: str) -> str:
    day = datetime.now(UTC).date().isoformat()
    missed = [
        f"- {row.measure}: {row.what}, {_found(row)} (target {row.target})"
        for row in rows
        if row.met is False
    ]
    lines = [
        f"Measured on {day} with `{said}`.",
        "",
        *(f"- {fact}" for fact in facts),
        "",
        markdown(rows),
        "",
    ]
    lines += ["Missed:", "", *missed] if missed else ["Every target that applies here is met."]
    return "\n".join(lines)


def _found(row: Row) -> str:
    _, ours, _, ratio, _, _ = cells(row)
    return f"{ours}, {ratio.split(' ')[0]} ×" if ratio else ours
