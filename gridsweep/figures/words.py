"""Names that are stored, as words that are read: ``difference_of_softmaxes``, ``target.field_width_m``."""

from collections.abc import Sequence

from gridsweep.analysis.frames import pd

_WORDS = {
    "gaussian": "Gaussian",
    "svd": "SVD",
    "nmf": "NMF",
    "nonnegative_pca": "non-negative PCA",
    "difference_of_gaussians": "difference of Gaussians",
    "true_difference_of_gaussians": "true difference of Gaussians",
    "general_difference_of_gaussians": "general difference of Gaussians",
    "cartesian": "Cartesian",
    "high_dim_cartesian": "high-dimensional Cartesian",
    "high_dim_polar": "high-dimensional polar",
    "gaussian_and_heading": "Gaussian and head direction",
    "rnn": "RNN",
    "srnn": "SRNN",
    "gru": "GRU",
    "lstm": "LSTM",
    "ugrnn": "UGRNN",
    "lstm_dense": "LSTM and dense layer",
    "relu": "ReLU",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
    "path_integrator": "path integrator",
}
_UNITS = {"_cm": "cm", "_m": "m", "_s": "s", "_bins": "bins", "_deg": "degrees", "_per_m": "per m"}
# Settings whose values say what they are.
_PLAIN = {"network.activation", "system.activation", "system.method", "evaluation"}
_SCORES = {"grid_score_60": "grid score (60°)", "grid_score_90": "grid score (90°)"}


def score_words(score: str) -> str:
    """Returns what an axis of scores is called."""
    return _SCORES.get(score, score.replace("_", " "))


def group_words(by: Sequence[str], values: Sequence[object]) -> str:
    """Returns a group's name for readers: ``difference of softmaxes, field width 0.12 m``."""
    return ", ".join(_setting(column, value) for column, value in zip(by, values, strict=True))


def counted(number: int, what: str = "") -> str:
    """Returns ``1 network``, ``1,024 networks``, ``2.58 M units``; without a word the number alone."""
    words = f"{number / 1e6:#.3g} M" if number >= 1_000_000 else f"{number:,}"
    return f"{words} {what}{'' if number == 1 else 's'}" if what else words


def share_words(fraction: float, low: float, high: float) -> tuple[str, str]:
    """Returns a share and its interval with two digits that count: ``6.0 %`` and ``4.7 – 7.4``.

    Below a hundredth of a percent in parts per million. The interval is empty where there is none.
    """
    factor, unit = (1e6, "ppm") if 0 < fraction < 1e-4 else (100, "%")
    interval = "" if pd.isna(low) else f"{_digits(factor * low)} – {_digits(factor * high)}"
    return f"{_digits(factor * fraction)} {unit}", interval


def _setting(column: str, value: object) -> str:
    stem = column.rpartition(".")[2]
    if stem == "kind" or column in _PLAIN:
        family = column.partition(".")[0]
        return f"no {family}" if pd.isna(value) else _WORDS.get(str(value), str(value).replace("_", " "))
    ending = max((end for end in _UNITS if stem.endswith(end)), key=len, default="")
    name = stem.removesuffix(ending).replace("_", " ")
    if pd.isna(value):
        return f"no {name}"
    if column == "network.units":
        return f"{value} units"
    return f"{name} {_WORDS.get(str(value), value)} {_UNITS.get(ending, '')}".rstrip()


def _digits(number: float) -> str:
    if number == 0:
        return "0"
    return f"{number:.0f}" if number >= 9.95 else f"{number:#.2g}"
