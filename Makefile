# The commands of everyday work. What they do stands in .ci/run, so that a machine without make can do the same.

.PHONY: help fmt lint test race bench check

help: ## show this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

fmt: ## format all files
	gofmt -w .

lint: ## vet, formatting, staticcheck, aiovet
	bash .ci/run lint

test: ## all tests of all modules
	go test work

race: ## the same under the race detector, in random order
	bash .ci/run race

bench: ## both suites, beside the rivals
	go run ./bench -suite micro
	go run ./bench -suite net

check: ## everything that has to hold before a change is accepted
	bash .ci/run
