# Opportune. `make help` lists every command; the text after ## is what it prints.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
# INSTALLED=1 takes $(VENV) as it is, in an image for example.
STAMP := $(if $(INSTALLED),,$(VENV)/.installed)
PY := $(VENV)/bin/python
# A Python that was named is the one to run on: $(VENV) with another one is not up to date, and requirements/install says so.
NAMED := $(filter command environment,$(firstword $(origin PYTHON)))
VERSION := -c 'import sys; print(sys.version_info[:2])'
OTHER := $(if $(NAMED),$(shell [ ! -x $(PY) ] || [ "$$($(PYTHON) $(VERSION) 2>&1)" = "$$($(PY) $(VERSION))" ] || echo .other-python))
UV := $(VENV)/bin/uv
PACKAGES := features feature_repo models policy serving training benchmarks demo verification
CODE := $(wildcard $(PACKAGES) tests)

# Everything a run leaves behind is under this folder.
OPPORTUNE_HOME ?= var
# Not by abspath, which takes a folder with a space in its name for several.
override OPPORTUNE_HOME := $(if $(filter /%,$(firstword $(OPPORTUNE_HOME))),,$(CURDIR)/)$(OPPORTUNE_HOME)
# Compiled kernels belong to the installation: whatever the home, nobody waits for them twice.
NUMBA_CACHE_DIR ?= $(abspath $(VENV))/kernels
export OPPORTUNE_HOME NUMBA_CACHE_DIR
export OMP_NUM_THREADS := 1
export TZ := UTC
export MLFLOW_DISABLE_TELEMETRY := true
export FEAST_USAGE := False
# Feast and MLflow are large: compiled again by every process they cost seconds each.
unexport PYTHONDONTWRITEBYTECODE

