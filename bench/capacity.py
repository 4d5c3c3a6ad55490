"""How many machines a number of users takes: what one user does and what that costs (docs/scaling.md says where
each figure was measured), in arithmetic. Change a figure, and see what follows.

usage: bench/capacity.py [USERS...]"""

import sys

# What people do.
ACTIVE = 0.2  # of the registered users, on a day
ENTRIES_A_DAY = 6  # of an active user: as many starts and stops
READS_A_DAY = 60
KEPT = 0.5  # of the reads are answered by what a proxy keeps
ONLINE = 0.02  # of the registered users have the app open
PEAK = 3  # times the mean of the day

# What it costs: seconds of CPU, and bytes.
PAIR_IN_POSTGRESQL = 1372e-6
PAIR_IN_PROXY = 2 * 80e-6
READ_IN_POSTGRESQL = 250e-6
READ_IN_PROXY = 40e-6
KEPT_READ_IN_PROXY = 13e-6
ENTRY_IN_RELAY_AND_REDIS = 30e-6
WAL_OF_PAIR = 3942
USER_ON_DISK = 1200
ENTRY_ON_DISK = 1054
BOARDS_OF_USER = 5
PLACE_ON_BOARD = 115
WEBSOCKET = 614 + 2 * 4096  # the kernel's buffers, when they are empty, and its sockets

# Machines, filled to two thirds.
FILLED = 2 / 3
CORES = 32 * FILLED
DISK = 8e12 * FILLED
MEMORY = 128e9 * FILLED


def figures(users):
    """(what, amount, of which a machine has so many or None)"""
    active = users * ACTIVE
    entries_a_year = active * ENTRIES_A_DAY * 365
    pairs = active * ENTRIES_A_DAY * PEAK / 86400
    reads = active * READS_A_DAY * PEAK / 86400
    kept, asked = reads * KEPT, reads * (1 - KEPT)
    database = pairs * PAIR_IN_POSTGRESQL + asked * READ_IN_POSTGRESQL
    proxy = pairs * PAIR_IN_PROXY + asked * READ_IN_PROXY + kept * KEPT_READ_IN_PROXY
    yield "entries a second, at the peak", f"{pairs:,.1f}", None
    yield "reads a second, at the peak", f"{reads:,.0f}", None
    yield "cores: PostgreSQL", f"{database:,.2f}", database / CORES
    yield "cores: proxies", f"{proxy:,.2f}", proxy / CORES
    yield "cores: relay and Redis", f"{pairs * ENTRY_IN_RELAY_AND_REDIS:,.3f}", None
    yield "WAL, MB a second", f"{pairs * WAL_OF_PAIR / 1e6:,.2f}", None
    yield "disk after a year, GB", f"{(users * USER_ON_DISK + entries_a_year * ENTRY_ON_DISK) / 1e9:,.0f}", (
        users * USER_ON_DISK + entries_a_year * ENTRY_ON_DISK
    ) / DISK
    boards = users * BOARDS_OF_USER * PLACE_ON_BOARD
    yield "memory of Redis, GB", f"{boards / 1e9:,.2f}", boards / MEMORY
    sockets = users * ONLINE * WEBSOCKET
    yield "memory of WebSockets, GB", f"{sockets / 1e9:,.2f}", sockets / MEMORY


def main(sizes):
    columns = [list(figures(users)) for users in sizes]
    print("| | " + " | ".join(f"{users:,} users" for users in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    for row in zip(*columns):
        amounts = (amount if part is None else f"{amount} ({part:.2f} machines)" for _, amount, part in row)
        print(f"| {row[0][0]} | " + " | ".join(amounts) + " |")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [10**5, 10**7, 10**9])
