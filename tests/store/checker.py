"""Whether a store is right, decided without a line of the store's own code.

Reads the ledger as JSON and the data as Parquet and raises AssertionError for anything lost,
doubled, torn or half there. Shares nothing with gridsweep, so that one mistake cannot hide another.
"""

import functools
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def check_store(root: Path) -> dict[str, list[str]]:
    """Returns the run ids of each committed cohort, after checking all of them."""
    committed: dict[str, list[str]] = {}
    plans = [json.loads(path.read_text()) for path in sorted((root / "plans").iterdir())]
    planned = {cohort["cohort_id"]: cohort["runs"] for plan in plans for cohort in plan["cohorts"]}
    revoked = [path.name.split(".")[0] for path in (root / "revoked").iterdir()]
    for path in sorted((root / "ledger").iterdir()):
        cohort, *revision = path.name.removesuffix(".json").split(".")
        # What was revoked n times counts under r<n> and under no other name.
        if revision != ([f"r{revoked.count(cohort)}"] if cohort in revoked else []):
            continue
        entry = json.loads(path.read_text())
        assert entry["cohort_id"] == cohort
        assert entry["runs"] == planned[cohort], f"{cohort}: not the runs of its plan"
        for name, file in entry["tables"].items():
            table = read_whole(root / file["file"], file)
            runs = set(table["run_id"].to_pylist())
            assert runs <= set(entry["runs"]), f"{cohort}: {name} has foreign runs"
            if name == "runs":
                assert runs == set(entry["runs"]), f"{cohort}: runs has not the runs of the entry"
                assert table.num_rows == len(runs), f"{cohort}: a run has two rows"
                assert sum(entry["status_counts"].values()) == len(runs)
        committed[cohort] = entry["runs"]
    run_ids = [run_id for runs in committed.values() for run_id in runs]
    assert len(run_ids) == len(set(run_ids)), "a run is committed twice"
    return committed


def read_whole(path: Path, file: dict) -> pa.Table:
    data = path.read_bytes()
    assert len(data) == file["bytes"], f"{path}: torn"
    assert hashlib.sha256(data).hexdigest() == file["sha256"], f"{path}: not the committed bytes"
    table = _table(data)
    assert table.num_rows == file["rows"]
    return table


@functools.lru_cache(maxsize=256)  # the same bytes are the same table
def _table(data: bytes) -> pa.Table:
    with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as parquet:
        return parquet.read(use_threads=False)
