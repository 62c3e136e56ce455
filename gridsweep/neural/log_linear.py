"""Predictivity as a straight line over the logarithm of dimensionality, with an interval."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

RESAMPLES = 10_000
LEVEL = 0.95


@dataclass(frozen=True)
class LogLinear:
    """A line y = intercept + slope * log10(x)."""

    slope: float  # per decade
    intercept: float
    correlation: float  # Pearson's, of y with log10(x)
    slope_interval: tuple[float, float]
    correlation_interval: tuple[float, float]


def fit_log_linear(
    x: Float[np.ndarray, " models"], y: Float[np.ndarray, " models"], *, seed: int = 0
) -> LogLinear:
    """Returns the least-squares line, with percentile intervals of a bootstrap over models.

    Draws in which all models have one x have no slope and are not counted.

    Raises:
        ValueError: fewer than three models, or an x that is not positive.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.shape != y.shape or x.ndim != 1 or len(x) < 3:
        raise ValueError(f"fit_log_linear: found shapes {x.shape} and {y.shape}, expected at least 3 models")
    if not (np.all(x > 0) and np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise ValueError("fit_log_linear: found values that are not finite or an x that is not positive")
    logs = np.log10(x)
    slope, correlation = (value[0] for value in _slope_and_correlation(logs[None], y[None]))
    if not np.isfinite(slope):
        raise ValueError("fit_log_linear: all models have one x, expected different ones")
    drawn = np.random.default_rng(seed).integers(len(x), size=(RESAMPLES, len(x)))
    slopes, correlations = _slope_and_correlation(logs[drawn], y[drawn])
    return LogLinear(
        float(slope),
        float(y.mean() - slope * logs.mean()),
        float(correlation),
        _interval(slopes),
        _interval(correlations),
    )


def _slope_and_correlation(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    xx, yy, xy = (np.sum(product, axis=1) for product in (x * x, y * y, x * y))
    varies, both = xx > 1e-12, (xx > 1e-12) & (yy > 1e-24)
    slope = np.where(varies, xy / np.where(varies, xx, 1.0), np.nan)
    return slope, np.where(both, xy / np.sqrt(np.where(both, xx * yy, 1.0)), np.nan)


def _interval(values: np.ndarray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not known.size:
        return (float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
