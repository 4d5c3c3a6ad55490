"""HTTP as bytes on a socket: says what no HTTP library would, and reads
strictly what comes back."""

import json
import socket
import ssl

MARK = b"x-smuggled"


class Response:
    """One response, cut out of a stream by its Content-Length."""

    def __init__(self, head, body):
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        self.status = int(status)
        self.headers = {}
        for line in lines:
            name, value = line.split(": ", 1)
            assert name.lower() not in self.headers or name.lower() in ("vary", "link"), f"{name} twice"
            self.headers[name.lower()] = value
        self.body = body
        self.json = json.loads(body) if "json" in self.headers.get("content-type", "") and body else None

    @property
    def closes(self):
        return self.headers.get("connection", "").lower() == "close"

    def __repr__(self):
        return f"<{self.status} {self.body[:120]!r}>"


class Wire:
    """A connection. Use it in a with statement."""

    def __init__(self, proxy, seconds=20, address=None, family=socket.AF_INET):
        if address is None:
            address = ("127.0.0.1", int(proxy.settings["PORT"]))
        self.socket = socket.socket(family)
        self.socket.settimeout(seconds)
        self.socket.connect(address)
        if proxy.context is not None:
            self.socket = proxy.context.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""
        self.is_over = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *pieces):
        """Send pieces, each in a packet of its own."""
        if self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                self.socket.sendall(piece)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # what was said before that is in the answer
        return self

    def _more(self):
        piece = b"" if self.is_over else self.socket.recv(65536)
        self.is_over = self.is_over or not piece
        self.buffer += piece
        return bool(piece)

    def response(self, method="GET"):
        """The next response; None when the server ended the connection. 100 Continue is one, too."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                assert self.buffer == b"", self.buffer
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        response = Response(head, b"")
        length = 0 if method == "HEAD" or response.status in (100, 101, 204, 304) else int(
            response.headers["content-length"])
        while len(self.buffer) < length:
            assert self._more(), "a body that was cut off"
        response = Response(head, self.buffer[:length])
        self.buffer = self.buffer[length:]
        return response

    def responses(self):
        """All responses up to the end of the connection, which the server has to come to."""
        found = []
        while (response := self.response()) is not None:
            found.append(response)
        return found


def request(method="GET", target="/healthz", version="HTTP/1.1", host="Host: x", headers=(), body=b""):
    """The bytes of a request."""
    lines = [f"{method} {target} {version}", *([host] if host else []), *headers]
    if body and not any("transfer-encoding" in line.lower() or "content-length" in line.lower() for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def smuggled():
    """A request that must never be executed: its X-Request-Id would come back."""
    return b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: " + MARK + b"\r\n\r\n"
