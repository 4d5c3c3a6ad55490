"""A receiver of Sentry's kind: it takes envelopes apart as strictly as their format
is defined, keeps them, and may be told to misbehave."""

import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .process import eventually

KEY = "0123456789abcdef0123456789abcdef"
PROJECT = "42"


class Envelope:
    """Three lines at least: headers, and for each item its headers and its payload."""

    def __init__(self, path, headers, body):
        self.path = path
        self.http_headers = headers
        self.raw = body
        line, end, rest = body.partition(b"\n")
        assert end, "an envelope without a line of headers"
        self.headers = _object(line)
        self.items = []
        while rest:
            line, end, rest = rest.partition(b"\n")
            assert end, "an item without a payload"
            header = _object(line)
            assert isinstance(header.get("type"), str)
            payload, rest = self._payload(header, rest)
            self.items.append((header, json.loads(payload)))

    @staticmethod
    def _payload(header, rest):
        if "length" not in header:
            payload, _, rest = rest.partition(b"\n")
            return payload, rest
        length = header["length"]
        assert type(length) is int and len(rest) >= length, header
        payload, rest = rest[:length], rest[length:]
        assert rest[:1] in (b"", b"\n"), "the payload is longer than its header says"
        return payload, rest[1:]

    @property
    def event(self):
        ((header, event),) = self.items
        assert header["type"] == "event"
        return event

    @property
    def exception(self):
        (exception,) = self.event["exception"]["values"]
        return exception


def _body(handler):
    """Of an announced length, or in chunks."""
    if "Content-Length" in handler.headers:
        return handler.rfile.read(int(handler.headers["Content-Length"]))
    body = b""
    while size := int(handler.rfile.readline(), 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


def _object(line):
    """One line that is a JSON object, no name of it twice."""

    def once(pairs):
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    value = json.loads(line, object_pairs_hook=once)
    assert isinstance(value, dict), line
    return value


class Receiver:
    """Answers 200 until told otherwise by `answer`:

    (status, headers)   that
    "hang"              nothing, until end() is called
    "reset"             the connection is reset
    """

    def __init__(self, context=None):
        """context: to speak TLS."""
        self.scheme = "https" if context else "http"
        self.envelopes = []
        self.faults = []
        self.requests = 0
        self.answer = (200, {})
        self._ended = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver._take(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.port = self._server.server_address[1]

    @property
    def dsn(self):
        return f"{self.scheme}://{KEY}@127.0.0.1:{self.port}/{PROJECT}"

    def _take(self, handler):
        body = _body(handler)
        answer = self.answer
        self.requests += 1
        try:
            envelope = Envelope(handler.path, dict(handler.headers), body)
        except (AssertionError, ValueError) as fault:
            self.faults.append((fault, body))
            raise
        if answer == "hang":
            self._ended.wait(60)
            return
        if answer == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return
        status, headers = answer
        if status == 200:
            self.envelopes.append(envelope)
        handler.send_response(status)
        for name, value in {"Content-Length": "2", **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(b"{}")

    def find(self, condition):
        assert self.faults == []
        return [envelope for envelope in self.envelopes if condition(envelope.event)]

    def wait_for(self, condition, what="the report", seconds=20):
        """The one envelope whose event fulfills the condition."""
        (found,) = eventually(lambda: self.find(condition), seconds, what)
        return found

    def of_request(self, request_id):
        return self.wait_for(lambda event: event["tags"].get("request_id") == request_id, f"the report of {request_id}")

    def end(self):
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
