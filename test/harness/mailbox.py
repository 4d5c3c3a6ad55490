"""A mail server on loopback that keeps what it is given. It takes nothing that RFC 5321 forbids to
send, and answers a command with whatever it was told instead of its own reply."""

import email
import email.policy
import socketserver
import threading


class Mail:
    """A mail as it came: envelope, and the message, parsed strictly."""

    def __init__(self, sender, recipients, data):
        self.sender = sender
        self.recipients = recipients
        self.data = data
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
    """replies: by command (MAIL, RCPT, DATA, END) a list of replies that go before the usual ones."""

    def __init__(self, extensions=()):
        self.mails = []
        self.commands = []
        self.replies = {}
        mailbox = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    self.converse()
                except ConnectionError:
                    pass  # the client has gone

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
                return line

            def converse(self):
                sender, recipients = None, []
                self.say("220 sink")
                while line := self.hear():
                    mailbox.commands.append(line.decode().strip())
                    command = line.decode().upper()
                    if command.startswith("EHLO"):
                        for extension in extensions:
                            self.say(f"250-{extension}")
                        self.say("250 8BITMIME")
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
                                mailbox.mails.append(Mail(sender, recipients, data))
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
    def url(self):
        return f"smtp://127.0.0.1:{self.server.server_address[1]}"

    def to(self, address):
        return [mail for mail in self.mails if mail.recipients == [address]]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
