# Every door of the project. `make help` lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# Half of an installation's time goes into compiling modules of which few are ever imported: left to the first import.
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

# Where this is set, each of a hundred processes compiles all that it imports anew.
export PYTHONDONTWRITEBYTECODE :=

# A lock that anyone's index can serve: hashes pin the content, not the host.
LOCK   := requirements-dev.lock

# Which controller the cluster tests run: real, sandbox, or auto (the sandbox's, out loud, where the module proxy
# does not serve the real one).
CONTROLLER ?= real

.DEFAULT_GOAL := help
.PHONY: help install demo test test-deep test-page test-cluster test-kind mutants lint lint-manifests lint-chart lint-build format bench dashboard chart image image-check dist plugin plugin-check \
        release-check release-chart release-files push-chart lock

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{sub(/:.*/, "", $$1); printf "  make %-14s %s\n", $$1, $$2}'

install: $(STAMP) ## Make .venv from the lock (needs python3 >= 3.11 only)

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "ack-remediator needs Python 3.11 or newer, and %s is %d.%d: make PYTHON=/path/to/python3.11" % (sys.executable, v.major, v.minor))'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r $(LOCK)
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

demo: install ## Show what the tool is for, on a sandbox; KEEP=1 leaves one up, SCENARIO=name tells one story
	$(BIN)/remediator demo $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(filter-out 0,$(KEEP)),--keep)

# What decides, and its own tests: they cover every branch of it. Measuring slows down everything else for nothing.
CORE := $(addprefix tests/,model diagnosis gates policy actions \
	test_acting.py test_episodes.py test_execute.py test_preflight.py test_recovery.py test_release.py test_remediation.py \
	test_scan.py)

# Three at a time, on two cores too: many of the others wait more than they compute.
test: install ## Run the fast tests; all branches of the core must be covered (ARGS=... for pytest runs just that)
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest --cov --numprocesses 2 --dist loadfile $(CORE)
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile -m "not deep" $(addprefix --ignore=,$(CORE))
endif

# One after the other: the lies fill the machine, and what kills processes waits for others to be quick.
test-deep: install ## Run what tries everything: each lie of the sandbox, kill -9 at each request, 10,000 steps
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/sandbox/lies
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m deep --ignore=tests/sandbox/lies

# Into .venv, since the tests need the rest of it, too; only who looks at pages has to have it.
$(VENV)/.browser: requirements-browser.lock | $(STAMP)
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@

test-page: $(VENV)/.browser ## Look at the page in headless Chromium, on a phone and a desk, and let axe judge (SCREENSHOTS=folder keeps them)
	$(BIN)/python -m pytest tests/browser $(ARGS)

# Three at a time, each with a control plane of its own: they wait for back-offs more than they compute.
test-cluster: $(VENV)/.bench ## Run contract and stories on a real control plane (built with Go the first time; ARGS=... for pytest)
	CONTROLLER=$(CONTROLLER) $(BIN)/python -m tests.bed.toolchain
	CONTROLLER=$(CONTROLLER) $(BIN)/python -m pytest --bed cluster --numprocesses 3 --dist loadfile \
		$(if $(findstring tests/,$(ARGS)),,tests/contract tests/cluster) $(ARGS)

test-kind: install ## Run the image and the stories in a kind cluster (KUBERNETES=1.30; needs a Docker engine)
	@KUBERNETES='$(KUBERNETES)' CONTROLLER='$(CONTROLLER)' PYTHON=$(BIN)/python .ci/kind $(ARGS)

mutants: install ## Break the diagnosis in 2,500 ways, and list what no test notices (up to an hour; ARGS='remediator.diagnosis.checksum*')
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --python $(BIN)/python --group mutants
	$(BIN)/mutmut run --max-children 2 $(ARGS)
	$(BIN)/mutmut results

lint: install ## Check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What judges files that are not Python: a lock and an environment of its own, since checkov alone brings a hundred
# packages that nothing else needs.
CHECKS := .venv-checks
# No wheel has it.
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

$(CHECKS)/.installed: requirements-checks.lock | $(STAMP)
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(CHECKS)
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --python $(CHECKS)/bin/python --require-hashes -r $<
	@touch $@

