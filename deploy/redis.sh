# The private Redis of `make up`: a cache of what PostgreSQL knows, so it
# writes nothing to disk. Sourced by bash, after process.sh and settings.sh.
# shellcheck shell=bash

# Copy the server's executable into .run, so that a process running it is
# known for ours. Debian's redis-tools has it under this other name.
stage_redis() {
	local source
	source=$(command -v redis-server || command -v redis-check-rdb) ||
		fail "no redis-server found: install redis-tools"
	install_changed "$source" "$RUN/bin/redis-server"
}

redis_wanted() {
	[ -z "${SETTING[REDIS_URL]+set}" ] || [ -n "${SETTING[REDIS_URL]}" ]
}

redis_url() {
	! redis_wanted || printf 'redis://127.0.0.1:%s' "$(setting REDIS_PORT 16379)"
}

running_redis() {
	our_pid "$RUN/redis/redis.pid" "$RUN/bin/redis-server"
}

# The configuration names the port: one that differs from the running
# server's means a restart.
redis_conf() {
	cat <<-END
		bind 127.0.0.1
		port $(setting REDIS_PORT 16379)
		dir "$RUN/redis"
		pidfile "$RUN/redis/redis.pid"
		logfile "$RUN/redis/redis.log"
		daemonize yes
		appendonly no
		save ""
		maxmemory-policy noeviction
	END
}

start_redis() {
	local pid port conf
	redis_wanted || {
		stop_redis
		return
	}
	port=$(setting REDIS_PORT 16379)
	conf=$(redis_conf)
	server_directory redis 700
	if pid=$(running_redis); then
		if runs_current "$pid" "$RUN/bin/redis-server" &&
			[ "$(as_server cat "$RUN/redis/redis.conf" 2>/dev/null)" = "$conf" ]; then
			return 0
		fi
		say "==> restarting Redis: its software or settings changed"
		end_process "$pid" TERM 20
	fi
	need_port REDIS_PORT "$port"
	echo "$conf" | as_server tee "$RUN/redis/redis.conf" >/dev/null
	say "==> starting Redis on port $port"
	if ! as_server "$RUN/bin/redis-server" "$RUN/redis/redis.conf" </dev/null >/dev/null 2>&1 ||
		! wait_for 20 port_taken "$port"; then
		fail "Redis did not start (log: $RUN/redis/redis.log)"
	fi
}

stop_redis() {
	local pid
	pid=$(running_redis) || return 0
	say "==> stopping Redis"
	end_process "$pid" TERM 20
}
