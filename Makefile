# Every target works in a fresh clone: the virtual environment is made from the locks when needed.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
PG15_BIN ?= /usr/lib/postgresql/15/bin
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header

RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
BENCH := $(VENV)/.bench-installed

.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: help run demo migrate test test-pg15 mutation lint types bench openapi clauses lock clean

help: ## Lists the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

run: $(RUN) ## Runs the service on 127.0.0.1:8000 with its own PostgreSQL under ./var
	@exec $(BIN)/pdledger up

demo: $(RUN) ## Tells one person's story against the running service
	@exec $(BIN)/pdledger demo

migrate: $(RUN) ## Migrates the database (LEDGER_MIGRATION_URL, or the embedded one) to head
	@exec $(BIN)/pdledger migrate

test: $(DEV) ## Runs the whole suite against a real PostgreSQL
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-pg15: $(DEV) $(PG15_BIN)/postgres ## Runs the whole suite on PostgreSQL 15
	@LEDGER_TEST_PG_BIN=$(PG15_BIN) exec $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

mutation: $(DEV) ## Puts small faults into the core and names those that no test notices
	@exec $(BIN)/python tools/mutation.py $(MUTATION)

lint: $(DEV) ## Checks style, format and the directions of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-cache

types: $(BENCH) ## Checks types, strictly, the benchmarks included
	@$(BIN)/mypy

bench: $(BENCH) ## Measures against the floors, side by side in one run
	@exec $(BIN)/python -m benchmarks

openapi: $(DEV) ## Writes openapi.json from the routes
	@$(BIN)/python tools/openapi.py

clauses: $(DEV) ## Writes docs/clauses.md: clause or rule -> the tests that prove it
	@$(BIN)/python tools/clauses.py

lock: $(DEV) ## Resolves the dependencies anew into requirements/*.txt (hashes, no address)
	@$(INSTALL) uv
	@$(LOCK) requirements/build.in --output-file requirements/build.txt
	@# The largest set first: the others follow it, so that one version is tested and run.
	@$(LOCK) pyproject.toml --extra dev --extra bench --output-file requirements/bench.txt
	@$(LOCK) pyproject.toml --constraint requirements/bench.txt --output-file requirements/run.txt
	@$(LOCK) pyproject.toml --constraint requirements/bench.txt --extra tracing --output-file requirements/tracing.txt
	@$(LOCK) pyproject.toml --constraint requirements/bench.txt --extra dev --output-file requirements/dev.txt

clean: ## Removes the virtual environment and caches; never ./var
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..." >&2; exit 1; }
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing the locked packages"
	@$(INSTALL) --require-hashes --requirement requirements/build.txt --requirement requirements/run.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@echo "Installing the locked packages for tests and checks"
	@$(INSTALL) --require-hashes --requirement requirements/dev.txt
	@touch $@

$(BENCH): requirements/bench.txt $(DEV)
	@echo "Installing the locked packages for measurements"
	@$(INSTALL) --require-hashes --requirement requirements/bench.txt
	@touch $@

$(PG15_BIN)/postgres:
	@test "$$(id -u)" = 0 \
		|| { echo "PostgreSQL 15 is needed: apt-get install postgresql-15, or PG15_BIN=..." >&2; exit 1; }
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15
