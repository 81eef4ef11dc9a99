"""Redraws `docs/diagrams` and the generated tables of `docs/`: `make diagrams`, run in the root of the repository."""

import sys
from pathlib import Path

from diagrams.dot import dot
from diagrams.gallery import NAMES, PAGES, picture, with_tables
from diagrams.render import svg
from fsm.errors import SprintError


def main() -> int:
    """Writes what has changed, and names it. Returns 1 when the SVG files could not be drawn."""
    docs = Path("docs")
    for page in PAGES:
        _write(docs / page, with_tables((docs / page).read_text(encoding="utf-8")))
    texts = {docs / "diagrams" / f"{name}.dot": dot(picture(name)) for name in NAMES}
    for path, text in texts.items():
        _write(path, text)
    try:
        for path, text in texts.items():
            _write(path.with_suffix(".svg"), svg(text))
    except SprintError as error:
        print(f"error: {error}", f"hint: {error.hint}" if error.hint else "", sep="\n", file=sys.stderr)  # noqa: T201  # a tool
        return 1
    return 0


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(path)  # noqa: T201  # a tool


if __name__ == "__main__":
    sys.exit(main())
