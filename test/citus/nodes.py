"""A coordinator and two workers with Citus, on this machine."""

from harness import Postgres

CONF = """
shared_preload_libraries = 'citus'
wal_level = logical
max_prepared_transactions = 200
max_connections = 200
citus.shard_count = 8
# By TLS a node would look for a certificate in the home of whoever called the tests.
citus.node_conninfo = 'sslmode=disable'
# The tests look for deadlocks over nodes to be found soon.
citus.distributed_deadlock_detection_factor = 1
"""

DATABASE = "timetrackr"


class Node(Postgres):
    """Nodes come to each other without a password."""

    def _initdb(self):
        super()._initdb()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(CONF)
        (self.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")


class Nodes:
    def __init__(self, directory):
        self.all = [Node(directory / name) for name in ("coordinator", "worker1", "worker2")]
        self.coordinator, *self.workers = self.all

    def start(self):
        for node in self.all:
            node.start()
        for node in self.all:
            node.create_database(DATABASE)
            with node.connect(DATABASE) as connection:
                connection.execute("CREATE EXTENSION citus")
        with self.connect() as connection:
            connection.execute("SELECT citus_set_coordinator_host('127.0.0.1', %s)", [self.coordinator.port])
            for worker in self.workers:
                connection.execute("SELECT citus_add_node('127.0.0.1', %s)", [worker.port])
            connection.execute("CREATE EXTENSION timetrackr CASCADE")
            connection.execute("SELECT timetrackr.install()")
        return self

    def stop(self):
        for node in reversed(self.all):
            node.kill()

    def connect(self, node=None, **options):
        return (node or self.coordinator).connect(DATABASE, **options)

    def home_of(self, user_id):
        """The node that has the rows of a user."""
        with self.connect() as connection:
            (port,) = connection.execute(
                "SELECT nodeport FROM pg_dist_shard_placement WHERE shardid"
                " = get_shard_id_for_distribution_column('timetrackr.user_totals', %s::bigint)",
                [user_id],
            ).fetchone()
        return next(node for node in self.all if node.port == port)
