"""The protocol of /live: the handshake, frames that break RFC 6455, and frames
that are unusual and right."""

import socket
import struct
import time

import jwt
import pytest
from harness import Closed, Live
from harness.live import BINARY, CLOSE, KEY, PING, PONG, TEXT, frame, handshake
from harness.proxy import JWT_SECRET

pytestmark = pytest.mark.raw

SUBSCRIBE = b'{"subscribe": {"project_id": 999999}}'


@pytest.fixture
def live(proxy, user):
    """A connection that is ready."""
    with Live(proxy, user.client.token) as connection:
        assert connection.status == 101
        connection.topic("ready")
        yield connection


def token_for(user_id, **claims):
    now = int(time.time())
    claims = {"iss": "timetrackr", "sub": str(user_id), "iat": now, "exp": now + 60, "role": "user", **claims}
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


def answers(live):
    """Is it alive? A question about a project that nobody has is answered."""
    live.send(TEXT, SUBSCRIBE)
    return live.error()["code"] == "project_not_found"


# ---- the handshake ----

WITHOUT = [
    ({"Upgrade": None}, 426),
    ({"Upgrade": "h2c"}, 426),
    ({"Connection": "keep-alive"}, 426),
    ({"Sec-WebSocket-Version": None}, 426),
    ({"Sec-WebSocket-Version": "8"}, 426),
    ({"Sec-WebSocket-Version": "13, 8"}, 426),
    ({"Sec-WebSocket-Key": None}, 400),
    ({"Sec-WebSocket-Key": "short"}, 400),
    ({"Sec-WebSocket-Key": KEY[:-2] + "=="[:1]}, 400),
    ({"Sec-WebSocket-Key": "A" * 24}, 400),
    ({"Sec-WebSocket-Key": KEY[:21] + "x=="}, 400),
    ({"Content-Length": "2"}, 400),
    ({"Origin": "https://elsewhere.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Authorization": "Bearer nonsense"}, 401),
    ({"Authorization": "Basic dXNlcjpwYXNz"}, 401),
    ({"Sec-WebSocket-Protocol": "bearer.nonsense"}, 401),
    ({"Sec-WebSocket-Protocol": "chat, bearer.a.b.c"}, 401),
]


@pytest.mark.parametrize("replace, status", WITHOUT)
def test_a_handshake_that_is_refused(proxy, replace, status):
    with Live(proxy, replace=replace, extra=b"{}" if "Content-Length" in replace else b"") as live:
        assert live.status == status
        assert live.problem["status"] == status
        if status == 426:
            assert live.headers["sec-websocket-version"] == "13"
            assert live.headers["upgrade"] == "websocket"


def test_two_keys_are_refused(proxy):
    with Live(proxy, headers=[("Sec-WebSocket-Key", KEY)]) as live:
        assert live.status == 400


def test_http_1_0_and_other_methods_have_no_upgrade(proxy):
    for options, status in (
        ({"version": "HTTP/1.0"}, 426),
        ({"method": "HEAD"}, 426),
        ({"method": "POST"}, 405),
        ({"method": "OPTIONS"}, 204),
    ):
        with Live(proxy, **options) as live:
            assert live.status == status, options


@pytest.mark.parametrize(
    "query, status", [("after=x", 400), ("after=-1", 400), ("after=", 400), ("after=1e3", 400), ("before=1", 422)]
)
def test_a_query_that_is_refused(proxy, query, status):
    with Live(proxy, path=f"/live?{query}") as live:
        assert live.status == status
        assert live.problem["status"] == status


def test_an_ordinary_get_is_told_to_upgrade(anyone):
    anyone.get("/live").expect(426, "upgrade_required")


def test_lists_in_the_headers_are_understood(proxy, user):
    replace = {"Connection": "keep-alive, UPGRADE", "Upgrade": "h2c, WebSocket"}
    headers = [("Sec-WebSocket-Protocol", f"chat ,  bearer.{user.client.token} , other")]
    with Live(proxy, replace=replace, headers=headers) as live:
        assert live.status == 101
        assert live.headers["sec-websocket-protocol"] == f"bearer.{user.client.token}"
        assert live.topic("ready")["data"] == {"user_id": user.id}


def test_pages_of_the_host_itself_are_welcome(proxy, user):
    origin = proxy.url
    with Live(proxy, user.client.token, headers=[("Origin", origin)]) as live:
        assert live.status == 101


# ---- tokens ----


def test_a_token_in_the_authorization(proxy, user):
    with Live(proxy, headers=[("Authorization", f"Bearer {user.client.token}")]) as live:
        assert live.status == 101
        assert "sec-websocket-protocol" not in live.headers
        assert live.topic("ready")["data"] == {"user_id": user.id}


