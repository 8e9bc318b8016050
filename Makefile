# Two commands do everything on a machine with Python 3.11 or newer and make: `make run`, `make test`.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(p) -c 'import sys; sys.version_info >= (3, 11) and print("$(p)")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TESTS ?= tests
JOBS ?= 2
BENCHES ?= paid_order spending steps messages history batch rows import_lines verify sums

.DEFAULT_GOAL := help
.PHONY: help run demo-store test test-long check bench fmt openapi

help: ## What can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run ## Start everything with a sample program and demo data, and say what to try
	@exec $(BIN)/loyalty serve --migrate --demo

demo-store: $(VENV)/.run ## The same, and an example shop beside it that uses points
	@exec $(BIN)/python -m examples.storefront.demo

test: $(VENV)/.dev ## Run the tests, except the long ones
	@$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m "not long" $(TESTS)

test-long: $(VENV)/.dev ## Run the long tests at full size
	@$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m long $(TESTS) || [ $$? -eq 5 ] 

check: $(VENV)/.dev ## Format, lint, types, import direction, house rules, contract drift
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy examples/storefront
	@$(BIN)/mypy bench
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/test_house_rules.py
	@$(BIN)/loyalty openapi --check

bench: $(VENV)/.dev ## Measure; see bench/README.md for how to read it
	@for name in $(BENCHES); do $(BIN)/python bench/$$name.py || exit 1; done

fmt: $(VENV)/.dev ## Format and mend what can be mended by a machine
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

openapi: $(VENV)/.run ## Write openapi.yaml from the code
	@$(BIN)/loyalty openapi --write

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "This Python cannot make environments (on Debian: apt-get install python3-venv)"; exit 1; }

$(VENV)/.run: requirements.txt setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing what the service runs on ..."
	@$(PIP) install --no-deps -r requirements.txt
	@$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "Installing what tests and checks need ..."
	@$(PIP) install --no-deps -r requirements-dev.txt
	@touch $@
