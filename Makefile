PY ?= python3.11
V := .venv/bin
# A forge or anvil that stands on PATH already wins over the npm one.
export PATH := $(CURDIR)/.venv/bin:$(PATH):$(CURDIR)/node_modules/.bin
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-ipfs ipfs web report test test-deep security bench bench-peers lint check contracts clean

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: .venv/.ok node_modules/.ok ## Install everything into .venv and node_modules

.venv/.ok: requirements.txt pyproject.toml
	@command -v $(PY) >/dev/null || { echo "python3.11 is needed (or name one: make PY=python3)"; exit 1; }
	test -x $(V)/python || $(PY) -m venv .venv
	$(V)/python -m pip install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6 uv "setuptools>=80"
	$(V)/uv pip install -q --python $(V)/python -r requirements.txt || $(V)/python -m pip install -q -r requirements.txt
	$(V)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

node_modules/.ok: package.json package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 with npm is needed"; exit 1; }
	npm ci --no-progress --no-audit --no-fund
	@touch $@

ipfs: scripts/ipfs/node_modules/.ok ## Install the IPFS node that tests and `demo --ipfs` start

scripts/ipfs/node_modules/.ok: scripts/ipfs/package.json scripts/ipfs/package-lock.json
	cd scripts/ipfs && npm ci --no-progress --no-audit --no-fund
	@touch $@

web/node_modules/.ok: web/package.json web/package-lock.json
	cd web && npm ci --no-progress --no-audit --no-fund
	@touch $@

web: web/node_modules/.ok ## Check, test and build the web page that the backend serves
	cd web && npm run -s check && npm run -s test && npm run -s build

demo: setup ## Run a whole federated project on a local chain and check every figure of it
	$(V)/steelyard demo

demo-ipfs: setup ipfs ## The same over two IPFS nodes that exchange every blob
	$(V)/steelyard demo --ipfs

check: setup ## Linters, types, import direction, formatting; changes nothing
	$(V)/ruff check .
	$(V)/ruff format --check .
	$(V)/mypy
	$(V)/lint-imports --no-cache
	forge fmt --check

lint: setup ## Mend what the linters can mend
	$(V)/ruff check --fix .
	$(V)/ruff format .
	forge fmt

test: check ipfs web ## Everything that must hold before a commit, in under ten minutes
	forge test
	$(V)/pytest -q -n 2 --dist loadgroup -m "not deep" tests

test-deep: setup ipfs ## The long suites: more fuzzing, deeper invariants, rebuilt artifacts, ByzFL as a peer, a fuzzed API
	-$(V)/python -m pip install -q --disable-pip-version-check --no-deps -r requirements-byzfl.txt
	-$(V)/python -m pip install -q --disable-pip-version-check -r requirements-fuzz.txt
	FOUNDRY_PROFILE=deep forge test
	$(V)/pytest -q -m deep tests

security: setup .venv-sec/.ok ## Analyse the contracts with slither and halmos (docs/security.md)
	$(V)/python -m scripts.check_contracts

.venv-sec/.ok: requirements-security.txt
	test -x .venv-sec/bin/python || $(PY) -m venv .venv-sec
	.venv-sec/bin/pip install -q --disable-pip-version-check -r requirements-security.txt
	@touch $@

bench: setup ## Measure the proof and the rules, and print tables; FULL=1 for every size
	$(V)/python -m scripts.bench_gram --profile $(if $(FULL),--full) $(if $(JSON),--json)
	$(V)/python -m scripts.bench_rules $(if $(FULL),--full) $(if $(JSON),--json)

bench-peers: setup bench/peers/node_modules/.ok ## Measure the proof against circom and snarkjs, and print a table
	$(V)/python -m scripts.bench_peers

bench/peers/node_modules/.ok: bench/peers/package.json bench/peers/package-lock.json
	cd bench/peers && npm ci --no-progress --no-audit --no-fund
	@touch $@

report: setup ## Simulate what is missing and write docs/reports/robustness.md; MNIST=folder, FULL=1 for every plan
	$(V)/python -m scripts.report $(if $(MNIST),--mnist $(MNIST)) $(if $(FULL),--full)

contracts: setup ## Rebuild the committed contract artifacts and gas snapshots
	$(V)/python -m scripts.compile_contracts

clean: ## Remove everything that can be made again
	rm -rf .venv .venv-sec node_modules bench/peers/node_modules scripts/ipfs/node_modules web/node_modules web/dist build out cache *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
