"""The commit: a cohort's tables become part of the record, whole, and exactly once.

Order is everything here. Each table is written to staging, forced to disk, and linked to a name
that contains its own hash; only when all of them are there does the ledger entry follow, in the
same way. The entry is the commit: before it nothing exists for readers, after it nothing
changes. Two workers that finish the same cohort meet at the entry's name, where one link
succeeds; the other finds the cohort committed and compares its scores with those.

A commit that was cut off anywhere, by a signal or by a full disk, is repeated from the start.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from gridsweep.store.columns import Columns
from gridsweep.store.errors import StoreDamaged, StoreError, StoreWarning, naming
from gridsweep.store.fs import discard, publish, stage
from gridsweep.store.layout import check_id, check_slug, data_file
from gridsweep.store.parquet import Encoded, encode, read_bytes
from gridsweep.store.race import COMPARED, Difference, compare_scores
from gridsweep.store.rows import build_tables
from gridsweep.store.sealed import digest, seal
from results_schema import STATUSES, VERSION, is_config_column

if TYPE_CHECKING:
    from gridsweep.store.store import Store


@dataclass(frozen=True)
class Outcome:
    """How a commit ended. Compares equal to ``Outcome.COMMITTED`` or ``Outcome.ALREADY``.

    Args:
        name: "committed", or "already" when the cohort was in the ledger before.
        difference: where the scores of a lost race are not those in the store.
    """

    name: str
    difference: Difference | None = field(default=None, compare=False)

    COMMITTED: ClassVar["Outcome"]
    ALREADY: ClassVar["Outcome"]

    @property
    def scores_differ(self) -> bool:
        """The determinism alarm: the same cohort, computed twice, gave other scores."""
        return self.difference is not None


Outcome.COMMITTED = Outcome("committed")
Outcome.ALREADY = Outcome("already")


def commit(
    store: "Store",
    *,
    cohort_id: str,
    sweep: str,
    plan: int,
    tables: Mapping[str, Columns],
    provenance: Mapping[str, Any],
) -> Outcome:
    """Commits a cohort's tables, or finds that somebody else has.

    Args:
        store: where to.
        cohort_id: the cohort, which ``plan`` must have.
        sweep: the sweep that the plan is for.
        plan: the plan's number.
        tables: for each table its columns by name: lists, NumPy arrays (masked where a value is
            NULL) or Arrow arrays. ``runs`` is needed, with a row for each run of the cohort;
            its columns with a dot in their name are the configuration.
        provenance: what JSON can hold about how the cohort was made.

    Raises:
        StoreError: the tables are not what the contract and the plan ask for; or the disk
            refused, then with its errno. Nothing is half-committed, and trying again is safe.
    """
    check_id(cohort_id, "cohort_id")
    with naming(f"commit of cohort {cohort_id}"), ExitStack() as cleanup:
        run_ids = _planned_runs(store, cohort_id, check_slug(sweep), plan)
        built = build_tables(cohort_id, run_ids, tables)
        revision = store.ledger.revision(cohort_id)
        if store.ledger.get(cohort_id) is not None:
            return _already(store, cohort_id, built)
        _check_against_ledger(store, cohort_id, run_ids, built["runs"])
        encoded = {name: encode(name, table) for name, table in built.items()}
        entry = _entry(cohort_id, sweep, plan, run_ids, built["runs"], encoded, provenance)
        published = [
            _publish_data(store, name, cohort_id, sweep, file, cleanup) for name, file in encoded.items()
        ]
        staged_entry = _stage(store, entry, cleanup)
        if publish(store.fs, staged_entry, store.layout.ledger_entry(cohort_id, revision)):
            _restore(store, published)
            if store.ledger.revision(cohort_id) == revision:
                return Outcome.COMMITTED
            # An earlier entry was revoked while we worked: ours stands under a name that counts no more.
            discard(store.fs, store.layout.ledger_entry(cohort_id, revision))
            return commit(
                store, cohort_id=cohort_id, sweep=sweep, plan=plan, tables=tables, provenance=provenance
            )
        already = _already(store, cohort_id, built)
        _drop_unnamed(store, cohort_id, published)
        return already


def _planned_runs(store: "Store", cohort_id: str, sweep: str, plan: int) -> Sequence[str]:
    planned = store.plan(plan)
    if planned.sweep != sweep:
        raise StoreError(f"commit of cohort {cohort_id}: plan {plan} is for {planned.sweep}, found {sweep}")
    if cohort_id not in planned.cohorts:
        raise StoreError(f"commit of cohort {cohort_id}: plan {plan} of {sweep} has no such cohort")
    if (by := store.plan_files.retired().get(cohort_id)) is not None:
        raise StoreError(f"commit of cohort {cohort_id}: plan {by} split it, its runs are trained one by one")
    return planned.cohorts[cohort_id]


def _check_against_ledger(store: "Store", cohort_id: str, run_ids: Sequence[str], runs: pa.Table) -> None:
    """Raises if a run is committed elsewhere, or a configuration column changes its type."""
    for run_id, other in store.ledger.committed_elsewhere(run_ids, cohort_id).items():
        raise StoreError(f"commit of cohort {cohort_id}: run {run_id} is committed by cohort {other}")
    known = store.ledger.config_columns()
    problems = [
        f'runs."{column}": found {type_}, but it is {known[column][0]} in cohort {known[column][1]}'
        for column, type_ in _config_types(runs).items()
        if column in known and known[column][0] != type_
    ]
    if problems:
        raise StoreError(f"commit of cohort {cohort_id}:\n  " + "\n  ".join(problems))


def _publish_data(
    store: "Store", table: str, cohort_id: str, sweep: str, file: Encoded, cleanup: ExitStack
) -> tuple[Path, Path]:
    """Gives one table its final name; returns the staged path, which stays for now, and the final one."""
    store.fs.make_dir(store.layout.folder(table, sweep))
    final = store.layout.root / data_file(table, sweep, cohort_id, file.sha256)
    staged = _stage(store, file.data, cleanup)
    # The name is taken when an earlier try got this far: then with the same bytes.
    if not publish(store.fs, staged, final) and digest(store.fs.read(final)) != file.sha256:
        raise StoreDamaged(
            f"{final}: is not what its name says; no entry names it, `gridsweep verify --repair` removes it"
        )
    return staged, final


def _stage(store: "Store", data: bytes | memoryview, cleanup: ExitStack) -> Path:
    staged = stage(store.fs, store.layout.staging, data)
    cleanup.callback(discard, store.fs, staged)
    return staged


def _entry(
    cohort_id: str,
    sweep: str,
    plan: int,
    run_ids: Sequence[str],
    runs: pa.Table,
    encoded: Mapping[str, Encoded],
    provenance: Mapping[str, Any],
) -> bytes:
    """Returns the ledger entry as it will be on disk."""
    statuses = dict(zip(runs["run_id"].to_pylist(), runs["status"].to_pylist(), strict=True))
    files = {
        name: {
            "file": data_file(name, sweep, cohort_id, file.sha256),
            "bytes": len(file.data),
            "sha256": file.sha256,
            "rows": file.rows,
            "footer_bytes": file.footer_bytes,
            "footer_sha256": file.footer_sha256,
        }
        for name, file in encoded.items()
    }
    files["runs"]["columns"] = _config_types(runs)
    document = {
        "version": VERSION,
        "cohort_id": cohort_id,
        "sweep": sweep,
        "plan": plan,
        "runs": list(run_ids),
        "status_counts": {status: list(statuses.values()).count(status) for status in STATUSES},
        "not_completed": {run_id: status for run_id, status in statuses.items() if status != "completed"},
        "tables": files,
        "provenance": dict(provenance),
    }
    try:
        return seal(document)
    except ValueError as error:
        raise StoreError(f"commit of cohort {cohort_id}: provenance: {error}") from error


def _already(store: "Store", cohort_id: str, built: Mapping[str, pa.Table]) -> Outcome:
    """Returns the outcome of a race that is lost, after making sure that the winner's entry stays."""
    store.fs.fsync_dir(store.layout.ledger)
    entry = store.ledger.get(cohort_id)
    if entry is None:
        raise StoreDamaged(f"ledger entry of cohort {cohort_id}: was there a moment ago and is gone")
    try:
        committed = {
            name: read_bytes(store.fs.read(store.layout.root / file.file))
            for name, file in entry.tables.items()
            if name in COMPARED
        }
    except (OSError, pa.ArrowException) as error:
        warnings.warn(
            f"cohort {cohort_id}: is committed, but cannot be compared: {error}", StoreWarning, stacklevel=3
        )
        return Outcome.ALREADY
    return replace(Outcome.ALREADY, difference=compare_scores(committed, built))


def _restore(store: "Store", published: Iterable[tuple[Path, Path]]) -> None:
    """Puts back a data file that ``verify --repair`` took for an orphan just before the entry named it."""
    for staged, final in published:
        if store.fs.stat(final) is None:
            publish(store.fs, staged, final)


def _drop_unnamed(store: "Store", cohort_id: str, published: Iterable[tuple[Path, Path]]) -> None:
    """Removes our own data files, unless the winner's were the same bytes under the same names."""
    entry = store.ledger.get(cohort_id)
    named = {file.file for file in entry.tables.values()} if entry else set()
    for _, final in published:
        if final.relative_to(store.layout.root).as_posix() not in named:
            discard(store.fs, final)


def _config_types(runs: pa.Table) -> dict[str, str]:
    return {field.name: str(field.type) for field in runs.schema if is_config_column(field.name)}
