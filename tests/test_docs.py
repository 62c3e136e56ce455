"""What the pages say of tests and files is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page):
    for file, _, test in re.findall(r"`(tests/[\w/]+\.py)(::(\w+))?`", page.read_text()):
        path = ROOT / file
        assert path.exists(), f"{page.name}: {file}"
        if test:
            assert f"def {test}(" in path.read_text(), f"{page.name}: {file}::{test}"


def test_the_table_of_refusals_has_a_row_for_every_number_and_a_test_for_every_row():
    rows = re.findall(
        r"^\| (\d+) \|.*\| (`tests/.*) \|$", (ROOT / "docs/errors.md").read_text(), re.MULTILINE
    )
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= 34
