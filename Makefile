# Each target does all of its own set-up on a fresh Debian: Python 3.11 or later, make, and root or sudo for python3-venv.
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.runs
STAMP := $(VENV)/.installed

# Tests wait a lot, so there are more at once than cores; two at a time go to whoever is free.
SIDE_BY_SIDE := -n 4 --dist load --maxschedchunk 2

# The tests start many processes; without bytecode each one reads all of the sources anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check types tests-compiled synapse-compiled format bench clean

demo: $(RUN_STAMP)
	@$(BIN)/kantter demo

test: $(STAMP)
	$(BIN)/pytest $(SIDE_BY_SIDE)

# Beside the types, which need one core for a while, the bytecode of the tests and of Synapse is made: once, where else
# all that run tests at once would each make it on the way.
check: $(STAMP)
	$(BIN)/ruff format --check bridge tests benchmarks
	$(BIN)/ruff check bridge tests benchmarks
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory -j 2 types tests-compiled synapse-compiled
	@$(MAKE) --no-print-directory test

types: $(STAMP)
	$(BIN)/mypy

tests-compiled: $(STAMP)
	@$(BIN)/pytest --collect-only -qq > /dev/null || true

synapse-compiled: $(STAMP)
	@$(BIN)/python -c 'import synapse.app.homeserver' 2> /dev/null || true

format: $(STAMP)
	$(BIN)/ruff format bridge tests benchmarks
	$(BIN)/ruff check --fix bridge tests benchmarks

bench: $(STAMP)
	$(BIN)/python -m benchmarks

$(VENV)/bin/python3:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kantter needs Python 3.11 or later."; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$as_root apt-get update -q && $$as_root apt-get install -qy python3-venv; }
	python3 -m venv $(VENV)

# What runs needs the product alone; tests and checks need the pinned rest as well.
$(RUN_STAMP): pyproject.toml requirements-dev.txt | $(VENV)/bin/python3
	@echo "Setting up; this takes a minute the first time."
	@$(BIN)/pip install -q --disable-pip-version-check -c requirements-dev.txt -e .
	@touch $@

# The pins are brought 32 by 32 on two cores, which halves the time; then pip brings what another version of Python needs
# besides. Bytecode is made of what is used, when it is used.
$(STAMP): pyproject.toml requirements-dev.txt | $(VENV)/bin/python3
	sed '/^#/d' requirements-dev.txt | xargs -n 32 -P 2 $(BIN)/pip install -q --disable-pip-version-check --no-deps --no-compile
	@$(BIN)/pip check > /dev/null || $(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@ $(RUN_STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
