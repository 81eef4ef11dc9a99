"""The one table: for a terminal, and as Markdown."""

from collections.abc import Sequence

from bench.compare import Row, number

_HEADS = ("", "ours", "against", "ratio (least – most)", "target", "verdict")


def cells(row: Row) -> tuple[str, ...]:
    """A row as texts."""
    ratio = row.ratio
    shown = "" if ratio is None else f"{number(ratio.middle)} ({number(ratio.least)} – {number(ratio.most)})"
    verdict = {True: "met", False: "missed", None: "–" if row.target else ""}[row.met]
    return row.what, row.ours, row.against, shown, row.target, verdict


def text(rows: Sequence[Row]) -> str:
    """Columns side by side, a heading for each measurement."""
    found = [_HEADS, *map(cells, rows)]
    widths = [max(len(line[column]) for line in found) for column in range(len(_HEADS))]
    lines = [_line(_HEADS, widths)]
    measure = ""
    for row in rows:
        if row.measure != measure:
            measure = row.measure
            lines += ["", measure]
        lines.append(_line(cells(row), widths))
    return "\n".join(lines)


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


def markdown(rows: Sequence[Row]) -> str:
    """The same as a Markdown table."""
    lines = [f"| measure {' | '.join(_HEADS)} |", "|" + " --- |" * (len(_HEADS) + 1)]
    for row in rows:
        shown = [text.replace("|", "\\|") for text in cells(row)]
        shown[-1] = "**missed**" if row.met is False else shown[-1]
        lines.append(f"| {row.measure} | {' | '.join(shown)} |")
    return "\n".join(lines)
