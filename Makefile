# Every target is one command: `python -m flink_k8s --help`, or a tool of the maintainers in dev/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

# The variables of the targets. Their text is never code: make does not expand it, and the shell reads it from the
# environment, as "$$STACK".
VARIABLES := ALLOW BASE CHANGES CHECKS CONTEXT COST EXPLAIN FORMAT GITOPS INPUT JOB JOBS KIND KUBECONFIG LAYER MARKDOWN ORDERED OUT \
	PART PLANNER POLICY PREVIOUS REMOVE REPAIR RESTORE REVIEW SINCE STACK TIMINGS UPGRADE YES
$(foreach name,$(VARIABLES),$(if $(filter-out undefined,$(origin $(name))),\
	$(eval override $(name) := $$(value $(name)))$(eval export $(name))))
$(foreach name,$(filter-out $(VARIABLES) MAKEFLAGS MAKEOVERRIDES -*-%,$(.VARIABLES)),$(if $(filter command,$(firstword $(origin $(name)))),\
	$(error unknown variable $(name); the variables are: $(VARIABLES))))

# A target that reads a stack reads dev by default; a target that changes a stack requires its name.
STACK_TO_READ = "$${STACK:-dev}"
STACK_TO_CHANGE = "$${STACK:?name the stack, for example: make $@ STACK=dev}"
OVERLAY = $${LAYER:+--overlay "$$LAYER"}
POLICY_PACK = $${POLICY:+--policy "$$POLICY"}
PRINT_TIMINGS = $${TIMINGS:+--timings}
OUT_FILE = $${OUT:+--out "$$OUT"}
ONE_JOB = $${JOB:+--job "$$JOB"}
CONFIRMED = $${YES:+--yes}
# Fails on a warning, for example of a broken link. The variable hides an announcement.
BUILD_DOCS = NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build
ALLOWED = $${ALLOW:+--allow-state-loss "$$ALLOW"}

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

demo: .venv/.run ## start a local cluster, run the word count, print its result [INPUT=file] [TIMINGS=1]
	@$(PYTHON) -m flink_k8s demo $${INPUT:+--input "$$INPUT"} $(OVERLAY) $(PRINT_TIMINGS)

test: lint ## run lint, unit tests and tests of the whole program; needs neither root nor a cluster
	@$(PYTHON) -m pytest -q

e2e: .venv/.dev ## the most important tests on the sandbox and the real engine; needs root and Linux
	@$(PYTHON) -m pytest -q -m "not full" --durations=0 --durations-min=20 tests/engine tests/e2e tests/rules

e2e-full: .venv/.dev ## all tests on the sandbox: other versions, stores, long state, operator upgrade; takes four hours on two cores
	@$(PYTHON) -m pytest -q --durations=0 --durations-min=20 tests/engine tests/e2e tests/rules

adopt: .venv/.run ## write job files and the stack file of STACK for the Flink resources in the cluster of CONTEXT [KUBECONFIG=file]
	@$(PYTHON) -m flink_k8s adopt $(STACK_TO_CHANGE) $${CONTEXT:+--context "$$CONTEXT"} $${KUBECONFIG:+--kubeconfig "$$KUBECONFIG"}

check: .venv/.run ## check the configuration and job files of STACK [EXPLAIN=job: the source of each value] [COST=text|markdown: resource requests] [PLANNER=1: plan SQL jobs; requires Java]
	@$(PYTHON) -m flink_k8s check $(STACK_TO_READ) $(OVERLAY) $${EXPLAIN:+--explain "$$EXPLAIN"} $${COST:+--cost "$$COST"} $${PLANNER:+--planner}

render: .venv/.run ## write every object of STACK as YAML to OUT [GITOPS=flux|argocd] [ORDERED=1: applied in the order of the graph]
	@$(PYTHON) -m flink_k8s render $(STACK_TO_READ) "$${OUT:-out/$${STACK:-dev}}" $(OVERLAY) $${GITOPS:+--gitops "$$GITOPS"} $${ORDERED:+--ordered}

graph: .venv/.run ## print the dependency graph of STACK as a Mermaid diagram
	@$(PYTHON) -m flink_k8s graph $(STACK_TO_READ) $(OVERLAY)

preview: .venv/.run ## show what `make up` would change in STACK [POLICY=policy: evaluate the policy pack] [ALLOW="job …"]
	@$(PYTHON) -m flink_k8s preview $(STACK_TO_READ) $(OVERLAY) $(POLICY_PACK) $(ALLOWED)

