# The two commands of the README are `make run` and `make test`; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
# One pin for all Python versions and systems, with hashes.
LOCK := uv pip compile --universal --generate-hashes --no-header --quiet --python-version 3.11
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Wheels only, and only those that were pinned: nothing that is installed runs code of its own meanwhile.
PINNED := install --quiet --require-hashes --only-binary :all:

.DEFAULT_GOAL := help

.PHONY: help
help:  ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {split($$1, t, ":"); printf "  make %-12s %s\n", t[1], $$2}' $(MAKEFILE_LIST)

# The stamps are rebuilt when what they were made from changes, so that a pull needs no "make clean" first.
.venv/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "pupline needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what pupline needs into .venv ..."
	@$(BIN)/pip $(PINNED) -r requirements/run.txt
	@$(BIN)/pip $(PINNED) -r requirements/build.txt
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	@echo "Installing what the tests need into .venv ..."
	@$(BIN)/pip $(PINNED) -r requirements/dev.txt
	@touch $@

.PHONY: venv
venv: .venv/dev.stamp  ## .venv with everything that development needs

.PHONY: run
run: .venv/run.stamp  ## Fetch 12 dog images, check, alert, audit: dog.ceo, or without internet the sample
	@$(BIN)/pupline run --count 12 --sample-if-offline
	@echo "Look at them in a browser: $(BIN)/pupline serve --open"

.PHONY: check
check: lint  ## Lint, types and the fast tests: needs nothing but .venv; under two minutes
	@$(BIN)/pytest

.PHONY: test
test: lint aws-tools loaders  ## Lint, types and all tests but those of test-long
	@$(BIN)/pytest -m "not long" --durations=20 --durations-min=3

.PHONY: test-long
test-long: .venv/dev.stamp aws-tools sbom  ## The tests that take longest: whole pages typed, crashes at every step, matrices of faults
	@$(BIN)/pytest -m long

# A traced thread that never ends cannot be interrupted, so the tests of that are left out here.
.PHONY: coverage
coverage: .venv/dev.stamp  ## How much of the code the fast tests run, with a floor
	@$(BIN)/pytest --cov --cov-report= --ignore=tests/tasks/test_timed_inspection.py

.PHONY: lint
lint: .venv/dev.stamp scripts  ## ruff, mypy and the types of the console's script only
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

# The console's script has its types in comments and no build step, so npm is needed for nothing else.
TYPESCRIPT := typescript@7.0.2

build/typescript/$(TYPESCRIPT).stamp:
	@echo "Installing $(TYPESCRIPT) into build/typescript ..."
	@npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error --prefix build/typescript $(TYPESCRIPT)
	@touch $@

.PHONY: scripts
ifneq ($(shell command -v npm),)
scripts: build/typescript/$(TYPESCRIPT).stamp  ## The types of the console's script, checked by tsc
	@build/typescript/node_modules/.bin/tsc --project tsconfig.json
else
scripts:
	@echo "npm is not installed: the types of the console's script are not checked"
endif

.PHONY: wheel
wheel: .venv/run.stamp  ## Build the wheel into dist/
	@rm -f dist/pupline-*-none-any.whl
	@$(BIN)/python -m hatchling build -t wheel

# The same wheel with the busiest modules compiled: for this Python and this kind of machine only. Decision 21.
build/compiled/stamp: $(shell find src -name '*.py') pyproject.toml tools/compiled_modules.py | .venv/dev.stamp
	@command -v cc > /dev/null || { echo "a C compiler is needed; on Debian or Ubuntu: apt-get install gcc libc6-dev"; exit 2; }
	@echo "Compiling with mypyc, for some minutes ..."
	@rm -rf build/compiled dist/pupline-*-cp*.whl
	@HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 $(BIN)/python -m hatchling build -t wheel
	@$(BIN)/pip install --quiet --no-deps --no-index --target build/compiled dist/pupline-*-cp*.whl
	@touch $@

.PHONY: wheel-compiled
wheel-compiled: build/compiled/stamp  ## Build the wheel with compiled modules into dist/: faster, for this Python and machine only

