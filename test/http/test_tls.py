"""HTTPS and wss://: versions, certificates and their renewal."""

import hashlib
import os
import signal
import socket
import ssl
import struct
import threading
import time
from pathlib import Path

import pytest
import requests
from conftest import sign_up
from harness import Live, Proxy, eventually
from harness.certificates import make_certificate, put_in_place
from harness.wire import Wire, request, smuggled

pytestmark = pytest.mark.raw


@pytest.fixture(scope="module")
def other_certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("other"), "other")


@pytest.fixture(scope="module")
def secure(postgres, tmp_path_factory):
    directory = tmp_path_factory.mktemp("secure")
    certificate, key = make_certificate(directory)
    proxy = Proxy(directory / "proxy", **postgres.proxy_settings(), TLS_CERT=certificate, TLS_KEY=key)
    try:
        yield proxy.start()
    finally:
        proxy.stop()


def fingerprint(proxy):
    """Of the certificate that a new connection gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", int(proxy.settings["PORT"])), timeout=20) as plain:
        with context.wrap_socket(plain) as secured:
            return hashlib.sha256(secured.getpeercert(True)).hexdigest()


def file_fingerprint(certificate):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


def test_the_api_works_over_tls(secure):
    user = sign_up(secure)
    project = user.project()
    user.stop(user.start(project)["entry_id"])
    answer = user.get("/users/me")
    assert answer.status == 200 and answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert secure.client().get("/nowhere").headers["Strict-Transport-Security"]


def test_without_tls_there_is_no_hsts(anyone):
    assert "Strict-Transport-Security" not in anyone.get("/healthz").headers


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version, good", [
    (ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False),
    (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True),
])
def test_only_tls_1_2_and_1_3_are_spoken(secure, version, good):
    context = secure.context
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", int(secure.settings["PORT"])), timeout=20) as plain:
        if good:
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                assert secured.version() == version.name.replace("TLSv1_", "TLSv1.")
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"])
def test_weak_ciphers_are_refused(secure, ciphers):
    context = secure.context
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", int(secure.settings["PORT"])), timeout=20) as plain:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(plain, server_hostname="localhost")


def test_http_1_1_is_agreed_on(secure):
    context = secure.context
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", int(secure.settings["PORT"])), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secured:
            assert secured.selected_alpn_protocol() == "http/1.1"


def test_plain_http_gets_nowhere(secure):
    with socket.create_connection(("127.0.0.1", int(secure.settings["PORT"])), timeout=20) as plain:
        plain.sendall(request())
        try:
            assert not plain.recv(65536).startswith(b"HTTP/")
        except ConnectionResetError:
            pass
    assert secure.client().get("/healthz").status == 200


REFUSED = {
    400: b"GET /healthz HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n",
    505: b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n",
    414: request(target="/" + "x" * 100_000),
    431: request(headers=("X-A: " + "b" * 20_000,)),
    413: request("POST", "/auth/login", headers=("Content-Type: application/json",), body=b"x" * 3_000_000),
}


@pytest.mark.parametrize("status", REFUSED)
def test_refusals_are_read_over_tls_too(secure, status):
    with Wire(secure) as wire:
        found = wire.send(REFUSED[status] + smuggled()).responses()
    assert [one.status for one in found] == [status] and found[0].json["status"] == status


def test_long_answers_are_whole(secure):
    for _ in range(5):
        assert secure.client().get("/openapi.json").expect(200)["openapi"].startswith("3.1")


def test_a_websocket_over_tls_tells_and_hears(secure):
    user = sign_up(secure)
    with Live(secure, user.client.token) as live:
        live.topic("ready")
        project = user.project()
        live.topic("project_created")
        live.say(subscribe={"project_id": project})
        assert live.topic("subscribed")["data"]["project_id"] == project
        live.send(9, b"are you there")
        assert live.pong() == b"are you there"
        live.close()


def test_many_messages_go_through(secure):
    user = sign_up(secure)
    project = user.project()
    with Live(secure, user.client.token) as live:
        live.topic("ready")
        entries = [user.stop(user.start(project)["entry_id"])["entry_id"] for _ in range(30)]
        told = set()
        while told != set(entries):
            told.add(live.topic("time_entry_completed")["data"]["entry_id"])


def sockets(proxy):
    """How many connections the proxy has on its port, and ends of pairs of sockets."""
    port = f":{int(proxy.settings['PORT']):04X}"
    own = set()
    for fd in os.listdir(f"/proc/{proxy.pid}/fd"):
        try:
            own.add(os.readlink(f"/proc/{proxy.pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    tcp = [line.split() for line in Path(f"/proc/{proxy.pid}/net/tcp").read_text().splitlines()[1:]]
    pairs = [line.split() for line in Path(f"/proc/{proxy.pid}/net/unix").read_text().splitlines()[1:]]
    return sum(f"socket:[{line[9]}]" in own for line in tcp if line[3] != "0A" and line[1].endswith(port)) + sum(
        f"socket:[{line[6]}]" in own for line in pairs if len(line) == 7 and line[5] != "01")


@pytest.mark.parametrize("how", ["close", "vanish", "reset", "half"])
def test_a_websocket_that_ends_leaves_nothing_behind(secure, how):
    idle = sockets(secure)
    user = sign_up(secure)
    user.get("/users/me").expect(200)
    for _ in range(10):
        live = Live(secure, user.client.token)
        live.topic("ready")
        if how == "close":
            live.close()
        elif how == "reset":
            live.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "half":
            socket.socket.shutdown(live.socket, socket.SHUT_WR)
            assert live.is_over()
        live.socket.close()
    user.client.session.close()
    eventually(lambda: sockets(secure) <= idle, what="descriptors are given back")


def test_a_bad_token_closes_a_websocket_over_tls(secure):
    with Live(secure) as live:
        live.say(token="nonsense")
        assert live.closing() == 4401


def test_a_renewed_certificate_is_used_and_connections_go_on(secure, other_certificate):
    user = sign_up(secure)
    old = fingerprint(secure)
    kept = user.client.session
    user.get("/users/me").expect(200)
    with Live(secure, user.client.token) as live, Wire(secure) as wire:
        live.topic("ready")
        own = [Path(secure.settings[name]).read_bytes() for name in ("TLS_CERT", "TLS_KEY")]
        put_in_place(*other_certificate, secure.settings)
        assert fingerprint(secure) == old
        secure.popen.send_signal(signal.SIGHUP)
        secure.popen.send_signal(signal.SIGHUP)
        new = file_fingerprint(other_certificate[0])
        eventually(lambda: all(fingerprint(secure) == new for _ in range(8)), what="the new certificate")
        assert wire.send(request()).response().status == 200
        assert kept.get(f"{secure.url}/users/me", headers={"Authorization": f"Bearer {user.client.token}"}).status_code == 200
        user.project()
        live.topic("project_created")
        live.close()
    for path, content in zip((secure.settings["TLS_CERT"], secure.settings["TLS_KEY"]), own):
        with open(path, "wb") as file:
            file.write(content)
    secure.popen.send_signal(signal.SIGHUP)
    eventually(lambda: all(fingerprint(secure) == old for _ in range(8)), what="the old certificate")


def test_a_bad_certificate_at_reload_changes_nothing(secure):
    old = fingerprint(secure)
    with open(secure.settings["TLS_KEY"], "r+") as file:
        content = file.read()
        file.seek(0)
        file.truncate()
        secure.popen.send_signal(signal.SIGHUP)
        eventually(lambda: '"reload_failed"' in secure.log.read_text(), what="a line in the log")
        assert fingerprint(secure) == old
        file.write(content)
    line = next(line for line in secure.log.read_text().splitlines() if "reload_failed" in line)
    assert "TLS_KEY" in line and "BEGIN" not in line


def test_no_request_fails_while_certificates_are_renewed(secure):
    """Twenty renewals under load, over kept and over new connections."""
    stop = threading.Event()
    failures, done = [], []

    def load(keeps):
        session = requests.Session()
        session.trust_env = False
        while not stop.is_set():
            if not keeps:
                session.close()
            try:
                status = session.get(f"{secure.url}/badges", verify=secure.settings["TLS_CERT"], timeout=20).status_code
                done.append(status)
                if status != 200:
                    failures.append(status)
            except requests.RequestException as error:
                failures.append(error)

    threads = [threading.Thread(target=load, args=(i % 2 == 0,)) for i in range(4)]
    for thread in threads:
        thread.start()
    began = secure.log.read_text().count('"reloaded"')
    for i in range(1, 21):
        secure.popen.send_signal(signal.SIGHUP)
        eventually(lambda: secure.log.read_text().count('"reloaded"') >= began + i, what="a reload")
        so_far = len(done)
        eventually(lambda: len(done) > so_far + 4, what="more answers")
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == [] and len(done) > 100


def test_it_ends_gracefully_with_tls_connections_open(postgres, tmp_path):
    certificate, key = make_certificate(tmp_path, key="rsa")
    proxy = Proxy(tmp_path / "p", **postgres.proxy_settings(), TLS_CERT=certificate, TLS_KEY=key).start()
    user = sign_up(proxy)
    idle = socket.create_connection(("127.0.0.1", int(proxy.settings["PORT"])))
    with Live(proxy, user.client.token) as live, Wire(proxy) as wire:
        live.topic("ready")
        wire.send(request())
        assert wire.response().status == 200
        proxy.popen.send_signal(signal.SIGHUP)
        proxy.popen.send_signal(signal.SIGTERM)
        assert live.closing() == 1001
        live.is_over()
    idle.close()
    began = time.monotonic()
    proxy.stop()
    assert time.monotonic() - began < 20


def break_cert(directory, how):
    good, key = make_certificate(directory)
    other, other_key = make_certificate(directory, "other", key="rsa")
    empty = directory / "empty"
    empty.write_text("")
    binary = directory / "binary"
    binary.write_bytes(b"\0\1\2" * 100)
    return {
        "no certificate": (directory / "nowhere.pem", key, "TLS_CERT"),
        "no key": (good, directory / "nowhere.key", "TLS_KEY"),
        "empty certificate": (empty, key, "TLS_CERT"),
        "empty key": (good, empty, "TLS_KEY"),
        "binary certificate": (binary, key, "TLS_CERT"),
        "binary key": (good, binary, "TLS_KEY"),
        "a directory": (directory, key, "TLS_CERT"),
        "another's key": (good, other_key, "TLS_KEY"),
        "key for certificate": (key, key, "TLS_CERT"),
        "certificate for key": (good, good, "TLS_KEY"),
        "only a certificate": (good, "", "TLS_KEY"),
        "only a key": ("", key, "TLS_CERT"),
    }[how]


@pytest.mark.parametrize("arguments", [[], ["--check"]])
@pytest.mark.parametrize("how", [
    "no certificate", "no key", "empty certificate", "empty key", "binary certificate", "binary key", "a directory",
    "another's key", "key for certificate", "certificate for key", "only a certificate", "only a key"])
def test_a_bad_certificate_stops_the_start_and_names_the_setting(postgres, tmp_path, how, arguments):
    certificate, key, setting = break_cert(tmp_path, how)
    proxy = Proxy(tmp_path / "p", **postgres.proxy_settings(), TLS_CERT=certificate, TLS_KEY=key)
    status, output = proxy.run_to_end(*arguments)
    assert status == 1 and len(output.splitlines()) == 1 and output.startswith(f"{setting}: ")


def test_an_expired_certificate_is_told(postgres, tmp_path):
    certificate, key = make_certificate(tmp_path, expired=True)
    proxy = Proxy(tmp_path / "p", **postgres.proxy_settings(), TLS_CERT=certificate, TLS_KEY=key)
    status, output = proxy.run_to_end("--check")
    assert status == 1 and "expired" in output


def test_a_good_certificate_passes_the_check(postgres, tmp_path):
    certificate, key = make_certificate(tmp_path, key="rsa")
    proxy = Proxy(tmp_path / "p", **postgres.proxy_settings(), TLS_CERT=certificate, TLS_KEY=key)
    assert proxy.run_to_end("--check") == (0, "ok\n")


def test_sighup_without_tls_harms_nobody(postgres, tmp_path):
    proxy = Proxy(tmp_path / "p", **postgres.proxy_settings()).start()
    proxy.popen.send_signal(signal.SIGHUP)
    eventually(lambda: '"reload_failed"' in proxy.log.read_text(), what="a line in the log")
    assert proxy.client().get("/healthz").status == 200
    proxy.stop()
