"""A store on an object store, over HTTP against a real server (moto's): commits once, reads right, comes home."""

import copy
import datetime
import errno
import os
import subprocess
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gridsweep.store import Claims, Outcome, Store, StoreError
from gridsweep.store.fs import stage
from gridsweep.store.merge import merge
from gridsweep.store.quarantine import recorded_micro_batch
from gridsweep.store.s3 import S3FS, WRITER, Service, s3_root, sign
from gridsweep.store.verify import verify
from tests.store.moto_server import make_bucket, missing, server
from tests.store.synthetic import commit_cohort, plan_document

REPOSITORY = Path(__file__).parents[2]
COHORTS, WRITERS = 6, 4


@pytest.fixture(scope="module")
def environment():
    if why := missing():
        pytest.skip(why)
    with server() as found:
        before = {name: os.environ.get(name) for name in found}
        os.environ.update(found)
        yield found
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@pytest.fixture
def address(environment):
    return f"s3://{make_bucket(environment)}/stores/mine"


@pytest.fixture
def store(address):
    store = Store.create(address)
    store.add_plan(plan_document(cohorts=COHORTS))
    return store


def test_a_store_is_made_filled_and_read_as_on_a_disk(store, address, tmp_path):
    local = Store.create(tmp_path / "local")
    local.add_plan(plan_document(cohorts=COHORTS))
    for number in range(3):
        assert commit_cohort(store, number) == Outcome.COMMITTED
        commit_cohort(local, number)
    again = Store.open(address)
    assert again.snapshot_id() == local.snapshot_id()
    assert again.status_counts() == local.status_counts()
    for table in ("runs", "units", "history"):
        assert again.table(table).equals(local.table(table))
    assert again.sql("SELECT count(*) AS n FROM units").equals(local.sql("SELECT count(*) AS n FROM units"))
    assert commit_cohort(again, 0) == Outcome.ALREADY
    assert verify(again).findings == ()


def test_a_store_is_made_once(store, address):
    assert Store.open_or_create(address).store_id == store.store_id
    assert Store.is_there(address)
    assert not Store.is_there(f"{address}-not")
    with pytest.raises(StoreError, match="there is a store already"):
        Store.create(address)
    with pytest.raises(StoreError, match=r"is not a store, it has no STORE.json"):
        Store.open(f"{address}-not")
    with pytest.raises(StoreError, match=r"expected s3://BUCKET/PREFIX"):
        Store.open("s3://bucket")


def test_of_many_writers_of_the_same_cohorts_one_wins_each(store, address):
    def commit_all(first):
        own = Store.open(address)
        order = [(first + step) % COHORTS for step in range(COHORTS)]
        return [(number, commit_cohort(own, number).name) for number in order]

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = [answer for told in pool.map(commit_all, range(WRITERS)) for answer in told]
    won = sorted(number for number, name in answers if name == "committed")
    assert won == list(range(COHORTS)), "each cohort was committed once, and whoever lost was told"
    report = verify(Store.open(address))
    assert report.ok
    assert report.cohorts == COHORTS


def test_claims_hold_over_an_object_store(store):
    ours, theirs = Claims(store), Claims(Store.open(store.address))
    cohort_id = next(iter(store.plan(1).cohorts))
    claim = ours.try_claim(cohort_id)
    assert theirs.try_claim(cohort_id) is None
    claim.release()
    assert theirs.try_claim(cohort_id).epoch == 1


def test_damage_is_found_set_aside_and_redone(store, address):
    for number in range(2):
        commit_cohort(store, number)
    cohort_id = next(iter(store.plan(1).cohorts))
    file = store.ledger.get(cohort_id).tables["units"].file
    path = store.layout.root / file
    data = bytearray(store.fs.read(path))
    data[300] ^= 1
    store.fs._ask("PUT", path, data=bytes(data))
    report = verify(Store.open(address), repair=True)
    assert report.redo == {cohort_id: 2}
    again = Store.open(address)
    assert again.committed_cohorts() == set(list(store.plan(1).cohorts)[1:2])
    assert recorded_micro_batch(again, cohort_id) == 1
    assert commit_cohort(again, 0) == Outcome.COMMITTED
    assert verify(Store.open(address)).ok


def test_results_come_home_and_go_back(store, address, tmp_path):
    for number in range(3):
        commit_cohort(store, number)
    home = Store.create(tmp_path / "home")
    assert merge(store, home).cohorts == 3
    assert home.table("units").equals(store.table("units"))
    assert merge(home, Store.open(address)).already == 6


