# The words of this project. `make` alone explains them.

VENV ?= .venv
BIN := $(VENV)/bin
PIP ?= $(BIN)/python -m pip
PIP_FLAGS := --quiet --disable-pip-version-check
# The first interpreter that is new enough; `make PYTHON=/path/to/python3` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; done)
# Words handed on: `make test ARGS="-k cache"`, `make bench ARGS="--only finished"`.
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv native demo test test-real check bench peers proto fmt clean

help: ## explain these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV)/.dev ## set up .venv with everything the other words need (they do it themselves)

native: $(VENV)/.runtime ## build the embedded engine with limits (Rust; first time: two minutes) and install it in .venv
	@command -v cargo >/dev/null || { \
		echo "The native binding is built with cargo, which is not there. Install Rust 1.85 or newer (https://rustup.rs," >&2; \
		echo "or rustc and cargo of your distribution), or go on without: the wheel of regorus is used then." >&2; exit 1; }
	@$(PIP) install $(PIP_FLAGS) --require-hashes -r requirements/native.txt
	@PATH="$(abspath $(BIN)):$$PATH" $(PIP) install $(PIP_FLAGS) --no-deps --no-build-isolation --force-reinstall ./native
	@$(BIN)/python -c 'import dnspolicy_native as n; print("dnspolicy_native", n.__version__, "is installed in $(VENV)")'

demo: $(VENV)/.runtime ## start a server with a small cluster, ask as several pods, show who may resolve what
	@$(BIN)/python -m examples.quickstart $(ARGS)

test: $(VENV)/.dev ## run all tests, in parallel
	@$(BIN)/python -m pytest -n logical --ignore=tests/bench $(ARGS)

test-real: $(VENV)/.dev ## run the tests beside a real kube-apiserver and other peers; names what is missing
	@$(BIN)/python -m tests.real $(ARGS)

peers: $(VENV)/.dev ## build and install those peers, pinned, in .peers (first time: ten minutes, Go, apt as root)
	@$(BIN)/python -m tests.peers

check: $(VENV)/.dev ## lint, formatting, types and import layers; rustfmt and clippy where they are
	@failed=; for tool in "ruff check ." "ruff format --check ." mypy lint-imports; do \
		echo "$$tool"; $(BIN)/$$tool || failed="$$failed, $$tool"; \
	done; \
	native/able; case $$? in 0) for tool in "fmt --check" "clippy --locked --all-targets -- -D warnings"; do \
		if cargo $${tool%% *} --version >/dev/null 2>&1; then \
			echo "cargo $$tool"; (cd native && cargo $$tool) || failed="$$failed, cargo $$tool"; \
		else echo "NOTICE: cargo $${tool%% *} is not here; left out" >&2; fi; \
	done;; 1) ;; *) failed="$$failed, native/able";; esac; \
	test -z "$$failed" || { echo "failed: $${failed#, }" >&2; exit 1; }

bench: $(VENV)/.runtime ## measure beside Unbound, Knot and CoreDNS (a few minutes; needs dnsperf)
	@$(BIN)/python -m tests.bench $(ARGS)

proto: $(VENV)/.dev ## make the code that comes of proto/ anew
	@PATH="$(abspath $(BIN)):$$(go env GOPATH 2>/dev/null)/bin:$$PATH" $(BIN)/python proto/generate.py

fmt: $(VENV)/.dev ## format the code and mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove caches and build products (.venv stays)
	rm -rf build dist native/target .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "dnspolicy needs Python 3.11 or newer; python3 is: $$(python3 --version 2>&1)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "dnspolicy needs Python 3.11 or newer; $(PYTHON) is not." >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { \
		echo "Python could not create $(VENV). On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# Stamps: nothing is asked of the network while they are newer than the lock files.
$(VENV)/.runtime: requirements/build.txt requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installing what dnspolicy needs"
	@$(PIP) install $(PIP_FLAGS) --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@$(PIP) install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing what tests and checks need"
	@$(PIP) install $(PIP_FLAGS) --require-hashes -r requirements/dev.txt
	@touch $@
