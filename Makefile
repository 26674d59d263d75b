# make run | test | test-long | test-all | check | bench | clean; needs make, git, Python >= 3.11 with venv
.POSIX:
VENV = .venv
BIN = $(VENV)/bin
CONSTRAINTS = constraints.txt
CORES = $$(getconf _NPROCESSORS_ONLN)

.PHONY: run test test-long test-all check bench base-image clean

run: $(VENV)/.installed
	@if [ -t 0 ] && [ -t 1 ]; then exec $(BIN)/redux-tui; \
	else exec $(BIN)/redux-tui run -s offline -a baseline --sandbox process --jobs $(CORES); fi

test: $(VENV)/.installed-test
	$(BIN)/pytest -n $(CORES) -m "not long"

test-long: $(VENV)/.installed-test
	$(BIN)/pytest -n $(CORES) -m long

test-all: test test-long

check: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-test
	for each in tests/bench/*.py; do $(BIN)/python $$each || exit 1; done

# a base image for agents where no image registry can be reached (Debian hosts, as root)
base-image:
	python3 tests/support/docker_base.py

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS) tests/support/install.sh
	sh tests/support/install.sh $(VENV) .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(CONSTRAINTS) tests/support/install.sh
	sh tests/support/install.sh $(VENV) '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: pyproject.toml $(CONSTRAINTS) tests/support/install.sh
	sh tests/support/install.sh $(VENV) '.[dev]'
	@touch $@ $(VENV)/.installed-test $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
