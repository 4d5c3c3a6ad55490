"""A PostgreSQL cluster of its own, made and run with the staged software that
the extension under test was installed into."""

import os
import secrets
import signal
import subprocess
from pathlib import Path

import psycopg

from .process import Process, free_port

SUPERUSER = "owner"
PROXY_ROLE = "proxy_login"
TEMPLATE = "installed"

# What roles have set in one database is no part of a copy.
ROLE_SETTINGS = """
SELECT format('ALTER ROLE %%I IN DATABASE %%I SET %%s = %%L',
    r.rolname, %s::text, split_part(c.setting, '=', 1), substr(c.setting, strpos(c.setting, '=') + 1))
FROM pg_db_role_setting s
JOIN pg_database d ON d.oid = s.setdatabase
JOIN pg_roles r ON r.oid = s.setrole
CROSS JOIN unnest(s.setconfig) c (setting)
WHERE d.datname = %s
"""

# Durability is not what these tests are about: they end servers, not machines.
# Cheap password hashes keep hundreds of sign-ups short.
CONF = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
shared_buffers = 64MB
max_connections = 300
max_prepared_transactions = 4
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_line_prefix = '%m [%p] %q%a/%d '
jit = off
timetrackr.bcrypt_cost = 4
"""


def code_of(error):
    """Code and field of an error of the extension's: constraint and column; of one that came from another node the words
    of the hint."""
    if error.diag.constraint_name:
        return error.diag.constraint_name, error.diag.column_name
    code, _, field = (error.diag.message_hint or "").partition(" ")
    return code or None, field or None


class Postgres(Process):
    def __init__(self, directory, pg_config=None):
        super().__init__("postgres", directory)
        self.pg_config = pg_config or os.environ["TIMETRACKR_PG_CONFIG"]
        self.bin = Path(
            subprocess.run([self.pg_config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip()
        )
        self.data = self.directory / "data"
        self.port = free_port()
        self.password = secrets.token_urlsafe(18)
        self.has_template = False

    def program(self, name, *arguments, database="postgres", **options):
        """Run one of PostgreSQL's client programs against this server."""
        env = dict(
            os.environ,
            PGHOST="127.0.0.1",
            PGPORT=str(self.port),
            PGUSER=SUPERUSER,
            PGPASSWORD=self.password,
            PGDATABASE=database,
        )
        return subprocess.run(
            [self.bin / name, *map(str, arguments)],
            check=True,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
            **options,
        )

    def start(self):
        if not self.data.exists():
            self._initdb()
        self.launch([self.bin / "postgres", "-D", str(self.data)])
        self.wait_until(self._answers)
        return self

    def stop(self):
        self.end(signal.SIGINT)

    def standby(self, directory, port=None):
        """A standby that streams from this server, which runs; not started yet."""
        standby = Postgres(directory, self.pg_config)
        standby.port = port or standby.port
        standby.password = self.password
        self.program("pg_basebackup", "-D", standby.data, "-X", "stream", "-R", "-c", "fast", "--no-sync")
        with (standby.data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {standby.port}\n")
        return standby

    def kill(self):
        self.end(signal.SIGKILL)

    def _initdb(self):
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        subprocess.run(
            [
                self.bin / "initdb",
                f"--pgdata={self.data}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
        )
        password_file.unlink()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(CONF.format(port=self.port))

    def _answers(self):
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database, role=SUPERUSER, *others):
        """Others are servers that are named, too, after this one."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self, *others))
        return f"postgresql://{role}:{self.password}@{hosts}/{database}"

    def connect(self, database="timetrackr", **options):
        """A connection of the superuser's; autocommit, and no statement hangs a test."""
        options.setdefault("autocommit", True)
        return psycopg.connect(
            self.url(database),
            options="-c statement_timeout=60s -c lock_timeout=30s",
            connect_timeout=10,
            **options,
        )

    def create_database(self, name, template="template1"):
        """Its files are copied: to write all of them to the WAL takes twice as long."""
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
            for (statement,) in connection.execute(ROLE_SETTINGS, (name, template)).fetchall():
                connection.execute(statement)

    def install(self, database="timetrackr"):
        """Create the database with the extension, its tables, and the proxy's role: a copy of the first one."""
        if not self.has_template:
            self._install(TEMPLATE)
            self.has_template = True
        self.create_database(database, TEMPLATE)

    def _install(self, database):
        self.create_database(database)
        with self.connect(database) as connection:
            connection.execute("CREATE EXTENSION timetrackr CASCADE")
            connection.execute("SELECT timetrackr.install()")
            connection.execute(
                f"DO $$ BEGIN CREATE ROLE {PROXY_ROLE} LOGIN PASSWORD '{self.password}';"
                " EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )
            connection.execute(f"SELECT timetrackr.grant_api('{PROXY_ROLE}')")

    def proxy_settings(self, database="timetrackr"):
        """What a proxy is told about where its database is."""
        return {"DATABASE_URL": self.proxy_url(database)}

    def proxy_url(self, database="timetrackr", *others):
        """URL for the role that has what grant_api() gives and no more."""
        return self.url(database, PROXY_ROLE, *others)
