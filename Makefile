# Trestle's entry points. Each installs what it needs and is missing; what is built or fetched once is kept in
# $TRESTLE_CACHE (default ~/.cache/trestle).
export TRESTLE_CACHE := $(shell conformance/tools/cache)
export TRESTLE_REFERENCE := $(TRESTLE_CACHE)/plugins-1.9.1
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

.PHONY: help build test lint deps test-rootless test-vm demo cluster cluster-down image manifests bench bench-agent clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## static binaries: target/release/cni, all plugins in one, and target/release/routed-agent
	conformance/tools/deps build
	conformance/tools/build plugins routed-agent

test: ## everything: lints, every test, as root and as an ordinary user, under other kernels
	conformance/tools/deps test
	conformance/tools/in-copy conformance/tools/test

lint: ## formatting, clippy, cargo-deny
	conformance/tools/lint

deps: ## what the tests need
	conformance/tools/deps test

test-rootless: ## the kernel tests as an ordinary user, in a user namespace
	conformance/tools/deps test
	conformance/tools/in-copy conformance/tools/rootless

test-vm: ## the kernel tests under the kernels of Debian, in a virtual machine
	conformance/tools/deps test
	conformance/vm/suite

demo: ## two pods on a private node, from ADD to DEL; then two nodes with an agent each
	conformance/tools/deps demo
	conformance/tools/build plugins routed-agent
	conformance/tools/demo
	conformance/tools/demo-nodes

cluster: ## a Kubernetes cluster on two private nodes, with Trestle on it and a kubeconfig to play with
	conformance/tools/deps test
	conformance/tools/build plugins routed-agent
	conformance/cluster/archive
	conformance/cluster/up

cluster-down: ## takes that cluster away
	conformance/cluster/down

image: ## the container image for amd64 and arm64, trestle:VERSION, in podman's store and as an archive
	conformance/tools/deps image
	conformance/tools/build x86_64 plugins routed-agent
	conformance/tools/build aarch64 plugins routed-agent
	deploy/image

manifests: ## deploy/trestle.yaml, from the chart
	conformance/tools/deps test
	conformance/deploy manifests

bench: ## plugins beside the reference's and beside a floor: 12 minutes, and docs/bench
	conformance/tools/deps test
	conformance/tools/build
	conformance/bench/run

bench-agent: ## the agent among 5,000 Nodes beside flanneld: 40 minutes, conformance/bench/agent --brief 12; and docs/bench
	conformance/tools/deps test
	conformance/tools/build plugins routed-agent
	conformance/bench/agent

clean: ## what was built here; the cache and the copy that was tested stay
	cargo clean
