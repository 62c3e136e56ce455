"""What the page is told, beside slow readings of the same store; and that a store cannot get a program into it."""

import base64
import hashlib
import html as escaping
import json
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from gridsweep.analysis.survival import ranked_scores, tail_probability
from gridsweep.figures.report import html
from gridsweep.figures.report.kept_maps import best_units, choose_networks, quantise
from gridsweep.figures.report.settings import label_of
from tests.commands import gridsweep
from tests.figures.reported import HOSTILE, KEPT


def decoded(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


def cells_of(score, rows):
    return decoded(score["cells"], f"<u{score['bits'] // 8}").reshape(rows, -1)


def test_the_counts_of_each_network_are_those_of_its_units(reported, told):
    runs, score = told["networks"]["run_id"], told["scores"][0]
    cells, best = cells_of(score, len(runs)), decoded(score["best"], "<f4")
    units = reported.units(
        columns=["run_id", "grid_score_60", "silent"], where="\"system.kind\" != 'filtered_noise'"
    )
    assert cells.sum() == len(units)
    for row, run_id in enumerate(runs):
        mine = units[units["run_id"] == run_id]
        ranked = ranked_scores(mine, "grid_score_60")
        for place, threshold in enumerate(score["thresholds"]):
            assert cells[row, place + 1 :].sum() == np.sum(ranked > threshold)
        assert best[row] == pytest.approx(
            np.nanmax(ranked, initial=-9) if len(ranked) else np.nan, nan_ok=True
        )


def test_runs_that_gave_nothing_are_told_with_how_they_ended(told):
    of = told["networks"]
    status = [of["statuses"][code] for code in decoded(of["status"], np.uint8)]
    assert status.count("completed") == 8
    assert status.count("diverged") == 1
    reasons = [of["reasons"][code] for code in decoded(of["reason"], np.uint8)]
    assert reasons[status.index("diverged")] == "nan_loss"
    assert cells_of(told["scores"][0], 9)[status.index("diverged")].sum() == 0
    assert np.isnan(decoded(of["error_cm"], "<f4")[status.index("diverged")])


def test_the_null_is_dealt_into_hands_as_large_as_a_network(told):
    (null,) = told["scores"][0]["nulls"]
    assert told["about"]["hand"] == 40
    cells = decoded(null["cells"], f"<u{null['bits'] // 8}").reshape(null["hands"], -1)
    np.testing.assert_array_equal(cells.sum(axis=1), [40] * 5)
    assert len(decoded(null["best"], "<f4")) == 5


def test_settings_that_differ_can_be_filtered_and_others_are_left_out(told):
    by_name = {setting["name"]: setting for setting in told["settings"]}
    assert "network.kind" not in by_name
    kinds = by_name["target.kind"]
    words = [kinds["values"][code] for code in decoded(kinds["codes"], np.uint8)]
    assert words.count("difference of softmaxes") == 4
    sweeps = by_name["sweep"]["values"]
    assert sweeps == ["all", "all + some"]
    assert by_name["network.units"]["numeric"]
    assert label_of("target.field_width_m") == "target: field width (m)"


def test_maps_are_those_of_the_best_units_and_come_back_within_half_a_step(reported, told):
    kept = told["maps"]["networks"]
    assert len(kept) == 6
    for row, found in kept.items():
        run_id = told["networks"]["run_id"][int(row)]
        stored = reported.rate_maps(where=f"run_id = '{run_id}'").set_index("unit")["map"]
        scores = reported.units(where=f"run_id = '{run_id}' AND unit < {KEPT}").set_index("unit")
        of = [unit["unit"] for unit in found["units"]]
        assert len(of) == 4
        assert scores["grid_score_60"].idxmax() in of
        assert scores["grid_score_90"].idxmax() in of
        levels = decoded(found["maps"], np.uint8).reshape(4, -1)
        for unit, level in zip(found["units"], levels, strict=True):
            exact = np.asarray(stored[unit["unit"]])
            visited = level != 255
            np.testing.assert_array_equal(visited, ~np.isnan(exact))
            rates = unit["low"] + level[visited] / 254 * (unit["high"] - unit["low"])
            assert np.abs(rates - exact[visited]).max() <= (unit["high"] - unit["low"]) / 508 * 1.01


def test_every_group_gets_its_turn_before_one_gets_a_second(told):
    best = np.array([0.9, 0.8, 0.7, 0.1, np.nan])
    assert choose_networks(pd.Series(["a", "a", "a", "b", "b"]), best, 3) == [0, 3, 1]
    assert choose_networks(pd.Series(["a", None, "a", None, "b"]), best, 9) == [0, 1, 2, 3]


def test_best_units_come_by_turns_from_both_scores():
    units = pd.DataFrame(
        {"unit": range(4), "grid_score_60": [1.0, 0.9, 0.1, 0.0], "grid_score_90": [0, 0.1, 0.9, 1.0]}
    )
    assert list(best_units(units, 2)["unit"]) == [0, 3]
    assert sorted(best_units(units, 9)["unit"]) == [0, 1, 2, 3]


def test_a_map_without_any_rate_or_with_one_has_levels_all_the_same():
    levels, low, high = quantise(np.full((2, 2), np.nan))
    assert (set(levels.ravel()), low, high) == ({255}, 0.0, 0.0)
    levels, low, high = quantise(np.full((2, 2), 3.0))
    assert (set(levels.ravel()), low, high) == ({0}, 3.0, 3.0)


def test_bands_leave_out_at_their_ends_what_the_figures_leave_out(told):
    assert told["tails"][:3] == [tail_probability(n, 0.95) for n in (2, 3, 4)]


def test_the_page_runs_its_own_program_only_and_loads_nothing(told):
    page = html(told)
    policy = escaping.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    assert policy.startswith("default-src 'none'")
    programs = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(programs) == 1
    digest = base64.b64encode(hashlib.sha256(programs[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert not re.search(r'\b(src|href)\s*=\s*["\']?(https?:|//)', page)


def test_a_store_cannot_end_the_data_or_start_a_program(told):
    hostile = told | {
        "about": told["about"] | {"title": HOSTILE, "sweeps": [{"sweep": HOSTILE, "missing": 0}]}
    }
    page = html(hostile)
    assert page.count("<script") == 2
    assert "<img" not in page
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert not set("<>&") & set(data)
    assert json.loads(data)["about"]["title"] == HOSTILE


def test_the_program_never_makes_markup_of_data():
    program = files("gridsweep.figures.report").joinpath("page.js").read_text()
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "fetch(",
    ):
        assert word not in program


def test_the_command_writes_the_same_page_twice(reported, tmp_path):
    pages = []
    for name in ("a.html", "a.html"):
        done = gridsweep(
            "report", "--store", reported.path, "--out", tmp_path / name, "--networks-with-maps", 2
        )
        assert done.exit_code == 0, done.output
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]
    assert reported.snapshot_id().encode() in pages[0]


def test_what_is_not_there_is_said(reported, tmp_path):
    words = ("report", "--store", reported.path, "--out")
    assert gridsweep(*words, tmp_path / "no" / "report.html").exit_code == 2
    asked = gridsweep(*words, tmp_path / "a.html", "--where", "\"target.kind\" = 'polar'")
    assert asked.exit_code == 2
    assert "no units are left" in asked.output
