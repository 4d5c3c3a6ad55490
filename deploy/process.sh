# Looking at and ending a process that a pid file names. A pid is only trusted
# after its executable was compared with ours: pid files outlive reboots and
# pids are used again. Sourced by bash, after lib.sh.
# shellcheck shell=bash

# First line of a pid file, when it is a number.
pid_in_file() {
	local pid=
	[ -r "$1" ] || return 1
	read -r pid <"$1" || [ -n "$pid" ] || return 1
	[[ $pid =~ ^[1-9][0-9]*$ ]] || return 1
	printf '%s' "$pid"
}

# The executable of a process; asked as its own user, because a container's
# root may not look at other users' processes.
executable_of() {
	as_server readlink "/proc/$1/exe" 2>/dev/null
}

# Pid of the live process that a pid file names and that runs this
# executable, be it a replaced one. our_pid PIDFILE EXECUTABLE
our_pid() {
	local pid exe
	pid=$(pid_in_file "$1") || return 1
	exe=$(executable_of "$pid") || return 1
	[ "${exe% (deleted)}" = "$2" ] || return 1
	printf '%s' "$pid"
}

# Does the process run the executable as it is on disk now?
runs_current() {
	[ "$(executable_of "$1")" = "$2" ]
}

# Has this process ended? A zombie has.
process_gone() {
	local state
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 0
	[ -z "$state" ] || [ "$state" = Z ]
}

# End a process: SIGNAL, then SIGKILL after SECONDS. end_process PID SIGNAL SECONDS
end_process() {
	local pid=$1
	kill -s "$2" "$pid" 2>/dev/null || return 0
	wait_for "$3" process_gone "$pid" && return 0
	say "    process $pid did not end in $3 s: killing it"
	kill -s KILL "$pid" 2>/dev/null || return 0
	wait_for 10 process_gone "$pid" || fail "process $pid cannot be ended"
}
