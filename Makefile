# `make demo` shows a sprint run; `make test` runs every check and every test. Both make .venv first.

VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.PHONY: help seeds demo test check lint types imports diagrams docs bench faults faults-long clis coverage wheel clean

help:
	@echo 'make demo       install into $(VENV) and run examples/quickstart in a scratch directory'
	@echo 'make test       every check and every test (what CI runs)'
	@echo 'make check      lint, format, types, import contracts, quick tests'
	@echo 'make coverage   every test, with branch coverage'
	@echo 'make diagrams   redraw docs/diagrams and the tables of docs/states.md'
	@echo 'make docs       everything in docs/ that is generated'
	@echo 'make bench      the measurements of docs/performance.md, as one table'
	@echo 'make faults     fault campaigns: kills, power cuts, failing system calls, many seeds'
	@echo 'make faults-long  the same, every point of it; hours'
	@echo 'make clis       the real claude, codex and gemini, installed by npm into your cache, against a loopback'
	@echo 'make seeds      SEEDS=100000 FIRST=0: so many simulated worlds, from that one on, whether or not one fails'
	@echo 'make wheel      build, install into a fresh environment, run an example from elsewhere'
	@echo 'make clean      remove what these commands made'

demo: $(INSTALLED)
	@examples/demo.sh $(BIN)/fsm-sprint

test: lint types imports
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m 'not faults and not clis'

check: lint types imports
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m 'not slow and not faults and not clis'

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

types: $(DEV)
	$(BIN)/mypy

imports: $(DEV)
	@$(BIN)/lint-imports --no-logo >$(VENV)/imports.txt 2>&1 || { cat $(VENV)/imports.txt; exit 1; }
	@tail -n 1 $(VENV)/imports.txt

coverage: $(DEV)
	$(BIN)/python -m pytest -q -n 2 -m 'not faults and not clis' --cov --cov-report=term

diagrams: $(DEV)
	$(BIN)/python -m diagrams

docs: diagrams
	$(BIN)/python -m fsm_sprint.cli.reference

bench: $(DEV)
	$(BIN)/python -m bench

faults: $(DEV)
	FSM_SPRINT_CAMPAIGN=normal $(BIN)/python -m pytest -q -n 2 -m faults --hypothesis-profile=long
	FSM_SPRINT_CAMPAIGN=normal $(BIN)/python -m pytest -q -n 2 -m 'not faults' tests/faults

faults-long: $(DEV)
	FSM_SPRINT_CAMPAIGN=long $(BIN)/python -m pytest -q -n 2 tests/faults

clis: $(DEV)
	$(BIN)/python -m tests.clis

SEEDS ?= 100000
FIRST ?= 0

seeds: $(DEV)
	$(BIN)/python -m tests.simulation.campaign --all --seeds $(SEEDS) --first $(FIRST)

wheel: $(DEV)
	rm -rf dist
	$(BIN)/python -m hatchling build -t wheel
	rm -rf $(VENV)/wheel
	requirements/install $(VENV)/wheel dist/*.whl
	examples/demo.sh $(VENV)/wheel/bin/fsm-sprint

$(INSTALLED): pyproject.toml requirements/constraints.txt requirements/install
	@requirements/install $(VENV) .
	@touch $@

$(DEV): pyproject.toml requirements/constraints.txt requirements/install
	@requirements/install $(VENV) '.[dev]'
	@touch $(INSTALLED) $@

clean:
	rm -rf $(VENV) dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
