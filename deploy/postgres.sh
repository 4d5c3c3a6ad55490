# The private PostgreSQL of `make up`: software staged in .run/server, data in
# .run/pg. Sourced by bash, after process.sh, rundir.sh and settings.sh.
# shellcheck shell=bash

# The staged pg_config, and from it the directory of the programs.
stage_postgres() {
	STAGED_PG_CONFIG=$("$TOP/deploy/stage-postgres" "$RUN/server")
	PGBIN=$("$STAGED_PG_CONFIG" --bindir)
}

# The same from what an earlier command staged; nothing when none did.
staged_bindir() {
	[ ! -r "$RUN/server/.stamp" ] || printf '%s%s' "$RUN/server" "$(sed 's/.* //' "$RUN/server/.stamp")"
}

# Make the cluster beside its place and move it there whole.
init_postgres() {
	[ ! -d "$RUN/pg" ] || return 0
	rm -rf "$RUN/pg.new"
	server_directory pg.new 700
	(
		umask 077
		secret owner-password >"$RUN/initdb.password"
	)
	server_file initdb.password
	step "$RUN/initdb.log" "making a PostgreSQL cluster in $RUN/pg" run_initdb
	rm "$RUN/initdb.password"
	mv "$RUN/pg.new" "$RUN/pg"
}

run_initdb() {
	as_server "$PGBIN/initdb" -D "$RUN/pg.new" --username=timetrackr_owner \
		--pwfile="$RUN/initdb.password" --auth=scram-sha-256 --encoding=UTF8 \
		--locale=C.UTF-8 --data-checksums || return
	echo "include_if_exists 'timetrackr.conf'" |
		as_server tee -a "$RUN/pg.new/postgresql.conf" >/dev/null
}

# Connections for the proxy, up to a dozen a worker, and a hundred for others.
connections_needed() {
	local workers cores
	cores=$(getconf _NPROCESSORS_ONLN)
	workers=$(setting WORKERS 0)
	[[ $workers =~ ^[0-9]{1,3}$ && $workers -gt $cores ]] || workers=$cores
	echo $((100 + 12 * workers))
}

# Settings that differ from PostgreSQL's own. A socket's path may have 107
# bytes, below a deep checkout there is none.
postgres_conf() {
	local socket=$RUN/socket
	[ "${#socket}" -lt 90 ] || socket=
	cat <<-END
		listen_addresses = '127.0.0.1'
		port = $(setting PGPORT 15432)
		unix_socket_directories = '$socket'
		max_connections = $(connections_needed)
		shared_buffers = 256MB
		max_wal_size = 2GB
		checkpoint_timeout = 15min
		wal_compression = on
		random_page_cost = 1.1
		jit = off
		timezone = 'UTC'
		log_timezone = 'UTC'
		log_line_prefix = '%m [%p] %q%u@%d '
		log_checkpoints = off
		log_lock_waits = on
		log_min_duration_statement = 1s
		cluster_name = 'timetrackr'
	END
}

running_postgres() {
	our_pid "$RUN/pg/postmaster.pid" "$PGBIN/postgres"
}

# Start the cluster, or start it anew when its software or settings changed.
start_postgres() {
	local pid conf port
	port=$(setting PGPORT 15432)
	conf=$(postgres_conf)
	server_directory socket 755
	server_file postgres.log
	if pid=$(running_postgres); then
		if runs_current "$pid" "$PGBIN/postgres" &&
			[ "$(as_server cat "$RUN/pg/timetrackr.conf" 2>/dev/null)" = "$conf" ]; then
			return 0
		fi
		say "==> restarting PostgreSQL: its software or settings changed"
		end_process "$pid" INT 60
	else
		drop_stale_postmaster_pid
	fi
	need_port PGPORT "$port"
	echo "$conf" | as_server tee "$RUN/pg/timetrackr.conf" >/dev/null
	say "==> starting PostgreSQL on port $port"
	as_server "$PGBIN/pg_ctl" -D "$RUN/pg" -l "$RUN/postgres.log" -t 120 -s -w start </dev/null ||
		{
			tail -n 20 "$RUN/postgres.log" >&2
			fail "PostgreSQL did not start (log: $RUN/postgres.log)"
		}
}

# PostgreSQL takes its pid files for good while any process has that number, be
# it a zombie that nobody waits for or a stranger. Remove them, and with them
# PostgreSQL's guard against a second start, only when no process of the staged
# software is left.
drop_stale_postmaster_pid() {
	local pid exe
	pid=$(pid_in_file "$RUN/pg/postmaster.pid") || return 0
	exe=$(executable_of "$pid") || exe=
	case $exe in
	*/postgres | */postgres\ *)
		fail "process $pid, another PostgreSQL ($exe), runs $RUN/pg: end it first" ;;
	esac
	wait_for 30 no_postgres_left ||
		fail "processes of a PostgreSQL that died still use $RUN/pg: end them first"
	rm -f "$RUN/pg/postmaster.pid" "$RUN/socket"/.s.PGSQL.*.lock
}

no_postgres_left() {
	# shellcheck disable=SC2016 # the inner shell expands
	! as_server bash -c 'readlink /proc/[0-9]*/exe 2>/dev/null' | grep -qxF -e "$PGBIN/postgres" -e "$PGBIN/postgres (deleted)"
}

stop_postgres() {
	local pid
	pid=$(running_postgres) || return 0
	say "==> stopping PostgreSQL"
	end_process "$pid" INT 60
}

# URL of the private database for a role. database_url ROLE PASSWORD
database_url() {
	printf 'postgresql://%s:%s@127.0.0.1:%s/timetrackr' "$1" "$2" "$(setting PGPORT 15432)"
}

owner_url() {
	database_url timetrackr_owner "$(secret owner-password)"
}

proxy_url() {
	database_url timetrackr_proxy "$(secret proxy-password)"
}
