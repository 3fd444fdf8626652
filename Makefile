# Two commands matter: `make run` shows the product, `make test` runs the whole suite.
# A Python 3.11 or newer is all they need; Node comes from the PATH or from the Python package index.

PYTHON ?= python3
PORT ?= 8000
DATA ?= .data/demo
VENV := .venv
BIN := $(VENV)/bin
WIDGET := $(wildcard widget/src/*.js widget/styles/*.css widget/package-lock.json widget/build.mjs)
# Pass arguments to pytest: make test ARGS="-k journeys"
ARGS ?=
# Twice as many as most machines of CI have cores: browsers and databases leave the workers waiting.
JOBS ?= 4

.PHONY: help run test lint types build clean

help:
	@echo "make run     start the server and a demo site (PORT=8000, the demo site takes the next port)"
	@echo "make test    run every check and every test, on SQLite, PostgreSQL, in Chromium and Firefox"
	@echo "make lint    run the checks only"
	@echo "make build   build the wheel into dist/"
	@echo "make clean   remove what was built and installed here; data stays"

run: $(VENV)/.run
	@exec $(BIN)/consent-server demo --port $(PORT) --data-dir $(DATA)

# Checks and tests run side by side and to their ends, so that one run tells everything; what the checks say comes last.
test: $(VENV)/.dev consent_server/static/widget/manifest.json
	@failed=0; $(MAKE) --no-print-directory lint > $(VENV)/lint.txt 2>&1 & checks=$$!; \
		$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS) || failed=1; \
		wait $$checks || failed=1; cat $(VENV)/lint.txt; \
		[ $$failed = 0 ] || { echo "make test: a check or a test above has failed" >&2; exit 1; }

lint: $(VENV)/.dev consent_server/static/widget/manifest.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@node="$$($(BIN)/python -c 'from consent_server.assets import node_command; print(node_command())')" && \
		echo "tsc --project widget/tsconfig.json" && \
		"$$node" widget/node_modules/typescript/bin/tsc --project widget/tsconfig.json

build: $(VENV)/.dev
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls -l dist

clean:
	rm -rf $(VENV) dist consent_server/static/widget widget/node_modules

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }

$(VENV)/.run: $(BIN)/python pyproject.toml
	@test -e $(VENV)/.dev || echo "Installing into $(VENV); this takes a minute or two, once."
	@test -e $(VENV)/.dev || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bundle]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	@echo "Installing into $(VENV) with everything that the tests need; this takes some minutes, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

consent_server/static/widget/manifest.json: $(VENV)/.dev $(WIDGET)
	$(BIN)/python -m consent_server.assets
	@touch $@
