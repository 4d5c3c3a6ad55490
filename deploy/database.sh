# What is inside the private PostgreSQL: database, roles, extension, demo
# data. Every step may be repeated. Sourced by bash, after postgres.sh.
# shellcheck shell=bash

# psql as the owner; the password travels in the environment only.
owner_psql() {
	PGPASSWORD=$(secret owner-password) PGOPTIONS='-c client_min_messages=warning' \
		"$PGBIN/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(setting PGPORT 15432)" \
		-U timetrackr_owner "$@"
}

# Compile the extension and put it into the staged software.
build_extension() {
	step "$RUN/build-extension.log" "building the extension" \
		make -C "$TOP" -j2 PG_CONFIG="$STAGED_PG_CONFIG" with_llvm=no all
	step "$RUN/build-extension.log" "installing the extension into $RUN/server" \
		make -C "$TOP" PG_CONFIG="$STAGED_PG_CONFIG" with_llvm=no install
}

create_database() {
	local password
	[ -n "$(owner_psql -d postgres -Atc "SELECT 1 FROM pg_database WHERE datname = 'timetrackr'")" ] ||
		owner_psql -d postgres -c 'CREATE DATABASE timetrackr'
	password=$(secret proxy-password)
	owner_psql -d timetrackr <<-SQL
		SELECT 'CREATE ROLE timetrackr_proxy LOGIN'
		WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'timetrackr_proxy')
		\gexec
		ALTER ROLE timetrackr_proxy PASSWORD '$password';
	SQL
}

# Checksum of the files that make the extension, as staged.
extension_checksum() {
	cat "$("$STAGED_PG_CONFIG" --pkglibdir)/timetrackr.so" \
		"$("$STAGED_PG_CONFIG" --sharedir)/extension/timetrackr"[-.]* | sha256sum | cut -d ' ' -f 1
}

# Create the extension, update it to a newer version, or, when the files of
# the same version changed, create it anew: its tables are no members of it
# and stay. Notes the checksum, which also makes the proxy start anew.
install_extension() {
	local checksum
	checksum=$(extension_checksum)
	[ "$(cat "$RUN/extension" 2>/dev/null)" != "$checksum" ] || return 0
	say "==> installing the extension into the database"
	owner_psql -d timetrackr -1 <<-'SQL'
		SELECT CASE
		         WHEN e.extversion IS NULL THEN 'CREATE EXTENSION timetrackr CASCADE'
		         WHEN e.extversion <> a.default_version THEN 'ALTER EXTENSION timetrackr UPDATE'
		         ELSE 'DROP EXTENSION timetrackr CASCADE; CREATE EXTENSION timetrackr'
		       END
		FROM pg_catalog.pg_available_extensions AS a
		LEFT JOIN pg_catalog.pg_extension AS e ON e.extname = a.name
		WHERE a.name = 'timetrackr'
		\gexec
		SELECT timetrackr.install() \g /dev/null
		SELECT timetrackr.grant_api('timetrackr_proxy') \g /dev/null
	SQL
	echo "$checksum" >"$RUN/extension"
}

# Logins that the demo data has and that are printed at the end.
DEMO_EMAIL=demo@timetrackr.example
ADMIN_EMAIL=admin@timetrackr.example
DEMO_PASSWORD=demo-password-1
ADMIN_PASSWORD=admin-password-1

# Does the database hold the demo data?
has_demo() {
	[ "$(cat "$RUN/demo" 2>/dev/null)" = yes ]
}

# Once: what its users delete afterwards does not come back, and a database
# begun with DEMO=0 gets it only when DEMO=1 is asked for.
load_demo() {
	local wanted
	wanted=$(setting DEMO)
	! has_demo || return 0
	if [ "$wanted" = 0 ] || { [ -z "$wanted" ] && [ -e "$RUN/demo" ]; }; then
		echo no >"$RUN/demo"
		return 0
	fi
	step "$RUN/demo.log" "adding demo data" owner_psql -d timetrackr -1 \
		-v demo_email="$DEMO_EMAIL" -v demo_password="$DEMO_PASSWORD" \
		-v admin_email="$ADMIN_EMAIL" -v admin_password="$ADMIN_PASSWORD" \
		-f "$TOP/deploy/demo.sql"
	owner_psql -d timetrackr -c 'ANALYZE'
	echo yes >"$RUN/demo"
}
