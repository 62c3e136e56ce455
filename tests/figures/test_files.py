import re

import pandas as pd
import pytest

from gridsweep.figures import Drawn, save


@pytest.fixture
def drawn():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.5, "grid score (60°)")
    return Drawn(figure, {}, pd.DataFrame({"threshold": [0.1, 1 / 3]}))


def test_a_figure_is_a_pdf_a_png_and_a_table(drawn, tmp_path):
    paths = save(drawn, tmp_path / "figures", "survival")
    assert [path.name for path in paths] == ["survival.pdf", "survival.png", "survival.csv"]
    assert sorted((tmp_path / "figures").iterdir()) == sorted(paths)  # nothing temporary is left
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert paths[2].read_text() == "threshold\n0.1\n0.3333333333333333\n"


def test_nothing_in_a_file_says_when_or_with_what_it_was_made(drawn, tmp_path):
    pdf, png, _ = (path.read_bytes() for path in save(drawn, tmp_path, "survival"))
    for word in (b"CreationDate", b"ModDate", b"Producer", b"Creator", b"atplotlib"):
        assert word not in pdf
        assert word not in png
    assert b"/TrueType" in pdf or b"/CIDFontType2" in pdf
    assert b"/Type3" not in pdf


def test_a_png_has_200_dots_an_inch(drawn, tmp_path):
    png = save(drawn, tmp_path, "survival")[1].read_bytes()
    assert int.from_bytes(png[16:20], "big") == 400


def test_a_figure_replaces_the_one_before(drawn, tmp_path):
    (tmp_path / "survival.csv").write_text("earlier")
    save(drawn, tmp_path, "survival")
    assert "earlier" not in (tmp_path / "survival.csv").read_text()


def test_a_write_that_fails_leaves_what_was_there(drawn, tmp_path, monkeypatch):
    (tmp_path / "survival.pdf").write_text("old")

    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr("gridsweep.figures.files.os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        save(drawn, tmp_path, "survival")
    assert [path.name for path in tmp_path.iterdir()] == ["survival.pdf"]
    assert (tmp_path / "survival.pdf").read_text() == "old"


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_a_name_is_not_a_path(drawn, tmp_path, name):
    with pytest.raises(ValueError, match=re.escape(f"found the name {name!r}")):
        save(drawn, tmp_path, name)


def test_a_notebook_shows_the_figure(drawn):
    assert drawn._repr_png_().startswith(b"\x89PNG")
