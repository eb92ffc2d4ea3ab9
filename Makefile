# Everything a person or a build server runs. Needs make and Python 3.11+; the rest is installed into this folder from the lock files.
# `make` alone lists the commands.

UV_VERSION := 0.13.9
SANDBOX_PORT ?= 4566
ENV ?= default

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

# Only package registries are asked, and only for what the lock file says.
export UV_FROZEN := 1
export UV_PYTHON_DOWNLOADS := never
export SAM_CLI_TELEMETRY := 0

STARTED := $(shell date +%s)
PYTHON ?= $(shell tools/find-python)
UV := .uv/bin/uv
BIN := .venv/bin
SAM := .venv-sam/bin/sam
STEP := tools/step
# Several processes, each with a local AWS of its own; workflows wait more than they reckon.
SIDE_BY_SIDE := --dist loadfile --numprocesses

UV_READY := .uv/ready-$(UV_VERSION)
DEV_READY := .venv/ready
SAM_READY := .venv-sam/ready
CHECKOV_READY := .venv-checkov/ready
CUSTODIAN_READY := .venv-custodian/ready

# --- Commands -----------------------------------------------------------------------------------------------------

.PHONY: help
help: ## List the commands.
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## Take two warehouses through their life on a local AWS, inside too, and check every step, in under 3 minutes.
	@exec $(BIN)/python -m sandbox.demo

.PHONY: sandbox
sandbox: setup ## Start the local AWS in the foreground and deploy the product to it (SANDBOX_PORT=4566).
	@exec $(BIN)/python -m sandbox up --deploy --port $(SANDBOX_PORT)

.PHONY: preview
preview: $(DEV_READY) ## Show what a document of schedules means (SCHEDULES=path [DAYS=14] [SCHEDULE=name] [START=2026-12-01]).
	@test -n "$(SCHEDULES)" || { echo "Say which document: make preview SCHEDULES=events/schedules.yaml [DAYS=14] [SCHEDULE=name] [START=2026-12-01]" >&2; exit 2; }
	@PYTHONPATH=layers/common $(BIN)/python -m tools.preview "$(SCHEDULES)" $(if $(DAYS),--days "$(DAYS)") $(if $(SCHEDULE),--schedule "$(SCHEDULE)") $(if $(START),--start "$(START)")

.PHONY: bench
bench: setup ## Measure cold starts, sizes, costs and reaction beside what one could write by hand; to build/bench.json (ROUNDS=30).
	@exec $(BIN)/python -m tests.bench $(ROUNDS)

.PHONY: bench-schedules
bench-schedules: $(DEV_READY) $(CUSTODIAN_READY) ## Measure decisions a second beside Cloud Custodian's filters, in about 3 minutes (ROUNDS=5).
	@PYTHONPATH=layers/common $(BIN)/python -m tests.bench.schedules $(ROUNDS)

.PHONY: counts
counts: setup ## Count on the local AWS what a scheduled pause, a longer wait and an idle month of schedules take, and print it.
	@$(BIN)/pytest --capture=no tests/workflows/test_schedules.py -k "entry_fires or costs"

.PHONY: test
test: lint types unit state-machines template security handlers page custodian package sandbox-tests workflows e2e ## Pass every gate, the fast ones first.
	@echo; echo "Every gate passed in $$(( $$(date +%s) - $(STARTED) )) s."

.PHONY: check
check: test ## The same as `make test`.

.PHONY: setup
setup: $(DEV_READY) $(SAM_READY) ## Install the locked tools into .venv and .venv-sam.

.PHONY: sample-report
sample-report: $(DEV_READY) ## Write a sample of the cost report to build/report.html and build/report.csv.
	@PYTHONPATH=layers/common:layers/report $(BIN)/python -m tests.page.write build

.PHONY: build
build: $(SAM_READY) ## Build the functions and the layer for AWS (arm64, Python 3.13) into .aws-sam/build.
	@$(STEP) "build for AWS" $(SAM) build

.PHONY: deploy
deploy: build ## Deploy to your AWS account; the first time it asks for region and parameters (ENV=prod for the other stack).
	@if [ -f .aws-sam/answered-$(ENV) ]; then exec $(SAM) deploy --config-env $(ENV); fi; \
	$(SAM) deploy --guided --config-env $(ENV) && touch .aws-sam/answered-$(ENV)

.PHONY: format
format: $(DEV_READY) ## Rewrite the Python files in the house's format.
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

