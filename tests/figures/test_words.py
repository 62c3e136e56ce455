import pytest

from gridsweep.figures.words import counted, group_words, score_words, share_words


@pytest.mark.parametrize(
    ("by", "value", "words"),
    [
        ("target.kind", "difference_of_softmaxes", "difference of softmaxes"),
        ("target.kind", "gaussian", "Gaussian"),
        ("target.kind", None, "no target"),
        ("target.field_width_m", "0.12", "field width 0.12 m"),
        ("target.field_width_m", "0.1 to 0.3", "field width 0.1 to 0.3 m"),
        ("target.surround_ratio", None, "no surround ratio"),
        ("network.activation", "relu", "ReLU"),
        ("network.units", "256", "256 units"),
        ("training.learning_rate", "0.002", "learning rate 0.002"),
        ("seed", "3", "seed 3"),
        ("in_published_sample", "yes", "in published sample yes"),
    ],
)
def test_settings_are_named_for_readers(by, value, words):
    assert group_words([by], [value]) == words


def test_several_settings_are_listed():
    assert group_words(["target.kind", "seed"], ["gaussian", "1"]) == "Gaussian, seed 1"


@pytest.mark.parametrize(
    ("fraction", "words"),
    [
        (0, "0 %"),
        (0.12, "12 %"),
        (0.06, "6.0 %"),
        (6.5e-4, "0.065 %"),
        (1.4e-5, "14 ppm"),
        (3.3e-7, "0.33 ppm"),
    ],
)
def test_shares_have_two_digits(fraction, words):
    assert share_words(fraction, 0, 1)[0] == words


def test_an_interval_is_in_the_unit_of_its_share():
    assert share_words(0.06, 0.047, 0.11)[1] == "4.7 – 11"
    assert share_words(1.4e-5, 0.0, 2e-4)[1] == "0 – 200"
    assert share_words(0.06, float("nan"), float("nan"))[1] == ""


def test_counts_are_short():
    assert [counted(n, "unit") for n in (1, 1024, 2_576_384)] == ["1 unit", "1,024 units", "2.58 M units"]
    assert counted(3072) == "3,072"


def test_scores_are_named():
    assert score_words("grid_score_60") == "grid score (60°)"