# What is compiled precedes what .venv has; the plain sources stay as they are.
.PHONY: test-compiled
test-compiled: build/compiled/stamp  ## The fast tests on the wheel with compiled modules
	@PYTHONPATH=$(CURDIR)/build/compiled $(BIN)/pytest

# An environment that holds what users get, with every extra, and nothing else: the bill of materials describes it.
.venv/released/stamp: requirements/run.txt | .venv/run.stamp
	@rm -rf .venv/released
	@$(PYTHON) -m venv --without-pip .venv/released
	@$(BIN)/pip --python .venv/released/bin/python $(PINNED) -r requirements/run.txt
	@touch $@

.venv/sbom/stamp: requirements/sbom.txt | .venv/run.stamp
	@test -x .venv/sbom/bin/python || $(PYTHON) -m venv .venv/sbom
	@.venv/sbom/bin/pip $(PINNED) -r requirements/sbom.txt
	@touch $@

.PHONY: sbom
sbom: .venv/released/stamp .venv/sbom/stamp wheel  ## The bill of materials of the wheel with all extras (CycloneDX), into dist/
	@$(BIN)/pip --python .venv/released/bin/python install --quiet --no-deps --no-index --force-reinstall dist/pupline-*-none-any.whl
	@mkdir -p build
	@version=$$(ls dist/pupline-*-none-any.whl | cut -d- -f2) && sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml > build/sbom.toml
	@.venv/sbom/bin/cyclonedx-py environment --pyproject build/sbom.toml --output-reproducible -o dist/pupline.cdx.json .venv/released/bin/python

# Other engines to compare with. Where one cannot be installed, the benchmark says so and goes on.
NODE_PEER := aws-local-stepfunctions@3.0.0

build/bench-node/$(NODE_PEER).stamp:
	@echo "Installing $(NODE_PEER) into build/bench-node ..."
	@npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error --prefix build/bench-node $(NODE_PEER)
	@touch $@

.PHONY: node-peer
node-peer: build/bench-node/$(NODE_PEER).stamp  ## The States Language interpreter in JavaScript that tests compare with

# What AWS runs in `{% ... %}`: another version would be compared with the wrong rules.
JSONATA_REFERENCE := jsonata@2.0.6

build/jsonata-node/$(JSONATA_REFERENCE).stamp:
	@echo "Installing $(JSONATA_REFERENCE) into build/jsonata-node ..."
	@npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error --prefix build/jsonata-node $(JSONATA_REFERENCE)
	@touch $@

.venv/img2dataset/stamp: requirements/img2dataset.txt | .venv/run.stamp
	@echo "Installing another bulk downloader into .venv/img2dataset ..."
	@test -x .venv/img2dataset/bin/python || $(PYTHON) -m venv .venv/img2dataset
	@.venv/img2dataset/bin/pip install --quiet --require-hashes -r requirements/img2dataset.txt
	@touch $@

.venv/daft/stamp: requirements/daft.txt | .venv/run.stamp
	@echo "Installing a data frame that downloads into .venv/daft ..."
	@test -x .venv/daft/bin/python || $(PYTHON) -m venv .venv/daft
	@.venv/daft/bin/pip install --quiet --require-hashes -r requirements/daft.txt
	@touch $@

# The libraries that users load datasets with, and, in an environment of its own, PyTorch: on Linux it brings several GB
# of CUDA. Where that is missing, its test is skipped, in CI too.
.venv/loaders/stamp: requirements/loaders.txt | .venv/run.stamp
	@echo "Installing libraries that load datasets into .venv/loaders ..."
	@test -x .venv/loaders/bin/python || $(PYTHON) -m venv .venv/loaders
	@.venv/loaders/bin/pip install --quiet --require-hashes -r requirements/loaders.txt
	@touch $@

.PHONY: loaders
loaders: .venv/loaders/stamp  ## Libraries that load datasets; without them the tests of loading are skipped

