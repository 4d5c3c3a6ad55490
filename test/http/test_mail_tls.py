"""The way to the mail server: by TLS with a certificate that is looked at, or by none; and what a
password is told to."""

import base64
import contextlib
import shutil
from urllib.parse import quote

import pytest
from conftest import sign_up
from harness import Mailbox, eventually, free_port
from harness.certificates import OWN_NAMES, make_certificate
from harness.metrics import scrape
from harness.stage import Stage

pytestmark = pytest.mark.raw  # proxies of its own, that no Prism stands in front of

USER, PASSWORD = "post", "hunter2&hunter2/é"
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"
SUBJECT = "Reset your password"
# no name of this machine's that the proxy knows, but an address of it
ELSEWHERE = "2130706433"


class Certificates:
    """Of an authority that is trusted, of another one, and servers' by them."""

    def __init__(self, directory):
        self.directory = directory
        self.authority = self.make("authority", is_authority=True)
        self.other = self.make("other", is_authority=True)
        self.good = self.make("good", by=self.authority)
        self.bad = {
            "unknown": self.make("unknown", by=self.other),
            "misnamed": self.make("misnamed", by=self.authority, names="DNS:mail.example.com,IP:192.0.2.1"),
            "expired": self.make("expired", by=self.authority, expired=True),
            "its own": self.make("own"),
        }

    def make(self, name, names=OWN_NAMES, **options):
        folder = self.directory / name
        folder.mkdir()
        return make_certificate(folder, name, names=names, **options)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def posting(postgres, tmp_path_factory):
    stage = Stage(postgres, tmp_path_factory.mktemp("posting"))
    try:
        yield stage
    finally:
        stage.end()


@contextlib.contextmanager
def server(**options):
    mailbox = Mailbox(**options)
    try:
        yield mailbox
    finally:
        mailbox.stop()


class Sending:
    """A proxy that sends mails to an address, and somebody who has just asked for one."""

    def __init__(self, stage, url, **settings):
        self.stage = stage
        self.address = f"127.0.0.1:{free_port()}"
        self.proxy = stage.proxy(
            redis=False, SMTP_URL=url, MAIL_FROM="a@b.example", PUBLIC_URL="https://api.example",
            PASSWORD_RESET_URL="https://app.example/r?t={token}&x=1", METRICS_LISTEN=self.address, LOG_LEVEL="debug", **settings)
        self.ann = sign_up(self.proxy)
        self.ann.post("/auth/password/forgot", {"email": self.ann.email}).expect(202)

    def row(self):
        """status, attempts and last_error; None while there is none."""
        rows = self.stage.query("SELECT status, attempts, last_error FROM timetrackr.mails WHERE user_id = %s", self.ann.id)
        return rows[0] if rows else None

    def fails(self, attempts=1):
        """The error that it fails with, as the database has it; the log has it, too, and the metrics have counted it."""
        row = eventually(lambda: (row := self.row()) and row[:2] == ("pending", attempts) and row, 30, f"failure {attempts}")
        eventually(lambda: self.failures("connection") == attempts, what="the metric")
        assert self.failures("refusal") == 0
        assert row[2] and row[2] in self.proxy.log.read_text()
        return row[2]

    def failures(self, cause):
        return scrape(self.address).sum("timetrackr_mail_failures_total", cause=cause)

    def arrives(self, mailbox):
        """The mail, once what was wrong is mended."""
        self.stage.query("UPDATE timetrackr.mails SET run_at = now() WHERE status = 'pending'")
        self.stage.query("NOTIFY timetrackr_outbound")
        (mail,) = eventually(lambda: mailbox.to(self.ann.email), what="the mail")
        assert mail["Subject"] == SUBJECT
        eventually(lambda: self.row()[0] == "sent", what="the note")
        return mail

    def keeps_secrets(self):
        told = [self.proxy.log.read_text(), scrape(self.address).text, str(self.row())]
        forms = [PASSWORD, quote(PASSWORD, safe=""), base64.b64encode(PASSWORD.encode()).decode(),
                 base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()]
        assert not [form for form in forms for text in told if form in text]


@contextlib.contextmanager
def sending(stage, url, **settings):
    sender = Sending(stage, url, **settings)
    try:
        yield sender
        sender.keeps_secrets()
    finally:
        sender.proxy.stop()


def heard_nothing(mailbox):
    """Without TLS neither a password nor anything of a mail."""
    words = {line.split()[0].upper() for line in mailbox.heard_plain.decode().splitlines()}
    assert words <= {"EHLO", "HELO", "STARTTLS", "QUIT"}, mailbox.heard_plain


