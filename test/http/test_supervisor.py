"""What the proxy and the service manager tell each other: readiness, reloads,
the watchdog, and sockets that outlive a restart."""

import ctypes
import os
import re
import signal
import socket
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import eventually
from harness.certificates import make_certificate
from harness.process import free_port
from harness.supervisor import SupervisedProxy, Supervisor
from harness.wire import Wire, request

pytestmark = pytest.mark.raw

# From <sys/ptrace.h> and <sys/wait.h>.
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000


@pytest.fixture
def supervisor():
    supervisor = Supervisor()
    yield supervisor
    supervisor.end()


@pytest.fixture
def make(postgres, supervisor, tmp_path):
    made = []

    def make(**settings):
        settings = {**postgres.proxy_settings(), **settings}
        proxy = SupervisedProxy(supervisor, tmp_path / f"p{len(made)}", **settings)
        made.append(proxy)
        return proxy

    yield make
    for proxy in made:
        if proxy.is_running():
            proxy.stop()


def ask(proxy, target="/readyz", address=None, family=socket.AF_INET):
    with Wire(proxy, address=address, family=family) as wire:
        return wire.send(request(target=target, headers=("Connection: close",))).response()


def address_of(fd):
    with socket.socket(fileno=os.dup(fd)) as kept:
        return kept.getsockname()


def listener(address="127.0.0.1", port=0):
    """A socket that listens, as its descriptor."""
    with socket.create_server((address, port), backlog=64) as made:
        return os.dup(made.fileno())


def test_it_is_ready_when_every_worker_serves(make, supervisor):
    proxy = make(WORKERS=4).start()
    for _ in range(40):
        assert ask(proxy).status == 200
    assert supervisor.count("READY=1") == 1
    proxy.stop()
    assert supervisor.count("STOPPING=1") == 1
    assert supervisor.listen().index(["READY=1"]) < supervisor.listen().index(["STOPPING=1"])


@pytest.mark.one_server("connections to several nodes are not limited by one database")
def test_it_is_not_ready_while_it_lacks_connections_to_the_database(make, supervisor, postgres):
    postgres.install("crowded")
    with postgres.connect() as connection:
        # what the start asks comes one after the other, or by two
        connection.execute("ALTER DATABASE crowded CONNECTION LIMIT 2")
        proxy = make(**postgres.proxy_settings("crowded"))
        proxy.begin()
        eventually(lambda: "database_refused" in proxy.log_end(), 30, "it misses them")
        assert ask(proxy).status == 503 and supervisor.count("READY=1") == 0
        connection.execute("ALTER DATABASE crowded CONNECTION LIMIT -1")
        supervisor.wait_for("READY=1")
        proxy.stop()


@pytest.mark.one_server("standbys answer no reads there")
def test_it_is_ready_without_standbys(make, supervisor, postgres):
    nowhere = postgres.proxy_url().replace(f":{postgres.port}/", f":{free_port()}/")
    proxy = make(DATABASE_READ_URL=nowhere).start()
    assert ask(proxy).status == 200 and ask(proxy, "/badges").status == 200


def test_it_is_ready_without_redis(make, supervisor):
    proxy = make(REDIS_URL=f"redis://127.0.0.1:{free_port()}").start()
    assert ask(proxy).status == 503 and ask(proxy, "/badges").status == 200


def test_it_tells_of_a_reload(make, supervisor, tmp_path):
    certificate, key = make_certificate(tmp_path)
    proxy = make(TLS_CERT=certificate, TLS_KEY=key).start()
    proxy.popen.send_signal(signal.SIGHUP)
    supervisor.wait_for("READY=1", 2)
    [reload] = [lines for lines in supervisor.listen() if "RELOADING=1" in lines]
    assert len(reload) == 2 and int(reload[1].removeprefix("MONOTONIC_USEC=")) > 0
    assert b'"reloaded"' in proxy.log.read_bytes()


def test_the_watchdog_hears_from_it_while_its_loops_turn(make, supervisor):
    make(WATCHDOG_USEC=300000).start()
    supervisor.wait_for("WATCHDOG=1", 5)


@contextmanager
def stopped_loop(pid):
    """One event loop stands still, and nothing else of the process does."""
    libc = ctypes.CDLL(None, use_errno=True)
    thread = max(int(thread) for thread in os.listdir(f"/proc/{pid}/task"))
    assert thread != pid

    def ptrace(what):
        assert libc.ptrace(what, thread, None, None) == 0, os.strerror(ctypes.get_errno())

    ptrace(PTRACE_SEIZE)
    ptrace(PTRACE_INTERRUPT)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        ptrace(PTRACE_DETACH)


def wakeups(pid):
    """How often the main thread has gone to sleep: it does after each beat."""
    return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M).group(1))


def test_the_watchdog_hears_nothing_while_one_loop_stands_still(make, supervisor):
    proxy = make(WATCHDOG_USEC=150000).start()
    supervisor.wait_for("WATCHDOG=1", 3)
    with stopped_loop(proxy.pid):
        before, heard = wakeups(proxy.pid), supervisor.count("WATCHDOG=1")
        eventually(lambda: wakeups(proxy.pid) > before + 8, 30, "eight beats")
        assert supervisor.count("WATCHDOG=1") <= heard + 1
    supervisor.wait_for("WATCHDOG=1", heard + 4)


