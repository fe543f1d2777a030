PYTHON ?= python3
BIN := .venv/bin

.PHONY: help help-text setup run test search lint types layers format hooks startup bench all

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

.venv/.ready: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

setup: .venv/.ready ## Make the virtual environment with all that development needs

run: setup ## Serve on the embedded database
	$(BIN)/wit-admin serve

test: setup ## Run all tests
	$(BIN)/python -m pytest -n 2

search: setup ## Run the tests of properties on examples not tried before
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -n 2 -m hypothesis

lint: setup ## Check style and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell wit_admin tests benchmarks examples docs README.md CHANGELOG.md
	$(BIN)/validate-pyproject pyproject.toml

types: setup ## Check types
	$(BIN)/mypy

help-text: setup ## Write the stored help text anew
	$(BIN)/python -m wit_admin.cli._stored

layers: setup ## Check which layer imports which
	$(BIN)/lint-imports

format: setup ## Bring the code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

hooks: setup ## Have git run the quick checks before each commit
	$(BIN)/pre-commit install

startup: setup ## Measure what the start of the command line costs
	$(BIN)/python benchmarks/startup.py

bench: setup ## Compare with git http-backend behind nginx (not part of all)
	$(BIN)/python -m benchmarks.serve_vs_nginx

all: test lint types layers ## Everything CI runs
