# Helpers that every command of deploy/ and test/ shares: messages, logged
# steps, the user servers run as, ports. Sourced by bash, never run.
# shellcheck shell=bash

# Print a progress line.
say() {
	printf '%s\n' "$*"
}

# Print one line to stderr and end the command.
fail() {
	printf '%s\n' "$*" >&2
	exit 1
}

# Is this root? Root starts no server as itself.
is_root() {
	[ "$(id -u)" -eq 0 ]
}

# The user that servers run as: `postgres` under root, else whoever calls.
server_user() {
	if is_root; then
		echo postgres
	else
		id -un
	fi
}

# What makes the command after it run as the server user. setpriv execs: the
# process started is the command itself, not a parent that waits.
AS_SERVER=()
! is_root || AS_SERVER=(setpriv --reuid=postgres --regid=postgres --init-groups --)

# Run a command as the server user. Descriptor 9, the command lock, stays out
# of servers.
as_server() {
	"${AS_SERVER[@]}" "$@" 9>&-
}

# Run a command with its output in a log file, under a heading; show the end
# of the log when it fails. step LOG HEADING COMMAND...
step() {
	local log=$1 heading=$2 began=$SECONDS
	shift 2
	printf '==> %s\n' "$heading"
	if "$@" >"$log" 2>&1; then
		[ $((SECONDS - began)) -lt 3 ] || printf '    %d s\n' $((SECONDS - began))
		return 0
	fi
	tail -n 40 "$log" >&2
	fail "failed: $heading (whole output: $log)"
}

# Does something listen on this loopback port?
port_taken() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Wait until a command succeeds; 1 after SECONDS without. wait_for SECONDS COMMAND...
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# A secret of 48 letters and digits.
random_secret() {
	local secret
	secret=$(head -c 256 /dev/urandom | base64 -w 0 | tr -dc 'A-Za-z0-9')
	[ "${#secret}" -ge 48 ] || fail "cannot read /dev/urandom"
	printf '%s' "${secret:0:48}"
}
