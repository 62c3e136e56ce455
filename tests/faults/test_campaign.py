"""The campaign's table tells what happened: what is bad is counted, what does not run says why, disorder is bad."""

import sys

import pytest

from tests.faults import campaign
from tests.faults.named_tests import run_named

TESTS = """
import pytest

def test_a_is_b(record_property):
    record_property("cases", 7)
    record_property("seconds", 1.5)

def test_a_is_c():
    assert "a" == "c"

@pytest.mark.slow
def test_d():
    pytest.skip("there is no d here")
"""


def sound(folder, options):
    yield campaign.Line("X", 3, 0, "sound", str(options.seed))


def lossy(folder, options):
    yield campaign.Line("Y", 3, 2, "two were lost")


def disorder(folder, options):
    raise OSError("no such thing")
    yield


@pytest.mark.parametrize(("stages", "code"), [("X", 0), ("XY", 1), ("ZX", 1)])
def test_the_table_ends_with_1_when_anything_was_bad(monkeypatch, capsys, stages, code):
    monkeypatch.setattr(campaign, "STAGES", {"X": sound, "Y": lossy, "Z": disorder})
    monkeypatch.setattr(sys, "argv", ["campaign", "--stages", stages, "--seed", "5"])
    assert campaign.main() == code
    table = capsys.readouterr().out
    assert "| X | 3 | 0 | sound | 5 |" in table
    assert ("| Y | 3 | 2 | two were lost" in table) == ("Y" in stages)
    assert ("ended in disorder: OSError" in table) == ("Z" in stages)


def test_tests_are_run_by_name_the_slow_ones_too_and_say_what_they_recorded(tmp_path):
    (tmp_path / "test_some.py").write_text(TESTS)
    first, second, third = run_named([str(tmp_path / "test_some.py")], tmp_path)
    assert first.in_words == "a is b; cases 7; seconds 1.5"
    assert (first.failed, second.failed, third.failed) == (False, True, False)
    assert third.in_words == "d; not run: there is no d here"
    with pytest.raises(RuntimeError, match="ended with 4"):
        run_named([str(tmp_path / "no.py")], tmp_path)
