"""Recordings read from files, and the rate maps made of them."""

import datetime
import warnings

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from gridsweep.neural.mat import read_mat
from gridsweep.neural.npz import read_npz
from gridsweep.neural.nwb import read_nwb
from gridsweep.neural.recording import Recording, rate_maps


def walk(frames=4000, rate=50.0, seed=0):
    """A path that fills a square of one metre, with one cell that fires on its left half."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(frames) / rate
    angle = np.cumsum(rng.normal(size=frames) * 0.3)
    position_m = np.cumsum(0.01 * np.stack([np.cos(angle), np.sin(angle)], axis=1), axis=0)
    position_m = np.abs((position_m + 0.5) % 2.0 - 1.0)  # folded back into the square
    left = position_m[:, 0] < 0.5
    spikes = time_s[left][::10] + 0.001
    return time_s, position_m, (spikes, time_s[::100] + 0.002)


def recording(**changes):
    time_s, position_m, spikes = walk()
    said = {"name": "r", "cells": ("a", "b"), "spike_s": spikes, "time_s": time_s, "position_m": position_m}
    return Recording(**(said | changes))


def test_rates_are_spikes_over_time_in_each_bin():
    found = recording()
    maps = rate_maps(found, bins=(5, 4), least_occupancy_s=0.0, least_speed_m_per_s=0.0)
    low, high = found.position_m.min(axis=0), found.position_m.max(axis=0)
    place = np.minimum(((found.position_m - low) / (high - low) * (5, 4)).astype(int), (4, 3))
    time_s, counts = np.zeros((5, 4)), np.zeros((5, 4, 2))
    for x, y in place:
        time_s[x, y] += 0.02
    for cell, spikes in enumerate(found.spike_s):
        for spike in spikes:
            if spike <= found.time_s[-1]:
                x, y = place[np.argmin(np.abs(found.time_s - spike))]
                counts[x, y, cell] += 1
    expected = np.where(time_s[..., None] > 0, counts / np.where(time_s > 0, time_s, 1)[..., None], np.nan)
    np.testing.assert_allclose(maps, expected, rtol=1e-6)
    assert np.nanmean(maps[:2, :, 0]) == pytest.approx(5.0, rel=0.2)
    assert np.nanmax(maps[3:, :, 0]) == 0.0


def test_bins_are_of_five_centimetres_unless_said_otherwise():
    extent = ((0.0, 1.0), (0.0, 0.5))
    assert rate_maps(recording(), extent_m=extent).shape == (20, 10, 2)
    assert rate_maps(recording(), extent_m=extent, bin_m=0.1).shape == (10, 5, 2)


def test_short_visits_slow_moments_and_unseen_frames_do_not_count():
    time_s, position_m, _ = walk()
    loose = rate_maps(recording(), bins=(20, 20), least_occupancy_s=0.0, least_speed_m_per_s=0.0)
    strict = rate_maps(recording(), bins=(20, 20), least_occupancy_s=0.5, least_speed_m_per_s=0.0)
    assert np.isnan(strict[..., 0]).sum() > np.isnan(loose[..., 0]).sum()
    still = recording(position_m=np.where(time_s[:, None] < 40, position_m, position_m[2000]))
    resting = rate_maps(still, bins=(4, 4), least_occupancy_s=0.0)
    moving = rate_maps(
        recording(time_s=time_s[:2000], position_m=position_m[:2000]),
        bins=(4, 4),
        extent_m=still.extent_m(),
        least_occupancy_s=0.0,
    )
    np.testing.assert_allclose(resting, moving, rtol=0.15, atol=0.6)
    unseen = position_m.copy()
    unseen[position_m[:, 1] > 0.5] = np.nan
    maps = rate_maps(
        recording(position_m=unseen), bins=(4, 4), extent_m=((0, 1), (0, 1)), least_speed_m_per_s=0
    )
    assert np.isnan(maps[:, 2:]).all()
    assert np.isfinite(maps[:, :2]).all()


def test_a_gap_in_tracking_is_no_time_in_a_bin():
    time_s, _, spikes = walk()
    later = np.where(time_s > 40, time_s + 1000, time_s)
    moved = tuple(np.where(spike > 40, spike + 1000, spike) for spike in spikes)
    gap = recording(time_s=later, spike_s=moved)
    plain = rate_maps(recording(), bins=(4, 4), least_speed_m_per_s=0)
    np.testing.assert_allclose(rate_maps(gap, bins=(4, 4), least_speed_m_per_s=0), plain, rtol=0.2, atol=0.2)


def test_smoothing_spreads_spikes_and_keeps_unvisited_bins():
    plain = rate_maps(recording(), bins=(10, 10), least_occupancy_s=0.3)
    smooth = rate_maps(recording(), bins=(10, 10), least_occupancy_s=0.3, smoothing_bins=1.5)
    np.testing.assert_array_equal(np.isnan(plain), np.isnan(smooth))
    assert np.nanstd(smooth) < np.nanstd(plain)


def test_what_is_no_recording_is_refused():
    with pytest.raises(ValueError, match="1 names for 2 cells"):
        recording(cells=("a",))
    with pytest.raises(ValueError, match="do not rise"):
        recording(time_s=np.zeros(4000))


def test_a_matlab_session_is_its_path_and_all_cells_beside_it(tmp_path):
    time_s, position_m, (first, second) = walk()
    other = position_m * 100 + 2.0
    other[5] = np.nan
    lights = {"post": time_s, "posx": position_m[:, 0] * 100, "posy": position_m[:, 1] * 100}
    lights |= {"posx2": other[:, 0], "posy2": other[:, 1]}
    savemat(tmp_path / "11025-0101_POS.mat", lights)
    savemat(tmp_path / "11025-0101_T2C1.mat", {"cellTS": second})
    savemat(tmp_path / "11025-0101_T1C3.mat", {"cellTS": first[:, None]})
    savemat(tmp_path / "11025-0102_T1C1.mat", {"cellTS": first})
    found = read_mat(tmp_path / "11025-0101_POS.mat")
    assert found.cells == ("T1C3", "T2C1")
    np.testing.assert_allclose(found.spike_s[0], first)
    expected = position_m + 0.01
    expected[5] = position_m[5]  # one light alone
    np.testing.assert_allclose(found.position_m, expected, atol=1e-9)
    savemat(tmp_path / "x-1_POS.mat", lights)
    savemat(tmp_path / "y-1_POS.mat", {"posx": [1.0]})
    (tmp_path / "z-1_POS.mat").write_bytes(b"something else, and long enough to be a header" * 8)
    with pytest.raises(ValueError, match="no cell beside it"):
        read_mat(tmp_path / "x-1_POS.mat")
    with pytest.raises(ValueError, match=r"no variable 'post'; it holds posx"):
        read_mat(tmp_path / "y-1_POS.mat")
    with pytest.raises(ValueError, match="not a MATLAB file"):
        read_mat(tmp_path / "z-1_POS.mat")


def test_a_matlab_session_may_be_saved_as_hdf5(tmp_path):
    time_s, position_m, (first, _) = walk()
    path = {"post": time_s, "posx": position_m[:, 0] * 100, "posy": position_m[:, 1] * 100}
    for name, held in (("9-1_POS.mat", path), ("9-1_T1C1.mat", {"cellTS": first})):
        with h5py.File(tmp_path / name, "w", userblock_size=512) as file:
            for variable, values in held.items():
                file[variable] = values[None]  # a column of MATLAB is a row of HDF5
        with (tmp_path / name).open("r+b") as file:  # the header by which programs know the version
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    found = read_mat(tmp_path / "9-1_POS.mat")
    np.testing.assert_allclose(found.position_m, position_m)
    np.testing.assert_allclose(found.spike_s[0], first)


def released(path, **changes):
    """An archive with two cells beside the path."""
    time_s, position_m, (first, second) = walk()
    held = {"t": time_s, "x": position_m[:, 0], "y": position_m[:, 1], "azimuth": time_s}
    np.savez(path, **held | {"spikes_mod1 0": first[::-1], "spikes_mod1 1": second} | changes)
    return path


def test_an_archive_is_its_path_and_its_cells(tmp_path):
    time_s, position_m, (first, second) = walk()
    found = read_npz(released(tmp_path / "rat_q.npz"))
    assert found.cells == ("spikes_mod1 0", "spikes_mod1 1")
    np.testing.assert_array_equal(found.spike_s[0], first)
    np.testing.assert_array_equal(found.spike_s[1], second)
    np.testing.assert_array_equal(found.position_m, position_m)
    np.testing.assert_array_equal(found.time_s, time_s)


class Opened:
    """Something that acts when it is unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemExit",))