$(CHECKS)/bin/actionlint: Makefile | $(CHECKS)/.installed
	GOBIN=$(CURDIR)/$(CHECKS)/bin go install $(ACTIONLINT)
	@touch $@

lint-manifests: $(CHECKS)/.installed ## Check the manifests, and what kustomize makes of them: yamllint, kubernetes-validate, checkov
	BIN=$(BIN) CHECKS=$(CHECKS)/bin .ci/lint-manifests

lint-chart: $(CHECKS)/.installed ## Check the Helm chart: lint, that it gives what kustomize gives, what it refuses (builds helm and kubectl)
	BIN=$(BIN) CHECKS=$(CHECKS)/bin .ci/lint-chart

lint-build: $(CHECKS)/.installed $(CHECKS)/bin/actionlint ## Check the Dockerfile, the scripts and the workflows (needs Go)
	$(CHECKS)/bin/hadolint Dockerfile
	$(CHECKS)/bin/shellcheck $$(git grep -lE '^#!/(usr/bin/env bash|bin/sh)$$')
	$(CHECKS)/bin/actionlint -shellcheck $(CHECKS)/bin/shellcheck
	$(CHECKS)/bin/actionlint -shellcheck $(CHECKS)/bin/shellcheck docs/pipelines/github-actions.yaml
	$(CHECKS)/bin/zizmor --quiet --offline --pedantic .github docs/pipelines/github-actions.yaml

format: install ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Into .venv, likewise; only who measures has to have it.
$(VENV)/.bench: requirements-bench.lock | $(STAMP)
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@

bench: $(VENV)/.bench ## Measure a scan beside its yardsticks, side by side, into bench/results (15 minutes; ARGS=... for less)
	$(BIN)/python -m bench $(ARGS)

dashboard: install ## Write manifests/monitoring/dashboard.json anew, from the code beside it
	$(BIN)/python -m manifests.monitoring.dashboard

chart: install ## Write anew what chart/ has of manifests/ and of the policy's types
	$(BIN)/python -m manifests.chart

image: ## Build the container image, by docker or buildah (IMAGE=name TAG=version)
	@IMAGE='$(IMAGE)' TAG='$(TAG)' .ci/image

image-check: install ## Build the image without a container engine, on Debian's packages, and try it (needs root)
	$(BIN)/python -m pytest tests/image $(ARGS)

# The time of what is built is that of the last commit, so that the same commit makes the same files.
dist: install ## Build wheel and source distribution into dist/
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(BIN)/python -m hatchling build

plugin: install ## Freeze dist/'s wheel into the kubectl plugin for this machine (STANDALONE=1: for any Linux)
	@BIN=$(BIN) STANDALONE='$(STANDALONE)' .ci/plugin

plugin-check: install ## Install that plugin by krew, and try it (builds krew with Go the first time)
	@BIN=$(BIN) .ci/plugin-check

release-check: install ## Say whether this checkout can be released as TAG=v0.1.0
	@$(BIN)/python -m release check '$(TAG)'
	@echo "epoch=$$(git log -1 --format=%ct)"

release-chart: install ## Package the chart into dist/, with IMAGE=registry/name and DIGEST=sha256:… as what it runs
	@mkdir -p dist
	@helm=$$($(BIN)/python -m tests.bed.toolchain helm) \
		&& $(BIN)/python -m release chart dist --helm "$$helm" --image '$(IMAGE)' --digest '$(DIGEST)'

push-chart: install ## Push dist/'s chart to TO=oci://registry/folder, and say its digest
	@BIN=$(BIN) TO='$(TO)' .ci/push-chart

release-files: install ## Put the other files of a release into dist/ (TAG, IMAGE, DIGEST, REPOSITORY=https://…)
	@BIN=$(BIN) TAG='$(TAG)' IMAGE='$(IMAGE)' DIGEST='$(DIGEST)' REPOSITORY='$(REPOSITORY)' .ci/release-files

lock: install ## Resolve the dependencies anew and pin them by hash
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --all-extras --group dev pyproject.toml -o requirements-dev.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 pyproject.toml -o requirements.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --group checks -o requirements-checks.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --group browser -c requirements-dev.lock -o requirements-browser.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --group bench -c requirements-dev.lock -o requirements-bench.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --group build -o requirements-build.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --group plugin -o requirements-plugin.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --group sbom -o requirements-sbom.lock
