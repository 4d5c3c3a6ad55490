# Which PostgreSQL of this machine to build for: found by its pg_config.
# Sourced by bash, after lib.sh.
# shellcheck shell=bash

# Is this the pg_config of a whole server with headers?
has_server() {
	local bindir
	bindir=$("$1" --bindir 2>/dev/null) || return 1
	[ -x "$bindir/postgres" ] && [ -x "$bindir/pg_config" ] &&
		[ -f "$("$1" --includedir-server)/postgres.h" ]
}

# Print PG_CONFIG, else the pg_config on the PATH, else Debian's newest;
# 1 when none of them belongs to a whole server.
find_pg_config() {
	local candidate
	if [ -n "${PG_CONFIG:-}" ]; then
		has_server "$PG_CONFIG" ||
			fail "PG_CONFIG=$PG_CONFIG has no server with headers beside it"
		echo "$PG_CONFIG"
		return
	fi
	for candidate in "$(command -v pg_config || true)" \
		$(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV); do
		if [ -n "$candidate" ] && has_server "$candidate"; then
			echo "$candidate"
			return
		fi
	done
	return 1
}
