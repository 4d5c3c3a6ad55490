# chroot.sh: a fresh Debian made by debootstrap in a temporary directory, and
# steps that are tried in it and counted; sourced by bash, after lib.sh and process.sh. Needs
# root, the mirror that this machine's apt uses, and room below BARE_DIR (default /var/tmp).
# ROOT is the directory.
# shellcheck shell=bash

ROOT=
PASSED=0
# Seconds after which a step hangs.
STEP_LIMIT=3600
FAILED=0

# The mirror of the main archive that apt has, for any suite of it.
mirror() {
	# shellcheck disable=SC2016 # apt-get expands
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' |
		head -n 1
}

# Does the mirror have this suite?
has_suite() {
	local there=0 list
	list=$(mktemp /tmp/timetrackr-suite.XXXXXX)
	/usr/lib/apt/apt-helper download-file "$(mirror)dists/$1/InRelease" "$list" >/dev/null 2>&1 || there=1
	rm -f "$list"
	return "$there"
}

# A command inside, with a clean environment.
inside() {
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
		chroot "$ROOT" "$@"
}

# make_root SUITE PACKAGES: a fresh root with these packages, separated by commas. debootstrap makes
# the few devices there are; only /proc and /dev/shm are mounted.
make_root() {
	local script=
	# one that is newer than debootstrap is made like sid
	[ -e "/usr/share/debootstrap/scripts/$1" ] || script=sid
	ROOT=$(mktemp -d "${BARE_DIR:-/var/tmp}/timetrackr-bare.XXXXXX")
	trap end_root EXIT
	trap 'exit 130' INT TERM
	chmod 755 "$ROOT"
	say "==> making a fresh Debian $1 in $ROOT"
	if ! debootstrap --variant=minbase --include="$2" "$1" "$ROOT" "$(mirror)" $script >"$ROOT.log" 2>&1; then
		tail -n 20 "$ROOT.log" >&2
		fail "debootstrap failed"
	fi
	# How this machine reaches the archive holds inside, too.
	cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
	apt-config dump | grep -E '^Acquire::(http|https|Check-[A-Za-z-]*)(::|[ ])' >"$ROOT/etc/apt/apt.conf.d/99host" || true
	# Whom it believes is who they say, too: ca-certificates and with it npm take these over.
	mkdir -p "$ROOT/usr/local/share/ca-certificates"
	[ ! -d /usr/local/share/ca-certificates ] || cp -r /usr/local/share/ca-certificates "$ROOT/usr/local/share/"
	# It lives for minutes: nothing has to be on the disk.
	echo force-unsafe-io >"$ROOT/etc/dpkg/dpkg.cfg.d/99unsafe"
	mount_root
}

mount_root() {
	mount -t proc proc "$ROOT/proc"
	mkdir -p "$ROOT/dev/shm"
	mount -t tmpfs tmpfs "$ROOT/dev/shm"
}

# What is committed, as /root/timetrackr.
clone_into_root() {
	git -c safe.directory='*' clone -q --no-hardlinks "$TOP" "$ROOT/root/timetrackr"
}

# End every process that lives in the root, and unmount.
stop_root() {
	local link pid
	for link in /proc/[0-9]*; do
		pid=${link#/proc/}
		[ "$(readlink "$link/root" 2>/dev/null)" = "$ROOT" ] || continue
		end_process "$pid" KILL 10
	done
	for link in dev/shm proc; do
		! mountpoint -q "$ROOT/$link" || umount "$ROOT/$link" || fail "$ROOT/$link is still mounted"
	done
}

# Stop it and remove it.
end_root() {
	trap - EXIT
	trap '' INT TERM
	stop_root
	rm -rf --one-file-system "$ROOT" "$ROOT.log"
	trap - INT TERM
}

# fenced_block FILE LANGUAGE WORD: the fenced block of a language that has a word; in a list it is indented.
fenced_block() {
	awk -v fence='^ *```'"$2\$" -v word="$3" '
		$0 ~ fence { inside = index($0, "`"); block = ""; next }
		inside { line = substr($0, inside) }
		inside && line == "```" { if (index(block, word)) printf "%s", block; inside = 0; next }
		inside { block = block line "\n" }' "$TOP/$1"
}

# What every step knows. fails COMMAND: as `! COMMAND`, which alone ends no step.
# shellcheck disable=SC2016 # steps expand
STEP_BASICS='
	fails() { ! "$@"; }
	cd /root/timetrackr
'


# try_with HOW NAME EXPECTED SCRIPT: run a step by a function, such as inside, and count it; its
# output must have a line that matches. Of a long one the progress lines are shown, of a failed one the end.
try_with() {
	local how=$1 name=$2 expected=$3 script=$4 status=0 began=$SECONDS
	say "==> $name"
	"$how" timeout -k 10 "$STEP_LIMIT" bash -euc "$STEP_BASICS$script" 2>&1 </dev/null | tee "$ROOT.log" |
		sed -un 's/^==>/    ==>/p' || status=$?
	if [ "$status" -eq 0 ] && grep -qE "$expected" "$ROOT.log"; then
		PASSED=$((PASSED + 1))
		say "    ok, $((SECONDS - began)) s: $(tail -n 1 "$ROOT.log")"
	else
		FAILED=$((FAILED + 1))
		tail -n 80 "$ROOT.log"
		say "    failed with status $status"
	fi
}

try() {
	try_with inside "$@"
}

# How many steps went well; the status is 0 when all did.
tell_result() {
	say "$PASSED passed, $FAILED failed"
	[ "$FAILED" -eq 0 ]
}
