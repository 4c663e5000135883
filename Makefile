# Everything a contributor runs. Each target sets up what it needs; `make` alone tells what there is.

PYTHON ?=
BIN := .venv/bin
PYTEST := $(BIN)/pytest
# Two at a time take two thirds of the time, on two cores too: much of it is waiting. More would fight over models.
PARALLEL := --numprocesses 2 --dist worksteal
# What needs neither a model nor MongoDB nor a Debian package.
FAST := tests/architecture tests/audio tests/config tests/core tests/plugins providers/rules

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check fast fix docs bench clean

help:  ## tell what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## install everything into .venv, Debian packages too where this user may
	@PYTHON="$(PYTHON)" .ci/setup

demo: setup  ## hold a spoken conversation in Russian and in English
	$(BIN)/glottis demo

serve: setup  ## run the server on http://127.0.0.1:8080
	$(BIN)/glottis serve

test: check  ## check, and run every test with branch coverage: what guards main
	$(PYTEST) --quiet $(PARALLEL) --cov --cov-report=term:skip-covered

check: setup  ## format, lint, types, import arrows, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	.ci/cog --check

fast: setup  ## the tests that need no model, no MongoDB and no Debian package: seconds
	$(PYTEST) -q -m "not slow" $(FAST)

fix: setup  ## format, and mend what the linter can
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

docs: setup  ## write the generated parts of the documentation
	.ci/cog -r

bench: setup  ## measure, and compare with the budgets
	$(BIN)/python benchmarks/run.py

clean:  ## remove what was built and measured; `rm -rf .venv` removes the rest
	rm -rf build dist .coverage .coverage.* htmlcov demo-audio .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
