import subprocess
import sys

import pytest

LIST_MODULES = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def modules_after(code):
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}; {LIST_MODULES}"], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


@pytest.mark.parametrize("module", ["results_schema", "results_schema.dictionary"])
def test_the_contract_can_be_imported_with_pyarrow_alone(module):
    found = modules_after(f"import {module}")
    assert "pyarrow" in found
    assert not found & {"gridsweep", "jax", "duckdb", "pandas", "ray"}


def test_the_store_needs_no_jax_and_loads_duckdb_and_pandas_only_when_asked():
    found = modules_after("import gridsweep.store, gridsweep.store.commit, gridsweep.store.verify")
    assert not found & {"jax", "jaxlib", "ray", "duckdb", "pandas"}
