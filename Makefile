# gridsweep: every chore by its name. `make help` lists them.

VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
STORE ?= stores/quickstart
FIGURES ?= figures
SCALE ?= laptop

.PHONY: help setup quickstart paper test test-all campaign campaign-all lint format bench bench-all lock docs clean

help:  ## List the chores
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 16

setup: $(READY)  ## Make the virtual environment from the hashed lock

$(READY): requirements.lock pyproject.toml
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gridsweep needs Python 3.11 or newer, found " + sys.version)'
	test -x $(PYTHON) || python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

quickstart: $(READY)  ## Train 6 networks and the null, print a table, draw the survival figure
	$(VENV)/bin/gridsweep run sweeps/quickstart.yaml --store $(STORE)
	$(VENV)/bin/gridsweep query --store $(STORE) sweeps/quickstart.sql
	$(VENV)/bin/gridsweep figure survival --by target.kind --store $(STORE) --out $(FIGURES)

paper: $(READY)  ## Train the sweeps behind the paper's figures (SCALE=laptop: hours) and judge each figure
	$(VENV)/bin/gridsweep paper --scale $(SCALE) --store stores/paper-$(SCALE)

test: $(READY)  ## Run the tests (under 15 minutes on 2 cores)
	$(PYTHON) -m pytest -m "not slow" --numprocesses auto --dist loadfile --no-loadscope-reorder

test-all: $(READY)  ## Run the long campaigns too
	$(PYTHON) -m pytest

campaign: $(READY)  ## Kill, starve and damage a store a thousand times over, and print the table
	$(PYTHON) -m tests.faults.campaign --stages ABCDFGHIJ

campaign-all: $(READY)  ## The same with real Ray, lost hosts, an object store and 20,000 kills (an hour)
	$(PYTHON) -m tests.faults.campaign --thorough

lint: $(READY)  ## Check style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pyright

format: $(READY)  ## Put the code into the house format
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(READY)  ## Measure scoring, queries, survival and planning against their peers
	$(PYTHON) -m benchmarks.scoring
	$(PYTHON) -m benchmarks.query
	$(PYTHON) -m benchmarks.survival
	$(PYTHON) -m benchmarks.scheduling plan

bench-all: bench  ## Measure training beside PyTorch too (PEER_PYTHON: a Python that has torch)
	$(PYTHON) -m benchmarks.training --sizes 64 128 1024 $(if $(PEER_PYTHON),--peer-python $(PEER_PYTHON))
	$(PYTHON) -m benchmarks.growth
	$(PYTHON) -m benchmarks.scheduling fan-out
	$(PYTHON) -m benchmarks.scheduling first-update

docs: $(READY)  ## Write the data dictionary from the schema
	$(PYTHON) -m results_schema > docs/data_dictionary.md

lock: $(READY)  ## Resolve the dependencies again, with hashes and without registry hosts
	$(VENV)/bin/uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet \
	    --upgrade pyproject.toml --extra dev --output-file requirements.lock
	$(VENV)/bin/uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet \
	    --upgrade pyproject.toml --extra cuda12 --output-file requirements-cuda.lock

clean:  ## Remove the environment and caches; stores and figures stay
	rm -rf $(VENV) .pytest_cache .hypothesis .ruff_cache