def test_a_token_in_the_first_message(proxy, user):
    with Live(proxy) as live:
        assert live.status == 101
        live.say(token=user.client.token)
        assert live.topic("ready")["data"] == {"user_id": user.id}
        assert answers(live)


def test_a_token_in_a_message_that_comes_with_the_handshake(proxy, user):
    message = frame(TEXT, b'{"token": "%s"}' % user.client.token.encode())
    with Live(proxy, extra=message + frame(TEXT, SUBSCRIBE)) as live:
        assert live.error()["code"] == "project_not_found"
        live.say(subscribe={"project_id": 999998})
        assert live.error()["project_id"] == 999998


@pytest.mark.parametrize("message", [{"token": "nonsense"}, {"after": 1}, {"subscribe": {"project_id": 1}}, {}])
def test_a_first_message_without_a_good_token(proxy, message):
    with Live(proxy) as live:
        live.say(**message)
        assert live.closing() == 4401
        assert live.is_over()


def test_no_token_in_time(proxy):
    with Live(proxy) as live:
        assert live.closing() == 4401


def test_a_token_whose_user_is_gone(proxy):
    with Live(proxy, token_for(2**40)) as live:
        assert live.status == 101
        assert live.closing() == 4401


def test_the_end_of_a_token_ends_the_connection(proxy, user):
    with Live(proxy, token_for(user.id, exp=int(time.time()) + 2)) as live:
        live.topic("ready")
        assert live.closing() == 4401
        assert "expired" in live.reason


# ---- frames that are wrong ----

