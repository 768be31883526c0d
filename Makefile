# Each target does all of its own set-up on a fresh Debian: Python 3.11 or later, make, and root or sudo for python3-venv.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: test check format clean

test: $(STAMP)
	$(BIN)/pytest -n 2

check: $(STAMP)
	$(BIN)/ruff format --check bridge tests
	$(BIN)/ruff check bridge tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

format: $(STAMP)
	$(BIN)/ruff format bridge tests
	$(BIN)/ruff check --fix bridge tests

$(STAMP): pyproject.toml requirements-dev.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kantter needs Python 3.11 or later."; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
		as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$as_root apt-get update -q && $$as_root apt-get install -qy python3-venv; }
	python3 -m venv $(VENV)
	$(BIN)/pip install -q -r requirements-dev.txt
	$(BIN)/pip install -q --no-deps -e .
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
