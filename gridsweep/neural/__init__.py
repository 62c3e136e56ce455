"""Neural regression against dimensionality: how well maps of units predict maps of recorded cells, and why.

A linear map from a network's rate maps to those of recorded cells is fitted on some bins and tested on
others; the correlation rises with the number of dimensions that the network's maps span, whatever the network
is (``synthetic`` shows it with no network at all). So predictivity is reported beside the participation ratio
and beside what one animal predicts of another.

Source: spec other_systems 7; the protocol is that of Nayebi et al. 2021, the point that of Schaeffer et al.
2022.
"""

from gridsweep.neural.dimensionality import map_rank, participation_ratio
from gridsweep.neural.log_linear import LogLinear, fit_log_linear
from gridsweep.neural.mappings import MAPPINGS, Mapping
from gridsweep.neural.predictivity import Predictivity, noise_ceiling, predictivity
from gridsweep.neural.recording import Recording, rate_maps
from gridsweep.neural.splits import SPLITS, Split, make_splits

__all__ = [
    "MAPPINGS",
    "SPLITS",
    "LogLinear",
    "Mapping",
    "Predictivity",
    "Recording",
    "Split",
    "fit_log_linear",
    "make_splits",
    "map_rank",
    "noise_ceiling",
    "participation_ratio",
    "predictivity",
    "rate_maps",
]
