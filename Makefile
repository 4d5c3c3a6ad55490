# TimeTrackr: a PGXS extension, the proxy in front of it, and the commands
# that start and test both. `make help` lists the commands.

EXTENSION = timetrackr
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" timetrackr.control)
MODULE_big = timetrackr
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard extension/*.c)))
# Scripts of releases never change. The newest is what the update script of today starts from.
RELEASED := $(shell ls sql/releases | sed -n 's/^timetrackr--\([0-9.]*\)\.sql$$/\1/p' | sort -V | tail -n 1)
UPDATE = $(EXTENSION)--$(RELEASED)--$(EXTVERSION).sql
DATA = $(sort $(wildcard sql/releases/*.sql))
DATA_built = $(EXTENSION)--$(EXTVERSION).sql $(UPDATE)
REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test
PG_CPPFLAGS = -DTIMETRACKR_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wno-declaration-after-statement
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=pgcrypto --load-extension=timetrackr
EXTRA_CLEAN = $(wildcard $(EXTENSION)--*.sql) results output_iso

# Commands of ours need no PostgreSQL to be there yet: PGXS is read only when
# another goal is asked for.
COMMANDS = help up down reset check bench soak fuzz check-bare deb check-deb check-versions check-citus lint format openapi docs api-docs web proxy
ifneq ($(filter-out $(COMMANDS),$(or $(MAKECMDGOALS),all)),)
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(EXTENSION)--$(EXTVERSION).sql: $(sort $(wildcard sql/*.sql))
	cat $^ > $@

# What the build cannot know of a step stands in sql/upgrades.
$(UPDATE): sql/upgrade.awk sql/upgrades/$(RELEASED)--$(EXTVERSION).sql sql/releases/$(EXTENSION)--$(RELEASED).sql $(EXTENSION)--$(EXTVERSION).sql
	awk -f $< -v step=$(word 2,$^) $(word 3,$^) $(word 4,$^) > $@ || { rm -f $@; exit 1; }

$(OBJS): $(wildcard extension/*.h)
endif

.PHONY: $(COMMANDS)

help:
	@echo 'make up          start TimeTrackr here: PostgreSQL, Redis, proxy, demo data (PORT=3000 DEMO=1)'
	@echo 'make down        stop what make up started; the data stays in .run'
	@echo 'make reset       make down, and wipe .run'
	@echo 'make check       run every test on servers of its own (PARTS="http ops" for some)'
	@echo 'make bench       measure every goal of speed and memory (ROUNDS=5 SECONDS=3 ONLY="cached memory" REFERENCE=folder)'
	@echo 'make soak        the property tests for long, with other steps (SOAK_SECONDS=1800 SOAK_SEED=1)'
	@echo 'make fuzz        random input for the parsers under sanitizers, each for FUZZ_SECONDS=600'
	@echo 'make check-bare  try make up, the README and make check in a fresh Debian (root; PARTS="http" for a part of it)'
	@echo 'make deb         build the Debian packages of this machine into build/deb'
	@echo 'make check-deb   build and try the packages in a fresh Debian, under systemd (root)'
	@echo 'make check-citus  the tests of several nodes, with the Citus that pg_config knows of'
	@echo 'make check-versions  build and test against PostgreSQL 15, 17 and 18 (root; SUITES="bookworm trixie forky")'
	@echo 'make             build the extension (PG_CONFIG=... for another PostgreSQL)'
	@echo 'make install     install it there;  make installcheck  run the regression tests'
	@echo 'make proxy       build proxy/timetrackr-proxy'
	@echo 'make openapi     rewrite docs/openapi.json, the description of the HTTP API'
	@echo 'make docs        rewrite what is generated in docs/: settings, the SQL reference, docs/openapi.json'
	@echo 'make api-docs    build the page at /api-docs (needs npm; make up does it where there is one)'
	@echo 'make web         build the web app (needs Node.js 18 or later and npm; make up does it where they are)'
	@echo 'make lint        gcc and clang warnings, clang-tidy, cppcheck, shellcheck, pyflakes'
	@echo 'make format      clang-format the C sources'

up:
	@deploy/up

down:
	@deploy/down

reset:
	@deploy/reset

# PGXS has a check of its own, which only says that there is none.
ifneq ($(filter check,$(MAKECMDGOALS)),)
check:
	@test/check $(PARTS)
endif

ROUNDS ?= 5
SECONDS ?= 3
bench:
	@REFERENCE="$(REFERENCE)" bench/run all --rounds $(ROUNDS) --seconds $(SECONDS) --only "$(ONLY)"

SOAK_SECONDS ?= 1800
soak:
	@SOAK_SECONDS=$(SOAK_SECONDS) SOAK_SEED=$${SOAK_SEED:-$$(date +%s)} test/check property

FUZZ_SECONDS ?= 600
fuzz:
	@FUZZ_SECONDS=$(FUZZ_SECONDS) test/check fuzz

check-bare:
	@test/bare $(PARTS)

deb:
	@deploy/deb

check-deb:
	@test/deb

check-versions:
	@test/versions $(SUITES)

check-citus:
	@PART_SECONDS=3600 test/check citus

lint:
	@deploy/lint

format:
	clang-format -i extension/*.[ch] proxy/*.[ch]

openapi:
	@deploy/docs openapi

docs:
	@deploy/docs all

api-docs:
	@deploy/api-docs

web:
	@deploy/web

proxy:
	$(MAKE) -C proxy
