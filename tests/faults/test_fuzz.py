"""Stage H: sweep files and queries made of anything end in one clear message, and write nothing."""

import random
import warnings

import pytest

from gridsweep.spec import SweepError, load_sweep
from gridsweep.store import QueryError, Store, StoreDamaged
from tests.store.synthetic import commit_cohort, plan_document

SEED = 20261124
SWEEP = """\
name: small
method: grid
seeds: 2
base:
  system: {kind: path_integrator}
  target: {kind: gaussian, place_cells: 16, field_width_m: 0.3}
  network: {units: 8, activation: relu}
  training: {learning_rate: 1e-3, batch_size: 4, steps: 4, updates: 50}
  evaluation: {kind: corrected, bins: [12], positions: 2000}
parameters:
  target.field_width_m: {values: [0.2, 0.3]}
  training.learning_rate: {values: [1e-3, 1e-2]}
keep: {weights: final}
expect: 8
"""
SCALARS = [
    "nan", ".inf", "-1", "0", "1e999", "true", "null", "~", "'1e-3'", "[]", "{}", "[1, [2]]", "2026-01-01",
    "!!python/object/apply:os.system ['true']", "&a [*a]", "*nobody", "''", "\\x00", "\u202e", "a" * 5000,
    "9" * 400, "{kind: os.system}", "../../etc/passwd", "0x10", "1_000", "12:30:45", "no", "<<: {a: 1}",
]  # fmt: skip
SELECT = """SELECT "target.kind", count(*) AS n, avg(grid_score_60) FROM units WHERE bins = 4 GROUP BY ALL"""
WORDS = [
    "SELECT", "FROM", "units", "runs", "members", "WHERE", "GROUP BY", "ALL", "(", ")", ",", "*", ";", "'", '"', "--",
    "/*", "*/", "COPY", "TO", "ATTACH", "'/etc/passwd'", "read_csv('/etc/passwd')", "INSTALL httpfs", "SET", "PRAGMA",
    "CREATE TABLE t AS", "DROP TABLE runs", "INSERT INTO runs", "WITH RECURSIVE", "UNION ALL", "1/0", "NULL",
    "glob('*')", "getenv('HOME')", '"target.kind"', "target.kind", "sum(grid_score_60)", "\x00", "\u202e", "9" * 50,
    "generate_series(1, 10)", "EXPLAIN", "CALL", "EXPORT DATABASE 'x'", "LOAD 'x'", "VALUES (1)",
]  # fmt: skip


def fuzzed_sweep(rng):
    """Returns the bytes of a sweep file that was once right."""
    lines = SWEEP.splitlines()
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(lines))
        kind = rng.randrange(7)
        if kind == 0:
            del lines[place]
        elif kind == 1:
            lines.insert(place, lines[rng.randrange(len(lines))])
        elif kind == 2:
            key = lines[place].partition(":")[0]
            lines[place] = f"{key}: {rng.choice(SCALARS)}"
        elif kind == 3:
            lines[place] = " " * rng.randint(0, 5) + lines[place].lstrip()
        elif kind == 4:
            letters = list(lines[place])
            for _ in range(rng.randint(1, 3)):
                if letters:
                    letters[rng.randrange(len(letters))] = rng.choice("{}[]:,-'\"#&*!|>%@`\t0aZ.é")
            lines[place] = "".join(letters)
        elif kind == 5:
            for token in ("0.2", "16", "gaussian", "relu", "1e-3", "[12]", "2000"):
                if token in lines[place]:
                    lines[place] = lines[place].replace(token, rng.choice(SCALARS), 1)
                    break
        else:
            lines[place] += f" {rng.choice(SCALARS)}"
        if not lines:
            lines = [""]
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    if rng.random() < 0.1:
        data = bytearray(data or b"x")
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def fuzz_sweeps(folder, number, seed):
    """Loads so many fuzzed files; returns how many were refused."""
    rng, refused = random.Random(seed), 0
    path = folder / "fuzzed.yaml"
    for case in range(number):
        path.write_bytes(fuzzed_sweep(rng))
        try:
            sweep = load_sweep(path)
            for row in range(min(len(sweep), 2)):
                sweep[row]
        except SweepError as error:
            refused += 1
            assert str(error), f"seed {seed}, case {case}"
        except Exception as error:
            raise AssertionError(
                f"seed {seed}, case {case}: {error!r}\n{path.read_text(errors='replace')}"
            ) from error
    assert sorted(folder.iterdir()) == [path]
    return refused


def fuzzed_query(rng):
    if rng.random() < 0.3:
        return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 8)))
    words = SELECT.split(" ")
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(words))
        if rng.random() < 0.3:
            del words[place]
        elif rng.random() < 0.5:
            words[place] = rng.choice(WORDS)
        else:
            words.insert(place, rng.choice(WORDS))
    return " ".join(words)


def fuzz_queries(store, number, seed):
    """Asks so many fuzzed queries; returns how many were refused."""
    rng, refused = random.Random(seed), 0
    for case in range(number):
        text = fuzzed_query(rng)
        try:
            store.sql(text, row_limit=1000, timeout_s=5.0)
        except StoreDamaged:
            raise
        except QueryError as error:
            refused += 1
            assert str(error), f"seed {seed}, case {case}"
        except Exception as error:
            raise AssertionError(f"seed {seed}, case {case}: {text!r}: {error!r}") from error
    return refused


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    store = Store.create(tmp_path_factory.mktemp("fuzz") / "store")
    store.add_plan(plan_document(cohorts=1))
    commit_cohort(store, 0)
    return store


def contents(store):
    return {path: path.read_bytes() for path in store.path.rglob("*") if path.is_file()}


def test_what_is_altered_was_right(tmp_path, asked):
    """Or everything would be refused for the same reason, and nothing be tried."""
    path = tmp_path / "small.yaml"
    path.write_text(SWEEP)
    assert len(load_sweep(path)) == 8
    assert asked.sql(SELECT).num_rows == 1


def test_sweep_files_made_of_anything_are_refused_in_words(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refused = fuzz_sweeps(tmp_path, 250, SEED)
    assert 50 < refused < 250


def test_queries_made_of_anything_are_refused_in_words_and_change_nothing(asked):
    before = contents(asked)
    refused = fuzz_queries(asked, 150, SEED)
    assert 30 < refused < 150
    assert contents(asked) == before


@pytest.mark.slow
def test_ten_thousand_sweep_files_and_queries(tmp_path, asked):
    before = contents(asked)
    assert fuzz_sweeps(tmp_path, 5000, SEED + 1) > 1000
    assert fuzz_queries(asked, 5000, SEED + 1) > 1000
    assert contents(asked) == before
