# make verify   check, explore and prove the library against its specification, audit traces/
# make test     everything: lint, types, import contracts, tests, doctests
# make bench    the benchmarks, as ratios within one run
# make faults   real servers of examples/kvstore under two minutes of faults, judged
# make native   the fast path of audits and the episodes of checks, compiled
# make mutate   the library changed operator by operator, and what survives
# make site     the documentation as pages, in build/site
# make dist     sdists and wheels of both distributions, in build/dist
# make fuzz     an hour of random abuse of the commands
# make setup    the environment that they all use (they call it by themselves)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.current
SOURCES := spec raftbare conformance tests examples setup.py packaging/conformance/setup.py
COMPILED := build/compiled
WITH_COMPILED := PYTHONPATH=$(COMPILED) $(BIN)/python -P

# Tests start hundreds of processes that import the same modules: each is translated once, whatever
# the environment says (0.4 s of CPU time a process).
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup verify test test-compiled lint site bench native faults fuzz mutate traces docs dist clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("raftbare needs Python 3.11 or newer; this is %d.%d. Name another one: make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev
	@$(BIN)/python -c 'import sysconfig, pathlib; pathlib.Path(sysconfig.get_path("purelib"), "raftbare-checkout.pth").write_text(str(pathlib.Path.cwd()) + "\n")'
	@printf '#!%s\nfrom conformance import main\n\nif __name__ == "__main__":\n    main()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/conformance
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

# What has one core's worth of work goes side by side, what has more comes after it.
site: setup
	$(BIN)/sphinx-build -q -W -c docs . build/site

test: setup
	$(MAKE) --no-print-directory -j 2 test-compiled lint site
	$(BIN)/python -m pytest -n auto --dist loadgroup

# The library once more as mypyc compiles it; proofs run on the source there too.
test-compiled: $(COMPILED)/.current
	@if $(WITH_COMPILED) -c 'import raftbare; raise SystemExit(not raftbare.compiled)'; then \
		set -ex; \
		$(WITH_COMPILED) -m pytest -p no:cacheprovider tests/library tests/codec tests/release/test_examples.py; \
		$(WITH_COMPILED) $(BIN)/conformance check --events 50000; \
		$(WITH_COMPILED) $(BIN)/conformance prove --no-cache --only 'equivalence/vote call'; \
	else \
		echo "The compiled build is not tested: there is no C compiler."; \
	fi

$(COMPILED)/.current: $(STAMP) setup.py $(wildcard raftbare/*.py raftbare/*/*.py)
	@rm -rf $(COMPILED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --target $(COMPILED) .
	@touch $@

bench: $(COMPILED)/.current
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group bench
	$(BIN)/python -m tests.bench.report
	$(BIN)/python -m tests.kvstore.speed
	$(BIN)/python -m conformance.native.build
	$(BIN)/python -m tests.bench.auditing
	$(BIN)/python -m pytest tests/bench --benchmark-enable --benchmark-only -s

native: setup
	$(BIN)/python -m conformance.native.build

faults: setup
	$(BIN)/python -m tests.faults --seconds 120

mutate: setup
	$(BIN)/conformance mutate

fuzz: $(COMPILED)/.current
	$(BIN)/python -m tests.fuzz --seconds 3600

traces: setup
	$(BIN)/python -m conformance.release.golden

docs: setup
	$(BIN)/python -m conformance.trace.document
	$(BIN)/python -m tests.pictures.document

# Each from its own folder; what an earlier build left there would go into the wheel.
dist: setup
	rm -rf build/dist packaging/conformance/build
	$(BIN)/python -m build --outdir build/dist .
	$(BIN)/python -m build --outdir build/dist packaging/conformance

clean:
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .prove_cache .mutants_cache