WAYS = [("smtps", True), ("smtp+starttls", False), ("smtp", False)]


@pytest.mark.parametrize("scheme, implicit", WAYS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_password_and_a_mail_go_by_tls(posting, certificates, scheme, implicit, host):
    with server(certificate=certificates.good, implicit=implicit, account=(USER, PASSWORD)) as mailbox, sending(
            posting, mailbox.url(scheme, LOGIN, host), SMTP_CA_FILE=certificates.authority[0]) as sender:
        mail = sender.arrives(mailbox)
        assert mail.by_tls and mail.account == USER
        heard_nothing(mailbox)
        assert sender.failures("connection") == sender.failures("refusal") == 0


@pytest.mark.parametrize("scheme, implicit", WAYS[:2])
@pytest.mark.parametrize("fault, why", [("unknown", "certificate"), ("misnamed", "match"), ("expired", "expired"), ("its own", "certificate")])
def test_a_wrong_certificate_gets_nothing_and_a_right_one_gets_it_later(posting, certificates, scheme, implicit, fault, why):
    with server(certificate=certificates.bad[fault], implicit=implicit, account=(USER, PASSWORD)) as mailbox, sending(
            posting, mailbox.url(scheme, LOGIN), SMTP_CA_FILE=certificates.authority[0]) as sender:
        assert why in sender.fails()
        assert mailbox.mails == []
        heard_nothing(mailbox)
        assert not any(command.upper().startswith(("AUTH", "MAIL")) for command in mailbox.commands)
        mailbox.certificate = certificates.good
        assert sender.arrives(mailbox).by_tls


def test_the_authorities_are_the_systems_unless_a_file_names_others(posting, certificates):
    with server(certificate=certificates.good, account=(USER, PASSWORD)) as mailbox, sending(
            posting, mailbox.url("smtp", LOGIN)) as sender:
        assert "certificate" in sender.fails()
        assert mailbox.mails == []
        heard_nothing(mailbox)


def test_a_new_file_of_authorities_holds_without_a_restart(posting, certificates, tmp_path):
    file = tmp_path / "authorities.pem"
    shutil.copyfile(certificates.other[0], file)
    file.chmod(0o644)
    with server(certificate=certificates.good, account=(USER, PASSWORD)) as mailbox, sending(
            posting, mailbox.url("smtp", LOGIN), SMTP_CA_FILE=file) as sender:
        assert "certificate" in sender.fails()
        shutil.copyfile(certificates.authority[0], file)
        assert sender.arrives(mailbox).by_tls


@pytest.mark.parametrize("scheme, login, host", [
    ("smtp+starttls", "", "127.0.0.1"), ("smtp+starttls", LOGIN, "127.0.0.1"), ("smtp", LOGIN, "localhost"), ("smtp", "", ELSEWHERE)])
def test_a_server_without_starttls_is_told_nothing(posting, certificates, scheme, login, host):
    with server(extensions=("AUTH PLAIN LOGIN",)) as mailbox, sending(posting, mailbox.url(scheme, login, host)) as sender:
        assert sender.fails()
        assert mailbox.mails == []
        heard_nothing(mailbox)


def test_a_server_that_declines_starttls_is_told_nothing(posting, certificates):
    with server(certificate=certificates.good) as mailbox:
        mailbox.replies["STARTTLS"] = ["454 not now"]
        with sending(posting, mailbox.url("smtp+starttls"), SMTP_CA_FILE=certificates.authority[0]) as sender:
            assert sender.fails()
            assert mailbox.mails == []
            heard_nothing(mailbox)
            assert sender.arrives(mailbox).by_tls


@pytest.mark.parametrize("scheme, host", [("smtp", "127.0.0.1"), ("smtp", "localhost"), ("smtp+plain", ELSEWHERE)])
def test_plain_it_goes_to_this_machine_or_where_one_says_so(posting, scheme, host):
    with server() as mailbox, sending(posting, mailbox.url(scheme, host=host)) as sender:
        assert not sender.arrives(mailbox).by_tls


def test_a_wrong_password_is_no_fault_of_the_mail(posting, certificates):
    with server(certificate=certificates.good, implicit=True, account=(USER, "another")) as mailbox, sending(
            posting, mailbox.url("smtps", LOGIN), SMTP_CA_FILE=certificates.authority[0]) as sender:
        assert sender.fails()
        assert mailbox.mails == []
        mailbox.account = (USER, PASSWORD)
        assert sender.arrives(mailbox).account == USER