plan: .venv/.run ## show what `make up` would do to each job; fail if a job would lose its state [ALLOW="job …"] [FORMAT=markdown] [MARKDOWN=file]
	@$(PYTHON) -m flink_k8s plan $(STACK_TO_READ) $(OVERLAY) $(ALLOWED) $${FORMAT:+--format "$$FORMAT"} $${MARKDOWN:+--markdown "$$MARKDOWN"}

review: .venv/.run ## compare all stacks with BASE (main), as the comment of a pull request [OUT=file] [ALLOW="job …"] [CHECKS="name=success …"]
	@$(PYTHON) -m flink_k8s review --base "$${BASE:-main}" $(ALLOWED) $(OUT_FILE) $${CHECKS:+--check "$$CHECKS"}

up: .venv/.run ## deploy STACK and wait until its jobs run; fail if a job would lose its state [ALLOW="job …"] [POLICY=policy] [TIMINGS=1]
	@$(PYTHON) -m flink_k8s up $(STACK_TO_CHANGE) $(OVERLAY) $(POLICY_PACK) $(PRINT_TIMINGS) $(ALLOWED)

drift: .venv/.run ## show what was changed in the cluster of STACK by hand [REPAIR=1: undo it] [OUT=file]
	@: $${REPAIR:+$(STACK_TO_CHANGE)}
	@$(PYTHON) -m flink_k8s drift $(STACK_TO_READ) $(OVERLAY) $${REPAIR:+--repair} $(OUT_FILE)

destroy: .venv/.run ## delete everything that STACK has created, jobs first [YES=1: do not ask] [REMOVE=1: also the stack and its file]
	@$(PYTHON) -m flink_k8s destroy $(STACK_TO_CHANGE) $(OVERLAY) $(CONFIRMED) $${REMOVE:+--remove}

suspend: .venv/.run ## stop the jobs of STACK and keep their state until `make resume` [JOB=job] [ALLOW="job …"] [YES=1]
	@$(PYTHON) -m flink_k8s suspend $(STACK_TO_CHANGE) $(OVERLAY) $(ONE_JOB) $(CONFIRMED) $(ALLOWED)

resume: .venv/.run ## restart suspended jobs from their kept state [JOB=job] [ALLOW="job …"]
	@$(PYTHON) -m flink_k8s resume $(STACK_TO_CHANGE) $(OVERLAY) $(ONE_JOB) $(ALLOWED)

restore-drill: .venv/.run ## restore copies of the jobs of STACK from their newest state, next to the running jobs, and delete the copies [JOB=job]
	@$(PYTHON) -m flink_k8s restore-drill $(STACK_TO_CHANGE) $(OVERLAY) $(ONE_JOB)

review-stack: .venv/.run ## write a stack file with copies of the jobs of STACK, for the review REVIEW=pr-42 [CHANGES=file] [JOB="job …"] [RESTORE=1: start from the newest state]
	@$(PYTHON) -m flink_k8s review-stack $(STACK_TO_CHANGE) "$${REVIEW:?name the review, for example: make review-stack STACK=staging REVIEW=pr-42}" $(OVERLAY) $${CHANGES:+--changes "$$CHANGES"} $(ONE_JOB) $${RESTORE:+--restore}

unstick: .venv/.run ## remove finalizers from Flink resources of STACK that are stuck in deletion; asks first [JOB=job] [YES=1]
	@$(PYTHON) -m flink_k8s unstick $(STACK_TO_CHANGE) $(ONE_JOB) $(CONFIRMED)

cluster: .venv/.run ## start a local cluster: kind, or the sandbox if no Docker daemon answers
	@$(PYTHON) -m flink_k8s cluster

build: .venv/.run ## build the image of the jobs and load it into the local cluster
	@$(PYTHON) -m flink_k8s build $(OVERLAY)

new: .venv/.run ## create the files of a new JOB, with tests [KIND=sql: a SQL script; default: python]
	@$(PYTHON) -m flink_k8s new "$$JOB" $${KIND:+--kind "$$KIND"}

run: .venv/.run ## run the Python or SQL of JOB in a Flink on this machine, with the settings of STACK
	@$(PYTHON) -m flink_k8s run $(STACK_TO_READ) $(ONE_JOB)