def test_nobody_is_told_whose_watchdog_is_another_process(make, supervisor):
    proxy = make(WATCHDOG_USEC=150000, WATCHDOG_PID=1).start()
    for _ in range(20):
        assert ask(proxy).status == 200
    proxy.stop()
    assert supervisor.count("WATCHDOG=1") == 0


def test_each_worker_has_its_socket_kept(make, supervisor):
    proxy = make(WORKERS=3).start()
    assert [address_of(fd) for fd in supervisor.kept] == 3 * [("127.0.0.1", int(proxy.settings["PORT"]))]


@pytest.mark.parametrize("before, after", [(2, 2), (1, 4), (4, 2)])
def test_a_connection_waits_for_the_next_process(make, supervisor, before, after):
    first = make(WORKERS=before).start()
    port = first.settings["PORT"]
    first.kill()
    for fd in supervisor.kept[after:]:  # what waits in more sockets than there are workers is lost
        os.close(fd)
    del supervisor.kept[after:]
    waiting = [Wire(first).send(request()) for _ in range(20)]
    second = make(WORKERS=after, PORT=port).start()
    for wire in waiting:
        with wire:
            assert wire.response().status == 200
    assert len(supervisor.kept) == after and ask(second).status == 200


def test_the_listener_for_metrics_leaves_kept_sockets_alone(make, supervisor):
    first = make(METRICS_LISTEN=f"127.0.0.1:{free_port()}").start()
    first.kill()
    second = make(**{name: first.settings[name] for name in ("PORT", "METRICS_LISTEN")}).start()
    assert ask(second).status == 200


class Callers:
    """Threads that connect again and again, and what went wrong."""

    def __init__(self, proxy, count=4):
        self.proxy = proxy
        self.over = threading.Event()
        self.wrong = []
        self.answers = 0
        self.threads = [threading.Thread(target=self._call, daemon=True) for _ in range(count)]

    def _call(self):
        while not self.over.is_set():
            try:
                answer = ask(self.proxy, "/healthz")
                if answer is None or answer.status != 200:
                    self.wrong.append(answer)
                self.answers += 1
            except (OSError, AssertionError) as error:
                self.wrong.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(30)


def test_no_connection_is_refused_during_restarts(make, supervisor):
    proxy = make().start()
    with Callers(proxy) as callers:
        for _ in range(3):
            answers = callers.answers
            eventually(lambda: callers.answers > answers + 50, 30, "answers")
            proxy.stop()
            supervisor.listen()
            proxy = make(PORT=proxy.settings["PORT"]).start()
        answers = callers.answers
        eventually(lambda: callers.answers > answers + 50, 30, "answers of the last one")
    assert callers.wrong == []


def test_other_addresses_are_not_served(make, supervisor):
    """After a change of PORT or HOST; and a socket that does not listen is of no use."""
    proxy = make(WORKERS=4)
    own = ("127.0.0.1", int(proxy.settings["PORT"]))
    with socket.socket() as idle:
        idle.bind(("127.0.0.1", 0))
        supervisor.kept = [listener(), listener("127.0.0.2", own[1]), os.dup(idle.fileno())]
    proxy.start()
    assert [address_of(fd) for fd in supervisor.kept] == 4 * [own] and ask(proxy).status == 200


def test_a_socket_that_a_manager_has_made_is_served_by_all_workers(make, supervisor):
    supervisor.kept = [listener()]
    port = address_of(supervisor.kept[0])[1]
    proxy = make(PORT=port, WORKERS=3).start()
    assert all(ask(proxy).status == 200 for _ in range(30))


def test_sockets_of_another_process_are_left_alone(make, supervisor):
    supervisor.kept = [listener()]
    port = address_of(supervisor.kept[0])[1]
    proxy = make(PORT=port)
    proxy.begin(pid="1")
    assert proxy.popen.wait(30) == 1
    assert "PORT: " in proxy.log_end()


def test_a_unix_socket_outlives_a_restart(make, supervisor):
    path = f"{supervisor.directory.name}/sock"
    first = make(HOST=f"unix:{path}").start()
    inode = os.stat(path).st_ino
    first.stop()
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    with Wire(first, address=path, family=socket.AF_UNIX) as waiting:
        waiting.send(request())
        second = make(HOST=f"unix:{path}").start()
        assert waiting.response().status == 200
    assert os.stat(path).st_ino == inode
    second.stop()
    supervisor.forget()
    third = make(HOST=f"unix:{path}").start()
    assert ask(third, address=path, family=socket.AF_UNIX).status == 200


def test_an_abstract_socket_and_no_socket(make, supervisor):
    make(NOTIFY_SOCKET="nonsense").begin()
    name = f"tt-{os.getpid()}-{free_port()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + name)
        heard.settimeout(30)
        make(NOTIFY_SOCKET=f"@{name}").begin()
        said = []
        while b"READY=1" not in said:
            said.append(heard.recv(4096))


def test_the_version(make):
    status, output = make().run_to_end("--version")
    assert status == 0 and output.split()[0] == "timetrackr-proxy" and output.split()[1][0].isdigit()
