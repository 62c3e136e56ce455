"""The published study in our grammar: its counts, its networks, and the way back to W&B's files."""

import functools
import re
from pathlib import Path

import pytest

from gridsweep.spec import Sweep, SweepError, WandbSweep, export_wandb, load_sweep
from gridsweep.spec.document import parse_document, read_document
from gridsweep.spec.wandb_export import wandb_yaml
from tests.spec.test_wandb import PUBLISHED

FOLDER = Path(__file__).parents[2] / "sweeps/no_free_lunch"
PAGE = FOLDER.parents[1] / "docs/published_study.md"
FILES = sorted(FOLDER.glob("*.yaml"))
NAMES = [file.stem for file in FILES]
REPAIRED = {"pc_ce_g_multiple_fields_and_scales", "pc_mse_dog_local_other", "pc_mse_g_local_other"}
FOR_DEBUGGING = {"debug_polarhighdim_mse", "xx_pc_ce_g_quick_debug"}
every_file = pytest.mark.parametrize("file", FILES, ids=NAMES)

# Of all grids that can run, debugging left out: spec, sweeps_and_figures, header and a.2.
DIFFERENT_WITHIN_FILES, DIFFERENT = 7_051, 7_009


@functools.cache
def networks(file):
    """The ids of a file's networks."""
    return frozenset(run.run_id for run in load_sweep(file))


def counts(file):
    """(published rows, different networks among them, rows here) as the file's opening says them."""
    said = " ".join(line.removeprefix("# ") for line in file.read_text().splitlines())
    found = re.search(
        r"Published: ([\d,]+) rows, ([\d,]+) different networks\.(?: Here: ([\d,]+) rows\.)?", said
    )
    assert found, f"{file.name} does not open with its counts"
    numbers = [int(number.replace(",", "")) for number in found.groups() if number]
    return numbers if len(numbers) == 3 else [*numbers, numbers[0]]


@every_file
def test_a_file_opens_with_its_question_and_what_is_void_in_it(file):
    text = file.read_text()
    first = text.split("\n#\n")[0].removeprefix("# ").replace("\n# ", " ")
    assert "?" in first
    assert re.search(r"^# (Void or doubtful in it:|Nothing in it is void\.)$", text, re.MULTILINE)


@every_file
def test_the_published_evaluation_leads_and_the_corrected_one_is_made_beside_it(file):
    sweep = load_sweep(file)
    assert [kind.kind_name() for kind in sweep[0].system.evaluation] == ["published", "corrected"]
    assert sweep.document["expect"] == len(sweep)
    assert sweep.name == file.stem


def test_grids_have_the_published_numbers_of_different_networks():
    grids = {file for file in FILES if load_sweep(file).method == "grid"}
    assert (len(FILES), len(grids)) == (30, 24)
    assert sum(counts(file)[0] for file in grids) == 21_113
    for file in grids:
        _, different, rows = counts(file)
        assert len(load_sweep(file)) == rows
        assert len(networks(file)) == different or (file.stem in REPAIRED and different == 0)
    counted = [networks(file) for file in grids if file.stem not in REPAIRED | FOR_DEBUGGING]
    assert sum(map(len, counted)) == DIFFERENT_WITHIN_FILES
    assert len(frozenset().union(*counted)) == DIFFERENT


def thinned(file):
    """The document with the ends of each axis but kinds, and two seeds; or with 40 draws."""
    document = {name: value for name, value in read_document(file).items() if name != "expect"}
    if document["method"] == "random":
        return document | {"run_cap": 40}
    axes = {key: said["values"] for key, said in document.get("parameters", {}).items()}
    few = {
        key: {"values": values if key == "network.kind" else [*values[:1], *values[1:][-1:]]}
        for key, values in axes.items()
    }
    return document | {"parameters": few, "seeds": 2}


def check_there_and_back(sweep):
    document = export_wandb(sweep)
    read = WandbSweep(parse_document(wandb_yaml(document), "exported"), "exported")
    assert read.document == document
    again, wanted = [run.run_id for run in read], [run.run_id for run in sweep]
    assert (again == wanted) if sweep.method == "random" else (set(again) == set(wanted))


@every_file
def test_a_few_networks_of_each_file_come_back_from_a_wandb_file(file):
    check_there_and_back(Sweep(thinned(file), str(file)))


@pytest.mark.slow
@every_file
def test_all_networks_of_each_file_come_back_from_a_wandb_file(file):
    check_there_and_back(load_sweep(file))


@pytest.mark.slow
@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not beside this checkout")
@every_file
def test_a_file_has_the_networks_of_the_published_one(file):
    document = read_document(PUBLISHED / "no_free_lunch" / file.name)
    ours = load_sweep(file)
    if ours.method == "random":
        document |= {"run_cap": len(ours)}
    theirs, void = set(), 0
    published = WandbSweep(document, file.name)
    for number in range(len(published)):
        try:
            theirs.add(published[number].run_id)
        except SweepError:
            void += 1
    if file.stem in REPAIRED:
        assert (theirs, void) == (set(), len(published))
        assert not networks(file) & frozenset().union(*(networks(other) for other in FILES if other != file))
    else:
        assert (theirs, void) == (networks(file), 0)
    if ours.method == "grid":
        assert len(published) == counts(file)[0]


def test_the_page_about_the_study_has_the_counts_of_its_files():
    row = r"^\| `(\w+)` \|[^|]+\| ([\d,]+|random) \| ([\d,]+) \| ([\d,]+) \|"
    rows = re.findall(row, PAGE.read_text(), re.MULTILINE)
    assert sorted(name for name, *_ in rows) == NAMES
    for name, published, different, here in rows:
        file = FOLDER / f"{name}.yaml"
        assert int(here.replace(",", "")) == len(load_sweep(file))
        if published == "random":
            assert load_sweep(file).method == "random"
            assert f"{different} different networks" in file.read_text().replace("\n# ", " ")
        else:
            said = [int(number.replace(",", "")) for number in (published, different, here)]
            assert said == counts(file)


@pytest.mark.slow
def test_random_searches_have_as_many_different_networks_as_they_say():
    for file in FILES:
        if load_sweep(file).method == "random":
            assert f"{len(networks(file)):,} different networks" in file.read_text().replace("\n# ", " ")