test-job: .venv/.dev ## run the tests of JOB, some of them in a Flink on this machine
	@$(PYTHON) -m flink_k8s test-job $(STACK_TO_READ) $(ONE_JOB)

ui: .venv/.run ## open a local port to Flink's web UI of JOB
	@$(PYTHON) -m flink_k8s ui $${STACK:+"$$STACK"} $(ONE_JOB)

logs: .venv/.run ## print the logs of JOB [PREVIOUS=1: of containers that no longer run] [SINCE=2h]
	@$(PYTHON) -m flink_k8s logs $${STACK:+"$$STACK"} $(ONE_JOB) $${PREVIOUS:+--previous} $${SINCE:+--since "$$SINCE"}

savepoints: .venv/.run ## list the savepoints and checkpoints that the jobs of STACK can restore [JOB=job] [FORMAT=json]
	@$(PYTHON) -m flink_k8s savepoints $(STACK_TO_READ) $(OVERLAY) $(ONE_JOB) $${FORMAT:+--format "$$FORMAT"}

monitor: .venv/.run ## open local ports to Grafana, Prometheus, Alertmanager and VictoriaLogs
	@$(PYTHON) -m flink_k8s monitor $(STACK_TO_READ)

grafana-creds: .venv/.run ## print Grafana's user and password
	@$(PYTHON) -m flink_k8s grafana-creds $(STACK_TO_READ)

clean: .venv/.run ## delete the local cluster, the virtual environment and generated files
	@$(PYTHON) -m flink_k8s clean

golden: .venv/.run ## write what every stack renders to, which tests compare
	@$(PYTHON) -m dev.golden

lock: .venv/.dev ## write requirements.txt from requirements.in, with hashes [UPGRADE=1: the newest versions]
	@$(PYTHON) -m dev.lock $${UPGRADE:+--upgrade}

sbom: .venv/.dev ## write the bill of materials of STACK, as CycloneDX [OUT=file.cdx.json]
	@$(PYTHON) -m dev.supply_chain $(STACK_TO_READ) $(OUT_FILE)

audit: .venv/.dev ## fail if STACK has unusual licences or known vulnerabilities [OUT=file.cdx.json]
	@$(PYTHON) -m dev.supply_chain $(STACK_TO_READ) $(OUT_FILE) --audit

schema: .venv/.run ## write docs/schema, docs/configuration.md and the config of Pulumi.yaml from the models
	@$(PYTHON) -m dev.schema

dashboards: .venv/.dev ## write flink_k8s/monitoring/json from the code of the dashboards
	@$(PYTHON) -m dev.dashboards

bench: .venv/.run ## measure check, render, deploy, a live cluster and the operator next to other tools, for docs/performance.md [PART=a|b|c|d] [JOBS="10 100"] [KUBECONFIG=file CONTEXT=name for b and d]
	@$(PYTHON) -m dev.bench $${PART:+--part "$$PART"} $${JOBS:+--jobs "$$JOBS"} $${CONTEXT:+--kubeconfig "$$KUBECONFIG" --context "$$CONTEXT"}

lint: .venv/.dev ## run ruff and basedpyright; zizmor and actionlint for the workflows; build the docs
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m basedpyright
	@$(PYTHON) -m dev.lint_workflows
	@$(PYTHON) -m dev.prose
	@$(BUILD_DOCS) --quiet

docs: .venv/.dev ## write the documentation as a searchable site to out/site
	@$(BUILD_DOCS)

fmt: .venv/.dev ## format the code
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

ns install: ## the steps of the walk-through; both run `make up`
	@echo "make $@ is part of make up now, which deploys namespaces, charts and jobs as one graph"
	@$(MAKE) --no-print-directory up

.venv/.run: requirements.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed as python3" >&2; exit 1; }
	@test -x $(PYTHON) || python3 -m venv .venv || { echo "error: no virtual environment; on Debian: apt-get install python3-venv" >&2; rm -rf .venv; exit 1; }
	@echo "-- Python packages"
	@$(PYTHON) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	@echo "-- Python packages for development"
	@$(PYTHON) -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: help demo test e2e e2e-full adopt check render graph preview plan review up drift destroy suspend resume restore-drill review-stack unstick cluster build new run test-job ui logs savepoints monitor grafana-creds clean lock sbom audit schema golden dashboards bench docs lint fmt ns install
