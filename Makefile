# Everything a person or a machine does with this repository. On a fresh machine with
# Python 3.11 or later and make, `make demo` and `make test` need nothing else.
#
# Every target installs what it needs into .venv, once: a stamp file there says that an extra is
# installed, and a stamp older than pyproject.toml is renewed.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

# Tests start hundreds of processes, and each would compile what it imports: half of what it costs.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PIP := $(PY) -m pip --disable-pip-version-check --no-input --quiet

# The judges of our proofs, contracts and node that come from npm. They are run, never linked or shipped.
JUDGES := snarkjs@0.7.6 circom2@0.2.23 circomlib@2.0.5 solc@0.8.30 zokrates-js@1.1.9
JUDGES += ethers@6.17.0 viem@2.57.20 hardhat@2.29.1

# An Ethereum node that ours is measured against, and its command line; they come as programs.
ifeq ($(shell uname -sm),Linux x86_64)
JUDGES += @foundry-rs/anvil-linux-amd64@1.7.1 @foundry-rs/cast-linux-amd64@1.7.1
endif

# Where the public state tests lie: folders of `ethereum/tests`, `ethereum/legacytests` and the like.
STATETESTS := ../shared/vectors/ethereum-tests/GeneralStateTests

# An interpreter that can be used, the first of these that works and is recent enough.
PYTHONS := $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 python
RECENT := import sys; sys.exit(sys.version_info < (3, 11))

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: $(STAMP)-numen  ## install, then sell three real jobs on a market with liars
	$(VENV)/bin/numen demo

.PHONY: test
test: $(STAMP)-dev  ## install, then run every check but the outside judges
	$(PY) tools/check.py

.PHONY: quick
quick: $(STAMP)-dev  ## as test, without the slow tests
	$(PY) tools/check.py --quick

.PHONY: judges
judges: $(STAMP)-dev $(STAMP)-judges .judges/.installed  ## let groth16py and snarkjs judge our proofs
	$(PY) -m pytest -n 2 --dist worksteal -m judges

.PHONY: cluster
cluster: $(STAMP)-dev $(STAMP)-cluster  ## run the log on three NATS servers, and kill them
	$(PY) -m pytest -p no:randomly -m cluster

.PHONY: wan
wan: $(STAMP)-dev $(STAMP)-wan  ## join nodes over QUIC, on a network of its own
	$(PY) tools/alone.py $(PY) -m pytest -m wan

.PHONY: outside
outside: $(STAMP)-dev $(STAMP)-judges $(STAMP)-cluster .judges/.installed  ## judges and cluster, side by side
	$(PY) -m pytest -n 2 --dist worksteal -m 'judges or cluster'

.PHONY: statetests
statetests: $(STAMP)-dev  ## run every public state test on every engine that is native
	for engine in interpreter hot compiler; do \
	    $(VENV)/bin/numen evm statetest $(STATETESTS) --engine $$engine >/dev/null || exit 1; done

.PHONY: bench
bench: $(STAMP)-dev $(STAMP)-bench $(STAMP)-judges $(STAMP)-cluster $(STAMP)-wan  ## measure, and write the tables of docs/benchmarks.md
	$(PY) tools/benchmarks.py

.PHONY: docs
docs: $(STAMP)-docs  ## build the documentation into out/site
	$(VENV)/bin/zensical build --strict

.PHONY: clean
clean:  ## remove what the other targets made
	rm -rf $(VENV) .judges out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(PY):
	@for python in $(PYTHONS); do \
	    if "$$python" -c '$(RECENT)' 2>/dev/null; then \
	        echo "$$python -m venv $(VENV)"; \
	        "$$python" -m venv $(VENV) && exit 0; \
	        rm -rf $(VENV); \
	        echo "error: $$python cannot make an environment (on Debian: apt-get install python3-venv)" >&2; \
	        exit 1; \
	    fi; \
	done; \
	echo 'error: no Python 3.11 or later found; name one: make PYTHON=/path/to/python3.11' >&2; \
	exit 1

$(STAMP)-numen: pyproject.toml | $(PY)
	@echo 'installing numen into $(VENV)'
	@$(PIP) install --editable .
	@touch $@

$(STAMP)-%: pyproject.toml | $(PY)
	@echo 'installing numen[$*] into $(VENV)'
	@$(PIP) install --editable '.[$*]'
	@touch $@ $(STAMP)-numen

.judges/.installed: Makefile
	@command -v npm >/dev/null || { \
	    echo 'error: the judges need Node.js and npm (on Debian: apt-get install nodejs npm)' >&2; exit 1; }
	@echo 'installing $(JUDGES) into .judges'
	@npm install --prefix .judges --no-save --no-package-lock --no-audit --no-fund --loglevel=error $(JUDGES)
	@touch $@
