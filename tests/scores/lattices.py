"""Noiseless lattices sampled at bin centres, as in the reference table of spec e.6."""

import numpy as np

ORIENTATION_RAD = 0.2


def bin_centres_m(bins, side_m=2.2):
    centre_m = (np.arange(bins) + 0.5) * side_m / bins - side_m / 2
    return np.meshgrid(centre_m, centre_m, indexing="ij")


def rectified_waves(angles_rad, phases_rad, wavenumber_per_m, bins):
    x_m, y_m = bin_centres_m(bins)
    waves = [
        np.cos(wavenumber_per_m * (x_m * np.cos(angle_rad) + y_m * np.sin(angle_rad)) + phase_rad)
        for angle_rad, phase_rad in zip(angles_rad, phases_rad, strict=True)
    ]
    return np.maximum(np.sum(waves, axis=0), 0.0)


def hexagonal_map(period_m, bins=44):
    angles_rad = ORIENTATION_RAD + np.deg2rad([0, 60, 120])
    return rectified_waves(angles_rad, (0.3, 0.7, 0.4), 4 * np.pi / (np.sqrt(3) * period_m), bins)


def square_map(period_m, bins=44):
    return rectified_waves(ORIENTATION_RAD + np.deg2rad([0, 90]), (0.3, 0.7), 2 * np.pi / period_m, bins)


def bump_map(width_m=0.2, centre_m=(0.3, -0.2), bins=44):
    x_m, y_m = bin_centres_m(bins)
    return np.exp(-((x_m - centre_m[0]) ** 2 + (y_m - centre_m[1]) ** 2) / (2 * width_m**2))
