# TimeTrackr: a PGXS extension, the proxy in front of it, and the commands
# that start and test both. `make help` lists the commands.

EXTENSION = timetrackr
EXTVERSION = 1.0
MODULE_big = timetrackr
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard extension/*.c)))
DATA_built = $(EXTENSION)--$(EXTVERSION).sql
REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=pgcrypto
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wno-declaration-after-statement
EXTRA_CLEAN = $(EXTENSION)--$(EXTVERSION).sql results

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(EXTENSION)--$(EXTVERSION).sql: $(sort $(wildcard sql/*.sql))
	cat $^ > $@

$(OBJS): $(wildcard extension/*.h)
