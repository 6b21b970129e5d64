PYTHON ?= python3
OUT ?= out
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install demo test check

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: install  ## train, export, load, simulate, verify and draw, on built-in data
	$(BIN)/bidl demo --out $(OUT)

test: install  ## everything a reviewer would run
	$(BIN)/python -m pytest

check: install  ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
