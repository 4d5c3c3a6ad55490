"""A service manager as systemd is one: hears what its service says, keeps the
sockets that it hands over, and starts the next one with them."""

import array
import fcntl
import os
import socket
import tempfile

from .process import eventually
from .proxy import Proxy

# Descriptors of ours are far above those that a service is started with.
OURS = 200


class Supervisor:
    def __init__(self):
        """The path of a socket has no room for a long name."""
        self.directory = tempfile.TemporaryDirectory(prefix="tt")
        self.path = os.path.join(self.directory.name, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(self.path)
        self.heard = []
        self.kept = []

    def listen(self):
        """Take in what was said meanwhile; all of it, in order."""
        while True:
            try:
                text, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(256 * 4))
            except BlockingIOError:
                return self.heard
            passed = array.array("i")
            for _, _, data in ancillary:
                passed.frombytes(data)
            self._note(text.decode().splitlines(), passed)

    def _note(self, lines, passed):
        self.heard.append(lines)
        if "FDSTOREREMOVE=1" in lines:
            self.forget()
        for fd in passed:
            assert "FDSTORE=1" in lines
            self.kept.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, OURS))
            os.close(fd)

    def forget(self):
        """Close the sockets that are kept."""
        while self.kept:
            os.close(self.kept.pop())

    def count(self, line):
        return sum(line in lines for lines in self.listen())

    def wait_for(self, line, times=1):
        eventually(lambda: self.count(line) >= times, 30, f"{line} for the {times}. time")

    def end(self):
        self.forget()
        self.socket.close()
        self.directory.cleanup()


class SupervisedProxy(Proxy):
    """It is ready when it says so."""

    def __init__(self, supervisor, directory, **settings):
        super().__init__(directory, **{"NOTIFY_SOCKET": supervisor.path, **settings})
        self.supervisor = supervisor

    def start(self):
        times = self.supervisor.count("READY=1") + 1
        self.begin()
        self.wait_until(lambda: self.supervisor.count("READY=1") >= times)
        return self

    def begin(self, pid="$$"):
        """Start it with the sockets that are kept, and wait for nothing. The shell becomes the proxy."""
        kept = self.supervisor.kept
        moves = " ".join(f"{3 + number}<&{fd} {fd}<&-" for number, fd in enumerate(kept))
        script = f'LISTEN_PID={pid} LISTEN_FDS={len(kept)} exec "$0" {moves}'
        self.launch(["bash", "-c", script, self.program], env=self.env, pass_fds=kept)
