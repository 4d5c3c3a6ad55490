"""Starting the proxy: a wrong setting, or a database that is not ready, stops
it with one line that says what to do."""

import base64
import socket

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from harness import Proxy, free_port
from harness.tokens import EcKey, RsaKey, private_pem, public_pem

WRONG = {
    "ACCESS_TOKEN_TTL": ["0", "soon"],
    "API_DOCS_ROOT": ["/no/such/folder"],
    "AUTH_RATE_LIMIT_PER_MINUTE": ["-1", "many"],
    "BADGES_ROOT": ["/no/such/folder"],
    "CACHE_BYTES": ["-1", "lots"],
    "CLOUDINARY_API_KEY": ["two words", "alone"],
    "CLOUDINARY_API_SECRET": ["two words", "alone"],
    "CLOUDINARY_CLOUD_NAME": ["two words", "a/b", "alone", "x" * 101],
    "CLOUDINARY_NOTIFICATION_URL": ["ftp://a.example", "https://a.example/?x=1", "https://a.example/a&b", "https://alone.example/"],
    "CLOUDINARY_SIGNATURE_ALGORITHM": ["md5", "SHA1"],
    "CONNECTIONS_PER_ADDRESS": ["-1", "many"],
    "DATABASE_READ_URL": ["mysql://127.0.0.1/x", "postgresql://" + ",".join(["127.0.0.1"] * 9) + "/x"],
    "DATABASE_URL": ["", "mysql://127.0.0.1/x", "host=127.0.0.1,127.0.0.2,127.0.0.3 port=5432,5433"],
    "EVENT_DATABASE_URLS": ["mysql://127.0.0.1/x", "postgresql://127.0.0.1/x  mysql://127.0.0.1/x", " postgresql://alone.example/x "],
    "FRONTEND_URL": ["nonsense", "https://a.example/path"],
    "HOST": ["no such host", "unix:relative", "unix:/nowhere/at/all/socket"],
    "JWT_AUDIENCE": ["two words", "x" * 501, "alone"],
    "JWT_ISSUER": ["two words", "https://id.example/\u00fc", "https://alone.example"],
    "JWT_PUBLIC_KEY_FILE": ["/nowhere/key.pem", "/dev/null", "/"],
    "JWT_SECRET": ["", "x" * 31, "-----BEGIN PUBLIC KEY-----" + "x" * 40],
    "JWT_SECRET_PREVIOUS": ["x", "x" * 31, "x" * 4097],
    "LIVE_CONNECTIONS": ["-1", "many"],
    "LIVE_CONNECTIONS_PER_USER": ["0", "all"],
    "LIVE_PING_SECONDS": ["0", "often"],
    "LOG_LEVEL": ["loud"],
    "MAIL_FROM": ["nobody", "@x.example", "a@", "A <a@b.example", "A <a@b.example> x", "\"A\" <a@b.example>", "ä@b.example"],
    "MAX_BODY_BYTES": ["1", "all"],
    "MAX_IMPORT_BYTES": ["1", "all"],
    "METRICS_LISTEN": ["9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", ":9464", "::1:9464", "[::1]", "[]:1",
                       "localhost:9464", "1.2.3:9464", "[::g]:9464", "203.0.113.9:9464"],
    "PASSWORD_RESET_URL": ["/reset/{token}", "https://app.example/reset", "https://app.example/{token}/{token}", "ftp://x/{token}"],
    "PORT": ["abc", "70000", "-1"],
    "PUBLIC_URL": ["api.example.com", "https://", "https://api.example.com/?x", "https://api.example.com/#x"],
    "RATE_LIMIT_PER_MINUTE": ["-1", "1e9"],
    "READ_WAIT_MS": ["0", "5001", "long"],
    "REDIS_CHECK_RATE": ["-1", "slow"],
    "REDIS_URL": ["http://127.0.0.1", "redis://127.0.0.1:x", "rediss://127.0.0.1", "redis+sentinel://127.0.0.1"],
    "EVENT_TTL": ["0", "hour"],
    "REFRESH_TOKEN_TTL": ["0", "month"],
    "SENTRY_DSN": ["nonsense", "https://host/1", "ftp://key@host/1", "https://key@host", "https://key@host:x/1"],
    "SENTRY_ENVIRONMENT": ["a/b", "two words", "none", "x" * 65],
    "SLOW_QUERY_MS": ["-1", "slow"],
    "SMTP_CA_FILE": ["/nowhere/ca.pem", "/dev/null", "/", "/etc/hosts"],
    "SMTP_URL": ["smtp+plain://me:secret@mail.example.com", "smtp+ssl://mail.example.com", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://:25", "smtp://me:secret@", "smtp://mail.example.com/x", "smtp://two words"],
    "TRUST_PROXY": ["maybe", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8,"],
    "WEBHOOKS_ALLOW_PRIVATE": ["yes", "10.0.0.0/8"],
    "WEB_ROOT": ["/no/such/folder"],
    "WORKERS": ["-1", "many"],
    "WRITE_BATCH": ["-1", "257", "all"],
}


@pytest.fixture
def settings(postgres, tmp_path):
    """A proxy whose settings are right but for those given."""

    def make(**changes):
        return Proxy(tmp_path, **{"DATABASE_URL": postgres.proxy_url(), **changes})

    return make


def only_line(output):
    lines = output.strip().splitlines()
    assert len(lines) == 1, output
    return lines[0]


@pytest.mark.parametrize("name, value", [(name, value) for name in WRONG for value in WRONG[name]])
def test_a_wrong_setting_stops_the_start_and_is_named(settings, name, value):
    for arguments in ([], ["--check"]):
        status, output = settings(**{name: value}).run_to_end(*arguments)
        assert status not in (0, None) and status > 0
        assert name in only_line(output)


@pytest.mark.parametrize("name", ["DATABASE_URL", "JWT_SECRET"])
def test_a_missing_setting_is_named(settings, name):
    proxy = settings()
    del proxy.settings[name]
    status, output = proxy.run_to_end()
    assert status > 0 and name in only_line(output)


def pem(label, data=b"x" * 90):
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n".encode()


@pytest.fixture(scope="module")
def key_files():
    """Contents of key files that are of no use, by what the reason must mention."""
    good = public_pem(EcKey())
    return {
        "PUBLIC KEY": [b"", b"nonsense", private_pem(EcKey()), good + private_pem(EcKey()), pem("CERTIFICATE"), pem("RSA PUBLIC KEY")],
        "key 1": [public_pem(RsaKey(1024)), public_pem(EcKey(ec.SECP384R1())), public_pem(EcKey(ec.SECP256K1())), pem("PUBLIC KEY")],
        "key 2": [good + public_pem(RsaKey(1024))],
        "damaged": [good + good[:60], good + good.replace(b"END", b"ENDE")],
        "more than": [good * 9],
    }


def test_a_key_file_that_is_of_no_use_stops_the_start(settings, key_files, tmp_path):
    file = tmp_path / "keys.pem"
    for reason, contents in key_files.items():
        for content in contents:
            file.write_bytes(content)
            status, output = settings(JWT_PUBLIC_KEY_FILE=file, JWT_ISSUER="x").run_to_end("--check")
            assert status > 0, content
            line = only_line(output)
            assert line.startswith("timetrackr-proxy: JWT_PUBLIC_KEY_FILE:") or "JWT_PUBLIC_KEY_FILE:" in line
            assert reason in line and "PRIVATE KEY-----" not in line, (line, content)


def test_key_files_that_are_good(settings, tmp_path):
    file = tmp_path / "keys.pem"
    for content in (public_pem(RsaKey()), public_pem(EcKey()) * 8, b"a comment\n" + public_pem(RsaKey(3072)) + b"\n\nanother\n"):
        file.write_bytes(content)
        assert settings(JWT_PUBLIC_KEY_FILE=file, JWT_ISSUER="x", JWT_AUDIENCE="y").run_to_end("--check") == (0, "ok\n")
    status, output = settings(JWT_PUBLIC_KEY_FILE=file).run_to_end("--check")
    assert status > 0 and "JWT_ISSUER" in only_line(output)


def test_a_secret_is_never_shown(settings, postgres):
    status, output = settings(JWT_SECRET="tooshort", PORT="x").run_to_end()
    assert status > 0 and "tooshort" not in output
    status, output = settings(DATABASE_URL=postgres.proxy_url("no_such_database")).run_to_end()
    assert status > 0 and postgres.password not in output


def test_check_misses_a_standby(settings, postgres):
    nowhere = postgres.proxy_url().replace(f":{postgres.port}/", f":{free_port()}/")
    status, output = settings(DATABASE_READ_URL=nowhere).run_to_end("--check")
    assert status > 0 and "DATABASE_READ_URL" in only_line(output)


def test_check_accepts_what_is_right_and_ends(settings):
    status, _ = settings().run_to_end("--check")
    assert status == 0


def test_a_dot_env_file_is_read_and_the_environment_wins(settings, tmp_path):
    proxy = settings()
    (tmp_path / ".env").write_text("# comment\nexport LOG_LEVEL='loud'\n")
    status, output = proxy.run_to_end()
    assert status > 0 and "LOG_LEVEL" in only_line(output)
    proxy.settings["LOG_LEVEL"] = "warn"
    assert proxy.run_to_end("--check")[0] == 0


def test_a_database_without_the_extension(settings, postgres):
    postgres.create_database("bare")
    status, output = settings(DATABASE_URL=postgres.proxy_url("bare")).run_to_end()
    assert status > 0
    assert "CREATE EXTENSION timetrackr" in only_line(output)


def test_a_database_without_the_tables(settings, postgres):
    postgres.create_database("uninstalled")
    with postgres.connect("uninstalled") as connection:
        connection.execute("CREATE EXTENSION timetrackr CASCADE")
        connection.execute("GRANT USAGE ON SCHEMA timetrackr TO proxy_login")
    status, output = settings(DATABASE_URL=postgres.proxy_url("uninstalled")).run_to_end()
    assert status > 0
    assert "timetrackr.install()" in only_line(output)


def test_a_role_without_the_grants(settings, postgres):
    postgres.install("ungranted")
    with postgres.connect("ungranted") as connection:
        connection.execute("CREATE ROLE stranger LOGIN PASSWORD %s" % f"'{postgres.password}'")
    status, output = settings(DATABASE_URL=postgres.url("ungranted", "stranger")).run_to_end()
    assert status > 0
    assert "timetrackr.grant_api" in only_line(output)


def test_a_taken_port_is_named(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, output = settings(PORT=port).run_to_end()
    assert status > 0 and "PORT" in only_line(output)


def test_it_ends_by_itself_when_asked_to(settings):
    proxy = settings().start()
    assert proxy.client().get("/healthz").status == 200
    proxy.stop()
