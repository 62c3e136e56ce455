"""Names that are stored, as words that are read: ``difference_of_softmaxes``, ``target.field_width_m``."""

from collections.abc import Sequence

from gridsweep.analysis.frames import pd

_WORDS = {
    "gaussian": "Gaussian",
    "cartesian": "Cartesian",
    "high_dim_cartesian": "high-dimensional Cartesian",
    "high_dim_polar": "high-dimensional polar",
    "rnn": "RNN",
    "srnn": "SRNN",
    "gru": "GRU",
    "lstm": "LSTM",
    "ugrnn": "UGRNN",
    "relu": "ReLU",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
    "path_integrator": "path integrator",
}
_UNITS = {"_cm": "cm", "_m": "m", "_s": "s", "_bins": "bins", "_deg": "degrees", "_per_m": "per m"}
_SCORES = {"grid_score_60": "grid score (60°)", "grid_score_90": "grid score (90°)"}


def score_words(score: str) -> str:
    """Returns what an axis of scores is called."""
    return _SCORES.get(score, score.replace("_", " "))


def group_words(by: Sequence[str], values: Sequence[object]) -> str:
    """Returns a group's name for readers: ``difference of softmaxes, field width 0.12 m``."""
    return ", ".join(_setting(column, value) for column, value in zip(by, values, strict=True))


def counted(number: int, what: str) -> str:
    """Returns ``1 network``, ``1,024 networks``, ``2.6 M units``."""
    if number >= 1_000_000:
        return f"{number / 1e6:.3g} M {what}s"
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def percent(fraction: float) -> str:
    """Returns a share with two digits that count: ``12 %``, ``6.0 %``, ``0.065 %``, ``0 %``."""
    return f"{_digits(100 * fraction)} %"


def percent_range(low: float, high: float) -> str:
    """Returns an interval of shares: ``4.7 – 11``; empty where there is none."""
    return "" if pd.isna(low) else f"{_digits(100 * low)} – {_digits(100 * high)}"


def _setting(column: str, value: object) -> str:
    stem = column.rpartition(".")[2]
    if stem == "kind" or column in {"network.activation", "evaluation"}:
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
    if number < 1e-4:
        return f"{number:.0e}"
    return f"{number:.0f}" if number >= 9.95 else f"{number:#.2g}"
