# The whole interface; the work is in the Python modules that these targets call.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

# The variables of the targets. Their text is never code: make does not expand it, and the shell reads it from the
# environment, as "$$STACK".
VARIABLES := ALLOW BASE CHECKS CONTEXT COST EXPLAIN FORMAT GITOPS INPUT JOB JOBS KUBECONFIG LAYER MARKDOWN ORDERED OUT \
	PART POLICY REPAIR STACK TIMINGS UPGRADE YES
$(foreach name,$(VARIABLES),$(if $(filter-out undefined,$(origin $(name))),\
	$(eval override $(name) := $$(value $(name)))$(eval export $(name))))
$(foreach name,$(filter-out $(VARIABLES) MAKEFLAGS MAKEOVERRIDES -*-%,$(.VARIABLES)),$(if $(filter command,$(firstword $(origin $(name)))),\
	$(error unknown variable $(name); the variables are: $(VARIABLES))))

# What a target reads; a stack that is changed has to be named.
STACK_TO_READ = "$${STACK:-dev}"
STACK_TO_CHANGE = "$${STACK:?name the stack, for example: make $@ STACK=dev}"
LAYER_OPTION = $${LAYER:+--layer "$$LAYER"}
POLICY_OPTION = $${POLICY:+--policy "$$POLICY"}
TIMINGS_OPTION = $${TIMINGS:+--timings}
OUT_OPTION = $${OUT:+--out "$$OUT"}
JOB_OPTION = $${JOB:+--job "$$JOB"}
YES_OPTION = $${YES:+--yes}
STACK_OPTION = $${STACK:+--stack "$$STACK"}
ALLOW_OPTION = $${ALLOW:+--allow-state-loss "$$ALLOW"}

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

demo: .venv/.run ## from a fresh machine to the finished word count [INPUT=file] [TIMINGS=1: where the time went]
	@$(PYTHON) -m flink_k8s.operations.demo $${INPUT:+--input "$$INPUT"} $(LAYER_OPTION) $(TIMINGS_OPTION)

test: lint ## lint, unit and whole-program tests; no root, no cluster
	@$(PYTHON) -m pytest -q

e2e: .venv/.dev ## the core of the tests on the sandbox and the real engine; needs root and Linux
	@$(PYTHON) -m pytest -q -m "not full" --durations=0 --durations-min=20 tests/engine tests/e2e tests/rules

e2e-full: .venv/.dev ## the core and all variants: other versions, stores, long state, operator upgrade; takes hours on a slow machine
	@$(PYTHON) -m pytest -q --durations=0 --durations-min=20 tests/engine tests/e2e tests/rules

check: .venv/.run ## settings and job files of STACK, all problems at once [EXPLAIN=job: where its values come from] [COST=text|markdown: what each asks for]
	@$(PYTHON) -m flink_k8s.operations.check $(STACK_TO_READ) $(LAYER_OPTION) $${EXPLAIN:+--explain "$$EXPLAIN"} $${COST:+--cost "$$COST"}

render: .venv/.run ## every object of STACK as YAML into OUT [GITOPS=flux|argocd ORDERED=1: marks of that tool keep the order]
	@$(PYTHON) -m flink_k8s.program.render $(STACK_TO_READ) "$${OUT:-out/$${STACK:-dev}}" $(LAYER_OPTION) \
		$${GITOPS:+--gitops "$$GITOPS"} $${ORDERED:+--ordered}

graph: .venv/.run ## the graph of STACK as Mermaid
	@$(PYTHON) -m flink_k8s.program.graph $(STACK_TO_READ) $(LAYER_OPTION)

preview: .venv/.run ## what `up` would change in STACK [POLICY=policy: ask the policy pack, too]
	@$(PYTHON) -m flink_k8s.operations.deploy preview $(STACK_TO_READ) $(LAYER_OPTION) $(POLICY_OPTION)

plan: .venv/.run ## what that does to each job; fails when one loses state [ALLOW="job …"] [FORMAT=markdown] [MARKDOWN=file]
	@$(PYTHON) -m flink_k8s.operations.plan $(STACK_TO_READ) $(LAYER_OPTION) $(ALLOW_OPTION) \
		$${FORMAT:+--format "$$FORMAT"} $${MARKDOWN:+--markdown "$$MARKDOWN"}

review: .venv/.run ## what this branch changes in every stack, as the comment of its pull request [BASE=main] [OUT=file] [ALLOW="job …"]
	@$(PYTHON) -m flink_k8s.operations.review --base "$${BASE:-main}" $(ALLOW_OPTION) $(OUT_OPTION) $${CHECKS:+--check "$$CHECKS"}

up: .venv/.run ## bring STACK up, and fail when a job is not well [TIMINGS=1: where the time went]
	@$(PYTHON) -m flink_k8s.operations.deploy up $(STACK_TO_CHANGE) $(LAYER_OPTION) $(POLICY_OPTION) $(TIMINGS_OPTION)

drift: .venv/.run ## what was changed by hand in STACK's cluster [REPAIR=1: make it what was declared]
	@: $${REPAIR:+$(STACK_TO_CHANGE)}
	@$(PYTHON) -m flink_k8s.operations.drift $(STACK_TO_READ) $(LAYER_OPTION) $${REPAIR:+--repair} $(OUT_OPTION)

