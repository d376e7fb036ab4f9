# Every target sets up what it needs in .venv; only Python 3.11+ and make are assumed.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Python keeps what it compiled, whatever the surroundings say: tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test coverage lint audit notebooks bench lock clean
install: $(STAMP)

# Without --no-deps an older pip looks for `coverage[toml]` beyond the lock, and fails as soon as a
# newer coverage is out. The lock is complete, so there is nothing to look for.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another one with: make PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -c 'from pipeline.reading import compile_scan; compile_scan()'
	$(BIN)/python -c 'from pipeline.snapshots import compile_replay; compile_replay()'
	@touch $(STAMP)

demo: install
	@$(BIN)/coinflex-l2 demo

# In the order of the files: of few tests a file would come last, and one of these takes a minute.
test: install
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# Which lines the tests reach, commands and workers included. It makes them take longer by two thirds.
coverage: install
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What is known of the pinned versions; needs a network that reaches the index's advisories. One of
# which nothing can be known is a failure (--strict): else none would be found where none is told.
# It has surroundings of its own, for what it needs is not pinned here.
AUDIT := .venv/audit
audit:
	@test -x $(AUDIT)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT) && $(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; } || { echo "make audit: pip-audit can't be installed here, so nothing was checked" >&2; exit 1; }
	@rm -f $(AUDIT)/found
	@$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements.lock --output $(AUDIT)/found || { test -s $(AUDIT)/found && cat $(AUDIT)/found || echo "make audit: not all was checked, for the advisories of a package can't be had from here; run it where the network reaches them" >&2; exit 1; }

# Outputs anew, in place. One notebook alone: make notebooks ARGS=quickstart
notebooks: install
	$(BIN)/python -m notebooks $(ARGS)

# Less of everything: make bench ARGS=--quick
bench: install
	$(BIN)/python -m benchmarks $(ARGS)

# Pins and hashes only: no address of any index is written.
lock: install
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --extra dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .coverage
