import pytest

from gridsweep.store import StoreError
from gridsweep.store.layout import check_id, check_slug, data_cohort, data_file, ledger_cohort, plan_number


@pytest.mark.parametrize("text", ["../x", "ABCDEF01", "abc", "", "0" * 65, "01234567\n", None, 12345678])
def test_an_id_is_lower_case_hex_and_nothing_else(text):
    with pytest.raises(StoreError, match=r"run_id: found .*expected 8 to 64 lower-case hex digits"):
        check_id(text, "run_id")


@pytest.mark.parametrize("text", ["Width", "-x", "a/b", "..", "", "a" * 65, "a.b", None])
def test_a_sweeps_name_is_a_slug(text):
    with pytest.raises(StoreError, match=r"sweep: found .*expected a name of a-z"):
        check_slug(text)


def test_a_data_files_name_holds_its_cohort_and_a_part_of_its_hash():
    name = data_file("units", "width-2", "0123456789abcdef", "f" * 64)
    assert name == "units/width-2/0123456789abcdef-ffffffff.parquet"
    assert data_cohort(name.rpartition("/")[2]) == "0123456789abcdef"


def test_only_names_that_the_store_would_give_are_recognised():
    assert plan_number("0012.json") == 12
    assert [plan_number(name) for name in ("12.json", "00012.json", "0012.json~", "x.json")] == [None] * 4
    assert plan_number("12345.json") == 12345
    assert ledger_cohort("0123456789abcdef.json") == ("0123456789abcdef", 0)
    assert ledger_cohort("0123456789abcdef.r2.json") == ("0123456789abcdef", 2)
    assert [ledger_cohort(f"0123456789abcdef.{name}.json") for name in ("r0", "r02", "2")] == [None] * 3
    assert ledger_cohort(".nfs0001") is None
    assert data_cohort("notes.txt") is None
