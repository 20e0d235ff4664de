# SPDX-License-Identifier: GPL-3.0-or-later
# `make demo` shows the collection at work; `make test` checks it. Both install what they need into .venv.

# Distributions build Python with its profile-guided optimizations, which are a fifth of the time of all tests; pyenv doesn't.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>&- \
	&& echo /usr/bin/python3 || echo python3)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export PYTHONPATH := $(CURDIR)/.venv/collections
# Otherwise Python compiles a package at its first import, or, where it is told to write no bytecode, at each.
export UV_COMPILE_BYTECODE := 1
# Molecule looks for scenarios elsewhere unless told.
export MOLECULE_GLOB := molecule/*/molecule.yml

.PHONY: help demo test lint units molecule sanity faults trespass versions docs lab-down constraints clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 16

demo: .venv/lab ## start the lab, run site.yml against it, call the API
	@$(BIN)/python -m lab demo

# Four at a time keep two processors busy, as much of the time is waiting.
test: .venv/test .venv/docs ## every check and test
	@$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

lint: .venv/test .venv/docs ## the static checks alone
	@$(BIN)/python -m pytest tests/static

units: .venv/test ## the unit tests alone, with what they cover
	@$(BIN)/python -m pytest tests/unit --cov

molecule: .venv/test ## every molecule scenario, two at a time
	@$(BIN)/python -m pytest --numprocesses 2 --dist load tests/molecule

sanity: .venv/test ## ansible-test sanity alone; `nox --list` names the other checks that have environments of their own
	@$(BIN)/nox --session sanity

versions: .venv/test ## the main job on the oldest and the newest Python, ansible-core and collections
	@$(BIN)/nox --tags release

faults: .venv/test ## runs that die at every call, bad networks, drift, replacement under load: a line of figures each
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder \
	  tests/faults tests/integration/test_bad_network.py tests/integration/test_drift.py tests/integration/test_replace_nlb.py

trespass: .venv/test ## each team's playbooks under the other's identity, and what the policies allow and nobody needs
	@$(BIN)/python -m pytest tests/integration/test_boundary.py

docs: .venv/lab .venv/docs ## write docs/responsibilities.md, and the docs site into docs/build
	@$(BIN)/python tools/responsibilities.py
	@$(BIN)/python tools/docs_site.py docs/build

lab-down: ## end the lab
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m lab down; fi

constraints: .venv/lab ## pin the newest versions of all packages
	@{ sed -n '/^#/p' constraints.txt; \
	  printf 'ansible-core==2.19.*\n' | $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --constraint - --no-annotate --no-header tests/requirements.txt; } > constraints.new
	@mv constraints.new constraints.txt
	@{ sed -n '/^#/p' tests/nox/constraints.txt; \
	  printf 'ansible-core==2.19.*\n' | $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --constraint - --no-annotate --no-header tests/nox/requirements.txt; } > constraints.new
	@mv constraints.new tests/nox/constraints.txt
	@{ sed -n '/^#/p' docs/constraints.txt; \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --no-annotate --no-header docs/requirements.txt; } > constraints.new
	@mv constraints.new docs/constraints.txt

clean: lab-down ## remove everything that was installed or made
	rm -rf .venv .lab .nox docs/build

# uv installs the same packages as pip in a fifth of the time.
.venv/uv: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv \
	  || { echo "$(PYTHON) can't make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/python tools/install_collections.py .venv/collections
	@touch $@

.venv/lab: .venv/uv lab/requirements.txt requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement lab/requirements.txt --constraint constraints.txt
	@touch $@

.venv/test: .venv/lab tests/requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement tests/requirements.txt --constraint constraints.txt
	@touch $@

# A directory as a target: its time is that of the last installation.
.venv/docs: .venv/uv docs/requirements.txt docs/constraints.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $@
	@$(BIN)/uv pip install --quiet --python $@/bin/python --requirement docs/requirements.txt --constraint docs/constraints.txt
	@touch $@