def test_a_pickle_in_an_archive_is_not_opened_and_the_message_says_what_to_do(tmp_path):
    of_a_module = np.array({0: Opened()}, object)
    with pytest.raises(ValueError, match=r"spikes_mod1 is no array of numbers.*(?s:.)*\*\*cells\)"):
        read_npz(released(tmp_path / "a.npz", spikes_mod1=of_a_module))


def test_what_is_no_such_archive_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"found t \(4000,\), x \(3,\), y \(4000,\), expected one number"):
        read_npz(released(tmp_path / "x.npz", x=np.zeros(3)))
    np.savez(tmp_path / "a.npz", t=np.arange(3.0))
    with pytest.raises(ValueError, match="has no array x, y; it holds t"):
        read_npz(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_text("text")
    with pytest.raises(ValueError, match="not an archive of arrays"):
        read_npz(tmp_path / "b.npz")
    with pytest.raises(ValueError, match="no such file"):
        read_npz(tmp_path / "c.npz")


def test_a_part_of_a_session_has_its_frames_and_its_spikes():
    part = recording().between(10.0, 20.0)
    assert (part.time_s[0], len(part.time_s)) == (10.0, 500)
    assert all(np.all((times >= 10.0) & (times < 20.0)) for times in part.spike_s)
    assert sum(map(len, part.spike_s)) > 0
    whole = recording().between()
    assert len(whole.time_s) == 4000
    with pytest.raises(ValueError, match=r"has 0 frames from 500 s to inf s; it goes from 0 s to 79\.98 s"):
        recording().between(500.0)


def write_nwb(path, *, unit="meters", conversion=1.0, rate=None):
    import pynwb
    from pynwb.behavior import Position, SpatialSeries

    time_s, position_m, spikes = walk()
    start = datetime.datetime(2006, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile(session_description="s", identifier="i", session_start_time=start)
    for spike_s in spikes:
        file.add_unit(spike_times=spike_s)
    when = {"rate": rate, "starting_time": 0.0} if rate else {"timestamps": time_s}
    said = {"reference_frame": "corner", "unit": unit, "conversion": conversion, **when}
    lights = [
        SpatialSeries(name=name, data=(position_m + shift) / conversion, **said)
        for name, shift in (("led2", 0.02), ("led1", 0.0))
    ]
    module = file.create_processing_module("behavior", "b")
    module.add(Position(spatial_series=lights))
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return time_s, position_m, spikes


def test_an_nwb_file_is_its_units_and_its_path(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library that writes the example
        time_s, position_m, spikes = write_nwb(tmp_path / "a.nwb")
        write_nwb(tmp_path / "cm.nwb", unit="cm", conversion=10.0, rate=50.0)
        write_nwb(tmp_path / "odd.nwb", unit="pixels")
    found = read_nwb(tmp_path / "a.nwb")
    np.testing.assert_allclose(found.position_m, position_m)
    np.testing.assert_allclose(found.time_s, time_s)
    np.testing.assert_allclose(found.spike_s[1], spikes[1])
    assert found.cells == ("0", "1")
    second = read_nwb(tmp_path / "a.nwb", series="led2")
    np.testing.assert_allclose(second.position_m, position_m + 0.02)
    centimetres = read_nwb(tmp_path / "cm.nwb")
    np.testing.assert_allclose(centimetres.position_m, position_m / 100)
    np.testing.assert_allclose(centimetres.time_s, time_s)
    with pytest.raises(ValueError, match="in 'pixels', expected one of m, meter"):
        read_nwb(tmp_path / "odd.nwb")
    with pytest.raises(ValueError, match=r"found no path led3; two-dimensional series there: led1, led2"):
        read_nwb(tmp_path / "a.nwb", series="led3")
    with pytest.raises(ValueError, match="no such file"):
        read_nwb(tmp_path / "none.nwb")
    (tmp_path / "text.nwb").write_text("text")
    with pytest.raises(ValueError, match="not an NWB file"):
        read_nwb(tmp_path / "text.nwb")
