# Each target makes what it needs: a virtual environment in .venv, then the packages, then the work.
#   make demo        classify the shipped digits          make lint   ruff and mypy
#   make test        the tests on TensorFlow and on JAX   make docs   the site, into site/
#   make test-torch  the tests on torch                   make bench  the scripts in benchmarks/
#   make readme      write the tables of README.md and weights/README.md from the cards
# Variables: PYTHON (3.11 to 3.13), WORKERS (test processes), THREADS (threads of each), PYTEST_ARGS, TORCH.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
WORKERS ?= 2
THREADS ?= 2
PYTEST_ARGS ?=
TORCH ?= torch==2.13.0

# Relative, so that a path with a space in it does no harm.
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet

# Test processes share the machine: without bounds each takes all cores, and they slow each other down.
# NPROC bounds the threads of XLA on the CPU.
QUIET := TF_CPP_MIN_LOG_LEVEL=2 MPLBACKEND=Agg
BOUNDS := $(QUIET) OMP_NUM_THREADS=$(THREADS) TF_NUM_INTRAOP_THREADS=$(THREADS) TF_NUM_INTEROP_THREADS=1 NPROC=$(THREADS)
PYTEST := $(PY) -m pytest --numprocesses=$(WORKERS) --dist=loadfile --quiet $(PYTEST_ARGS)
# What is no matter of the backend (arguments, files, pages) carries the marker `once` and is tested in the first run alone.
AGAIN := $(PYTEST) -m "not once and not large and not extra_large"

.PHONY: help demo test test-tensorflow test-jax test-torch test-oldest lint format docs bench readme clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^Relative/,$$d'

demo: $(VENV)/.base
	$(QUIET) $(PY) examples/demo.py

test: test-tensorflow test-jax

test-tensorflow: $(VENV)/.dev-jax
	@echo "== tests on TensorFlow"
	$(BOUNDS) KERAS_BACKEND=tensorflow $(PYTEST)

# After the TensorFlow run also under `make -j`: two runs at once would only slow each other down.
test-jax: $(VENV)/.dev-jax | test-tensorflow
	@echo "== tests on JAX"
	$(BOUNDS) KERAS_BACKEND=jax $(AGAIN)

test-torch: $(VENV)/.torch
	@echo "== tests on torch"
	$(BOUNDS) KERAS_BACKEND=torch $(AGAIN)

# The oldest versions that setup.cfg allows, in an environment of their own.
test-oldest:
	PIP_CONSTRAINT=constraints-oldest.txt $(MAKE) test VENV=.venv-oldest

lint: $(VENV)/.dev-jax
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(VENV)/.dev-jax
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@echo "the site is in site/index.html"

readme: $(VENV)/.base
	$(PY) docs/generate.py

bench: $(VENV)/.base
	@for script in benchmarks/*.py; do echo "== $$script"; $(QUIET) $(PY) "$$script"; done

clean:
	rm -rf build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache

# The stamps. A change of the requirements brings the packages up to date; an unfinished environment is made anew.
$(VENV)/.base: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	  echo "zoo needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo not there)." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || { echo "== making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "== installing zoo and TensorFlow into $(VENV) (some minutes the first time)"
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev-jax: $(VENV)/.base
	$(PIP) --editable ".[dev,jax,data,onnx,litert,batch,serving,hub,train,notebooks]"
	@touch $@

$(VENV)/.docs: $(VENV)/.base
	$(PIP) --editable ".[docs]"
	@touch $@

$(VENV)/.torch: $(VENV)/.dev-jax
	$(PIP) "$(TORCH)"
	@touch $@
