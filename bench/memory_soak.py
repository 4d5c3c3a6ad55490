"""Does the proxy's memory grow? Minutes of everything at once: visitors, reads,
timers, sign-ins, WebSockets that come and go. Tells of its resident memory every
minute, and fails when, after the first third, it grows by more than a tenth.

usage: bench/run memory_soak [MINUTES]"""

import sys
import threading
import time

import results
from line import Line, text_table
from live_connections import crowd
from measure import load_average, resident
from memory import Mixture, megabytes
from servers import World

GROWTH = 1.1
PASSWORD = "correct horse battery"


class Visitors(threading.Thread):
    """Come until told to stop: sign up, refresh the session, follow /live, and leave without a word."""

    def __init__(self, proxy):
        super().__init__()
        self.proxy = proxy
        self.ends = threading.Event()
        self.failure = None

    def run(self):
        number = 0
        try:
            while not self.ends.is_set():
                number += 1
                self._visit(f"visitor{number}")
        except Exception as error:
            self.failure = error

    def _visit(self, name):
        body = {"email": f"{name}@example.com", "password": PASSWORD, "username": name}
        session = self.proxy.client().post("/auth/signup", body).expect(201)
        self.proxy.client().post("/auth/refresh", {"refresh_token": session["refresh_token"]}).expect(200)
        with crowd(self.proxy, 20, session["user_id"]):
            pass

    def stop(self):
        self.ends.set()
        self.join()
        if self.failure is not None:
            raise self.failure


def watch(pid, minutes, busy):
    """Print the resident memory each minute, as long as it is busy: [bytes]."""
    sizes = []
    began = time.monotonic()
    for minute in range(1, minutes + 1):
        time.sleep(max(0, began + minute * 60 - time.monotonic()))
        if not busy():
            break
        sizes.append(resident(pid))
        print(f"minute {minute:3}: {megabytes(sizes[-1])}", flush=True)
    return sizes


def soak(minutes):
    with World() as world:
        proxy = world.proxy()
        mixture, visitors = Mixture(world, proxy), Visitors(proxy)
        answered = []
        # A little longer than it is watched, so that the last look is at a busy proxy.
        load = threading.Thread(target=lambda: answered.append(mixture.run(minutes * 60 + 5)))
        visitors.start()
        load.start()
        try:
            sizes = watch(proxy.pid, minutes, lambda: load.is_alive() and visitors.is_alive())
        finally:
            visitors.ends.set()
            load.join()
        visitors.stop()
    if not answered or len(sizes) < minutes:
        sys.exit("the load failed")
    return sizes, answered[0]


def main(minutes=10):
    before, began = load_average(), time.monotonic()
    sizes, count = soak(minutes)
    warm, last = sizes[(minutes - 1) // 3], max(sizes[-2:])
    line = Line(
        work=f"{minutes} minutes of mixed load; {count:,} requests",
        figure=f"proxy {megabytes(last)} at the end",
        reference=f"{megabytes(warm)} after a third of it",
        ratio=last / warm,
        target=f"no growth: ≤ {GROWTH} ×",
        met=last <= warm * GROWTH,
    )
    print(text_table([line]), end="")
    results.save_lines("memory_soak", [line], before, time.monotonic() - began)
    return 0 if line.met else 1


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:])))
