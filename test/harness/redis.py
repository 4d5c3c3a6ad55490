"""A Redis, or a Sentinel, of its own, and the few lines of its protocol that
tests speak."""

import signal
import socket
from urllib.parse import quote

from .process import Process, free_port


class Redis(Process):
    def __init__(self, directory, password=None, options=()):
        """Options are those of redis-server's command line."""
        super().__init__("redis", directory)
        self.port = free_port()
        self.password = password
        self.options = list(options)

    def start(self):
        self.launch(self._command_line())
        self.wait_until(self._answers)
        return self

    def _command_line(self):
        line = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        if self.password is not None:
            line += ["--requirepass", self.password, "--masterauth", self.password]
        return line + self.options

    def stop(self):
        """It keeps nothing, and would look a tenth of a second later whether it is to end."""
        self.end(signal.SIGKILL)

    def _answers(self):
        try:
            return self.command("PING") == "PONG"
        except OSError:
            return False

    @property
    def url(self):
        login = "" if self.password is None else f":{quote(self.password, safe='')}@"
        return f"redis://{login}127.0.0.1:{self.port}"

    def command(self, *words):
        """Send one command; strings, integers, lists and None come back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            with connection.makefile("rb") as reply:
                if self.password is not None:
                    connection.sendall(self._request(["AUTH", self.password]))
                    assert self._read(reply) == "OK"
                connection.sendall(self._request(words))
                return self._read(reply)

    def _request(self, words):
        parts = [str(word).encode() for word in words]
        return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)

    def _read(self, reply):
        line = reply.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise RuntimeError(f"Redis: {rest.decode()}")
        if kind == b"$":
            return None if rest == b"-1" else reply.read(int(rest) + 2)[:-2].decode()
        return None if rest == b"-1" else [self._read(reply) for _ in range(int(rest))]

    def board(self, key):
        """A sorted set from the best down: [(member, score)]."""
        flat = self.command("ZREVRANGE", key, 0, -1, "WITHSCORES")
        return [(member, int(float(score))) for member, score in zip(flat[::2], flat[1::2])]


class Sentinel(Redis):
    """Watches one master under the name `boss`; quick to find that it is gone."""

    def __init__(self, directory, master, quorum, password=None):
        super().__init__(directory, password)
        self.conf = self.directory / "sentinel.conf"
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"sentinel monitor boss 127.0.0.1 {master.port} {quorum}",
            "sentinel down-after-milliseconds boss 500",
            "sentinel failover-timeout boss 3000",
        ]
        if password is not None:
            lines += [f"requirepass {password}"]
        if master.password is not None:
            lines += [f"sentinel auth-pass boss {master.password}"]
        self.conf.write_text("\n".join(lines) + "\n")

    def _command_line(self):
        return ["redis-server", str(self.conf), "--sentinel"]

    def master_port(self):
        """Of the server it takes for the master."""
        address = self.command("SENTINEL", "get-master-addr-by-name", "boss")
        return address and int(address[1])