.PHONY: clean
clean: ## Remove everything that was installed, built or cached here.
	rm -rf .uv .venv .venv-sam .venv-checkov .venv-custodian .aws-sam .sandbox build .mypy_cache .ruff_cache .pytest_cache .hypothesis tools/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Gates, each also a command of its own ----------------------------------------------------------------------------

.PHONY: lint
lint: $(DEV_READY) ## Gate: style and likely mistakes, by ruff.
	@$(STEP) "lint" $(BIN)/ruff check --quiet --output-format concise .
	@$(STEP) "format" $(BIN)/ruff format --check --quiet --output-format concise .

.PHONY: types
types: $(DEV_READY) ## Gate: types, by mypy.
	@$(STEP) "types" $(BIN)/mypy

.PHONY: unit
unit: $(DEV_READY) ## Gate: the rules of the domain, and the house rules over template and workflows.
	@$(STEP) "unit" $(BIN)/pytest tests/unit tests/template

.PHONY: state-machines
state-machines: $(DEV_READY) ## Gate: every workflow is valid Amazon States Language, by asl-validator.
	@$(STEP) "state machines" $(BIN)/python -m tools.asl

.PHONY: template
template: $(SAM_READY) ## Gate: the template is valid, by SAM and cfn-lint.
	@$(STEP) "template" $(SAM) validate --lint --region us-east-1

.PHONY: security
security: $(CHECKOV_READY) $(DEV_READY) ## Gate: nothing that checkov finds without a written reason; every IAM action exists and is needed.
	@$(STEP) "checkov" .venv-checkov/bin/checkov --config-file .checkov.yaml
	@$(STEP) "IAM actions" $(BIN)/pytest tests/template/test_actions.py tests/template/test_permissions.py

.PHONY: handlers
handlers: $(DEV_READY) ## Gate: each Lambda handler against moto.
	@$(STEP) "handlers" $(BIN)/pytest tests/handlers

.PHONY: custodian
custodian: $(DEV_READY) $(CUSTODIAN_READY) ## Gate: tags in Cloud Custodian's grammar mean what its own filters make of them.
	@$(STEP) "custodian" $(BIN)/pytest tests/bench/test_schedules_agree.py

.PHONY: page
page: $(DEV_READY) ## Gate: the cost report's page in a real browser, screenshots in build/ (installs chromium where apt-get can).
	@tools/install-chromium
	@$(STEP) "page" $(BIN)/pytest tests/page

.PHONY: package
package: setup ## Gate: what is built runs on its own, and is for the right platform.
	@$(STEP) "package" $(BIN)/pytest tests/package

.PHONY: sandbox-tests
sandbox-tests: setup ## Gate: the local AWS behaves as AWS does.
	@$(STEP) "sandbox" $(BIN)/pytest $(SIDE_BY_SIDE) 2 tests/sandbox

.PHONY: workflows
workflows: setup ## Gate: the workflows on the local AWS, with faults, lost and doubled events.
	@$(STEP) "workflows" $(BIN)/pytest $(SIDE_BY_SIDE) 3 tests/workflows

.PHONY: e2e
e2e: setup ## Gate: the commands of the README, end to end.
	@$(STEP) "end to end" $(BIN)/pytest tests/e2e

# --- Installing: each environment is made once, and again when what it is made from changes ------------------------

$(UV_READY):
	@test -n "$(PYTHON)"
	@echo "== installing uv $(UV_VERSION) with $(PYTHON)"
	@rm -rf .uv && "$(PYTHON)" -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) && touch $@

$(DEV_READY): pyproject.toml uv.lock $(UV_READY)
	@UV_PROJECT_ENVIRONMENT=.venv $(STEP) "installing the development tools" $(UV) sync --quiet --python "$(PYTHON)" && touch $@

$(SAM_READY): pyproject.toml uv.lock $(UV_READY)
	@UV_PROJECT_ENVIRONMENT=.venv-sam $(STEP) "installing the SAM CLI" $(UV) sync --quiet --python "$(PYTHON)" --only-group sam && touch $@

$(CHECKOV_READY): pyproject.toml uv.lock $(UV_READY)
	@UV_PROJECT_ENVIRONMENT=.venv-checkov $(STEP) "installing checkov" $(UV) sync --quiet --python "$(PYTHON)" --only-group checkov && touch $@

$(CUSTODIAN_READY): pyproject.toml uv.lock $(UV_READY)
	@UV_PROJECT_ENVIRONMENT=.venv-custodian $(STEP) "installing Cloud Custodian" $(UV) sync --quiet --python "$(PYTHON)" --only-group custodian && touch $@
