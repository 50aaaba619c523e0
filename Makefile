# Everything sets itself up: on a machine with git, make and Python 3.11 or newer, any target works first time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
BOOTSTRAPPED := $(VENV)/.bootstrapped
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
WORKSPACE ?=
# Every process that a night or a test starts would compile a thousand modules again.
unexport PYTHONDONTWRITEBYTECODE
PYTEST_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: coverage help setup setup-dev nightly test check docs translations soak mutants bench bench-full bench-prediction starting-model rivals up members network effects experiments cohorts notebooks lock clean

help:  ## show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

setup: $(READY)  ## make .venv with the locked dependencies of a night and the evenfall command

$(BOOTSTRAPPED): requirements-bootstrap.lock
	$(PYTHON) -c 'import sys; sys.exit("Evenfall needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

# uv does not read pip's configuration, in which many companies name their own index.
define sync
	@index="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}}"; \
	  if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
	  echo "$(UV) pip sync $(1)"; $(UV) pip sync --quiet --require-hashes --python $(2)/bin/python $(1)
endef
define install
	$(call sync,$(1),$(VENV))
	$(UV) pip install --quiet --no-deps --no-build-isolation --offline --python $(BIN)/python --editable .
endef

# A night needs the runtime lock alone; where the development lock is installed already, it stays.
$(READY): $(BOOTSTRAPPED) requirements.lock pyproject.toml
	$(call install,$(if $(wildcard $(READY_DEV)),requirements-dev.lock,requirements.lock))
	@touch $@

$(READY_DEV): $(READY) requirements-dev.lock
	$(call install,requirements-dev.lock)
	@touch $@

setup-dev: $(READY_DEV)  ## the same with what tests, checks and [scale] need

nightly: $(READY)  ## run a night: the simulated community, or WORKSPACE=examples/online-retail-ii
ifeq ($(WORKSPACE),)
	$(BIN)/evenfall demo --workspace workspace
else
	$(BIN)/evenfall nightly --workspace $(WORKSPACE)
endif

check: $(READY_DEV)  ## style, types, imports between rooms, documents against the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pip check --disable-pip-version-check
	$(BIN)/python -m pytest -q tests/docs

test: check  ## everything that can be tested here, but for the long tests of make soak
	$(BIN)/python -m pytest -q -n $(PYTEST_WORKERS) --dist loadscope --no-loadscope-reorder -m "not soak" --ignore tests/docs

coverage: $(READY_DEV)  ## measure which lines and branches the tests run, child processes included; takes longer than make test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n $(PYTEST_WORKERS) --dist loadscope --no-loadscope-reorder -m "not soak"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

soak: rivals  ## the long tests, up to an hour
	$(BIN)/python -m pytest -q -m soak
	HYPOTHESIS_PROFILE=exploring $(BIN)/python -m pytest -q -n $(PYTEST_WORKERS) --dist loadscope --no-loadscope-reorder -m "not soak" --ignore tests/docs

mutants: $(READY_DEV)  ## make one-line slips in a copy and see whether tests notice; ARGS="--room models --number 20 --seed 3"
	$(BIN)/python -m tests.mutants $(ARGS)

up: $(READY)  ## open lists, figures, notebooks, MLflow and Prefect under one address, of workspace/ or WORKSPACE=DIR
	$(BIN)/evenfall up --workspace $(or $(WORKSPACE),workspace)

members: $(READY_DEV)  ## open tonight's members as a page, of workspace/ or WORKSPACE=DIR
	$(BIN)/python -m notebooks.serve members --workspace $(or $(WORKSPACE),workspace)

network: $(READY_DEV)  ## open who carries the community: communities, the core, who is around a member, likewise
	$(BIN)/python -m notebooks.serve network --workspace $(or $(WORKSPACE),workspace)

effects: $(READY_DEV)  ## open whether talking worked, likewise
	$(BIN)/python -m notebooks.serve effects --workspace $(or $(WORKSPACE),workspace)

experiments: $(READY_DEV)  ## open the experiments side by side, likewise
	$(BIN)/python -m notebooks.serve experiments --workspace $(or $(WORKSPACE),workspace)

cohorts: $(READY_DEV)  ## open who stays, by month of joining, likewise
	$(BIN)/python -m notebooks.serve cohorts --workspace $(or $(WORKSPACE),workspace)

notebooks: $(READY_DEV)  ## edit the notebooks
	$(BIN)/python -m notebooks.serve all --edit --workspace $(or $(WORKSPACE),workspace)

RIVALS := benchmarks/.venv
$(RIVALS)/.ready: benchmarks/requirements.lock $(BOOTSTRAPPED)
	test -x $(RIVALS)/bin/python || $(PYTHON) -m venv $(RIVALS)
	$(call sync,$<,$(RIVALS))
	@touch $@

rivals: $(READY_DEV) $(RIVALS)/.ready  ## make the environment of what Evenfall is measured against

bench: rivals  ## measure a scaled-down community, beside what one would pick instead
	$(BIN)/python -m benchmarks.run --page docs/benchmarks.md

bench-full: rivals  ## measure 500,000 members with 50 million events; and predictions, with the whole budget of a training night
	$(BIN)/python -m benchmarks.run --members 500000 --events 50000000 --new-events 140000 --days-at-once 14 --twice 0.2 --page docs/benchmarks.md
	$(BIN)/python -m benchmarks.prediction --full --page docs/prediction.md

bench-prediction: $(READY_DEV)  ## measure predictions on open communities, beside simple rules and untuned models; an hour at most
	$(BIN)/python -m benchmarks.prediction --page docs/prediction.md

starting-model: $(READY_DEV)  ## make the starting model of churn anew from the examples and the simulation
	$(BIN)/python -m benchmarks.prediction.starting

translations: $(READY_DEV)  ## bring the translations in step with English
	$(BIN)/python -m flows.translations

docs: $(READY_DEV)  ## write the generated pages in docs/ anew
	$(BIN)/python -m flows.documents

COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet
lock: $(BOOTSTRAPPED)  ## resolve the dependencies anew into the locks, with hashes and without index addresses
	$(COMPILE) pyproject.toml --extra s3 --extra scale --extra dev --upgrade --output-file requirements-dev.lock
	$(COMPILE) pyproject.toml --extra s3 --constraints requirements-dev.lock --output-file requirements.lock
	printf 'setuptools\nuv\n' | $(COMPILE) - --constraints requirements-dev.lock --output-file requirements-bootstrap.lock
	$(COMPILE) benchmarks/requirements.in --upgrade --output-file benchmarks/requirements.lock

clean:  ## remove the demo workspace and caches
	rm -rf workspace .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
