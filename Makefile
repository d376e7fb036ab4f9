# Every target sets up what it needs in .venv; only Python 3.11+ and make are assumed.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Python keeps what it compiled, whatever the surroundings say: tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test coverage lint notebooks bench lock clean
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
