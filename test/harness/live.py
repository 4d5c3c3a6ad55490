"""A WebSocket client in plain sockets, so that it can also say what no decent
client says."""

import base64
import hashlib
import json
import socket
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KEY = base64.b64encode(bytes(range(16))).decode()


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x01\x02\x03\x04", length=None):
    """The bytes of a frame; mask None: unmasked; length: how its length is written (0, 2, 8 bytes)."""
    size = len(payload)
    if length is None:
        length = 0 if size < 126 else 2 if size < 65536 else 8
    head = bytes([fin << 7 | rsv << 4 | opcode])
    short = {0: size, 2: 126, 8: 127}[length]
    head += bytes([(0x80 if mask else 0) | short]) + (size.to_bytes(length, "big") if length else b"")
    if mask:
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + (mask or b"") + payload


def handshake(port, path="/live", headers=(), replace=(), version="HTTP/1.1", method="GET"):
    """The bytes of an opening handshake; `replace` drops or changes fields (value None: dropped)."""
    fields = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    fields.update(replace)
    lines = [f"{method} {path} {version}"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Closed(Exception):
    """The other side has closed, with this code; 1006 without a word."""

    def __init__(self, code, reason=""):
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Live:
    """A connection to /live. Use it in a with statement."""

    def __init__(self, proxy, token=None, path="/live", extra=b"", receive_buffer=None, **options):
        port = int(proxy.settings["PORT"])
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        if proxy.context is not None:
            self.socket = proxy.context.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""
        self.pinged = 0
        self.answers_pings = True
        if token is not None:
            options["headers"] = [*options.get("headers", ()), ("Sec-WebSocket-Protocol", f"bearer.{token}")]
        self.socket.sendall(handshake(port, path, **options) + extra)
        self._read_head()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError(f"no answer: {self.buffer!r}")
            self.buffer += piece
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        if self.status == 101:
            wanted = base64.b64encode(hashlib.sha1((KEY + GUID).encode()).digest()).decode()
            assert self.headers["sec-websocket-accept"] == wanted
            assert self.headers["upgrade"].lower() == "websocket"
            assert self.headers["connection"].lower() == "upgrade"

    @property
    def problem(self):
        """The body of a refusal."""
        while len(self.buffer) < int(self.headers["content-length"]):
            self.buffer += self.socket.recv(65536)
        return json.loads(self.buffer)

    def send(self, *args, **options):
        self.socket.sendall(frame(*args, **options))

    def say(self, **message):
        self.send(TEXT, json.dumps(message).encode())

    def _take(self, size):
        while len(self.buffer) < size:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed(1006)
            self.buffer += piece
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def frame(self):
        """The next frame: (opcode, payload). A server's are whole and unmasked."""
        head = self._take(2)
        assert head[0] & 0xF0 == 0x80 and head[1] & 0x80 == 0, head
        size = head[1]
        if size == 126:
            (size,) = struct.unpack(">H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._take(8))
        return head[0] & 15, self._take(size)

    def frame_or_closed(self):
        """The next frame; a close frame raises Closed."""
        opcode, payload = self.frame()
        if opcode == CLOSE:
            code = struct.unpack(">H", payload[:2])[0] if payload else 1005
            raise Closed(code, payload[2:].decode())
        return opcode, payload

    def hear(self, seconds=20):
        """The next message, decoded; pings are answered meanwhile, a close frame raises Closed."""
        self.socket.settimeout(seconds)
        while True:
            opcode, payload = self.frame_or_closed()
            if opcode == TEXT:
                return json.loads(payload)
            if opcode == PING:
                self.pinged += 1
                if self.answers_pings:
                    self.send(PONG, payload)

    def until(self, wanted):
        """All messages up to the first one for which wanted(message); there is an end to patience."""
        messages = [self.hear()]
        while not wanted(messages[-1]):
            assert len(messages) < 2000, f"never came; last: {messages[-3:]}"
            messages.append(self.hear())
        return messages

    def topic(self, topic):
        """Pass over messages to one of this topic."""
        return self.until(lambda message: message.get("topic") == topic)[-1]

    def error(self):
        """Pass over messages to one about a fault."""
        return self.until(lambda message: "error" in message)[-1]["error"]

    def pong(self):
        """Pass over messages to a pong; returns its payload."""
        opcode, payload = self.frame()
        while opcode == TEXT:
            opcode, payload = self.frame()
        assert opcode == PONG, opcode
        return payload

    def closing(self, seconds=20):
        """Pass over messages to the close frame; returns its code, having answered it."""
        try:
            while True:
                self.hear(seconds)
        except Closed as closed:
            self.reason = closed.reason
            if closed.code != 1006:
                self.send(CLOSE, struct.pack(">H", closed.code) if closed.code != 1005 else b"")
            return closed.code

    def is_over(self, seconds=20):
        """Does the server end the connection, whatever it still sends?"""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self, code=1000):
        """Close as one should; the server answers with the same code."""
        self.send(CLOSE, struct.pack(">H", code))
        assert self.closing() == code
        return self.is_over()
