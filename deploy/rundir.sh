# The directory .run: everything that `make up` makes lives below it. Settles
# where it really is, who owns it, and that one command at a time works in it.
# Sourced by bash, after lib.sh; TOP is the checkout. Sets RUN, the real path.
# shellcheck shell=bash

# Where .run goes when the server user cannot reach the checkout, as when root
# has it in /root: one directory per checkout.
elsewhere() {
	printf '/var/lib/timetrackr-%s' "$(printf '%s' "$TOP" | cksum | cut -d ' ' -f 1)"
}

# Create .run, or take the one that is there.
open_run() {
	local owner
	if [ ! -e "$TOP/.run" ] && [ -L "$TOP/.run" ]; then
		mkdir -m 755 "$(readlink "$TOP/.run")"
	elif [ ! -e "$TOP/.run" ]; then
		mkdir -m 755 "$TOP/.run"
		if ! as_server test -x "$TOP/.run"; then
			rmdir "$TOP/.run"
			[ -d "$(elsewhere)" ] || mkdir -m 755 "$(elsewhere)"
			ln -s "$(elsewhere)" "$TOP/.run"
			say "user $(server_user) cannot reach $TOP: .run is kept in $(elsewhere)"
		fi
	fi
	use_run
	as_server test -x "$RUN" ||
		fail "user $(server_user) cannot reach $RUN: let it traverse the directories above"
	owner=$(stat -c %U "$RUN")
	[ "$owner" = "$(id -un)" ] ||
		fail "$RUN belongs to $owner: run this as $owner, or have $owner 'make reset' first"
	lock_run
}

# Take an existing .run; 1 when there is none.
use_run() {
	[ -d "$TOP/.run" ] || return 1
	RUN=$(cd -P "$TOP/.run" && pwd)
}

# Keep other commands out until this one ends.
lock_run() {
	exec 9>"$RUN/lock"
	flock -n 9 || fail "another make up, down or reset is at work in $RUN"
}

# A directory or an empty file of the server user's in .run, made when missing.
server_directory() {
	[ -d "$RUN/$1" ] || mkdir -m "$2" "$RUN/$1"
	! is_root || chown postgres:postgres "$RUN/$1"
}

server_file() {
	[ -e "$RUN/$1" ] || install -m 640 /dev/null "$RUN/$1"
	! is_root || chown postgres:postgres "$RUN/$1"
}

# Put an executable in place when it differs from the one there: by a rename,
# so that a process that runs the old one goes on. install_changed FROM TO
install_changed() {
	[ -d "${2%/*}" ] || mkdir -m 755 "${2%/*}"
	cmp -s "$1" "$2" || {
		install -m 755 "$1" "$2.new"
		mv "$2.new" "$2"
	}
}

# The secret of this name, made at the first call and kept in .run/secret.
secret() {
	local file=$RUN/secret/$1
	if [ ! -s "$file" ]; then
		[ -d "$RUN/secret" ] || mkdir -m 700 "$RUN/secret"
		(
			umask 077
			random_secret >"$file.new"
		)
		mv "$file.new" "$file"
	fi
	cat "$file"
}
