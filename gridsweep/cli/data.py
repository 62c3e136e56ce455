"""``gridsweep query | score``: SQL over a store, grid scores of anyone's maps."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsweep.cli._common import (
    DEFAULT_STORE,
    StoreFolder,
    check_format,
    clear_errors,
    fail,
    open_store,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from gridsweep.store import Store

MOST_ROWS = 200  # of a table that is printed
SCORE_COLUMNS = (
    "grid_score_60", "grid_score_90", "ring_60_inner", "ring_60_outer", "ring_90_inner", "ring_90_outer",
)  # fmt: skip


def query(
    sql: Annotated[
        str,
        typer.Argument(
            help="One SELECT over runs, evaluations, units, history, members …; or a .sql file.",
            metavar="SQL",
            show_default=False,
        ),
    ],
    store: StoreFolder = DEFAULT_STORE,
    output: Annotated[str, typer.Option("--format", "-f", metavar="table|csv|parquet|json")] = "table",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write here instead of standard output.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Refuse results of more rows.", min=1)] = 100_000,
    timeout_s: Annotated[
        float, typer.Option("--timeout", help="Stop after so many seconds.", min=0.1)
    ] = 10.0,
    snapshot: Annotated[
        str | None, typer.Option(help="Ask the store as it was at a saved snapshot.", show_default=False)
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Do not say which runs are missing.")] = False,
) -> None:
    """Ask the store in SQL (DuckDB, read only). Dotted names are quoted: "target.kind"."""
    check_format(output, "table", "csv", "parquet", "json")
    opened = open_store(store, snapshot=snapshot)
    if sql.endswith(".sql"):
        sql = _read_sql(Path(sql))
    with clear_errors():
        rows = opened.sql(sql, row_limit=limit, timeout_s=timeout_s)
    if output == "parquet" and out is None and sys.stdout.isatty():
        fail("Parquet is not for a terminal: give --out FILE")
    if not partial:
        _say_what_is_missing(opened)
    _write_rows(rows, output, out)


def _say_what_is_missing(store: "Store") -> None:
    """Notes on standard error that an answer is of a part of what was planned."""
    with clear_errors():
        counts, missing = store.status_counts(), store.missing()
    for sweep, run_ids in missing.items():
        shown = ", ".join(run_ids[:3]) + (" …" if len(run_ids) > 3 else "")
        print(
            f"note: {len(run_ids):,} of the {counts[sweep]['planned']:,} runs of {sweep} are missing "
            f"({shown}); --partial leaves this note out",
            file=sys.stderr,
        )


def _read_sql(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: cannot be read ({error})")


def _write_rows(rows: "pa.Table", output: str, out: Path | None) -> None:
    import io

    if output == "parquet":
        from gridsweep.store.parquet import write_plain

        buffer = io.BytesIO()
        write_plain(rows, buffer)
        data = buffer.getvalue()
    elif output == "csv":
        data = rows.to_pandas().to_csv(index=False).encode()
    elif output == "json":
        data = (rows.to_pandas().to_json(orient="records", date_format="iso", indent=1) + "\n").encode()
    else:
        data = (_as_table(rows) + "\n").encode()
    if out is not None:
        out.write_bytes(data)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


def _as_table(rows: "pa.Table") -> str:
    frame = rows.slice(0, MOST_ROWS).to_pandas()
    if not len(frame):
        return f"no rows ({', '.join(rows.column_names)})"
    text = frame.to_string(
        index=False, float_format=lambda value: f"{value:.6g}", na_rep="NULL", max_colwidth=60
    )
    more = len(rows) - MOST_ROWS
    return text + (f"\n… {more:,} more rows; --format csv prints all" if more > 0 else "")


def score(
    file: Annotated[
        Path,
        typer.Argument(
            help="A .npy, or .npz with one array, of (maps, bins, bins); NaN = unvisited.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write a Parquet file.")] = None,
    array: Annotated[str | None, typer.Option(help="Which array of an .npz.")] = None,
) -> None:
    """Grid scores of anyone's rate maps, by the published scorer."""
    import pyarrow as pa

    maps = _read_maps(file, array)
    from gridsweep import scores

    if maps.dtype.kind not in "fiub":
        fail(f"{file}: holds {maps.dtype}, expected numbers")
    try:
        measured = scores.measure(maps)
    except ValueError as error:
        fail(f"{file}: {error}")
    columns: dict[str, Any] = {"map": range(len(maps))}
    rows = pa.table(columns | {name: measured[name] for name in SCORE_COLUMNS})
    if out is None:
        print(_as_table(rows))
        return
    _write_rows(rows, "parquet", out)
    print(f"{len(rows):,} maps scored, {out}")


def _read_maps(file: Path, array: str | None) -> "np.ndarray":
    import numpy as np

    try:
        loaded = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        fail(f"{file}: no such file")
    except (ValueError, OSError, EOFError) as error:
        fail(f"{file}: not a NumPy file of plain numbers ({str(error).splitlines()[0]})")
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        names = loaded.files
        if array is None and len(names) != 1:
            fail(f"{file}: holds {len(names)} arrays ({', '.join(names[:8])}); choose one with --array")
        if array is not None and array not in names:
            fail(f'{file}: has no array "{array}"; it holds {", ".join(names[:8])}')
        try:
            return loaded[array or names[0]]
        except ValueError as error:
            fail(f"{file}: {error}")
