"""``gridsweep neural``: how well networks predict recorded cells, beside how many dimensions they have."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsweep.cli._common import Format, check_format, clear_errors, fail, open_store, print_json

if TYPE_CHECKING:
    import numpy as np

    from gridsweep.neural.comparison import Compared, Model
    from gridsweep.neural.log_linear import LogLinear

SYNTHETIC, PUBLISHED = "synthetic", "published"


def neural(
    cells: Annotated[
        list[str] | None,
        typer.Argument(
            help="Recordings, one an animal: .nwb, .npz, or the …_POS.mat of a session; or synthetic (the "
            "ground truth, the default); or published (the numbers behind figure 10).",
            metavar="CELLS...",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option("--store", "-s", help="A store whose networks are the models.", metavar="FOLDER"),
    ] = None,
    where: Annotated[str | None, typer.Option(help="SQL condition on the store's runs.")] = None,
    evaluation: Annotated[
        str | None, typer.Option(help="Which evaluation; default: each run's first.")
    ] = None,
    bins: Annotated[int | None, typer.Option(help="Which size of rate maps.", min=4)] = None,
    mapping: Annotated[str, typer.Option(help="ridge, lasso, elastic_net, pls or one_to_one.")] = "ridge",
    splits: Annotated[
        str,
        typer.Option(help="random, left_right, top_bottom, diagonal, antidiagonal or quadrants."),
    ] = "random",
    controls: Annotated[
        bool, typer.Option("--controls", help="Beside each model: fewer components, and noise.")
    ] = False,
    least_occupancy_s: Annotated[float, typer.Option(help="Time a bin of a recording needs.", min=0)] = 0.1,
    least_speed_m_per_s: Annotated[float, typer.Option(help="Slower moments do not count.", min=0)] = 0.025,
    smoothing_bins: Annotated[float, typer.Option(help="Gaussian smoothing of recorded maps.", min=0)] = 0.0,
    begin_s: Annotated[float, typer.Option(help="Recorded moments before it do not count.")] = float("-inf"),
    end_s: Annotated[float, typer.Option(help="Nor those from it on.")] = float("inf"),
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for figure and table.")] = None,
    output: Format = "text",
) -> None:
    """Fit recorded or synthetic cells by networks' rate maps, beside the networks' dimensionality."""
    from gridsweep.neural.mappings import MAPPINGS
    from gridsweep.neural.splits import SPLITS

    check_format(output, "text", "json")
    named = cells or [SYNTHETIC]
    if mapping not in MAPPINGS:
        fail(f"--mapping: found {mapping!r}, expected one of {', '.join(MAPPINGS)}")
    if splits not in SPLITS:
        fail(f"--splits: found {splits!r}, expected one of {', '.join(SPLITS)}")
    if len(named) > 1 and {SYNTHETIC, PUBLISHED} & set(named):
        fail(f"found {', '.join(named)}, expected recordings, or {SYNTHETIC} or {PUBLISHED} alone")
    if named == [PUBLISHED]:
        _print_published(output)
        return
    if store is None and named != [SYNTHETIC]:
        fail("recordings need models: name a store with --store")
    from gridsweep.neural.comparison import compare, controls_of
    from gridsweep.neural.predictivity import median, noise_ceiling

    with clear_errors():
        try:
            models, animals, names = _read(
                named,
                store,
                where=where,
                evaluation=evaluation,
                bins=bins,
                between_s=(begin_s, end_s),
                least_occupancy_s=least_occupancy_s,
                least_speed_m_per_s=least_speed_m_per_s,
                smoothing_bins=smoothing_bins,
            )
            if controls:
                models = [each for model in models for each in (model, *controls_of(model))]
            chosen = MAPPINGS[mapping]
            lines = compare(models, animals, splits=splits, mapping=chosen)
            ceiling = None
            if len(animals) > 1:
                import numpy as np

                ceilings = noise_ceiling(animals, splits=splits, mapping=chosen)
                ceiling = median(np.concatenate([found.by_cell for found in ceilings]))
        except ValueError as error:
            fail(error)
    fit = _fit(lines)
    if output == "json":
        from dataclasses import asdict

        print_json(
            {
                "cells": names,
                "models": [asdict(line) for line in lines],
                "ceiling": ceiling,
                "fit": asdict(fit) if fit else None,
            }
        )
    else:
        _print_lines(lines, names, ceiling, fit)
    if out is not None:
        from gridsweep.figures._predictivity import draw_predictivity
        from gridsweep.figures.files import save

        for path in save(draw_predictivity(lines, fit=fit, ceiling=ceiling), out, "predictivity"):
            print(path)


def _read(
    named: list[str],
    store: Path | None,
    *,
    where: str | None,
    evaluation: str | None,
    bins: int | None,
    between_s: tuple[float, float],
    **choices: Any,
) -> "tuple[list[Model], list[np.ndarray], list[str]]":
    """Returns models, each animal's maps on the models' bins, and what those cells are."""
    from gridsweep.neural.comparison import synthetic_models
    from gridsweep.neural.recording import rate_maps

    if store is None:
        models, cells = synthetic_models(bins=bins or 44)
        return models, [cells], [f"synthetic, {cells.shape[2]} cells"]
    from gridsweep.neural.kept_models import kept_models

    models = kept_models(open_store(store), bins=bins, evaluation=evaluation, where=where)
    found = {model.maps.shape[-1] for model in models}
    if len(found) > 1:
        raise ValueError(f"the runs' maps have {', '.join(map(str, sorted(found)))} bins: choose with --bins")
    size = found.pop()
    if named == [SYNTHETIC]:
        _, cells = synthetic_models(bins=size)
        return models, [cells], [f"synthetic, {cells.shape[2]} cells"]
    recordings = [_recording(Path(name)).between(*between_s) for name in named]
    animals = [rate_maps(recording, bins=(size, size), **choices) for recording in recordings]
    names = [f"{recording.name}, {len(recording.cells)} cells" for recording in recordings]
    return models, animals, names


def _recording(path: Path):
    if path.suffix == ".nwb":
        from gridsweep.neural.nwb import read_nwb

        return read_nwb(path)
    if path.suffix == ".mat":
        from gridsweep.neural.mat import read_mat

        return read_mat(path)
    if path.suffix == ".npz":
        from gridsweep.neural.npz import read_npz

        return read_npz(path)
    raise ValueError(f"{path}: expected a recording (.nwb, .npz, or …_POS.mat), {SYNTHETIC} or {PUBLISHED}")


def _fit(lines: "list[Compared]") -> "LogLinear | None":
    import numpy as np

    from gridsweep.neural.log_linear import fit_log_linear

    models = [line for line in lines if not line.control and np.isfinite(line.median_r)]
    ratios = np.array([line.ratio_bins_as_samples for line in models])
    if len(models) < 3 or np.ptp(np.log10(ratios)) < 1e-6:
        return None
    return fit_log_linear(ratios, np.array([line.median_r for line in models]))


def _print_lines(
    lines: "list[Compared]", names: list[str], ceiling: float | None, fit: "LogLinear | None"
) -> None:
    print("cells: " + "; ".join(names))
    width = max(len(line.model) for line in lines)
    print(f"{'model':{width}}  units  rank  PR(units)  PR(bins)  cells  median r")
    for line in lines:
        print(
            f"{line.model:{width}}  {line.units:5d}  {line.rank:4d}  {line.ratio_units_as_samples:9.2f}  "
            f"{line.ratio_bins_as_samples:8.2f}  {line.cells:5d}  {line.median_r:8.3f}"
        )
    if ceiling is not None:
        print(f"what the other animals predict: {ceiling:.3f}")
    print(_fit_in_words(fit) if fit else "no line: fewer than three models, or all of one dimensionality")


def _fit_in_words(fit: "LogLinear") -> str:
    slope = "{:.3f} to {:.3f}".format(*fit.slope_interval)
    correlation = "{:.3f} to {:.3f}".format(*fit.correlation_interval)
    return (
        f"r rises by {fit.slope:.3f} a decade of PR(bins) (95 % interval over models {slope}); "
        f"correlation {fit.correlation:.3f} ({correlation})"
    )


def _print_published(output: str) -> None:
    from dataclasses import asdict

    from gridsweep.neural.log_linear import fit_log_linear
    from gridsweep.neural.published import EARLIER, FINAL, as_arrays, nayebi_2021

    fits = {
        name: fit_log_linear(*as_arrays(points)) for name, points in (("final", FINAL), ("earlier", EARLIER))
    }
    if output == "json":
        table = [{"network": n, "activation": a, "predictivity": r} for (n, a), r in nayebi_2021().items()]
        print_json({"nayebi_2021": table, "fits": {name: asdict(fit) for name, fit in fits.items()}})
        return
    table = nayebi_2021()
    activations = list(dict.fromkeys(activation for _, activation in table))
    print(
        "median r of trained networks, Nayebi et al. 2021\n"
        + " " * 8
        + "".join(f"{a:>9}" for a in activations)
    )
    for network in dict.fromkeys(network for network, _ in table):
        print(f"{network:8}" + "".join(f"{table[network, activation]:9.2f}" for activation in activations))
    for name, points in (("final", FINAL), ("earlier", EARLIER)):
        listed = ", ".join(f"{p.network} ({p.participation_ratio:g}, {p.predictivity:g})" for p in points)
        fit = fits[name]
        print(
            f"{name} figure, relu, (PR, r): {listed}\n  {fit.slope:.3f} a decade "
            f"({fit.slope_interval[0]:.3f} to {fit.slope_interval[1]:.3f}), correlation {fit.correlation:.3f}"
        )
