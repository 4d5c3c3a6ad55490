"""Requests as bytes, and answers as they are on the wire: every field in its
order, and the body as it was sent."""

import json
import socket


class RawAnswer:
    """Status, fields (a list of pairs) and body of the first answer in some bytes."""

    def __init__(self, data):
        head, separator, self.body = data.partition(b"\r\n\r\n")
        assert separator, f"no whole head: {data!r}"
        line, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(line.split(" ")[1])
        self.fields = [tuple(field.split(": ", 1)) for field in fields]

    def all(self, name):
        """The values of every field of this name."""
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def __getitem__(self, name):
        """The field's value; None when it is absent, and it comes once at most."""
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else None

    def tokens(self, name):
        """The members of a list that may stand in several fields, in lower case."""
        return {token.strip().lower() for value in self.all(name) for token in value.split(",") if token.strip()}

    @property
    def json(self):
        return json.loads(self.body)


def exchange(server, data, seconds=20.0):
    """Send bytes to a proxy and read until it ends the connection, or the answer is whole."""
    with socket.create_connection(("127.0.0.1", int(server.settings["PORT"])), timeout=seconds) as connection:
        connection.sendall(data)
        return RawAnswer(_read(connection, data.startswith(b"HEAD ")))


def _read(connection, bodiless):
    received = b""
    while not _is_whole(received, bodiless):
        piece = connection.recv(65536)
        if not piece:
            break
        received += piece
    return received


def _is_whole(data, bodiless):
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return False
    if bodiless or head.split(b" ")[1] in (b"204", b"304"):
        return True
    length = RawAnswer(data)["Content-Length"]
    return length is not None and len(body) >= int(length)


def request(method, path, *, body=b"", **fields):
    """The bytes of a request; fields are named with _ for -."""
    lines = [f"{method} {path} HTTP/1.1", "Host: api.example.com"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value is not None]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
