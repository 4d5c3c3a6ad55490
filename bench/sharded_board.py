"""A board over many Redis servers, each with the users of its own: what one machine can show of 100,000,000
users. The first page is the best of all first pages; a page further down those of all servers from a score
on; a rank is how many of each server have more. First it is proved on 100,000 users, against
a sort of them; then bytes for each user, CPU of the servers, and how long a client waits that asks all at once.

Other machines can't be shown: here all servers share the cores, and nothing is between them and the client.

usage: bench/run sharded_board [USERS [SERVERS]]"""

import random
import socket
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import Redis
from measure import Meter, cpu_seconds

KEY = "board"
PAGE = 50
PROVED = 100_000
MEMBERS_OF_CALL = 50_000
CALLS = 4_000

# The doubles of Lua and Python are the same, so both know every user's seconds.
FILL = """
for id = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]) do
  local part = (id * 48271) % 2147483647 / 2147483647
  redis.call('ZADD', KEYS[1], 60 + math.floor(part * part * part * 7200000), string.format('%d', id))
end
"""


def seconds_of(user):
    part = (user * 48271) % 2147483647 / 2147483647
    return 60 + int(part * part * part * 7200000)


class Shard(Redis):
    """A server that is spoken to over one connection, requests ahead of their answers."""

    def start(self):
        super().start()
        self.connection = self.connect()
        self.answers = self.connection.makefile("rb")
        return self

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=600)

    def send(self, *words):
        self.connection.sendall(self._request(words))

    def receive(self):
        return self._read(self.answers)

    def fill(self, first, last, step):
        for begin in range(first, last + 1, step * MEMBERS_OF_CALL):
            self.send("EVAL", FILL, 1, KEY, begin, min(last, begin + step * (MEMBERS_OF_CALL - 1)), step)
            self.receive()

    def used(self):
        info = self.command("INFO", "memory")
        return int(info.partition("used_memory:")[2].split()[0])


class Board:
    def __init__(self, shards):
        self.shards = shards

    def ask(self, *words):
        """The same of all servers: a list of their answers."""
        for shard in self.shards:
            shard.send(*words)
        return [shard.receive() for shard in self.shards]

    def _merged(self, pages):
        """(seconds, member), best first; among equals the member that is greater as text."""
        rows = [(int(float(score)), member) for page in pages for member, score in zip(page[::2], page[1::2])]
        return sorted(rows, reverse=True)

    def first_page(self):
        return self._merged(self.ask("ZREVRANGE", KEY, 0, PAGE - 1, "WITHSCORES"))[:PAGE]

    def page_after(self, seconds, member):
        """Whoever has fewer seconds, and then who has as many and a lesser name: few share a score in the middle."""
        equal = self.ask("ZREVRANGEBYSCORE", KEY, seconds, seconds, "WITHSCORES")
        less = self.ask("ZREVRANGEBYSCORE", KEY, f"({seconds}", "-inf", "WITHSCORES", "LIMIT", 0, PAGE)
        return [row for row in self._merged(equal + less) if row < (seconds, member)][:PAGE]

    def rank(self, user):
        """1 and how many have more: equals share it. The score is asked of the one server that has it."""
        home = self.shards[user % len(self.shards)]
        home.send("ZSCORE", KEY, user)
        return 1 + sum(self.ask("ZCOUNT", KEY, f"({home.receive()}", "+inf"))

    def add(self, user):
        home = self.shards[user % len(self.shards)]
        home.send("ZADD", KEY, seconds_of(user) + random.randint(0, 7200), user)
        home.receive()


def filled(directory, users, count):
    shards = [Shard(Path(directory) / f"{users}-{number}").start() for number in range(count)]
    with ThreadPoolExecutor(2) as pool:
        # User ids begin with 1; server 0 has those that are multiples of how many there are.
        firsts = [number or count for number in range(count)]
        list(pool.map(lambda shard, first: shard.fill(first, users, count), shards, firsts))
    return shards


def proved(board, users):
    """Does it say what a sort of all users says?"""
    rows = sorted(((seconds_of(user), str(user)) for user in range(1, users + 1)), reverse=True)
    assert board.first_page() == rows[:PAGE]
    for place in random.sample(range(users // 2), 20):
        assert board.page_after(*rows[place]) == rows[place + 1 : place + 1 + PAGE]
    for user in random.sample(range(1, users + 1), 100):
        assert board.rank(user) == 1 + sum(seconds > seconds_of(user) for seconds, _ in rows)


def measured(board, call, calls):
    meter = Meter(servers=lambda: sum(cpu_seconds(shard.pid) for shard in board.shards))
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    times.sort()
    p50, p99 = statistics.median(times) * 1e3, times[int(len(times) * 0.99)] * 1e3
    return f"{meter.spent()['servers'] / calls * 1e6:7.1f} µs CPU of all servers {p50:8.3f} ms p50 {p99:8.3f} ms p99"


def figures(board, users):
    def somebody():
        return random.randint(1, users)

    def middle():
        user = somebody()
        while seconds_of(user) < 100_000:
            user = somebody()
        return seconds_of(user), str(user)

    memory = sum(shard.used() for shard in board.shards)
    yield f"memory                {memory / users:7.1f} bytes for each user, {memory / 2**30:.2f} GiB"
    yield "first page            " + measured(board, board.first_page, CALLS)
    yield "page further down     " + measured(board, lambda: board.page_after(*middle()), CALLS)
    yield "own rank              " + measured(board, lambda: board.rank(somebody()), CALLS)
    yield "new score             " + measured(board, lambda: board.add(somebody()), 10 * CALLS)


def main(users=1_000_000, count=16):
    with tempfile.TemporaryDirectory() as directory:
        for size, servers in ((PROVED, 1), (PROVED, count), (users, count)):
            began = time.monotonic()
            shards = filled(directory, size, servers)
            board = Board(shards)
            print(f"{size:,} users on {servers} servers, filled in {time.monotonic() - began:.0f} s", flush=True)
            if size == PROVED:
                proved(board, size)
            for line in figures(board, size):
                print(f"  {line}", flush=True)
            for shard in shards:
                shard.stop()


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
