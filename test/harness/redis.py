"""A Redis of its own, and the few lines of its protocol that tests speak."""

import signal
import socket

from .process import Process, free_port


class Redis(Process):
    def __init__(self, directory):
        super().__init__("redis", directory)
        self.port = free_port()

    def start(self):
        self.launch(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        )
        self.wait_until(self._answers)
        return self

    def stop(self):
        self.end(signal.SIGTERM)

    def _answers(self):
        try:
            return self.command("PING") == "PONG"
        except OSError:
            return False

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def command(self, *words):
        """Send one command; strings, integers, lists and None come back."""
        parts = [str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as reply:
                return self._read(reply)

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
