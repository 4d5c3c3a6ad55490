# The proxy of `make up`: built, started in the background, waited for.
# Sourced by bash, after database.sh and redis.sh.
# shellcheck shell=bash

build_proxy() {
	step "$RUN/build-proxy.log" "building the proxy" make -C "$TOP/proxy" -j2
	install_changed "$TOP/proxy/timetrackr-proxy" "$RUN/bin/timetrackr-proxy"
	install_badges
}

# The pictures of the standard badges, which the proxy reads when it starts.
install_badges() {
	local pictures=$RUN/share/timetrackr/badges
	rm -rf "$pictures"
	mkdir -p "${pictures%/*}"
	cp -r "$TOP/web/badges" "$pictures"
	chmod -R u=rwX,go=rX "$RUN/share"
}

# The page at /api-docs, where npm can get what it is made of. The proxy looks
# for it next to the folder of its executable.
build_api_docs() {
	local log=$RUN/build-api-docs.log page=$RUN/share/timetrackr/api-docs
	if ! command -v npm >/dev/null || ! "$TOP/deploy/api-docs" >"$log" 2>&1; then
		say "==> no page at /api-docs: it needs npm (apt-get install npm; make api-docs)"
		return 0
	fi
	[ "$(cat "$page/.state" 2>/dev/null)" != "$(cat "$TOP/web/api-docs/dist/.state")" ] || return 0
	say "==> the page at /api-docs"
	rm -rf "$page"
	mkdir -p "${page%/*}"
	cp -r "$TOP/web/api-docs/dist" "$page"
	chmod -R u=rwX,go=rX "$RUN/share"
}

# The web app, where Node.js and npm can build it; the proxy looks for it there, too.
build_web() {
	local log=$RUN/build-web.log app=$RUN/share/timetrackr/web
	if ! command -v npm >/dev/null; then
		say "==> no web app: it needs Node.js and npm (apt-get install nodejs npm; make up)"
		return 0
	fi
	[ "$("$TOP/deploy/web" --state)" = "$(cat "$TOP/web/app/dist/.state" 2>/dev/null)" ] || say "==> building the web app"
	if ! "$TOP/deploy/web" >"$log" 2>&1; then
		say "==> no web app: it could not be built (log: $log)"
		return 0
	fi
	[ "$(cat "$app/.state" 2>/dev/null)" != "$(cat "$TOP/web/app/dist/.state")" ] || return 0
	rm -rf "$app"
	mkdir -p "${app%/*}"
	cp -r "$TOP/web/app/dist" "$app"
	chmod -R u=rwX,go=rX "$RUN/share"
}

# Does the proxy have an app to show?
has_web() {
	[ -e "$RUN/share/timetrackr/web/index.html" ] || [ -n "$(setting WEB_ROOT)" ]
}

running_proxy() {
	our_pid "$RUN/proxy/proxy.pid" "$RUN/bin/timetrackr-proxy"
}

# The JWT secret given, else one made once.
jwt_secret() {
	local given
	given=$(setting JWT_SECRET)
	if [ -n "$given" ]; then
		printf '%s' "$given"
	else
		secret jwt-secret
	fi
}

# Everything the proxy is told, as NAME=value lines.
proxy_environment() {
	local name
	for name in "${PROXY_SETTINGS[@]}"; do
		[ "$name" = JWT_SECRET ] || [ -z "${SETTING[$name]:-}" ] ||
			printf '%s=%s\n' "$name" "${SETTING[$name]}"
	done
	# Demo logins are public: other machines get in only when HOST says so.
	[ -n "$(setting HOST)" ] || printf 'HOST=127.0.0.1\n'
	printf 'PORT=%s\nDATABASE_URL=%s\nJWT_SECRET=%s\n' \
		"$(setting PORT 3000)" "$(proxy_url)" "$(jwt_secret)"
	! redis_wanted || printf 'REDIS_URL=%s\n' "$(redis_url)"
}

# Where the proxy answers this machine.
base_url() {
	local scheme=http host
	[ -z "$(setting TLS_CERT)" ] || scheme=https
	host=$(setting HOST 127.0.0.1)
	case $host in
	0.0.0.0 | :: | '') host=127.0.0.1 ;;
	*:*) host="[$host]" ;;
	esac
	printf '%s://%s:%s' "$scheme" "$host" "$(setting PORT 3000)"
}

# Every worker tells of its own connections, and the kernel picks the worker of
# a new connection: ask often enough to have met them all.
proxy_ready() {
	local question=() times url
	url=$(base_url)/readyz
	for ((times = 0; times < 32; times++)); do
		question+=(-o /dev/null "$url")
	done
	curl -fsk -m 10 --fail-early -H 'Connection: close' "${question[@]}" 2>/dev/null
}

# Start the proxy, or start it anew when its binary, its settings or the
# extension it read its routes from changed.
start_proxy() {
	local pid started
	started=$(
		proxy_environment
		cat "$RUN/extension" "$RUN/share/timetrackr/api-docs/.state" "$RUN/share/timetrackr/web/.state" 2>/dev/null || true
	)
	server_directory proxy 700
	server_file proxy.log
	if pid=$(running_proxy); then
		if runs_current "$pid" "$RUN/bin/timetrackr-proxy" &&
			[ "$(cat "$RUN/proxy/started" 2>/dev/null)" = "$started" ]; then
			return 0
		fi
		# One that answers is not given up for one that can't start.
		[ ! -e "$RUN/proxy/started" ] || grep -qx "PORT=$(setting PORT 3000)" "$RUN/proxy/started" ||
			need_port PORT "$(setting PORT 3000)"
		say "==> restarting the proxy: its binary, its settings or the extension changed"
		end_process "$pid" TERM 30
	fi
	need_port PORT "$(setting PORT 3000)"
	say "==> starting the proxy on port $(setting PORT 3000)"
	launch_proxy
	(
		umask 077
		echo "$started" >"$RUN/proxy/started"
	)
}

# A session of its own, an environment with nothing but its settings, and a
# working directory without a .env. The pid file is written by the process itself.
launch_proxy() {
	rm -f "$RUN/proxy/proxy.pid" "$RUN/proxy/started"
	(
		local name value environment
		environment=$(proxy_environment)
		cd "$RUN/proxy" || exit 1
		for name in $(compgen -e); do
			unset "$name"
		done
		export PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
		while IFS='=' read -r name value; do
			export "$name=$value"
		done <<<"$environment"
		# shellcheck disable=SC2016 # the inner shell expands
		exec "${AS_SERVER[@]}" setsid bash -c 'echo $$ >"$1/proxy/proxy.pid" && exec "$1/bin/timetrackr-proxy"' \
			bash "$RUN" </dev/null >>"$RUN/proxy.log" 2>&1 9>&- &
	)
	wait_for 10 test -s "$RUN/proxy/proxy.pid" || fail "the proxy could not be launched"
}

# Wait until the proxy answers that everything behind it does, too.
await_proxy() {
	local deadline=$((SECONDS + 60))
	until proxy_ready; do
		if ! running_proxy >/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
			tail -n 20 "$RUN/proxy.log" >&2
			fail "the proxy is not ready (log: $RUN/proxy.log)"
		fi
		sleep 0.1
	done
}

stop_proxy() {
	local pid
	pid=$(running_proxy) || return 0
	say "==> stopping the proxy"
	end_process "$pid" TERM 30
}