##@ Start here
.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z][a-z-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install .other-python
install: $(STAMP) ## Install the pinned packages and this project into .venv, or for another Python: [PYTHON=python3.13 VENV=.venv-3.13]

$(VENV)/.installed: pyproject.toml requirements/dev.lock requirements/bootstrap.lock requirements/install $(OTHER)
	@PYTHON="$(PYTHON)" requirements/install $(VENV)
	@echo "Compiling the kernels …" >&2
	@$(PY) -m features.warm
	@touch $@

.PHONY: demo
demo: $(STAMP) ## The main job on a year of real purchases: import, train, serve, replay, report
	@$(PY) -m demo

.PHONY: demo-carts
demo-carts: $(STAMP) ## A real day of carts: abandoned, reminded of by mail, and what people do with the mails
	@$(PY) -m demo.carts

.PHONY: demo-learning
demo-learning: $(STAMP) ## Twelve weeks of a made-up shop: a rule, a log, a model, thresholds, an A/B test, the truth (a minute or two)
	@$(PY) -m demo.learning $(ARGS)

##@ Run
.PHONY: import
import: $(STAMP) ## Import history: FILE=events.jsonl|csv|parquet [MAP=events.yaml] [STRICT=1]
	@test -n "$(FILE)" || { echo "make import: say which file, as in: make import FILE=events.jsonl" >&2; exit 2; }
	@$(PY) -m serving.history "$(FILE)" $(if $(MAP),--map "$(MAP)") $(if $(STRICT),--strict)

.PHONY: import-products
import-products: $(STAMP) ## Import products, known and new ones: FILE=products.csv|tsv|jsonl
	@test -n "$(FILE)" || { echo "make import-products: say which file, as in: make import-products FILE=products.csv" >&2; exit 2; }
	@$(PY) -m serving.product_files "$(FILE)"

.PHONY: import-profiles
import-profiles: $(STAMP) ## Import what is known of people: FILE=profiles.csv|tsv|jsonl
	@test -n "$(FILE)" || { echo "make import-profiles: say which file, as in: make import-profiles FILE=profiles.csv" >&2; exit 2; }
	@$(PY) -m serving.profile_files "$(FILE)"

.PHONY: export
export: $(STAMP) ## Write scores, segments, decisions or profiles: WHAT=decisions [FORMAT=parquet|csv] [FROM= TO=] [FILE=], or send them: ENDPOINT=crm
	@test -n "$(WHAT)" || { echo "make export: say what, as in: make export WHAT=decisions FORMAT=csv" >&2; exit 2; }
	@$(PY) -m serving.extract_files "$(WHAT)" $(if $(FORMAT),--format "$(FORMAT)") $(if $(FROM),--from "$(FROM)") \
	  $(if $(TO),--to "$(TO)") $(if $(FILE),--file "$(FILE)") $(if $(ENDPOINT),--endpoint "$(ENDPOINT)")

.PHONY: import-codes
import-codes: $(STAMP) ## Import discount codes into a pool: FILE=codes.csv|tsv|jsonl POOL=spring
	@test -n "$(FILE)" -a -n "$(POOL)" || \
	  { echo "make import-codes: say which file and pool, as in: make import-codes FILE=codes.csv POOL=spring" >&2; exit 2; }
	@$(PY) -m serving.code_files "$(FILE)" --pool "$(POOL)"

.PHONY: simulate
simulate: $(STAMP) ## Make up a history, for whoever has none yet: [USERS=2000] [DAYS=60] [SEED=1] [OUT=file.jsonl]
	@$(PY) -m training.simulator $(if $(USERS),--users "$(USERS)") $(if $(DAYS),--days "$(DAYS)") \
	  $(if $(SEED),--seed "$(SEED)") $(if $(OUT),--out "$(OUT)")

.PHONY: health
health: $(STAMP) ## Is what is served still what was learned, does anything stand still: [DAYS=7] [AT=2017-12-19] [JSON=1]
	@$(PY) -m training.health $(if $(DAYS),--days "$(DAYS)") $(if $(AT),--at "$(AT)") $(if $(JSON),--json)

.PHONY: retrain
retrain: $(STAMP) ## Train, compare with the champion, promote or refuse: [HORIZONS=24h,7d] [CUTOFF=2017-10-01] [CARRY_OVER=24h]
	@$(PY) -m training.retrain $(if $(HORIZONS),--horizons "$(HORIZONS)") $(if $(CUTOFF),--cutoff "$(CUTOFF)") \
	  $(if $(CARRY_OVER),--carry-over "$(CARRY_OVER)")

.PHONY: retrain-loop
retrain-loop: $(STAMP) ## Retrain on a schedule, in the foreground: [EVERY=7d] [HORIZONS=24h,7d] [CARRY_OVER=24h]
	@exec $(PY) -m training.retrain_loop $(if $(EVERY),--every "$(EVERY)") $(if $(HORIZONS),--horizons "$(HORIZONS)") \
	  $(if $(CARRY_OVER),--carry-over "$(CARRY_OVER)")

.PHONY: promote
promote: $(STAMP) ## Put a version of a model into service: MODEL=opportune-intent-24h VERSION=3
	@test -n "$(MODEL)" -a -n "$(VERSION)" || \
	  { echo "make promote: say which model and version, as in: make promote MODEL=opportune-intent-24h VERSION=3" >&2; exit 2; }
	@$(PY) -m training.promotion "$(MODEL)" --version "$(VERSION)"

.PHONY: rollback
rollback: $(STAMP) ## Put the version back that was in service before: MODEL=opportune-intent-24h
	@test -n "$(MODEL)" || { echo "make rollback: say of which model, as in: make rollback MODEL=opportune-intent-24h" >&2; exit 2; }
	@$(PY) -m training.promotion "$(MODEL)"

.PHONY: shadow
shadow: $(STAMP) ## Let a version score in shadow, acted on by nothing: MODEL=opportune-intent-24h VERSION=4; let none any more: END=1
	@test -n "$(MODEL)" -a -n "$(VERSION)$(END)" || \
	  { echo "make shadow: say which model and version, as in: make shadow MODEL=opportune-intent-24h VERSION=4" >&2; exit 2; }
	@$(PY) -m training.promotion "$(MODEL)" $(if $(END),--end-shadow,--version "$(VERSION)" --shadow)

.PHONY: shadow-report
shadow-report: $(STAMP) ## Whether the version in shadow may be promoted, by live traffic: MODEL=opportune-intent-24h [CARRY_OVER=24h]
	@test -n "$(MODEL)" || { echo "make shadow-report: say of which model, as in: make shadow-report MODEL=opportune-intent-24h" >&2; exit 2; }
	@$(PY) -m training.shadow "$(MODEL)" $(if $(CARRY_OVER),--carry-over "$(CARRY_OVER)")

.PHONY: report
report: $(STAMP) ## Judge experiments of the ledger, or of a table: [EXPERIMENT=spring] [FILE=table.csv] [ARGS="--users 20000"]
	@$(PY) -m training.ab_report $(if $(EXPERIMENT),--experiment "$(EXPERIMENT)") $(if $(FILE),--file "$(FILE)") $(ARGS)

.PHONY: export-ledger
export-ledger: $(STAMP) ## Export every decision with what followed: FORMAT=parquet|obp|dsjson [OUT=file] [TRIGGER=cart]
	@test -n "$(FORMAT)" || { echo "make export-ledger: say how, as in: make export-ledger FORMAT=parquet" >&2; exit 2; }
	@$(PY) -m training.ledger_export "$(FORMAT)" $(if $(OUT),--out "$(OUT)") $(if $(TRIGGER),--trigger "$(TRIGGER)")

.PHONY: policy-value
policy-value: $(STAMP) ## What each threshold would have earned, by the ledger: [TRIGGER=cart] [ORDER_VALUE=12] [CONTACT_COST=0.01] [UNSUBSCRIBE_COST=12]
	@$(PY) -m training.policy_value $(if $(TRIGGER),--trigger "$(TRIGGER)") $(if $(MARGIN),--margin "$(MARGIN)") \
	  $(if $(ORDER_VALUE),--order-value "$(ORDER_VALUE)") $(if $(CONTACT_COST),--contact-cost "$(CONTACT_COST)") \
	  $(if $(UNSUBSCRIBE_COST),--unsubscribe-cost "$(UNSUBSCRIBE_COST)")

.PHONY: uplift
uplift: $(STAMP) ## Learn whom a trigger's message persuades, where that surely earns more, for `uplift: auto`: TRIGGER=cart [ORDER_VALUE=12] [CONTACT_COST=0.01] [UNSUBSCRIBE_COST=12]
	@test -n "$(TRIGGER)" || { echo "make uplift: say of which trigger, as in: make uplift TRIGGER=cart" >&2; exit 2; }
	@$(PY) -m training.uplift_learning "$(TRIGGER)" $(if $(MARGIN),--margin "$(MARGIN)") \
	  $(if $(ORDER_VALUE),--order-value "$(ORDER_VALUE)") $(if $(CONTACT_COST),--contact-cost "$(CONTACT_COST)") \
	  $(if $(UNSUBSCRIBE_COST),--unsubscribe-cost "$(UNSUBSCRIBE_COST)")

.PHONY: accept-threshold
accept-threshold: $(STAMP) ## Accept what the last policy-value report recommends, for `threshold: auto`: TRIGGER=cart [TRIGGERS=triggers.yaml]
	@test -n "$(TRIGGER)" || { echo "make accept-threshold: say of which trigger, as in: make accept-threshold TRIGGER=cart" >&2; exit 2; }
	@$(PY) -m training.accept_threshold "$(TRIGGER)" $(if $(TRIGGERS),--policy "$(TRIGGERS)")

.PHONY: serve
serve: $(STAMP) ## Start the service (settings: docs/configuration.md)
	@exec $(PY) -m serving

.PHONY: key
key: SCOPES ?= ingest,score
key: $(STAMP) ## Make an API key: NAME=shop [SCOPES=ingest,score]; list them: LIST=1; take one back: REVOKE=shop
	@$(if $(NAME)$(LIST)$(REVOKE),,echo "make key: give it a name, as in: make key NAME=shop SCOPES=ingest,score" >&2; exit 2)
	@$(PY) -m serving.keys $(if $(REVOKE),revoke --name "$(REVOKE)",$(if $(LIST),list,create --name "$(NAME)" --scopes "$(SCOPES)"))

.PHONY: pause
pause: $(STAMP) ## Stop all sending within a second; decisions go on being made, messages wait
	@$(PY) -m serving.pause on

.PHONY: resume
resume: $(STAMP) ## Send again, beginning with what waited
	@$(PY) -m serving.pause off

.PHONY: backup
backup: $(STAMP) ## Copy the database as of now, while a server may go on: FILE=copy.db
	@test -n "$(FILE)" || { echo "make backup: say which file, as in: make backup FILE=copy.db" >&2; exit 2; }
	@$(PY) -m serving.copies backup "$(FILE)"

.PHONY: restore
restore: $(STAMP) ## Put a copy in the place of the database; the server has to be stopped: FILE=copy.db
	@test -n "$(FILE)" || { echo "make restore: say which file, as in: make restore FILE=copy.db" >&2; exit 2; }
	@$(PY) -m serving.copies restore "$(FILE)"

.PHONY: tail
tail: $(STAMP) ## Watch accepted, rejected and unknown events as they arrive
	@exec $(PY) -m serving.tail

##@ Verify
.PHONY: parity
parity: $(STAMP) ## Recompute every served feature vector from the log and report each difference
	@$(PY) -m training.parity

.PHONY: audit-segments
audit-segments: $(STAMP) ## Compute from the whole log who is in which segment and report each difference
	@$(PY) -m serving.segment_audit

.PHONY: verify-statistics
verify-statistics: $(STAMP) ## Simulate what reports, learning and the gate promise and write the figures to docs/ (50 minutes on one core): [PART=policy-value] [PROCESSES=2]
	@$(PY) -m verification $(if $(PART),--part "$(PART)") $(if $(PROCESSES),--processes "$(PROCESSES)")

.PHONY: lint-triggers
lint-triggers: $(STAMP) ## Explain each trigger in a sentence, warn of what can hardly be meant [TRIGGERS=triggers.yaml] [MAP=events.yaml]
	@$(PY) -m policy.lint "$(or $(TRIGGERS),triggers.yaml)" $(if $(MAP),--map "$(MAP)")

.PHONY: test-triggers
test-triggers: $(STAMP) ## Run the tests that stand beside triggers [TRIGGERS=triggers.yaml] [MAP=events.yaml]
	@$(PY) -m serving.trigger_tests "$(or $(TRIGGERS),triggers.yaml)" $(if $(MAP),--map "$(MAP)")

.PHONY: what-if
what-if: $(STAMP) ## Replay the log under other triggers: TRIGGERS=new.yaml FROM=2017-11-01 TO=2017-12-01 [AS_LIVE=1] [MAP=events.yaml] [ORDER_VALUE=12]
	@test -n "$(TRIGGERS)" -a -n "$(FROM)" -a -n "$(TO)" || \
	  { echo "make what-if: say which file and when: make what-if TRIGGERS=new.yaml FROM=2017-11-01 TO=2017-12-01" >&2; exit 2; }
	@$(PY) -m serving.what_if "$(TRIGGERS)" --from "$(FROM)" --to "$(TO)" $(if $(AS_LIVE),--as-live) $(if $(MAP),--map "$(MAP)")
	@$(PY) -m training.what_if_value "$(TRIGGERS)" $(if $(MARGIN),--margin "$(MARGIN)") $(if $(ORDER_VALUE),--order-value "$(ORDER_VALUE)") \
	  $(if $(CONTACT_COST),--contact-cost "$(CONTACT_COST)") $(if $(UNSUBSCRIBE_COST),--unsubscribe-cost "$(UNSUBSCRIBE_COST)")

.PHONY: preview
preview: $(STAMP) ## Write a trigger's message to files, as a person would get it: TRIGGER=cart USER=u-42 [STEP=1] [CHANNEL=sms] [OUT=folder]
	@test -n "$(TRIGGER)" -a "$(origin USER)" = "command line" || \
	  { echo "make preview: say whose message, as in: make preview TRIGGER=cart USER=u-42" >&2; exit 2; }
	@$(PY) -m serving.preview "$(TRIGGER)" "$(USER)" $(if $(STEP),--step "$(STEP)") $(if $(CHANNEL),--channel "$(CHANNEL)") $(if $(OUT),--out "$(OUT)")

.PHONY: rebuild
rebuild: $(STAMP) ## Rebuild all states from the log, after a feature was changed
	@$(PY) -m serving.rebuild

.PHONY: bench
bench: $(STAMP) ## Measure throughput and latency beside its peers, in one run (5 minutes)
	@$(PY) -m benchmarks

.PHONY: chaos
chaos: $(STAMP) ## Kill the server in the middle of a load, ten times, and check what is left
	@$(PY) -m pytest tests/chaos -m chaos

##@ Develop
.PHONY: test
test: $(STAMP) ## Run all tests, in four processes at most [ARGS="tests/features -k fold"]
	@$(PY) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: test-clients
test-clients: $(VENV)/clients/.installed ## Point real SDKs for Python and Node, a mail server and Chromium at the server
	@export CLIENTS="$(abspath $(VENV))/clients" && PYTHONPATH="$$CLIENTS/browser" $(PY) -m pytest tests/clients $(ARGS)

$(VENV)/clients/.installed: $(STAMP) requirements/browser.lock requirements/older-sdks.lock \
    requirements/install-clients tests/clients/package-lock.json
	@PYTHON="$(PYTHON)" requirements/install-clients $(VENV)
	@touch $@

.PHONY: check
check: $(STAMP) ## Check format, lint, types, import contracts and architecture
	@$(PY) -m ruff format --check --quiet $(CODE) || { echo "make format puts this right" >&2; exit 1; }
	@$(PY) -m ruff check --quiet $(CODE)
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(PY) -m pytest -q tests/architecture

.PHONY: format
format: $(STAMP) ## Format the code and repair what lint can repair
	@$(PY) -m ruff format $(CODE)
	@$(PY) -m ruff check --fix --show-fixes $(CODE)

.PHONY: docs
docs: $(STAMP) ## Rewrite the tables of the documentation that follow from the code
	@$(PY) -m tests.docs.tables
	@$(PY) -m policy.schema

.PHONY: lock
lock: $(STAMP) ## Rebuild the hashed locks from pyproject.toml [UPGRADE=1]
	@UV="$(UV)" requirements/compile $(if $(UPGRADE),--upgrade)

.PHONY: test-clean
test-clean: ## Install and test the last commit in a fresh clone with an empty home folder
	@clone=$$(mktemp -d) && trap 'rm -rf "$$clone"' EXIT && \
	git clone --quiet . "$$clone/opportune" && mkdir "$$clone/home" && cd "$$clone/opportune" && \
	env -u OPPORTUNE_HOME -u MAKEFLAGS -u MAKELEVEL HOME="$$clone/home" bash .ci/run

.PHONY: clean
clean: ## Remove the environment, caches and build output (never the data)
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
