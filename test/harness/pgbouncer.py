"""A PgBouncer in front of a PostgreSQL of the tests."""

import os
import signal
import socket

from .postgres import PROXY_ROLE
from .process import Process, free_port

CONF = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = {mode}
default_pool_size = 60
"""


class PgBouncer(Process):
    def __init__(self, directory, postgres, mode):
        super().__init__("pgbouncer", directory)
        self.postgres = postgres
        self.port = free_port()
        users = self.directory / "users"
        users.write_text(f'"{PROXY_ROLE}" "{postgres.password}"\n')
        self.conf = self.directory / "pgbouncer.ini"
        self.conf.write_text(CONF.format(server=postgres.port, port=self.port, users=users, mode=mode))

    def start(self):
        assert "TIMETRACKR_PGBOUNCER" in os.environ, "there is no pgbouncer: see deploy/program"
        self.launch([os.environ["TIMETRACKR_PGBOUNCER"], str(self.conf)])
        self.wait_until(self._listens)
        return self

    def stop(self):
        self.end(signal.SIGTERM)

    def proxy_url(self, database):
        return self.postgres.proxy_url(database).replace(f":{self.postgres.port}/", f":{self.port}/")

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
