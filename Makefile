# make verify   check, explore and prove the library against its specification, audit traces/
# make test     everything: lint, types, import contracts, tests, doctests
# make bench    the benchmarks, as ratios within one run
# make setup    the environment that they all use (they call it by themselves)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.current
SOURCES := spec raftbare conformance tests examples

.PHONY: setup verify test lint bench traces docs clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("raftbare needs Python 3.11 or newer; this is %d.%d. Name another one: make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev
	@$(BIN)/python -c 'import sysconfig, pathlib; pathlib.Path(sysconfig.get_path("purelib"), "raftbare-checkout.pth").write_text(str(pathlib.Path.cwd()) + "\n")'
	@printf '#!%s\nfrom conformance.cli import main\n\nif __name__ == "__main__":\n    main()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/conformance
	@chmod +x $(BIN)/conformance
	@touch $@

verify: setup
	$(BIN)/conformance verify

lint: setup
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/mypy --strict examples
	$(BIN)/lint-imports --no-logo

test: lint
	$(BIN)/python -m pytest -n auto --dist worksteal

bench: setup
	$(BIN)/python -m pytest tests/bench --benchmark-enable --benchmark-only -s

traces: setup
	$(BIN)/python -m conformance.golden

docs: setup
	$(BIN)/python -m conformance.trace.document

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .prove_cache
