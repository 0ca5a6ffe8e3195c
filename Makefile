# Every command works from an empty clone: what it needs and does not find, it installs first, or it says what to type.
# PYTHON=/path/to/python chooses the Python of a new virtual environment (`make clean` removes an old one).

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
UV := uv==0.13.8

# Each stamp is the moment at which a pinned list was last installed.
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

# Where the environment forbids Python to keep what it has compiled, each of the many processes that a test run starts
# would compile everything anew: half the time of their start.
export PYTHONDONTWRITEBYTECODE :=

define install
@echo "Installing $(1) ..."
@$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $(1) || { \
	echo "$(1) could not be installed; pip says why above. It needs the Python package index, https://pypi.org."; exit 1; }
endef

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: $(RUNTIME) ## set everything up, then serve the demo on this machine and print the addresses to open
	@$(VENV_PYTHON) demo/run.py

SUITE = $(VENV_PYTHON) -m pytest -n 4 --dist loadfile --no-loadscope-reorder --database=both

.PHONY: test
test: $(DEV) services ## set everything up, PostgreSQL and a browser included, then run the test suite
	@echo 'Running the suite on SQLite, and what keeps leads on PostgreSQL too.'
	@echo 'A part of it: make test ARGS="-k name", or ARGS=tests/vendors. The rest: make test-thorough'
	@$(SUITE) $(ARGS)

.PHONY: test-thorough
test-thorough: $(DEV) services ## run what `make test` leaves out: all combinations of what it tries once, as CI does
	@$(SUITE) -m thorough $(ARGS)

.PHONY: bench
bench: $(DEV) services ## measure Leadferry beside the bare minimum of this machine, and write docs/performance.md
	@$(VENV_PYTHON) -m bench $(ARGS)

.PHONY: load
load: $(DEV) services ## raise a campaign's visitors until it gives way, and prove that no lead was lost
	@$(VENV_PYTHON) -m bench.load $(ARGS)

.PHONY: attack
attack: $(DEV) ## run the attacks at full size (some minutes); ARGS="--soak-minutes 60" adds an hour of steady posts
	@$(VENV_PYTHON) -m tests.attack.full $(ARGS)

.PHONY: soak
soak: $(DEV) ## kill the processes 200 times while 10,000 leads come in, and prove that none is lost (ten minutes or so)
	@$(VENV_PYTHON) -m tests.crash.soak

.PHONY: translations
translations: $(DEV) ## bring leadferry/translations/ in step with what code and templates say
	@$(VENV_PYTHON) -m tools.translations

.PHONY: services
services: $(DEV) ## install what the tests need beside Python: PostgreSQL's programs and a browser
	@sh tools/test-services.sh

.PHONY: lint
lint: $(DEV) ## check style, format and types, and ask whether a pinned package has a known vulnerability
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy
	@$(VENV_PYTHON) -m tools.audit

.PHONY: format
format: $(DEV) ## mend style and format where a tool can
	$(VENV_PYTHON) -m ruff check --fix .
	$(VENV_PYTHON) -m ruff format .

.PHONY: requirements
requirements: $(DEV) ## pin requirements*.txt anew from requirements*.in
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check $(UV)
	for name in requirements requirements-dev; do \
		$(VENV_PYTHON) -m uv pip compile $$name.in --quiet --upgrade --universal --generate-hashes \
			--python-version 3.11 --no-annotate --no-header -o $$name.txt || exit 1; \
	done

.PHONY: clean
clean: ## remove the virtual environment and all caches; leads in var/ and the settings in .env stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A Python that was renewed or removed since counts as changed too, and the environment is made anew.
$(VENV_PYTHON): ;

$(RUNTIME): requirements.txt $(VENV_PYTHON)
	@sh tools/make-venv.sh
	$(call install,requirements.txt)
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.txt
	$(call install,requirements-dev.txt)
	@touch $@
