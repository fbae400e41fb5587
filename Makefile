# Everything sets itself up: `make demo` and `make test` need Python 3.12 or newer and nothing else.
# On Windows, or with conda, see the README; `feedbackstudy demo` needs no make.

VENV ?= .venv
JOBS ?= 2
INSTALLER ?= uv
PY = $(VENV)/bin/python
STAMP = $(VENV)/.feedbackstudy-stamp
LOCKS = requirements.lock requirements-uv.lock

# The first that *runs* as 3.12 or newer: a pyenv shim may exist for a version that it will not start.
# Looked up only when something is to be set up. Override with `make PYTHON=/path/to/python setup`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python \
	$$(ls -d "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3 2>/dev/null); do \
	"$$p" -c 'import sys, venv; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { command -v "$$p"; break; }; done)

# One thread per process in the linear algebra: the tests run in $(JOBS) processes.
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: help extras setup lock demo test test-slow lint bench notebooks snapshots
.DEFAULT_GOAL := help

help:
	@echo "make demo        re-compute the published analyses and write the report"
	@echo "make test        run the test suite        make test-slow   run the proofs that take minutes"
	@echo "make lint        style, types, imports, docstrings"
	@echo "make notebooks   execute the course        make bench       timings beside rivals"
	@echo "make setup       only make $(VENV)           make lock        resolve the dependencies anew"
	@echo "make snapshots   write the files derived from the code: public API, environment.yml, docs/study-keys.md"

setup: $(STAMP)

# The stamp is younger than the locks and pyproject.toml once everything is in place, so a second run does nothing.
$(STAMP): $(LOCKS) pyproject.toml
	@test -n "$(PYTHON)" || { \
		echo "feedbackstudy needs Python 3.12 or newer; found: $$(python3 --version 2>&1 | head -n 1)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || { \
		echo "$(PYTHON) does not run as Python 3.12 or newer ($$("$(PYTHON)" --version 2>&1 | head -n 1));" \
		"feedbackstudy needs that." >&2; exit 1; }
	@$(PY) -c 'import sys, pip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || { \
		echo "Setting up $(VENV) with $(PYTHON) (once; a few minutes, about 2 GB)"; \
		"$(PYTHON)" -m venv --clear $(VENV); }
	@$(install_$(INSTALLER))
	@$(PY) -m pip install -q --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@
	@echo "Ready: $$($(PY) --version) in $(VENV)"

PIP_INSTALL = $(PY) -m pip install -q --disable-pip-version-check --require-hashes

define install_uv
{ $(PIP_INSTALL) -r requirements-uv.lock && \
UV_PYTHON_DOWNLOADS=never $(VENV)/bin/uv pip sync -q --python $(PY) --compile-bytecode --require-hashes requirements.lock; } || \
{ echo "uv could not install the locked packages (a mirror or proxy it cannot reach?): falling back to pip, which is slower." >&2; \
$(install_pip); }
endef

define install_pip
$(PIP_INSTALL) -r requirements.lock
endef

# Index addresses never enter the lock; hashes are those of every platform's files, so one lock serves all.
# Every extra but spark, which brings a JVM's worth of files that only its opt-in test needs.
EXTRAS = $(addprefix --extra ,cluster dev docx excel notebooks policy spss)

lock: $(STAMP)
	$(PIP_INSTALL) -r requirements-uv.lock
	$(VENV)/bin/uv pip compile -q --universal --python-version 3.12 --generate-hashes --no-header $(EXTRAS) \
		pyproject.toml -o requirements.lock
	echo uv | $(VENV)/bin/uv pip compile -q --universal --python-version 3.12 --generate-hashes --no-header \
		- -o requirements-uv.lock

# For .ci/run, so that the list stands once.
extras:
	@echo $(EXTRAS)

demo: $(STAMP)
	@$(VENV)/bin/feedbackstudy demo

test: $(STAMP)
	$(ONE_THREAD) $(PY) -m pytest -n $(JOBS) --dist loadfile -m "not slow"

test-slow: $(STAMP)
	$(ONE_THREAD) $(PY) -m pytest -n $(JOBS) --dist loadfile -m slow

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/numpydoc lint $$(git ls-files 'feedbackstudy/*.py')

bench: $(STAMP)
	@for f in benchmarks/*.py; do echo "== $$f"; $(ONE_THREAD) $(PY) "$$f" || exit 1; done

notebooks: $(STAMP)
	$(PY) -m tools.notebooks

snapshots: $(STAMP)
	$(PY) -m tools.public_api
	$(PY) -m tools.conda
	$(PY) -m tools.study_keys
