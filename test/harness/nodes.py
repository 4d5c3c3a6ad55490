"""Three nodes with Citus on this machine: a coordinator, which is used like one server, and two workers."""

from .postgres import PROXY_ROLE, Postgres

CONF = """
shared_preload_libraries = 'citus'
wal_level = logical
max_prepared_transactions = 200
citus.shard_count = 8
# By TLS a node would look for a certificate in the home of whoever called the tests.
citus.node_conninfo = 'sslmode=disable'
# The tests look for deadlocks over nodes to be found soon.
citus.distributed_deadlock_detection_factor = 1.5
"""


class Node(Postgres):
    """Nodes come to each other without a password."""

    def _initdb(self):
        super()._initdb()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(CONF)
        (self.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")


class Nodes(Node):
    def __init__(self, directory):
        super().__init__(directory / "coordinator")
        self.workers = [Node(directory / name) for name in ("worker1", "worker2")]
        self.all = [self, *self.workers]

    def start(self):
        for worker in self.workers:
            if not worker.is_running():
                worker.start()
        return super().start()

    def stop(self):
        super().kill()
        for worker in self.workers:
            worker.kill()

    def prepare(self, database="timetrackr"):
        """A database with the extension and its tables on the coordinator, and Citus everywhere."""
        for node in self.all:
            node.create_database(database)
            with node.connect(database) as connection:
                connection.execute("CREATE EXTENSION citus")
        with self.connect(database) as connection:
            connection.execute("SELECT citus_set_coordinator_host('127.0.0.1', %s)", [self.port])
            for worker in self.workers:
                connection.execute("SELECT citus_add_node('127.0.0.1', %s)", [worker.port])
            connection.execute("CREATE EXTENSION timetrackr CASCADE")
            connection.execute("SELECT timetrackr.install()")

    def install(self, database="timetrackr"):
        """The same, distributed, with the proxy's role."""
        self.prepare(database)
        with self.connect(database) as connection:
            connection.execute(f"DO $$ BEGIN CREATE ROLE {PROXY_ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
            connection.execute(f"SELECT timetrackr.grant_api('{PROXY_ROLE}')")
            connection.execute("SELECT timetrackr.distribute()")

    def proxy_settings(self, database="timetrackr"):
        return {
            "DATABASE_URL": self.proxy_url(database),
            "EVENT_DATABASE_URLS": " ".join(worker.proxy_url(database) for worker in self.workers),
        }

    def home_of(self, user_id, database="timetrackr"):
        """The node that has the rows of a user."""
        with self.connect(database) as connection:
            (port,) = connection.execute(
                "SELECT nodeport FROM pg_dist_shard_placement WHERE shardid"
                " = get_shard_id_for_distribution_column('timetrackr.user_totals', %s::bigint)",
                [user_id],
            ).fetchone()
        return next(node for node in self.all if node.port == port)
