# Everything sets itself up: on a machine with git, make and Python 3.11 or newer, any target works first time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKSPACE ?=
PYTEST_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup nightly test check docs soak mutants bench bench-full rivals members experiments cohorts notebooks lock clean

help:  ## show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

setup: $(READY)  ## make .venv with the locked dependencies and the evenfall command

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Evenfall needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

nightly: $(READY)  ## run a night: the simulated community, or WORKSPACE=examples/online-retail-ii
ifeq ($(WORKSPACE),)
	$(BIN)/evenfall demo --workspace workspace
else
	$(BIN)/evenfall nightly --workspace $(WORKSPACE)
endif

check: $(READY)  ## style, types, imports between rooms, documents against the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pip check --disable-pip-version-check
	$(BIN)/python -m pytest -q tests/docs

test: check  ## everything that can be tested here, but for the long tests of make soak
	$(BIN)/python -m pytest -q -n $(PYTEST_WORKERS) --dist loadscope --no-loadscope-reorder -m "not soak" --ignore tests/docs

soak: rivals  ## the long tests, up to an hour
	$(BIN)/python -m pytest -q -m soak
	HYPOTHESIS_PROFILE=exploring $(BIN)/python -m pytest -q -n $(PYTEST_WORKERS) --dist loadscope --no-loadscope-reorder -m "not soak" --ignore tests/docs

mutants: $(READY)  ## make one-line slips in a copy and see whether tests notice; ARGS="--room models --number 20 --seed 3"
	$(BIN)/python -m tests.mutants $(ARGS)

members: $(READY)  ## open tonight's members as a page, of workspace/ or WORKSPACE=DIR
	$(BIN)/python -m notebooks.serve members --workspace $(or $(WORKSPACE),workspace)

experiments: $(READY)  ## open the experiments side by side, likewise
	$(BIN)/python -m notebooks.serve experiments --workspace $(or $(WORKSPACE),workspace)

cohorts: $(READY)  ## open who stays, by month of joining, likewise
	$(BIN)/python -m notebooks.serve cohorts --workspace $(or $(WORKSPACE),workspace)

notebooks: $(READY)  ## edit the notebooks
	$(BIN)/python -m notebooks.serve all --edit --workspace $(or $(WORKSPACE),workspace)

RIVALS := benchmarks/.venv
$(RIVALS)/.ready: benchmarks/requirements.lock
	test -x $(RIVALS)/bin/python || $(PYTHON) -m venv $(RIVALS)
	$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

rivals: $(READY) $(RIVALS)/.ready  ## make the environment of what Evenfall is measured against

bench: rivals  ## measure a scaled-down community, beside what one would pick instead
	$(BIN)/python -m benchmarks.run --page docs/benchmarks.md

bench-full: rivals  ## measure 500,000 members with 50 million events
	$(BIN)/python -m benchmarks.run --members 500000 --events 50000000 --new-events 140000 --days-at-once 14 --twice 0.2 --page docs/benchmarks.md

docs: $(READY)  ## write the generated pages in docs/ anew
	$(BIN)/python -m flows.documents

lock: $(READY)  ## resolve the dependencies anew into requirements.lock, with hashes and without index addresses
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra scale --universal --python-version 3.11 --upgrade --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock
	$(BIN)/uv pip compile benchmarks/requirements.in --universal --python-version 3.11 --upgrade --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --quiet --output-file benchmarks/requirements.lock

clean:  ## remove the demo workspace and caches
	rm -rf workspace .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
