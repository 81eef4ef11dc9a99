"""Runs the model checker over the shipped tables and decisions: `python -m fsm_sprint.cli.proof`.

Prints what was looked at and every law that does not hold. With `--write` docs/checking.md gets the figures; with
`--deep` the plans are explored with every request and more verdicts too, which takes minutes.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fsm.check import LAWS, Looked, deep_subjects, prove

_PAGE = Path("docs/checking.md")


def main(words: Sequence[str]) -> int:
    """Returns 1 when a law does not hold."""
    proof = prove()
    looked = list(proof.looked)
    findings = list(proof.findings)
    if "--deep" in words:
        deep = prove(deep_subjects(), most=2_000_000)
        looked += deep.looked
        findings += deep.findings
    print("\n".join(figures(looked)))
    for found in findings:
        print(found, file=sys.stderr)
    held = not findings and all(one.complete for one in looked)
    print(f"\n{len(LAWS)} laws: {'all hold' if held else 'NOT PROVED'}")
    if "--write" in words and held:
        _PAGE.write_text(with_figures(_PAGE.read_text(encoding="utf-8"), looked), encoding="utf-8")
    return 0 if held else 1


def figures(looked: Sequence[Looked]) -> Iterator[str]:
    """A Markdown table of what was explored."""
    yield "| plan | | moments | steps |"
    yield "| --- | --- | ---: | ---: |"
    for one in looked:
        yield f"| {one.name} | {one.what} | {one.moments:,}{'' if one.complete else ', cut off'} | {one.steps:,} |"
    yield f"| all | | {sum(one.moments for one in looked):,} | {sum(one.steps for one in looked):,} |"


def with_figures(page: str, looked: Sequence[Looked]) -> str:
    """The page with the part between `<!-- figures -->` and `<!-- end -->` made anew."""
    table = "\n".join(figures(looked))
    return re.sub(
        r"(<!-- figures -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n{table}\n\n{found[2]}",
        page,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