destroy: .venv/.run ## take STACK away, jobs first
	@$(PYTHON) -m flink_k8s.operations.deploy destroy $(STACK_TO_CHANGE) $(LAYER_OPTION) $(YES_OPTION)

suspend: .venv/.run ## STACK's jobs stop with their state kept, until they are resumed; nobody's `up` undoes it [JOB=j] [ALLOW="job …"] [YES=1]
	@$(PYTHON) -m flink_k8s.operations.suspend suspend $(STACK_TO_CHANGE) $(LAYER_OPTION) $(JOB_OPTION) $(YES_OPTION) $(ALLOW_OPTION)

resume: .venv/.run ## they go on from where they were [JOB=j] [ALLOW="job …"]
	@$(PYTHON) -m flink_k8s.operations.suspend resume $(STACK_TO_CHANGE) $(LAYER_OPTION) $(JOB_OPTION) $(ALLOW_OPTION)

unstick: .venv/.run ## the way out when STACK's Flink resources wait for an operator that is gone; asks first [JOB=j YES=1]
	@$(PYTHON) -m flink_k8s.operations.unstick $(STACK_TO_CHANGE) $(JOB_OPTION) $(YES_OPTION)

cluster: .venv/.run ## a cluster on this machine: kind, or the sandbox where no Docker answers
	@$(PYTHON) -m flink_k8s.operations.cluster up

build: .venv/.run ## the jobs' image, into that cluster, under the names that its jobs have for it by their code
	@$(PYTHON) -m flink_k8s.operations.cluster image $(LAYER_OPTION)

new: .venv/.run ## code, manifest and tests of a new JOB, to begin with
	@$(PYTHON) -m flink_k8s.operations.new_job "$$JOB"

run: .venv/.run ## JOB's Python in a Flink on this machine, no Kubernetes, with STACK's settings
	@$(PYTHON) -m flink_k8s.operations.run_job "$$JOB" --stack $(STACK_TO_READ)

test-job: .venv/.dev ## JOB's tests, those in a Flink on this machine among them
	@$(PYTHON) -m flink_k8s.operations.test_job "$$JOB"

ui: .venv/.run ## Flink's UI of JOB
	@$(PYTHON) -m flink_k8s.operations.access ui "$$JOB" $(STACK_OPTION)

logs: .venv/.run ## logs of JOB
	@$(PYTHON) -m flink_k8s.operations.access logs "$$JOB" $(STACK_OPTION)

monitor: .venv/.run ## Grafana, Prometheus, Alertmanager
	@$(PYTHON) -m flink_k8s.operations.access monitor --stack $(STACK_TO_READ)

grafana-creds: .venv/.run ## Grafana's user and password
	@$(PYTHON) -m flink_k8s.operations.access grafana-creds --stack $(STACK_TO_READ)

clean: .venv/.run ## away with the cluster of this machine and what tools left in this folder
	@$(PYTHON) -m flink_k8s.operations.clean

golden: .venv/.run ## what every stack renders to, kept for tests and reviewers
	@$(PYTHON) -m dev.golden

lock: .venv/.dev ## requirements.txt from requirements.in: every package by version and hash [UPGRADE=1: the newest ones]
	@$(PYTHON) -m dev.lock $${UPGRADE:+--upgrade}

sbom: .venv/.dev ## what STACK is made of, as CycloneDX [OUT=file.cdx.json]
	@$(PYTHON) -m dev.supply_chain $(STACK_TO_READ) $(OUT_OPTION)

audit: .venv/.dev ## its licences and known vulnerabilities; fails when there is something to look at
	@$(PYTHON) -m dev.supply_chain $(STACK_TO_READ) $(OUT_OPTION) --audit

schema: .venv/.run ## docs/schema, docs/configuration.md and Pulumi.yaml's config, from the models
	@$(PYTHON) -m dev.schema

dashboards: .venv/.dev ## flink_k8s/monitoring/json, which the program reads, from the dashboards' code
	@$(PYTHON) -m dev.dashboards

bench: .venv/.run ## what it costs beside peers, into docs/performance.md [PART=a|b|c|d] [JOBS="10 100"] [KUBECONFIG=file CONTEXT=name for b and d]
	@$(PYTHON) -m dev.bench $${PART:+--part "$$PART"} $${JOBS:+--jobs "$$JOBS"} $${CONTEXT:+--kubeconfig "$$KUBECONFIG" --context "$$CONTEXT"}

lint: .venv/.dev ## ruff, basedpyright; zizmor and actionlint for the workflows
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m basedpyright
	@$(PYTHON) -m dev.lint_workflows
	@$(PYTHON) -m dev.prose

fmt: .venv/.dev ## format the code
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

ns install: ## the walk-through's steps: `up` does them, in order
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

.PHONY: help demo test e2e e2e-full check render graph preview plan review up drift destroy suspend resume unstick cluster build new run test-job ui logs monitor grafana-creds clean lock sbom audit schema golden dashboards bench lint fmt ns install
