"""Decisions: numbered without a gap, listed in the index, all of one shape."""

import re

from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
INDEX = (FOLDER / "README.md").read_text()
PARTS = ["Question", "Decision", "Why", "What follows"]


def test_the_numbers_have_no_gap_and_no_double() -> None:
    assert [int(page.name[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))


def test_the_index_lists_every_page_by_its_title() -> None:
    listed = dict(re.findall(r"^\| \[(\d{4})\]\(\1-[\w-]+\.md\) \| (.+?) \|", INDEX, re.MULTILINE))
    titles = {}
    for page in PAGES:
        number, title = page.read_text().splitlines()[0].removeprefix("# ").split(". ", 1)
        assert number == page.name[:4]
        titles[number] = title

    assert listed == titles
    assert not [page.name for page in PAGES if page.name not in INDEX]


def test_every_page_has_the_four_parts_and_a_status() -> None:
    for page in [*PAGES, FOLDER / "template.md"]:
        text = page.read_text()

        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS, page.name
        assert re.search(r"^Date: \S+\. Status: (in force|succeeded by)", text, re.MULTILINE)
