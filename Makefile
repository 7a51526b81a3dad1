# Overround: one tool for everything.
#
#   make run     installs missing packages, builds, serves a match day on SQLite
#   make test    runs every test on both stores; ends with "N passed, N failed"
#   make test T=refusal  runs only the files with that word in their names, each kind once:
#                unit tests, stories on SQLite, browser, cluster, edge ...; STEPS="api-postgres
#                api-cluster" names other steps
#   make cluster starts a whole cluster on this machine: PostgreSQL and a standby, Kafka,
#                two processes of each role, nginx; make cluster-stop ends it
#   make test-cluster  runs the tests that need Kafka, nginx, ClickHouse, S3
#   make kube    starts a Kubernetes on this machine with the chart on it; make kube-stop
#                ends it; make test-kube tests the chart under failures
#   make         builds build/overround
#   make image   build/image/overround.tar, for podman, docker and Kubernetes
#   make image-edge   an edge node on top of it: build/image/overround-edge.tar
#   make bench   measures the speed claims beside their peers, prints a table
#   make bench-edge  time from price to page behind a node, 20, 80 and 200 ms from the origin
#   make lint    checks style, include direction, banned calls, both compilers
#   make asan    builds build/asan/overround, with AddressSanitizer and UBSan
#   make docs    writes the references, alerts and dashboards from src/tbl
#   make edge    writes the configuration of every CDN and edge node from deploy/edge/edge.yaml
#   make chart   writes the Helm charts' generated files: schema, README, alerts
#   make terraform      checks deploy/terraform: format, validation, tests, policies
#   make rehearse-aws   applies root production to a server that imitates AWS

SHELL = /bin/bash
VARIANT ?= release
CC = gcc
OUT = build/$(VARIANT)

PACKAGES = libuv jansson expat libsodium sqlite3 libpq libcurl librabbitmq rdkafka libzstd yaml-0.1
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
CFLAGS.release = -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS.asan = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS.clang = -O1 -g
CFLAGS.fuzz = -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS.asan = -fsanitize=address,undefined
LDFLAGS.fuzz = -fsanitize=fuzzer,address,undefined

CPPFLAGS = -D_GNU_SOURCE -Isrc -I. -MMD -MP $(PKG_CFLAGS)
CFLAGS = -std=c17 $(WARNINGS) $(CFLAGS.$(VARIANT))
LDLIBS = $(PKG_LIBS) -lhttp_parser -lgmp -lpthread -lm
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

SOURCES = $(filter-out src/main.c,$(sort $(wildcard src/*.c src/*/*.c)))
OBJECTS = $(SOURCES:%.c=$(OUT)/%.o)
LIBRARY = $(OUT)/liboverround.a
UNITS = $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(sort $(wildcard tests/unit/*_test.c)))
FUZZERS = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
BENCHES = $(patsubst bench/%.c,build/bench/%,$(sort $(wildcard bench/*.c)))
HELPERS = $(patsubst tests/%.c,$(OUT)/%,\
	$(sort $(wildcard tests/crash/*.c tests/cluster/*.c)))

.PHONY: all faults run test test-cluster cluster cluster-stop bench bench-edge lint asan fuzz docs \
	clean deps deps-test deps-cluster deps-kube kube kube-stop test-kube units helpers chart edge \
	image image-edge deps-image terraform rehearse-aws FORCE
.SECONDARY:

all: build/overround

FORCE:

build/overround: deps
	@$(MAKE) --no-print-directory VARIANT=release build/release/overround
	@cmp -s build/release/overround $@ || (cp build/release/overround $@.new && mv $@.new $@)

# What Debian must have; installs only what is missing.
deps:
	@scripts/deps.sh build
deps-test:
	@scripts/deps.sh build test
deps-image:
	@scripts/deps.sh image
deps-cluster:
	@scripts/deps.sh build test cluster
deps-kube:
	@scripts/deps.sh build test cluster kube monitoring image

$(OUT)/overround: $(OUT)/src/main.o $(LIBRARY)
	@$(CC) $(LDFLAGS.$(VARIANT)) -o $@ $^ $(LDLIBS)

$(LIBRARY): $(OBJECTS)
	@nm -g --defined-only $^ | awk '$$2 == "T" { print $$3 " is defined twice" }' | sort | \
		uniq -d | (! grep .) # a linker takes either, and says nothing
	@rm -f $@
	@ar rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	@echo "cc $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Version and commit: this one object is compiled anew when they change.
$(OUT)/src/base/build.o: build/version.h
build/version.h: FORCE
	@scripts/version.sh header

# The migrations are part of the binary.
$(OUT)/src/store/migrate.o: $(wildcard sql/*/*.sql)

# So are the programs that CDNs get.
$(OUT)/src/edge/cloudfront.o: src/edge/cloudfront.js
$(OUT)/src/edge/cloudflare.o: src/edge/worker.js
$(OUT)/src/edge/fastly.o: src/edge/fastly.vcl

# So are the pages.  PAGES=no: a binary that says it has none.  PAGES=ready:
# they have been built elsewhere (an image's build stage has no Node).
$(OUT)/src/web/pages.o: build/web/pages.h

ifeq ($(PAGES),ready)
else ifeq ($(PAGES),no)
build/web/pages.h: web/build.mjs FORCE
	@echo "web: built without pages (PAGES=no)" >&2
	@node web/build.mjs --none && touch build/web/.none
else
ifneq ($(wildcard build/web/.none),)
build/web/pages.h: FORCE
endif
build/web/pages.h: web/build.mjs web/contract.mjs scripts/yaml.js docs/openapi.yaml \
		web/node_modules/.installed $(shell find web/src -type f)
	@echo "web build/web"
	@mkdir -p build && rm -f build/web/.none
	@node web/build.mjs >build/web.log || { cat build/web.log; exit 1; }
endif

web/node_modules/.installed: web/package.json web/package-lock.json
	@scripts/npm_ci.sh web

$(OUT)/unit/%: $(OUT)/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS.$(VARIANT)) -o $@ $^ -lcmocka $(LDLIBS)

