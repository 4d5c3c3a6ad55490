# common.sh: settings and helpers that the backup scripts share. Sourced by bash.
#
# Settings come from the environment, under systemd from /etc/timetrackr/backup.env: how to reach
# PostgreSQL (libpq's PGHOST, PGPORT, PGUSER, PGDATABASE), and those below.
# shellcheck shell=bash

BACKUP_DIR=${BACKUP_DIR:-/var/backups/timetrackr}
KEEP_DUMPS=${KEEP_DUMPS:-14}
KEEP_BASES=${KEEP_BASES:-2}

# No notes on what goes well.
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

# What is backed up is for nobody else to read.
umask 077

say() {
	printf '%s\n' "$*"
}

fail() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# PostgreSQL's programs, which Debian does not put on the PATH all of.
find_programs() {
	local newest
	! command -v pg_verifybackup >/dev/null || return 0
	newest=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
	[ -n "$newest" ] || fail "PostgreSQL's programs are not on the PATH"
	PATH=$PATH:$newest
}

# Names sort by time.
now() {
	date -u +%Y-%m-%dT%H%M%SZ
}

# sql DATABASE STATEMENT: its answer, without decoration.
sql() {
	psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "$2"
}

# load DUMP DATABASE VERSION: a new database out of a dump, with the extension as it was then: the
# dump grants rights on the functions of that version. What comes with the extension is left out.
load() {
	createdb --maintenance-db=postgres --template=template0 "$2"
	sql "$2" "CREATE EXTENSION timetrackr VERSION '$3' CASCADE"
	pg_restore --list "$1" | grep -v ' SCHEMA - timetrackr ' |
		pg_restore --exit-on-error --use-list=/dev/stdin --dbname="$2" "$1"
}

# Give a finished file or directory its name, once it is on the disk with all that is in it.
finish() {
	find "$1" -exec sync {} +
	mv -T "$1" "$2"
	sync "$(dirname "$2")"
}

# keep COUNT FILE...: remove all but the last COUNT.
keep() {
	local count=$1
	shift
	while [ $# -gt "$count" ]; do
		rm -rf "$1"
		shift
	done
}