.venv/loaders-torch/stamp: requirements/loaders-torch.txt | .venv/run.stamp
	@echo "Installing PyTorch into .venv/loaders-torch ..."
	@test -x .venv/loaders-torch/bin/python || $(PYTHON) -m venv .venv/loaders-torch
	@.venv/loaders-torch/bin/pip install --quiet --require-hashes -r requirements/loaders-torch.txt
	@touch $@

.PHONY: loaders-torch
loaders-torch: .venv/loaders-torch/stamp  ## PyTorch and torchvision, for their test alone; several GB on Linux

# The peers that each part needs; all of them if no part is named.
ENGINES := $(if $(BENCH),$(filter five pipeline,$(BENCH)),all)
BULK := $(if $(BENCH),$(filter ingest,$(BENCH)),all)
FORMS := $(if $(BENCH),$(filter five pipeline ingest dead,$(BENCH)),all)

.PHONY: bench
bench: .venv/dev.stamp  ## Compare speed and memory with peers; BENCH="five ingest" picks parts; "console", "million" and "quality" run only if named
	$(if $(ENGINES),-@$(MAKE) -s .venv/ministack/stamp)
	$(if $(ENGINES),-@$(MAKE) -s build/bench-node/$(NODE_PEER).stamp)
	$(if $(BULK),-@$(MAKE) -s .venv/img2dataset/stamp)
	$(if $(BULK),-@$(MAKE) -s .venv/daft/stamp)
	$(if $(FORMS),-@$(MAKE) -s wheel-compiled)
	@$(BIN)/python -m benchmarks $(BENCH)

.PHONY: soak
soak: .venv/dev.stamp  ## Ingest 20,000 images with kills, a clock that jumps and a full disk; all compared with the source
	@SOAK_IMAGES=20000 SOAK_KILLS=6 $(BIN)/pytest -n0 -s tests/soak

SECONDS := 600

.PHONY: fuzz
fuzz: .venv/dev.stamp  ## Fuzz every parser of outside data for ten minutes (SECONDS=60 for one); FUZZ="images http" picks
	@$(BIN)/python -m fuzzing --seconds $(SECONDS) $(FUZZ)

SEED := 1
COUNT := 250

# A run that was stopped goes on; "make mutants AGAIN=--again" also tries those again that no test has caught.
.PHONY: mutants
mutants: .venv/dev.stamp  ## Put small faults into the rooms that promise something, and see whether the tests notice; SEED, COUNT
	@test -e build/mutation/reach/1.jsonl || $(BIN)/python -m tools.mutation measure
	@$(BIN)/python -m tools.mutation run --seed $(SEED) --count $(COUNT) $(AGAIN)
	@$(BIN)/python -m tools.mutation report --seed $(SEED) --count $(COUNT)

.PHONY: differential
differential: .venv/dev.stamp build/bench-node/$(NODE_PEER).stamp build/jsonata-node/$(JSONATA_REFERENCE).stamp  ## Random machines and JSONata on this engine and on others
	@DIFFERENTIAL_EXAMPLES=300 $(BIN)/pytest tests/differential

.PHONY: lock
lock:  ## Pin the dependencies again (needs uv)
	$(LOCK) --all-extras pyproject.toml -o requirements/run.txt
	$(LOCK) --extra aws pyproject.toml -c requirements/run.txt -o requirements/validate.txt
	$(LOCK) --all-extras --group dev pyproject.toml -o requirements/dev.txt
	echo hatchling editables | tr ' ' '\n' | $(LOCK) - -o requirements/build.txt
	$(LOCK) requirements/sbom.in -o requirements/sbom.txt
	$(LOCK) requirements/img2dataset.in -o requirements/img2dataset.txt
	$(LOCK) requirements/daft.in -o requirements/daft.txt
	$(LOCK) requirements/loaders.in -o requirements/loaders.txt
	$(LOCK) requirements/loaders-torch.in -o requirements/loaders-torch.txt

include aws.mk

.PHONY: clean
clean:  ## Remove what the other targets made (never the data directory)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