$(OUT)/crash/%: $(OUT)/tests/crash/%.o $(LIBRARY)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS.$(VARIANT)) -o $@ $^ $(LDLIBS)

$(OUT)/cluster/%: $(OUT)/tests/cluster/%.o $(LIBRARY)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS.$(VARIANT)) -o $@ $^ $(LDLIBS)

build/fuzz/%: build/fuzz/tests/fuzz/%.o build/fuzz/liboverround.a
	@$(CC) $(LDFLAGS.fuzz) -o $@ $^ $(LDLIBS)

build/bench/%: build/release/bench/%.o build/release/liboverround.a
	@mkdir -p $(@D)
	@$(CC) -o $@ $^ $(LDLIBS)

# Releases that tests try to bring out: the sources that a patch changes, in a
# folder of their own, before everything else as it is.
FAULTS = $(patsubst tests/release/faults/%.patch,build/faults/%/overround,\
	$(sort $(wildcard tests/release/faults/*.patch)))

build/faults/%/overround: tests/release/faults/%.patch $(OUT)/src/main.o $(LIBRARY)
	@echo "fault $*"
	@rm -rf $(@D) && mkdir -p $(@D)
	@cp --parents $$(sed -n 's|^+++ b/||p' $<) $(@D)
	@patch -s -F0 -p1 -d $(@D) <$<
	@cd $(@D) && find src -name '*.c' | xargs -n1 sh -c \
		'$(CC) -I../../.. -I../../../src $(CPPFLAGS) $(CFLAGS) -c -o "$${0%.c}.o" "$$0"'
	@$(CC) $(LDFLAGS.$(VARIANT)) -o $@ $(OUT)/src/main.o \
		$$(find $(@D)/src -name '*.o') $(LIBRARY) $(LDLIBS)

units: $(UNITS)
helpers: $(HELPERS)
faults: $(FAULTS)

asan: deps
	@$(MAKE) --no-print-directory VARIANT=asan build/asan/overround

fuzz: deps-test
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=clang-14 $(FUZZERS)

run: build/overround
	@scripts/run.sh

test: deps-test
	@scripts/test.sh $(if $(T),--match "$(T)") $(STEPS)

cluster: deps-cluster build/overround
	@scripts/cluster.sh start
cluster-stop:
	@scripts/cluster.sh stop

test-cluster: deps-cluster
	@scripts/test.sh --cluster

kube: deps-kube build/overround image
	@scripts/kube.sh start
kube-stop:
	@scripts/kube.sh stop
test-kube: deps-kube
	@scripts/test.sh --kube

image: deps-image build/web/pages.h
	@scripts/image.sh build
image-edge: image
	@scripts/image.sh edge

bench: deps-test build/overround
	@scripts/deps.sh bench
	@$(MAKE) --no-print-directory VARIANT=release $(BENCHES)
	@bench/run.sh

bench-edge: deps-test build/overround
	@scripts/deps.sh bench edge
	@$(MAKE) --no-print-directory VARIANT=release $(BENCHES)
	@bench/run.sh edge

lint: deps-test
	@scripts/deps.sh lint
	@scripts/lint.sh

# A stamp for each file in which clang-tidy and gcc's analyser found nothing.
build/lint/analysed/%.ok: build/lint/gcc/%.o .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy-14 --quiet $*.c -- -std=c17 $(filter-out -MMD -MP,$(CPPFLAGS))
	@$(CC) $(CPPFLAGS:-MMD=) -std=c17 -O1 -fanalyzer -Werror -c -o /dev/null $*.c
	@touch $@

chart:
	@node scripts/chart/make.mjs

# The defaults of every edge, from deploy/edge/edge.yaml.
edge: build/overround
	build/overround edge --schema > deploy/edge/edge.schema.json
	@for target in $$(build/overround edge --targets); do \
		echo "edge $$target"; \
		build/overround edge --for "$$target" --policy deploy/edge/edge.yaml \
			--out "deploy/edge/$$target" || exit 1; \
	done

# Without an account.
terraform:
	@scripts/deps.sh terraform
	@node --test --test-concurrency=1 tests/terraform/*_test.js
rehearse-aws:
	@scripts/deps.sh terraform
	@scripts/terraform/rehearse.sh

docs: build/overround
	build/overround reference config > docs/CONFIG.md
	build/overround reference metrics > docs/METRICS.md
	build/overround reference refusals > docs/REFUSALS.md
	@node scripts/refusals.mjs
	build/overround reference check
	build/overround reference alerts > deploy/monitoring/alerts.yaml
	build/overround reference recording > deploy/monitoring/recording.yaml
	build/overround reference dashboards deploy/monitoring/dashboards
	@node scripts/chart/make.mjs

clean:
	rm -rf build

-include $(shell find build $(OUT) -name '*.d' 2>/dev/null)