def test_an_answer_that_was_lost_is_not_taken_for_somebody_elses_commit(store, monkeypatch):
    whole, lost = S3FS._send, []

    def send(self, method, path, *rest):
        answer = whole(self, method, path, *rest)
        if method == "PUT" and not lost:
            lost.append(path)
            raise TimeoutError("the answer did not arrive")
        return answer

    monkeypatch.setattr(S3FS, "_send", send)
    staged = stage(store.fs, store.layout.staging, b"data")
    target = store.layout.root / "ledger" / f"{'0' * 16}.json"
    assert store.fs.link(staged, target)
    assert lost == [target]
    assert not store.fs.link(stage(store.fs, store.layout.staging, b"other"), target)
    assert store.fs.read(target) == b"data"


def test_a_service_that_overwrites_is_refused(address, monkeypatch):
    whole = S3FS._send

    def send(self, method, path, data, query, headers):
        headers = {name: value for name, value in headers.items() if name not in ("if-none-match", WRITER)}
        return whole(self, method, path, data, query, headers)

    monkeypatch.setattr(S3FS, "_send", send)
    with pytest.raises(StoreError, match="two workers could commit the same cohort"):
        Store.create(address)


def test_names_go_on_beyond_a_page(store):
    folder = store.layout.root / "attempts" / "many"
    names = [f"{number:04d}.json" for number in range(1005)]
    whole = S3FS._list
    for name in names[:25]:
        store.fs.write_new(folder / name, b"x")
    assert sorted(whole(store.fs, folder, at_most=10)) == names[:25]
    assert store.fs.names(store.layout.root / "nothing") == []


def test_a_busy_service_is_asked_again_and_a_dead_one_named(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    dead = Service(urllib.parse.urlsplit("http://127.0.0.1:9"), "us-east-1", "key", "secret", "")
    with pytest.raises(OSError, match=r"127.0.0.1:9 did not answer 6 times") as found:
        S3FS(dead).read(Path("s3:/bucket/key"))
    assert found.value.errno == errno.EIO


def test_without_a_key_it_is_said_which_variables_are_missing(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(StoreError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        Store.open("s3://bucket/prefix")


def test_a_signature_is_that_of_the_published_example():
    """The example of AWS's own documentation of Signature Version 4 for S3: GET Bucket (List Objects)."""
    service = Service(
        urllib.parse.urlsplit("https://examplebucket.s3.amazonaws.com"),
        "us-east-1",
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "",
    )
    now = datetime.datetime(2013, 5, 24, tzinfo=datetime.UTC)
    signed = sign(service, "GET", "/", "max-keys=2&prefix=J", b"", {}, now=now)
    assert signed["authorization"].endswith(
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )


def test_a_client_that_holds_a_key_is_never_pickled():
    service = Service(urllib.parse.urlsplit("http://127.0.0.1:9"), "us-east-1", "key", "hidden", "")
    with pytest.raises(TypeError, match="holds a secret"):
        copy.copy(S3FS(service))
    assert "hidden" not in repr(service)


def test_where_it_is_has_one_spelling():
    assert s3_root("s3://bucket/a/b/") == s3_root(Path("s3://bucket/a/b")) == Path("s3:/bucket/a/b")


SWEEP = """
name: noise
method: list
seeds: 3
lanes: 1
base:
  system: {kind: filtered_noise, units: 8}
  evaluation: {kind: corrected, bins: [12], positions: 2000}
runs:
  - {}
"""


@pytest.mark.slow
def test_commands_work_on_an_object_store_and_leave_nothing_on_the_disk(address, environment, tmp_path):
    sweep = tmp_path / "noise.yaml"
    sweep.write_text(SWEEP)
    words = {
        "run": ("run", str(sweep), "--inline"),
        "again": ("plan", str(sweep)),
        "query": ("query", "SELECT count(*) AS n FROM runs"),
        "verify": ("verify",),
    }
    folder = tmp_path / "here"
    folder.mkdir()
    said = {}
    for name, command in words.items():
        done = subprocess.run(
            [sys.executable, "-m", "gridsweep", *command, "--store", address],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said[name] = done.stdout
    assert "3 already stored, 0 to train" in said["again"]
    assert "3" in said["query"]
    assert list(folder.iterdir()) == []