CLOSE_1000 = struct.pack(">H", 1000)
WRONG = {
    "unmasked": (frame(TEXT, b"{}", mask=None), 1002),
    "unmasked ping": (frame(PING, b"x", mask=None), 1002),
    "rsv1": (frame(TEXT, b"{}", rsv=4), 1002),
    "rsv2": (frame(TEXT, b"{}", rsv=2), 1002),
    "rsv3": (frame(TEXT, b"{}", rsv=1), 1002),
    "rsv1 on a ping": (frame(PING, b"", rsv=4), 1002),
    "opcode 3": (frame(3, b"x"), 1002),
    "opcode 7": (frame(7, b"x"), 1002),
    "opcode 11": (frame(11), 1002),
    "opcode 15": (frame(15), 1002),
    "a fragmented ping": (frame(PING, b"x", fin=False), 1002),
    "a fragmented close": (frame(CLOSE, CLOSE_1000, fin=False), 1002),
    "a long ping": (frame(PING, b"x" * 126), 1002),
    "a continuation of nothing": (frame(0, b"x"), 1002),
    "a message within a message": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    "a length of 2 bytes that fits 7 bits": (frame(TEXT, b"{}", length=2), 1002),
    "a length of 8 bytes that fits 2": (frame(TEXT, b"x" * 200, length=8), 1002),
    "a length beyond 63 bits": (b"\x81\xff" + b"\xff" * 8 + b"abcd" + b"x", 1002),
    "binary": (frame(BINARY, b"{}"), 1003),
    "binary in fragments": (frame(BINARY, b"{", fin=False) + frame(0, b"}"), 1003),
    "bytes that are no UTF-8": (frame(TEXT, b'{"a": "\xff"}'), 1007),
    "an overlong form": (frame(TEXT, b"\xc0\xaf"), 1007),
    "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "beyond Unicode": (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "half a character": (frame(TEXT, b"\xe2\x82"), 1007),
    "half a character, then another": (frame(TEXT, b"\xe2\x82", fin=False) + frame(0, b"a"), 1007),
    "too long": (frame(TEXT, b"x" * 4097), 1009),
    "too long in fragments": (frame(TEXT, b"x" * 4000, fin=False) + frame(0, b"x" * 97), 1009),
    "a huge length": (b"\x81\xff" + (2**40).to_bytes(8, "big") + b"abcd" + b"x" * 100, 1009),
    "closing with half a code": (frame(CLOSE, b"\x03"), 1002),
    "closing with 1005": (frame(CLOSE, struct.pack(">H", 1005)), 1002),
    "closing with 1006": (frame(CLOSE, struct.pack(">H", 1006)), 1002),
    "closing with 999": (frame(CLOSE, struct.pack(">H", 999)), 1002),
    "closing with 2000": (frame(CLOSE, struct.pack(">H", 2000)), 1002),
    "closing with a reason that is no UTF-8": (frame(CLOSE, CLOSE_1000 + b"\xff\xfe"), 1007),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("piece", [None, 1], ids=["at once", "byte by byte"])
def test_a_frame_that_breaks_the_protocol(live, name, piece):
    wrong, code = WRONG[name]
    try:
        for at in range(0, len(wrong), piece or len(wrong)):
            live.socket.sendall(wrong[at : at + (piece or len(wrong))])
    except (BrokenPipeError, ConnectionResetError):
        assert piece, "the server went before it could have read the frame"
    assert live.closing() == code
    assert live.is_over()


def test_after_a_fault_nothing_is_heard(proxy, live, user):
    """What follows a broken frame is dropped, and the close frame is the last word."""
    live.socket.sendall(frame(TEXT, b"{}", mask=None) + frame(PING, b"later") + frame(TEXT, SUBSCRIBE) * 100)
    heard = []
    with pytest.raises(Closed) as closed:
        while True:
            heard.append(live.frame_or_closed())
    assert closed.value.code == 1002
    assert all(opcode == TEXT and b"error" not in payload for opcode, payload in heard)


# ---- frames that are right ----


def test_a_message_byte_by_byte(live):
    for byte in frame(TEXT, SUBSCRIBE):
        live.socket.sendall(bytes([byte]))
    assert live.error()["project_id"] == 999999


def test_a_message_in_fragments_with_pings_between(live):
    live.send(TEXT, SUBSCRIBE[:5], fin=False)
    live.send(PING, b"one")
    assert live.pong() == b"one"
    live.send(0, b"", fin=False)
    live.send(0, SUBSCRIBE[5:9], fin=False)
    live.send(PING, b"two")
    assert live.pong() == b"two"
    live.send(0, SUBSCRIBE[9:])
    assert live.error()["code"] == "project_not_found"


def test_a_character_in_two_fragments(live):
    live.send(TEXT, b'{"\xe2', fin=False)
    live.send(0, b'\x82\xac": 1}')
    assert "€" in live.error()["detail"]


def test_the_longest_message(live):
    live.send(TEXT, SUBSCRIBE + b" " * (4096 - len(SUBSCRIBE)))
    assert live.error()["code"] == "project_not_found"


def test_many_frames_in_one_piece(live):
    live.socket.sendall(frame(PING, b"a") + frame(PONG, b"unasked") + frame(TEXT, SUBSCRIBE) + frame(PING, b"b" * 125))
    assert live.pong() == b"a"
    assert live.pong() == b"b" * 125
    assert live.error()["code"] == "project_not_found"


@pytest.mark.parametrize("payload, code", [(b"", 1005), (CLOSE_1000, 1000), (struct.pack(">H", 4999) + "ü".encode(), 4999)])
def test_closing_is_answered_with_the_same_code(live, payload, code):
    live.send(CLOSE, payload)
    assert live.closing() == code
    assert live.is_over()


def test_a_client_that_vanishes_is_noticed(proxy, user):
    live = Live(proxy, user.client.token)
    live.topic("ready")
    live.socket.shutdown(socket.SHUT_WR)
    assert live.is_over()
    live.socket.close()


def test_closing_in_the_middle_of_a_message(live):
    live.send(TEXT, b"{", fin=False)
    live.close()


# ---- messages that say nothing ----


@pytest.mark.parametrize(
    "message, code",
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"subscribe": 1, "subscribe": 2}', "malformed_json"),
        (b"[" * 2000, "malformed_json"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"{}", "unknown_message"),
        (b'{"hello": 1}', "unknown_field"),
        (b'{"subscribe": 7}', "invalid_type"),
        (b'{"subscribe": {"project_id": "7"}}', "invalid_type"),
        (b'{"subscribe": {"project_id": 0}}', "invalid_type"),
        (b'{"subscribe": {"project_id": 7, "more": 1}}', "invalid_type"),
        (b'{"subscribe": {"project_id": 99999999999999999999}}', "malformed_json"),
        (b'{"token": 7}', "invalid_type"),
        (b'{"after": "7"}', "invalid_type"),
        (b'{"after": 7}', "unknown_message"),
        (b'{"token": "x"}', "unknown_message"),
        (b'{"subscribe": {"project_id": 7}, "unsubscribe": {"project_id": 7}}', "unknown_message"),
    ],
)
def test_a_message_that_is_none(live, message, code):
    live.send(TEXT, message)
    assert live.error()["code"] == code
    assert answers(live)


def test_who_never_makes_sense_is_closed(live):
    for _ in range(21):
        live.send(TEXT, b"{}")
    for _ in range(20):
        assert live.error()["code"] == "unknown_message"
    assert live.closing() == 1008


def test_a_handshake_in_pieces(proxy, user):
    """The head drips in; the connection lives on the loop all the same."""
    head = handshake(int(proxy.settings["PORT"]), headers=[("Authorization", f"Bearer {user.client.token}")])
    with socket.create_connection(("127.0.0.1", int(proxy.settings["PORT"])), timeout=20) as raw:
        for at in range(0, len(head), 50):
            raw.sendall(head[at : at + 50])
        answer = b""
        while b"ready" not in answer:
            answer += raw.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101")
