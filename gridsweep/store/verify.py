"""Is the store what it says it is? Every entry, every file, every plan is looked at.

Readers check what they touch. This checks everything: the hash of every byte that an entry
names, the schema and keys of every file, runs that would count twice, plans that no longer fit.
What nobody names, data files of commits that were cut off and staging files of processes that
died, is no damage; it is listed, and removed when asked, see ``leftovers``. Damage is never removed:
when asked it is set aside, see ``quarantine``, and the cohorts concerned are done once more.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from gridsweep.store.claims import maintenance
from gridsweep.store.compact import check_compactions
from gridsweep.store.errors import StoreDamaged, StoreError, naming
from gridsweep.store.layout import ledger_cohort, plan_number
from gridsweep.store.ledger import DataFile, LedgerEntry, parse_entry
from gridsweep.store.leftovers import find_leftovers
from gridsweep.store.measures import check_measures
from gridsweep.store.parquet import read_bytes, schema_of
from gridsweep.store.plans import PlanFile, read_plan
from gridsweep.store.quarantine import revoke, set_aside
from gridsweep.store.report import Finding, Report
from gridsweep.store.sealed import BrokenSeal, digest
from results_schema import CONFIG_TYPES, TABLES, VERSION, NewerVersion, schema, stored_schema, version_of

if TYPE_CHECKING:
    from gridsweep.store.store import Store

_TYPES = {str(type_): type_ for type_ in CONFIG_TYPES.values()}


def verify(store: "Store", repair: bool = False) -> Report:
    """Returns all that is wrong with a store, and everything in it that nobody names.

    Args:
        store: the store.
        repair: set damaged files aside and revoke the entries that named them, so that their
            cohorts are done again; remove leftovers that certainly belong to no commit under way.

    Raises:
        StoreBusy: to be repaired, and another process repairs or compacts.
        StoreError: the disk refused, or the store was written by a newer release.
    """
    with naming("verify"), maintenance(store, "repair it") if repair else nullcontext() as lease:
        plans, findings = _read_plans(store)
        entries, broken, found = _read_entries(store, plans)
        findings += found
        files = 0
        for entry in entries.values():
            findings += _check_plan_of(entry, plans)
            for file in entry.tables.values():
                files += 1
                findings += _check_file(store, entry, file)
            if lease is not None:
                lease.heartbeat()
        findings += _check_between(entries)
        findings += check_compactions(store)
        findings += check_measures(store, entries)
        if repair:
            findings = _set_damage_aside(store, findings, entries, plans)
        findings += find_leftovers(store, entries, broken, repair=repair)
    return Report(
        findings=tuple(findings),
        plans=len(plans),
        cohorts=len(entries),
        runs=len({run_id for entry in entries.values() for run_id in entry.runs}),
        files=files,
        bytes=sum(file.bytes for entry in entries.values() for file in entry.tables.values()),
    )


def _read_plans(store: "Store") -> tuple[dict[int, PlanFile], list[Finding]]:
    plans: dict[int, PlanFile] = {}
    findings: list[Finding] = []
    numbers = []
    for name in store.fs.names(store.layout.plans):
        if (number := plan_number(name)) is None:
            findings.append(Finding("stray", f"plans/{name}", "is no plan", "only plans here", damage=False))
            continue
        numbers.append(number)
        try:
            plans[number] = read_plan(store.fs, store.layout, number)
        except StoreDamaged as error:
            findings.append(Finding("plan", f"plans/{name}", str(error), "a whole plan"))
    for number in sorted(set(range(1, max(numbers, default=0))) - set(numbers)):
        findings.append(Finding("plan", f"plans/{number:04d}.json", "is missing", "plans without a gap"))
    return plans, findings


def _read_entries(
    store: "Store", plans: Mapping[int, PlanFile]
) -> tuple[dict[str, LedgerEntry], set[str], list[Finding]]:
    """Returns the sound entries, the cohorts whose entry is not, and what is wrong with those."""
    planned = {cohort: runs for plan in plans.values() for cohort, runs in plan.cohorts.items()}
    entries: dict[str, LedgerEntry] = {}
    broken: set[str] = set()
    findings: list[Finding] = []
    for name in store.fs.names(store.layout.ledger):
        if (place := ledger_cohort(name)) is None:
            findings.append(
                Finding("stray", f"ledger/{name}", "is no entry", "only entries here", damage=False)
            )
            continue
        cohort_id, revision = place
        if revision != (newest := store.ledger.revision(cohort_id)):
            found = f"is of revision {revision}, and the cohort is at {newest}"
            findings.append(
                Finding("revoked", f"ledger/{name}", found, "in quarantine/", cohort_id, damage=False)
            )
            continue
        try:
            entries[cohort_id] = parse_entry(store.fs.read(store.layout.ledger / name), cohort_id, revision)
        except NewerVersion as error:
            raise StoreError(f"ledger/{name}: {error}") from error
        except (BrokenSeal, StoreError, OSError, KeyError, TypeError, AttributeError) as error:
            broken.add(cohort_id)
            findings.append(
                Finding(
                    *(
                        "entry",
                        f"ledger/{name}",
                        str(error),
                        "a whole entry; without it the cohort is to be redone",
                    ),
                    cohort_id=cohort_id,
                    runs=len(planned.get(cohort_id, ())),
                )
            )
    return entries, broken, findings


def _check_plan_of(entry: LedgerEntry, plans: Mapping[int, PlanFile]) -> Iterator[Finding]:
    name, plan = entry.name, plans.get(entry.plan)
    if plan is None:
        found, right = f"names plan {entry.plan}, which is not there", "an entry's plan can be read"
    elif plan.sweep != entry.sweep:
        found, right = f"is of sweep {entry.sweep}", f"plan {entry.plan} is for {plan.sweep}"
    elif set(plan.cohorts.get(entry.cohort_id, ())) != set(entry.runs):
        found, right = "has other runs than its plan", f"the runs that plan {entry.plan} has for this cohort"
    else:
        return
    yield Finding("plan", name, found, right, cohort_id=entry.cohort_id, runs=len(entry.runs))


def _check_file(store: "Store", entry: LedgerEntry, file: DataFile) -> Iterator[Finding]:
    """Yields what is wrong with one data file; once it is not the committed one, no more than that."""

    def finding(found: str, right: str) -> Finding:
        return Finding("file", file.file, found, right, cohort_id=entry.cohort_id, runs=len(entry.runs))

    path = store.layout.root / file.file
    if (known := store.fs.stat(path)) is None:
        yield finding("is missing", f"{file.bytes} bytes")
        return
    if known.st_size != file.bytes:
        yield finding(f"{known.st_size} bytes", f"{file.bytes} bytes")
        return
    try:
        data = store.fs.read(path)
    except OSError as error:
        yield finding(f"cannot be read: {error.strerror}", "a readable file")
        return
    if (found := digest(data)) != file.sha256:
        yield finding(f"sha256 {found}", f"sha256 {file.sha256}")
        return
    try:
        yield from (finding(*pair) for pair in _check_content(entry, file, data))
    except (pa.ArrowException, OSError, KeyError) as error:
        yield finding(f"cannot be read as Parquet: {error}", "a Parquet file of this table")


def _check_content(entry: LedgerEntry, file: DataFile, data: bytes) -> Iterator[tuple[str, str]]:
    """Yields (found, right) for what a file with the right hash may still not be."""
    found_schema = schema_of(data)
    if (version := version_of(found_schema)) != entry.version:
        yield f"is of version {version}", f"version {entry.version}, as its entry says"
    if entry.version == VERSION:
        config = {column: _TYPES[type_] for column, type_ in file.columns.items()}
        right_schema = stored_schema(schema(file.table, config))
        for name in dict.fromkeys([*right_schema.names, *found_schema.names]):
            found, right = _type_of(found_schema, name), _type_of(right_schema, name)
            if found != right:
                yield f"column {name} is {found}", f"column {name} is {right}"
    key = list(TABLES[file.table].key)
    if set(key) - set(found_schema.names):
        return
    keys = read_bytes(data, columns=key)
    if keys.num_rows != file.rows:
        yield f"{keys.num_rows} rows", f"{file.rows} rows"
    if (twice := keys.num_rows - keys.group_by(key, use_threads=False).aggregate([]).num_rows) > 0:
        yield f"{twice} rows repeat the key of another", f"{', '.join(key)} identifies a row"
    run_ids = set(keys["run_id"].to_pylist())
    if run_ids - set(entry.runs) or (file.table == "runs" and run_ids != set(entry.runs)):
        yield "has other runs than its entry", "the runs of its entry"


def _check_between(entries: Mapping[str, LedgerEntry]) -> Iterator[Finding]:
    """Yields what no single entry shows: runs that count twice, columns with two types."""
    held: dict[str, list[str]] = {}
    types: dict[str, tuple[str, str]] = {}
    for cohort_id, entry in entries.items():
        for run_id in entry.runs:
            if entry.status(run_id) != "failed":
                held.setdefault(run_id, []).append(cohort_id)
        columns = entry.tables["runs"].columns if "runs" in entry.tables else {}
        for column, type_ in columns.items():
            known, where = types.setdefault(column, (type_, cohort_id))
            if known != type_:
                found, right = f'"{column}" is {type_}', f"{known}, as in cohort {where}"
                file = entry.tables["runs"].file
                yield Finding("column", file, found, right, cohort_id=cohort_id, runs=len(entry.runs))
    for run_id, cohorts in held.items():
        if len(cohorts) > 1:
            first, *_, last = sorted(cohorts, key=lambda cohort: (entries[cohort].plan, cohort))
            found = f"run {run_id} is also in cohort {first}"
            yield Finding("run", entries[last].name, found, "each run in one cohort", last, runs=1)


# What revoking an entry mends. A plan cannot be made again from anything here, and which of two types of
# a setting is the right one, nobody can tell.
_REVOKED_FOR = ("entry", "file", "run")


def _set_damage_aside(
    store: "Store",
    findings: Sequence[Finding],
    entries: dict[str, LedgerEntry],
    plans: Mapping[int, PlanFile],
) -> list[Finding]:
    """Revokes what is damaged and moves it to quarantine; returns the findings with what was mended."""
    planned = {cohort: runs for plan in plans.values() for cohort, runs in plan.cohorts.items()}
    concerned: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.kind in _REVOKED_FOR:
            concerned.setdefault(finding.cohort_id, []).append(finding)
    for cohort_id, found in concerned.items():
        entry = entries.pop(cohort_id, None)
        revoke(
            store,
            cohort_id,
            store.ledger.revision(cohort_id),
            entry=entry,
            runs=entry.runs if entry else planned.get(cohort_id, ()),
            found=[
                {key: value for key, value in asdict(finding).items() if key in ("file", "found", "right")}
                for finding in found
            ],
        )
    mended = []
    for finding in findings:
        if finding.kind in ("revoked", "compaction", "measure"):
            set_aside(store, [finding.file])
            finding = replace(finding, removed=True)
        elif finding.kind == "copy":
            store.fs.unlink(store.layout.root / finding.file)
            finding = replace(finding, removed=True)
        elif finding.cohort_id in concerned and finding.kind in _REVOKED_FOR:
            finding = replace(finding, removed=True)
        mended.append(finding)
    return mended


def _type_of(found: pa.Schema, name: str) -> str:
    if name not in found.names:
        return "not there"
    field = found.field(name)
    # How Parquet names the elements of a list is not part of the contract.
    type_ = f"list of {field.type.value_type}" if isinstance(field.type, pa.ListType) else str(field.type)
    return type_ + ("" if field.nullable else ", never NULL")
