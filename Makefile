SHELL := /usr/bin/env bash
.DEFAULT_GOAL := build

export AIRLOCK_DEV_CACHE := $(shell tools/install --dir)
tool := $(AIRLOCK_DEV_CACHE)/bin

# The race detector needs a C compiler; the binary itself is built without.
cc := $(shell command -v "$$(go env CC)" || command -v gcc || command -v cc || command -v clang)
race := $(if $(cc),-race)

# What the release is compiled with, for all that does not need the race
# detector: what one of these commands compiled, the next one takes.
plain := CGO_ENABLED=0 GOFLAGS="$(GOFLAGS) -trimpath"

# make gotest packages=./e2e runs only some.
packages := ./...

# How long each fuzz target runs: make fuzz FUZZTIME=10m
FUZZTIME := 60s

.PHONY: test lint gotest large fuzz vuln tools build cross bench vectors clean

## test: everything, as the CI runs it
test: FUZZTIME := 2s
test: lint gotest large fuzz vuln

## lint: gofmt, go vet, staticcheck
lint: tools
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "gofmt -w is needed for:"; echo "$$unformatted"; exit 1; fi
	$(plain) go vet ./...
	$(plain) $(tool)/staticcheck ./...

## gotest: the Go tests, against real Airflow and real OpenBao, under -race
gotest: tools
	@$(if $(cc),,echo "no C compiler found: the tests run without the race detector (apt-get install gcc)")
	@CGO_ENABLED=$(if $(cc),1,0) tools/logged dist/test.log \
		go test $(race) -v -count=1 -vet=off -timeout 30m -p 2 $(packages)

# Big inputs, read by one goroutine, and scripts of a thousand short processes:
# the race detector has nothing to find there and takes minutes for it. Their
# files say "//go:build !race".
## large: the packages with such tests, without -race
large: tools
	@$(plain) tools/logged dist/large.log go test -v -count=1 -timeout 30m -p 2 \
		$$(grep -rl '^//go:build !race' --include='*_test.go' . | xargs -n 1 dirname | sort -u)

# Our own code tells the fuzzer where an input went; with -fuzz, go would also
# compile everything else anew for that.
## fuzz: every fuzz target, 60 s each (FUZZTIME=10m); 2 s each in make test
fuzz:
	@$(plain) FUZZTIME=$(FUZZTIME) tools/logged dist/fuzz.log \
		go test -v -count=1 -vet=off -timeout 0 -p 2 -exec $(CURDIR)/tools/fuzz -gcflags=$$(go list -m)/...=-d=libfuzzer \
		$$(grep -rl '^func Fuzz' --include='*_test.go' . | xargs -n 1 dirname | sort -u)

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
