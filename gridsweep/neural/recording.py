"""What every loader returns: spike times and a path; and the rate maps made of them.

Each choice that changes a map is an argument with its unit: the size of a bin, how long the animal must have
been in it, how fast it must move, how much is smoothed. An unvisited bin is NaN.

Source: spec other_systems 7.3, 7.4: bins of 5 cm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

BIN_M = 0.05
LEAST_OCCUPANCY_S = 0.1
LEAST_SPEED_M_PER_S = 0.025
LONGEST_FRAME_S = 0.5  # a gap in tracking is no time spent where the animal was last seen


@dataclass(frozen=True)
class Recording:
    """One session of one animal.

    Args:
        name: where it came from.
        cells: the cells' names.
        spike_s: each cell's spike times.
        time_s: of each frame of tracking, rising.
        position_m: where the animal was; NaN where it was not seen.
    """

    name: str
    cells: tuple[str, ...]
    spike_s: tuple[Float[np.ndarray, " spikes"], ...]
    time_s: Float[np.ndarray, " frames"]
    position_m: Float[np.ndarray, "frames 2"]

    def __post_init__(self) -> None:
        if len(self.cells) != len(self.spike_s):
            raise ValueError(f"{self.name}: {len(self.cells)} names for {len(self.spike_s)} cells")
        if self.time_s.ndim != 1 or self.position_m.shape != (len(self.time_s), 2) or len(self.time_s) < 2:
            raise ValueError(
                f"{self.name}: found {self.time_s.shape} frame times and positions of shape "
                f"{self.position_m.shape}, expected (frames,) and (frames, 2), at least two frames"
            )
        if not np.all(np.diff(self.time_s) > 0):
            raise ValueError(f"{self.name}: frame times do not rise")

    def between(self, begin_s: float = -np.inf, end_s: float = np.inf) -> "Recording":
        """Returns the frames and spikes of a part of the session: from ``begin_s`` on, before ``end_s``.

        Raises:
            ValueError: fewer than two frames are left.
        """
        kept = (self.time_s >= begin_s) & (self.time_s < end_s)
        if kept.sum() < 2:
            raise ValueError(
                f"{self.name}: has {kept.sum()} frames from {begin_s:g} s to {end_s:g} s; it goes from "
                f"{self.time_s[0]:g} s to {self.time_s[-1]:g} s"
            )
        spike_s = tuple(times[(times >= begin_s) & (times < end_s)] for times in self.spike_s)
        return Recording(self.name, self.cells, spike_s, self.time_s[kept], self.position_m[kept])

    def speed_m_per_s(self) -> Float[np.ndarray, " frames"]:
        """Returns the speed at each frame, over its two neighbours; NaN beside an unseen one."""
        step_m = np.linalg.norm(np.gradient(self.position_m, axis=0), axis=1)
        return step_m / np.gradient(self.time_s)

    def extent_m(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Returns the smallest rectangle with all positions: ((x low, x high), (y low, y high))."""
        low, high = np.nanmin(self.position_m, axis=0), np.nanmax(self.position_m, axis=0)
        return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def rate_maps(
    recording: Recording,
    *,
    bin_m: float = BIN_M,
    bins: tuple[int, int] | None = None,
    extent_m: Sequence[Sequence[float]] | None = None,
    least_occupancy_s: float = LEAST_OCCUPANCY_S,
    least_speed_m_per_s: float = LEAST_SPEED_M_PER_S,
    smoothing_bins: float = 0.0,
) -> Float[np.ndarray, "x y cells"]:
    """Returns rates in spikes a second; NaN in bins with less than ``least_occupancy_s``.

    A spike belongs to the frame nearest in time; one before the first or after the last frame, or more than
    ``LONGEST_FRAME_S`` from any, to none.

    Args:
        recording: spikes and path.
        bin_m: size of a bin, unless ``bins`` says how many there are.
        bins: number of bins along x and along y.
        extent_m: the rectangle the bins cover; that of the path unless given.
        least_occupancy_s: time that a bin needs.
        least_speed_m_per_s: frames at which the animal is slower do not count; 0 for all.
        smoothing_bins: standard deviation of a Gaussian filter over spikes and time alike; 0 for none.
    """
    extent = np.asarray(extent_m if extent_m is not None else recording.extent_m(), np.float64)
    size_m = extent[:, 1] - extent[:, 0]
    if extent.shape != (2, 2) or not np.all(size_m > 0):
        raise ValueError(
            f"rate_maps: found the extent {extent.tolist()}, expected [[low, high], [low, high]] in m"
        )
    shape = bins or tuple(max(1, int(np.ceil(size / bin_m - 1e-6))) for size in size_m)
    bin_of, counted = _frames(recording, extent, shape, least_speed_m_per_s)
    frame_s = np.minimum(np.diff(recording.time_s, append=np.nan), LONGEST_FRAME_S)
    frame_s[-1] = np.median(frame_s[:-1])
    cells = shape[0] * shape[1]
    time_s = np.bincount(bin_of[counted], frame_s[counted], cells).reshape(shape)
    spikes = [_spikes_of_frames(recording.time_s, spike_s) for spike_s in recording.spike_s]
    counts = [np.bincount(bin_of[counted], of_frame[counted], cells).reshape(shape) for of_frame in spikes]
    seen = time_s >= max(least_occupancy_s, np.finfo(float).tiny)
    if smoothing_bins:
        from scipy.ndimage import gaussian_filter

        time_s, *counts = (gaussian_filter(array, smoothing_bins) for array in (time_s, *counts))
    rates = np.stack(counts, axis=-1) if counts else np.zeros((*shape, 0))
    return np.where(seen[..., None], rates / np.where(time_s > 0, time_s, 1.0)[..., None], np.nan)


def _frames(
    recording: Recording, extent: np.ndarray, shape: tuple[int, ...], least_speed_m_per_s: float
) -> tuple[np.ndarray, Bool[np.ndarray, " frames"]]:
    """Returns each frame's bin, and whether the frame counts."""
    share = (recording.position_m - extent[:, 0]) / (extent[:, 1] - extent[:, 0])
    inside = np.all((share >= 0) & (share <= 1), axis=1)  # NaN is not inside
    along = np.floor(np.where(inside[:, None], share, 0.0) * shape).astype(int)
    x, y = np.minimum(along, np.array(shape) - 1).T
    fast = np.ones(len(share), bool)
    if least_speed_m_per_s > 0:
        fast = np.nan_to_num(recording.speed_m_per_s(), nan=-1.0) >= least_speed_m_per_s
    return x * shape[1] + y, inside & fast


def _spikes_of_frames(time_s: np.ndarray, spike_s: np.ndarray) -> Float[np.ndarray, " frames"]:
    """Returns how many spikes are nearest to each frame."""
    spike_s = spike_s[(spike_s >= time_s[0]) & (spike_s <= time_s[-1])]
    after = np.clip(np.searchsorted(time_s, spike_s), 1, len(time_s) - 1)
    nearest = np.where(spike_s - time_s[after - 1] <= time_s[after] - spike_s, after - 1, after)
    close = np.abs(time_s[nearest] - spike_s) <= LONGEST_FRAME_S
    return np.bincount(nearest[close], minlength=len(time_s)).astype(float)
