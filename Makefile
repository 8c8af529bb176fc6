SHELL := /usr/bin/env bash
.DEFAULT_GOAL := build

export AIRLOCK_DEV_CACHE := $(shell tools/install --dir)
tool := $(AIRLOCK_DEV_CACHE)/bin

# The race detector needs a C compiler; the binary itself is built without.
cc := $(shell command -v "$$(go env CC)" || command -v gcc || command -v cc || command -v clang)
race := $(if $(cc),-race)

# Every value that a test plants as a secret carries this mark.
canary := CANARY-
log := dist/test.log

# make gotest packages=./e2e runs only some.
packages := ./...

.PHONY: test lint gotest vuln tools build cross bench vectors clean

## test: everything, as the CI runs it
test: lint gotest vuln

## lint: gofmt, go vet, staticcheck
lint: tools
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "gofmt -w is needed for:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(tool)/staticcheck ./...

# The log is kept so that it can be searched: no line of it may hold a secret,
# neither by a failing test nor by a passing one.
## gotest: the Go tests, against real Airflow and real OpenBao, under -race
gotest: tools
	@mkdir -p $(dir $(log))
	@$(if $(cc),,echo "no C compiler found: the tests run without the race detector (apt-get install gcc)")
	@set -o pipefail; echo "go test $(race) -v -count=1 -timeout 30m -p 2 $(packages)"; \
		CGO_ENABLED=$(if $(cc),1,0) go test $(race) -v -count=1 -timeout 30m -p 2 $(packages) 2>&1 | tee $(log); \
		status=$$?; \
		echo; grep -E '^(ok|FAIL|panic:|[[:space:]]*--- FAIL)' $(log); \
		if grep -n '$(canary)' $(log) | sed 's/$(canary)[^ ]*/(secret)/g'; then \
			echo "FAIL: the lines above, of $(log), hold a planted secret"; exit 1; fi; \
		echo "no planted secret in $$(wc -l < $(log)) lines of output"; \
		exit $$status

# The database is one of its own, not a package registry: a machine may well
# not reach it.
## vuln: known vulnerabilities in what the binary is made of
vuln: tools
	@if $(tool)/python -c 'import urllib.request as r; r.urlopen("https://vuln.go.dev/index/db.json", timeout=10)' 2>/dev/null; then \
		$(tool)/govulncheck ./...; \
	else echo "govulncheck: skipped, https://vuln.go.dev does not answer from here"; fi

## tools: what the tests need, at pinned versions, outside the repository
tools:
	@tools/install

## build: the static binary, bin/airlock
build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/airlock ./cmd/airlock

## cross: the same for macOS, compiled and vetted only
cross:
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go build ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go vet ./...

## bench: the tables of the performance section
bench: tools
	go run ./bench

# Another Airflow gets an environment of its own; what it answers differently
# is also written as a page: docs/airflow-2.11.md for 2.11.0.
## vectors: ask real Airflow every case anew (airflow=2.11.0 only=metastore)
vectors: tools
	$(tool)/python e2e/vectors/main.py $(addprefix --only ,$(only)) \
		$(if $(airflow),--airflow $(airflow) $(if $(only),,--page docs/airflow-$(basename $(airflow)).md))

clean:
	rm -rf bin dist
