import pytest

from gridsweep.figures.style import cut, marks, text_width_mm, wrap


def test_every_group_looks_different_from_every_other():
    for groups, ordered in ((2, False), (7, False), (24, False), (13, True)):
        looks = marks([False] * groups + [True] * 6, ordered)
        assert len({(mark.colour, str(mark.line)) for mark in looks}) == groups + 6


def test_few_groups_differ_in_line_as_well_as_in_colour():
    looks = marks([False, False, False, False, True], False)
    assert len({str(mark.line) for mark in looks}) == 5


def test_too_many_groups_and_nulls_are_refused():
    with pytest.raises(ValueError, match="found 25 groups, expected at most 24"):
        marks([False] * 25, False)
    with pytest.raises(ValueError, match="found 7 kinds of null"):
        marks([True] * 7, False)


def test_text_is_wrapped_and_cut_to_a_width():
    text = "Silent and unscored units count as never exceeding, whatever the threshold is."
    lines = wrap(text, 40.0, 7.0)
    assert " ".join(lines) == text
    assert all(text_width_mm(line, 7.0) <= 40.0 for line in lines)
    short = cut(text, 40.0, 7.0)
    assert short.endswith("…")
    assert text_width_mm(short, 7.0) <= 40.0


def test_text_grows_with_its_font():
    assert text_width_mm("null", 14.0) == pytest.approx(2 * text_width_mm("null", 7.0), rel=0.02)
