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


def test_the_table_of_acceptance_has_every_fact_with_a_test_or_what_came_out():
    """Seven sections of four facts; a fact without a test is one that the sources are unsure of."""
    page = (ROOT / "docs/systems/acceptance.md").read_text()
    rows = re.findall(r"^\| (\d\.\d) \| (.*) \| (.*) \|$", page, re.MULTILINE)
    assert [number for number, _, _ in rows] == [
        f"{part}.{fact}" for part in range(1, 8) for fact in range(1, 5)
    ]
    for number, fact, shown in rows:
        assert "`tests/" in shown or (fact.startswith("*expectation:*") and "](" in shown), number
