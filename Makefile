# A fresh clone needs two commands: `make atlas` and `make test`. All is installed into .venv.
#   make PYTHON=python3.13     another Python (3.11 or newer) than python3
#   make INSTALLER=uv          install with uv: the same versions, several times faster
#   make test ARGS="-k maps"   options for pytest

PYTHON ?= python3
INSTALLER ?= pip
BIN := .venv/bin
PINS := requirements/constraints.txt
BOOKS := notebooks
TOO_OLD := collabnet needs Python 3.11 or newer. Install one and name it: make PYTHON=python3.12

ifeq ($(INSTALLER),uv)
GET_INSTALLER = $(BIN)/python -m pip install --quiet uv
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint $(PINS) --editable
else
GET_INSTALLER := :
INSTALL = $(BIN)/python -m pip install --quiet --constraint $(PINS) --editable
endif

# In a container there may be no other user than root, whom JupyterLab refuses unless told.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help atlas test test-spark check notebooks docs lab bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[.a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.venv: .venv/ready ## Create the environment, or bring it up to date
.venv/ready: WANTED := '.[test]'

# PySpark is large and most do without it: it has an environment of its own.
.venv-spark: .venv-spark/ready
.venv-spark/ready: BIN := .venv-spark/bin
.venv-spark/ready: WANTED := '.[spark]' pytest

# Debian parts venv from pip; where only pip is there, it fills an environment made without it.
.venv/ready .venv-spark/ready: pyproject.toml $(PINS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(TOO_OLD)" >&2; exit 1; }
	@echo "Installing the pinned packages into $(@D) with $(INSTALLER): a minute or three …"
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null && $(PYTHON) -m venv $(@D) || { \
	  $(PYTHON) -m venv --without-pip $(@D) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
	@$(GET_INSTALLER)
	@$(INSTALL) $(WANTED)
	@touch $@

atlas: .venv/ready ## Build the store from data/ and the atlas from the store
	$(BIN)/collabnet ingest data --out build/store
	$(BIN)/collabnet atlas build/store --out build/atlas.html
	@echo 'Open it in a browser: $(CURDIR)/build/atlas.html'

test: check ## Style, types, then all tests, docstring examples and notebooks
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-spark: .venv-spark/ready ## The tests on a real Spark cluster; needs Java
	.venv-spark/bin/python -m pytest -o addopts= -m spark tests/test_spark.py $(ARGS)

check: .venv/ready ## Style and types only
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/ty check --python .venv

notebooks: .venv/ready ## Execute the notebooks again and store what they show
	$(BIN)/python scripts/store_notebooks.py

docs: .venv/ready ## Build the documentation into build/site; needs no network
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -c docs . build/site
	@echo 'Open it in a browser: $(CURDIR)/build/site/index.html'

lab: .venv/ready ## Open the notebooks in JupyterLab
	$(BIN)/jupyter lab $(BOOKS) $(AS_ROOT) $(ARGS)

bench: .venv/ready ## Measure speed and memory, peers too (an hour; ARGS=--quick: three minutes)
	$(BIN)/python benchmarks/run.py $(ARGS)

clean: ## Remove all that make has made, .venv included
	rm -rf build .venv .venv-spark *.egg-info .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
