# One command each. Everything lives in .venv; nothing else on the machine is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
WORKERS ?= 2
MINUTES ?= 10
SEED ?= 1

.PHONY: run rotate-keys sandbox test torture storm sim mutants check lint audit openapi client bench fmt clean help

help:  ## Say what each command does.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): $(VENV)/bin/python requirements.txt constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

$(DEV_STAMP): $(STAMP) requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@

run: $(STAMP)  ## Set up, migrate and serve on http://localhost:8000.
	@exec $(BIN)/python main.py

rotate-keys: $(STAMP)  ## Encrypt every stored token with SECRET_KEY, after it was changed.
	@exec $(BIN)/python main.py rotate-keys

sandbox: $(STAMP)  ## Serve the Google simulator alone on http://localhost:9090.
	@exec $(BIN)/python -m sandbox --port 9090

test: $(DEV_STAMP)  ## Set up and run every test, on SQLite and on a real PostgreSQL.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

torture: STORE ?= sqlite
torture: $(DEV_STAMP)  ## The real processes under load and under fire: MINUTES=10 STORE=sqlite|postgresql SEED=1.
	$(BIN)/python -m tests.e2e.torture --minutes $(MINUTES) --store $(STORE) --seed $(SEED)

storm: $(DEV_STAMP)  ## Let 32 writers and 8 readers of one user's feed go on for 60 s, on SQLite and on PostgreSQL.
	FEED_STORM_SECONDS=60 $(BIN)/python -m pytest -rP -k whoever_applies --timeout 600 tests/e2e/test_change_feed.py

lint: $(DEV_STAMP)  ## Lint, formatting, types, import rules.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

audit: $(DEV_STAMP)  ## Look for insecure code and for dependencies with known vulnerabilities.
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive api background composition main.py persistence sandbox schemas scripts services
	$(BIN)/python -m scripts.audit

N ?= 1000
EDITS ?= 12
sim: STORE ?= memory
sim: $(DEV_STAMP)  ## Play N random histories from SEED in virtual time and judge them (STORE=memory or sqlite).
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation --n $(N) --seed $(SEED) --store $(STORE) --edits $(EDITS) $(if $(KEEP),--keep $(KEEP)) $(if $(VERBOSE),--verbose)

mutants: $(DEV_STAMP)  ## Measure how many histories it takes to catch each deliberate defect; prints a table.
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation.mutants

openapi: $(DEV_STAMP)  ## Write the OpenAPI document to docs/openapi.json, after a change that is meant.
	$(BIN)/python -m scripts.openapi

client: $(DEV_STAMP)  ## Generate the TypeScript client from that document, and check its types.
	$(BIN)/python -m scripts.client

check: lint audit client test  ## Exactly what CI runs.

bench: $(DEV_STAMP)  ## Measure against the floors and peers; writes benchmarks/results.json.
	$(BIN)/python -m benchmarks

fmt: $(DEV_STAMP)  ## Format and fix what can be fixed.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Remove the environment and the caches.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
