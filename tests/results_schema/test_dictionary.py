from pathlib import Path

from results_schema import TABLES, VERSION
from results_schema.dictionary import data_dictionary

ROOT = Path(__file__).parents[2]


def test_the_committed_data_dictionary_is_the_generated_one():
    committed = (ROOT / "docs" / "data_dictionary.md").read_text()
    assert committed == data_dictionary(), "run: python -m results_schema > docs/data_dictionary.md"


def test_every_table_and_column_is_in_the_dictionary():
    text = data_dictionary()
    for table in TABLES.values():
        assert f"\n## {table.name}\n" in text
        assert all(f"| `{column}` |" in text for column in table.columns)


def test_the_version_has_a_line_in_the_list_of_changes():
    assert f"- **{VERSION}** — " in (ROOT / "results_schema" / "CHANGES.md").read_text()
