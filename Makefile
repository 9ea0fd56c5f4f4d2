# The door: `make` alone says what there is. Everything behind it gets what it needs itself.
.DEFAULT_GOAL := help
.PHONY: help run check unit integration e2e hostile matrix nightly page test bench docs trace images packages chart census kubectl-chat cluster load cluster-down clean

help: ## Says what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Starts all of it here and says where the page is (PORT= DATA= OBSERVE=1 ORIGINS= ROUTERS= CONNECTORS= NATS_URL= REDIS_URL= CLICKHOUSE_URL= PUSH_WEBHOOK=)
	@tools/bootstrap.sh run

test: ## Everything below, one after the other
	@tools/bootstrap.sh test

check: ## Types, lint, and the rules of the project
	@tools/bootstrap.sh test check

unit: ## Tests that need no server, the simulation among them
	@tools/bootstrap.sh test unit

integration: ## Tests on the real NATS, Redis and ClickHouse engine
	@tools/bootstrap.sh test integration

e2e: ## Whole clusters under faults, of processes and on a real Kubernetes, judged by the ledger (KEEP=1 ONLY= NIGHTLY=1 NODES=; on a cluster of yours: KUBECONFIG= REGISTRY=)
	@E2E_KUBECONFIG='$(if $(findstring command,$(origin KUBECONFIG)),$(KUBECONFIG))' tools/bootstrap.sh test e2e

hostile: ## Strangers who send what nobody should, beside people who talk, judged by the ledger (HOSTILE_SECONDS=60 HOSTILE_SEED=)
	@tools/bootstrap.sh test hostile

matrix: ## Faults on a cluster of three nats-servers, each part on a host of its own; needs root (FAULTS_SEEDS=1,2,3 FAULTS_ONLY="kill nats-1, cut router-1 + slow redis")
	@tools/bootstrap.sh test matrix

nightly: ## What is too long for make test: ten minutes of strangers, 25 faults with each of 3 seeds, 10,000 random days of scaling, pushes under faults, every scenario on Kubernetes (over two hours; needs root)
	@day=$$(date +%-j); HOSTILE_SECONDS=600 HOSTILE_SEED=$$day NIGHTLY=1 \
		FAULTS_SEEDS=$${FAULTS_SEEDS:-$$((3 * day)),$$((3 * day + 1)),$$((3 * day + 2))} tools/bootstrap.sh test days hostile matrix away kubernetes

page: ## The page in real Chromium
	@tools/bootstrap.sh test page

bench: ## How fast it is here, each figure beside raw limits: table, JSON and picture in .data/bench (ONLY=echo,messages …)
	@tools/bootstrap.sh bench

trace: ## One message through a cluster of its own, and its trace as a tree
	@tools/bootstrap.sh trace

docs: ## The documentation as a site: .data/site
	@tools/bootstrap.sh docs

images: ## Every component's image, with docker or buildah (REGISTRY= TAG= BASE= EMBEDDED=1)
	@tools/bootstrap.sh images

packages: ## The packages that others install, as tarballs in .data/packages
	@tools/bootstrap.sh packages

chart: ## What the chart and the reference page have from the operator's code
	@tools/bootstrap.sh chart

census: ## Lines, functions, comments and tests of each package, as the table of CONTRIBUTING.md
	@tools/bootstrap.sh census

kubectl-chat: ## The plugin of kubectl: .data/bin/kubectl-chat
	@tools/bootstrap.sh kubectl-chat

cluster: ## A kind cluster on this machine, with Docker or Podman (CLUSTER= NODES=1..3 NODE_IMAGE=)
	@tools/bootstrap.sh cluster up

load: ## Builds the images and brings them to that cluster (CLUSTER=)
	@tools/bootstrap.sh load

cluster-down: ## Takes that cluster away, and all it made on this machine
	@tools/bootstrap.sh cluster down

clean: ## Takes away what was built and installed in this folder; the tool cache and .data stay
	rm -rf node_modules web/dist
