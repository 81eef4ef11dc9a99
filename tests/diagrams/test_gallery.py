"""What is committed under docs/ is what the tables give today."""

import re
from pathlib import Path

import pytest

from diagrams.dot import dot
from diagrams.gallery import NAMES, PAGES, picture, with_tables

DOCS = Path(__file__).parents[2] / "docs"

pictures = pytest.mark.parametrize("name", NAMES)


@pictures
def test_the_committed_dot_is_current(name):
    assert (DOCS / "diagrams" / f"{name}.dot").read_bytes() == dot(picture(name)).encode(), (
        "run `make diagrams`"
    )


@pictures
def test_the_committed_svg_shows_the_same_arrows(name):
    """SVG bytes vary with the version of Graphviz; which arrows there are does not."""
    svg = (DOCS / "diagrams" / f"{name}.svg").read_text()
    drawn = re.findall(r'class="edge">\s*<title>([^<]+)</title>', svg)
    wanted = re.findall(r'^  "([^"]+)" -> "([^"]+)"', dot(picture(name)), flags=re.MULTILINE)

    assert sorted(one.replace("&#45;", "-").replace("&gt;", ">") for one in drawn) == sorted(
        f"{source}->{dest}" for source, dest in wanted
    ), "run `make diagrams`"


def test_no_picture_is_left_over():
    kept = {path.stem for path in (DOCS / "diagrams").iterdir()}

    assert kept == set(NAMES)


@pytest.mark.parametrize("name", PAGES)
def test_the_tables_of_a_page_are_current(name):
    page = (DOCS / name).read_text()

    assert with_tables(page) == page, "run `make diagrams`"


def test_every_machine_has_its_table():
    page = (DOCS / "states.md").read_text()

    assert re.findall(r"<!-- table: (\S+) -->", page) == list(NAMES)
