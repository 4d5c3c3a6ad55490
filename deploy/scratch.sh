# scratch.sh: a temporary directory with a copy of the sources, where tests and
# benchmarks build and run servers as the server user; sourced after lib.sh and
# process.sh. WORK is the directory, /tmp/timetrackr-….
# shellcheck shell=bash

# End every process whose executable or working directory is in the temporary
# directory: only ours are there, and after a whole run there is none.
# One that was starting others meanwhile has left some: look again until nobody is found.
end_leftovers() {
	local pass
	for pass in 1 2 3 4 5 6 7 8; do
		end_those_there || return 0
	done
	say "processes are left after $pass rounds: see $WORK"
}

# Was there any? PostgreSQL gets SIGQUIT, which makes it free its shared memory.
end_those_there() {
	local link pid exe found=1
	for link in /proc/[0-9]*; do
		pid=${link#/proc/}
		exe=$(executable_of "$pid") || continue
		case "$exe $(as_server readlink "$link/cwd" 2>/dev/null)" in
		"$WORK/"*/postgres\ *) end_process "$pid" QUIT 10 ;;
		*"$WORK/"*) end_process "$pid" KILL 10 ;;
		*) continue ;;
		esac
		found=0
	done
	return "$found"
}

# The sources into its src.
copy_sources() {
	mkdir "$WORK/src" "$WORK/results" "$WORK/tmp"
	tar -C "$TOP" -cf - --exclude=./.git --exclude=./.run --exclude=node_modules \
		--exclude='*.o' --exclude='*.bc' --exclude='*.so' --exclude=__pycache__ \
		--exclude=./test/results --exclude=./proxy/build --exclude=./proxy/timetrackr-proxy \
		--exclude=./test/fuzz/build --exclude=./bench/results --exclude=./build . |
		tar -C "$WORK/src" -xf - --no-same-owner
	chmod -R a+rX "$WORK"
	! is_root || chown -R postgres:postgres "$WORK"
}

# A redis-server on the PATH: redis-tools has its executable under another name.
provide_redis() {
	! command -v redis-server >/dev/null || return 0
	mkdir -p "$WORK/bin"
	ln -sf "$(command -v redis-check-rdb)" "$WORK/bin/redis-server"
	export PATH=$WORK/bin:$PATH
}

# run_in_scratch COMMAND...: as the server user, in src; its status.
run_in_scratch() {
	local status=0
	cd "$WORK/src" || return
	# In the background, so that a signal reaches the caller's trap at once.
	TMPDIR=$WORK/tmp as_server "$@" &
	wait $! || status=$?
	return "$status"
}
