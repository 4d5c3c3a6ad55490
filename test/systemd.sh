# systemd.sh: boots the systemd of a fresh root as process 1 of namespaces of its
# own, with a loopback network that nothing else sees; sourced by bash, after chroot.sh.
# shellcheck shell=bash

BOOTED=
CGROUP=

# What unshare runs inside: mounts as a container manager would make them, then systemd.
# shellcheck disable=SC2016 # the inner shell expands
BOOT_SCRIPT='
	set -e
	mount --make-rprivate /
	mount --bind "$1" "$1"
	cd "$1"
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	mount -t tmpfs -o mode=755 tmpfs run
	mount -t tmpfs -o mode=755 tmpfs dev
	for device in null zero full random urandom tty; do
		cp -a "/dev/$device" "dev/$device"
	done
	mkdir dev/shm dev/pts
	mount -t tmpfs -o mode=1777 tmpfs dev/shm
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
	ln -s pts/ptmx dev/ptmx
	ln -s /proc/self/fd dev/fd
	ip link set lo up
	mkdir -p host
	pivot_root . host
	umount -l /host
	exec env -i container=chroot PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
'

# A command in the booted system.
booted() {
	nsenter --target "$BOOTED" --mount --pid --uts --ipc --net --cgroup -- \
		env -i -C / PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
}

has_booted() {
	booted systemctl is-system-running 2>/dev/null | grep -qxE 'running|degraded'
}

# Boot the root. A cgroup of its own keeps systemd away from those of this machine.
boot_root() {
	local hierarchy unshared
	hierarchy=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
	[ -n "$hierarchy" ] || fail "no cgroup2 hierarchy: systemd cannot be booted here"
	CGROUP=$(mktemp -d "$hierarchy/timetrackr.XXXXXX")
	say "==> booting systemd in $ROOT"
	(
		echo $BASHPID >"$CGROUP/cgroup.procs"
		exec unshare --mount --pid --fork --uts --ipc --net --cgroup bash -c "$BOOT_SCRIPT" boot "$ROOT"
	) </dev/null >"$ROOT.log" 2>&1 &
	unshared=$!
	trap 'end_boot; end_root' EXIT
	wait_for 10 pgrep -P "$unshared" >/dev/null || fail "no namespaces: $(cat "$ROOT.log")"
	BOOTED=$(pgrep -P "$unshared")
	wait_for 60 has_booted || fail "systemd did not boot: $(cat "$ROOT.log")"
}

# With process 1 all others of its namespace end. Does nothing the second time.
end_boot() {
	local folder
	[ -n "$CGROUP" ] || return 0
	[ -z "$BOOTED" ] || end_process "$BOOTED" KILL 20
	BOOTED=
	find "$CGROUP" -depth -type d | while read -r folder; do
		wait_for 10 rmdir "$folder" || fail "cgroup $folder is still in use"
	done
	CGROUP=
}
