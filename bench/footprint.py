"""What users and their entries take on disk and in Redis: the same users without a history and with one,
written by the rules; the difference is the entries'. Indexes are counted with their table, and room that updates
leave until it is used again, too.

usage: bench/run footprint [USERS [DAYS]]"""

import sys

from servers import World

SIZES = """
SELECT c.relname, pg_total_relation_size(c.oid)
FROM pg_class c
WHERE c.relnamespace = 'timetrackr'::regnamespace
    AND c.relkind = 'r'
ORDER BY c.relname
"""
# What events leave behind is deleted after a while, whoever wrote it.
PASSING = {"outbox", "dead_events", "stream"}


def sizes(users, days):
    """Bytes of each table, with its indexes."""
    with World(users=users, days=days, redis=False) as world, world.postgres.connect() as db:
        return {name: size for name, size in db.execute(SIZES) if name not in PASSING}


def board_bytes(users, days):
    """Of Redis, for a user, and for each sorted set that he is in."""
    with World(users=users, days=days) as world:

        def used():
            return int(world.redis.command("INFO", "memory").partition("used_memory:")[2].split()[0])

        before = used()
        world.proxy()
        world.drained()
        sets = [key for key in world.redis.command("KEYS", "*") if world.redis.command("TYPE", key) == "zset"]
        places = sum(world.redis.command("ZCARD", key) for key in sets)
        return (used() - before) / users, places / users


def main(users=5000, days=40):
    empty, full = sizes(users, 0), sizes(users, days)
    entries = users * days + users
    print(f"{users:,} users, then {days} entries of each on as many days, and a timer\n")
    print(f"{'table':24}{'bytes a user':>14}{'bytes an entry':>16}")
    for name, size in full.items():
        of_user, of_entry = empty[name] / users, (size - empty[name]) / entries
        if max(of_user, of_entry) >= 1:
            print(f"{name:24}{of_user:14,.0f}{of_entry:16,.0f}")
    print(f"{'all':24}{sum(empty.values()) / users:14,.0f}{(sum(full.values()) - sum(empty.values())) / entries:16,.0f}")
    of_user, places = board_bytes(users, days)
    print(f"\nRedis: {of_user:,.0f} bytes a user, who is on {places:.1f} boards")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
