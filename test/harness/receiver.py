"""A receiver of webhooks: an HTTP server on loopback that keeps what it was sent and
answers as it is told. Signatures are checked with nothing but Python's own hmac."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Delivery:
    """One request, as it came."""

    def __init__(self, path, headers, body):
        self.path = path
        self.headers = headers
        self.body = body
        self.at = time.time()
        self.id = headers["webhook-id"]
        self.message = json.loads(body)

    @property
    def type(self):
        return self.message["type"]

    @property
    def data(self):
        return self.message["data"]

    def signatures_of(self, *secrets):
        """For each secret whether one of the signatures is its own."""
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        given = self.headers["webhook-signature"].split(" ")
        return [signature(secret, content) in given for secret in secrets]

    def check(self, *secrets):
        """Signed with all of these and no other, a moment ago."""
        assert self.signatures_of(*secrets) == [True] * len(secrets)
        assert len(self.headers["webhook-signature"].split(" ")) == len(secrets)
        assert abs(self.at - int(self.headers["webhook-timestamp"])) < 5
        assert self.headers["Content-Type"] == "application/json"
        assert self.message.keys() == {"type", "timestamp", "data"}


def signature(secret, content):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


class Receiver:
    """answers: what to answer on each path, a status or a function of the request that returns
    status and headers; 204 where nothing is said."""

    def __init__(self):
        self.deliveries = []
        self.answers = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                delivery = Delivery(self.path, self.headers, body)
                receiver.deliveries.append(delivery)
                answer = receiver.answers.get(self.path, 204)
                status, headers = answer(delivery) if callable(answer) else (answer, {})
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except (BrokenPipeError, ConnectionResetError):
                    pass  # who waited for this has given up

            def do_GET(self):
                raise AssertionError("webhooks are posted to")

            def log_message(self, *arguments):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a connection that was cut off: its client is the one to complain

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.server.server_address[1]

    def url(self, path="/hook", host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def of(self, path="/hook"):
        return [delivery for delivery in self.deliveries if delivery.path == path]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
