"""A mail server on loopback that keeps what it is given. It takes nothing that RFC 5321 forbids to
send, and answers a command with whatever it was told instead of its own reply. With a certificate it speaks TLS."""

import base64
import email
import email.policy
import socketserver
import ssl
import threading


class Mail:
    """A mail as it came: envelope, whether by TLS, who had logged in, and the message, parsed strictly."""

    def __init__(self, sender, recipients, data, by_tls, account):
        self.sender = sender
        self.recipients = recipients
        self.data = data
        self.by_tls = by_tls
        self.account = account
        self.message = email.message_from_bytes(data, policy=email.policy.SMTP.clone(raise_on_defect=True))

    def __getitem__(self, header):
        """A header's value; None when there is none. Never is there a second one."""
        values = self.message.get_all(header, [])
        assert len(values) < 2, values
        return values[0] if values else None

    @property
    def text(self):
        return self.message.get_body(("plain",)).get_content()

    @property
    def html(self):
        return self.message.get_body(("html",)).get_content()


class Mailbox:
    """replies: by command (MAIL, RCPT, DATA, END, STARTTLS) a list of replies that go before the usual ones.
    certificate: the paths of one and its key, for STARTTLS, or for TLS from the first byte on (implicit); it may be replaced.
    account: the (user, password) without which nothing is taken. heard_plain is whatever came without TLS."""

    def __init__(self, extensions=(), certificate=None, implicit=False, account=None):
        self.mails = []
        self.commands = []
        self.heard_plain = b""
        self.replies = {}
        self.certificate = certificate
        self.implicit = implicit
        self.account = account
        mailbox = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.by_tls, self.account = False, None
                try:
                    if implicit:
                        self.begin_tls()
                    self.converse()
                except (ConnectionError, ssl.SSLError):
                    pass  # the client has gone, or does not like the certificate

            def begin_tls(self):
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*mailbox.certificate)
                self.connection = context.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb", buffering=0)
                self.by_tls = True

            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")

            def reply(self, command, usual):
                waiting = mailbox.replies.get(command, [])
                line = waiting.pop(0) if waiting else usual
                self.say(line)
                return line.startswith(("2", "3"))

            def hear(self):
                line = self.rfile.readline(2000)
                assert line == b"" or line.endswith(b"\r\n"), line
                if not self.by_tls:
                    mailbox.heard_plain += line
                return line

            def greet(self):
                for extension in extensions:
                    self.say(f"250-{extension}")
                if mailbox.certificate and not self.by_tls:
                    self.say("250-STARTTLS")
                if mailbox.account and self.by_tls:
                    self.say("250-AUTH PLAIN LOGIN")
                self.say("250 8BITMIME")

            def log_in(self, words):
                """AUTH PLAIN or LOGIN, with the first answer in the command or not."""
                given = words[2] if len(words) > 2 else self.ask("")
                if words[1].upper() == "LOGIN":
                    account = (self.decode(given), self.decode(self.ask("UGFzc3dvcmQ6")))
                else:
                    account = tuple(self.decode(given).split("\0")[1:])
                self.account = account[0] if account == mailbox.account else None
                self.say("235 welcome" if self.account else "535 no")

            def ask(self, words):
                self.say(f"334 {words}")
                return self.hear().decode().strip()

            @staticmethod
            def decode(text):
                return base64.b64decode(text).decode()

            def converse(self):
                sender, recipients = None, []
                self.say("220 sink")
                while line := self.hear():
                    mailbox.commands.append(line.decode().strip())
                    command = line.decode().upper()
                    if command.startswith("EHLO"):
                        self.greet()
                    elif command.startswith("STARTTLS") and mailbox.certificate:
                        if self.reply("STARTTLS", "220 go on"):
                            self.begin_tls()
                    elif command.startswith("AUTH ") and mailbox.account:
                        self.log_in(line.decode().split())
                    elif mailbox.account and not self.account and command.startswith(("MAIL", "RCPT", "DATA")):
                        self.say("530 log in first")
                    elif command.startswith("MAIL FROM:"):
                        if self.reply("MAIL", "250 ok"):
                            sender = line.decode()[10:].split(">")[0].strip(" <")
                    elif command.startswith("RCPT TO:"):
                        if self.reply("RCPT", "250 ok"):
                            recipients.append(line.decode()[8:].strip().strip("<>"))
                    elif command.startswith("DATA"):
                        if self.reply("DATA", "354 go on"):
                            data = self.data()
                            if self.reply("END", "250 taken"):
                                mailbox.mails.append(Mail(sender, recipients, data, self.by_tls, self.account))
                        sender, recipients = None, []
                    elif command.startswith("RSET"):
                        sender, recipients = None, []
                        self.say("250 ok")
                    elif command.startswith("QUIT"):
                        self.say("221 bye")
                        return
                    else:
                        self.say("502 what?")

            def data(self):
                lines = []
                while (line := self.hear()) != b".\r\n":
                    assert line, "the connection ended within a mail"
                    assert len(line) <= 1000, line
                    assert b"\r" not in line[:-2] and b"\n" not in line[:-2] and b"\0" not in line, line
                    lines.append(line.removeprefix(b"."))
                return b"".join(lines)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.server.server_address[1]

    def url(self, scheme="smtp", login="", host="127.0.0.1"):
        return f"{scheme}://{login}{host}:{self.port}"

    def to(self, address):
        return [mail for mail in self.mails if mail.recipients == [address]]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
