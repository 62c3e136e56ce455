"""The page in a real browser: filters, linked selection, maps; and that it speaks to nobody."""

import base64
import json

import numpy as np
import pytest

from gridsweep.analysis import fractions_above, select_units
from gridsweep.figures.report import html
from tests.browser import Browser
from tests.figures.reported import BINS, HOSTILE

DONE = "document.documentElement.dataset.bands === 'done'"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(browser, told, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(html(told))
    browser.open(path)
    browser.until(DONE)
    yield browser
    assert browser.said() == []
    assert browser.requests() == [path.as_uri()]


def groups(page):
    """The table of curves: label to the words of its cells."""
    rows = page.evaluate(
        "[...document.querySelectorAll('#groups tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return {row[0]: row[1:] for row in rows}


def networks_listed(page):
    return page.evaluate("document.getElementById('listed').textContent")


def test_curves_have_the_shares_and_bands_of_the_figures(page, reported):
    table = select_units(reported, by="target.kind").beside_null()
    right = fractions_above(table, [0.8]).set_index("group")
    found = groups(page)
    for label, group in (("Gaussian", "gaussian"), ("difference of softmaxes", "difference_of_softmaxes")):
        networks, units, share, *_ = found[label]
        row = right.loc[group]
        assert (int(networks), int(units)) == (row["networks"], row["units"])
        value, _, ends = share.partition(" % ")
        low, high = (float(end) / 100 for end in ends.split(" – "))
        assert float(value) / 100 == pytest.approx(row["fraction"], rel=0.06)  # two digits
        # Other draws of the same bootstrap.
        assert abs(low - row["low"]) < 0.2 * (row["high"] - row["low"])
        assert abs(high - row["high"]) < 0.2 * (row["high"] - row["low"])
    assert found["null: low-pass noise, 2 bins, rectified"][1] == "200 maps"
    assert found["Gaussian"][6] == "1"  # diverged


def test_a_filter_changes_how_many_networks_a_curve_is_of(page):
    assert groups(page)["Gaussian"][0] == "3"
    page.click_on("[data-setting=seed] summary")
    page.click_on("[data-setting=seed] [data-code='1']")
    page.until(DONE)
    found = groups(page)
    assert (found["Gaussian"][0], found["difference of softmaxes"][0]) == ("2", "3")
    assert "null: low-pass noise, 2 bins, rectified" in found
    assert networks_listed(page) == "6 networks"
    assert "6 networks" in page.evaluate("document.getElementById('said').textContent")


def test_a_position_error_leaves_networks_out_and_counts_them(page):
    page.evaluate("(() => { const cut = document.getElementById('error-cut'); cut.value = '7.05';"
                  "cut.dispatchEvent(new Event('change')); })()")  # fmt: skip
    page.until(DONE)
    found = groups(page)
    # Errors are 6.9 to 7.1 and 7.4 to 7.7 cm.
    assert (found["Gaussian"][0], found["Gaussian"][9]) == ("2", "1")
    assert (found["difference of softmaxes"][0], found["difference of softmaxes"][9]) == ("0", "4")


def test_a_click_on_a_curve_lists_its_networks(page, told):
    assert networks_listed(page) == "8 networks"
    kinds = next(setting for setting in told["settings"] if setting["name"] == "target.kind")
    code = kinds["values"].index("difference of softmaxes")
    x, y = page.evaluate(
        f"(() => {{ const curve = document.querySelector('#log [data-group=\"{code}\"]');"
        "const at = curve.getPointAtLength(0.75 * curve.getTotalLength()).matrixTransform(curve.getScreenCTM());"
        "return [at.x, at.y]; })()"
    )
    page.click(x, y)
    assert networks_listed(page) == "4 networks"
    assert "difference of softmaxes" in page.evaluate("document.getElementById('chip').textContent")
    page.click_on("#chip button")
    assert networks_listed(page) == "8 networks"


def test_networks_are_sorted_by_any_column(page, told):
    def column(number):
        cells = f"[...document.querySelectorAll('#networks tbody tr')].map(row => row.cells[{number}].textContent)"
        return [float(words) for words in page.evaluate(cells)]

    assert column(1) == sorted(column(1), reverse=True)
    page.click_on("#networks [data-sort=error]")
    assert column(3) == sorted(column(3), reverse=True)
    page.click_on("#networks [data-sort=error]")
    assert column(3) == sorted(column(3))
    page.click_on("#every-status")
    assert networks_listed(page) == "9 networks"


def test_a_click_on_a_network_shows_its_maps_and_their_autocorrelograms(page, told):
    from gridsweep.figures.pages._reading import autocorrelogram_of

    row, kept = next(iter(told["maps"]["networks"].items()))
    page.click_on(f"#networks [data-row='{row}'] td")
    assert told["networks"]["run_id"][int(row)] in page.evaluate(
        "document.querySelector('#network h2').textContent"
    )
    side = 2 * BINS - 1
    page.until(
        f"[...document.querySelectorAll('.pair canvas:last-child')].every(c => c.width === {3 * side})"
    )
    assert page.evaluate("document.querySelectorAll('#maps .unit').length") == len(kept["units"])
    unit = kept["units"][0]
    levels = np.frombuffer(base64.b64decode(kept["maps"]), np.uint8)[: BINS * BINS].astype(float)
    rates = np.where(levels == 255, 0.0, unit["low"] + levels / 254 * (unit["high"] - unit["low"]))
    right = autocorrelogram_of(rates)
    pixels = page.evaluate(
        f"[...document.querySelector('[data-unit=\"{unit['unit']}\"] canvas:last-child').getContext('2d')"
        f".getImageData(0, 0, {3 * side}, {3 * side}).data]"
    )
    drawn = np.array(pixels).reshape(3 * side, 3 * side, 4)[1::3, 1::3, :3][::-1].transpose(1, 0, 2)
    stops = np.array(
        [[int(stop[at : at + 2], 16) for at in (1, 3, 5)] for stop in told["colours"]["correlation"]]
    )
    places = np.linspace(-1, 1, len(stops))
    expected = np.stack([np.interp(right, places, stops[:, channel]) for channel in range(3)], axis=-1)
    assert np.abs(drawn - expected).max() < 8  # of 255: 256 colours, rounded


def test_words_of_a_store_are_words_on_the_page(browser, told, tmp_path):
    hostile = json.loads(json.dumps(told))
    hostile["about"]["sweeps"][0]["sweep"] = hostile["about"]["title"] = HOSTILE
    path = tmp_path / "hostile.html"
    path.write_text(html(hostile))
    browser.open(path)
    browser.until(DONE)
    assert (
        browser.evaluate("document.images.length + document.querySelectorAll('iframe, object, embed').length")
        == 0
    )
    assert browser.evaluate("document.getElementById('title').textContent") == HOSTILE
    assert browser.evaluate("document.querySelector('#sweeps tbody td').textContent") == HOSTILE
    assert HOSTILE.replace("_", " ") in groups(browser)  # the target of a network
    assert browser.said() == []
    assert browser.requests() == [path.as_uri()]


def test_it_fits_a_phone(page):
    page.resize(390, 844)
    page.until("document.getElementById('log').getBoundingClientRect().right <= 390")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
