"""A database of its own with a Redis, and proxies on them: what tests of the
boards damage and compare."""

import itertools
import signal

import psycopg

from .events import events_wait
from .process import eventually
from .proxy import Proxy
from .redis import Redis

_databases = itertools.count(1)


class Stage:
    cache_bytes = 0

    def __init__(self, postgres, directory, redis=None):
        self.postgres = postgres
        self.directory = directory
        self.redis = (redis or Redis(directory / "redis")).start()
        self.session = None
        self.database = self.new_database()
        self.proxies = []

    def new_database(self):
        name = f"boards{next(_databases)}"
        self.postgres.install(name)
        return name

    def proxy(self, database=None, redis=True, **settings):
        """Redis is not compared with SQL unless asked for: what a test puts there is to stay.
        Nor are answers kept: a board is read as it is, not as it was a second ago."""
        settings.setdefault("REDIS_CHECK_RATE", 0)
        settings.setdefault("CACHE_BYTES", self.cache_bytes)
        if redis:
            settings.setdefault("REDIS_URL", self.redis.url)
        for name, value in self.postgres.proxy_settings(database or self.database).items():
            settings.setdefault(name, value)
        proxy = Proxy(self.directory / f"proxy{len(self.proxies)}", **settings)
        self.proxies.append(proxy)
        return proxy.start()

    def query(self, statement, *arguments):
        """On a session that is kept: to begin one costs the server far more than most questions. Another one is
        begun when the test has taken another server, and when the last one was ended."""
        self._have_session()
        try:
            return self._ask(statement, arguments)
        except psycopg.OperationalError:
            if not self.session.broken:
                raise
        self._begin_session()
        return self._ask(statement, arguments)

    def events_wait(self):
        self._have_session()
        return events_wait(self.session)

    def _have_session(self):
        if self.session is None or self.session_of != (self.postgres, self.database):
            self._begin_session()

    def _begin_session(self):
        self._end_session()
        self.session = self.postgres.connect(self.database, prepare_threshold=None)
        self.session_of = self.postgres, self.database

    def _end_session(self):
        if self.session is not None:
            self.session.close()
        self.session = None

    def _ask(self, statement, arguments):
        cursor = self.session.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else None

    def value(self, statement, *arguments):
        ((value,),) = self.query(statement, *arguments)
        return value

    def boards_of_sql(self):
        boards = {}
        live = self.query("SELECT board, period, period_start FROM timetrackr.live_boards()")
        for board, period, start in live:
            if period == "badges":
                rows = self.query(
                    "SELECT user_id::text, badges FROM timetrackr.user_totals WHERE listed AND badges > 0"
                    ' ORDER BY badges DESC, user_id::text COLLATE "C" DESC'
                )
            else:
                rows = self.query(
                    "SELECT user_id::text, seconds FROM timetrackr.scores"
                    " WHERE listed AND seconds > 0 AND period = %s AND period_start = %s"
                    ' ORDER BY seconds DESC, user_id::text COLLATE "C" DESC',
                    period,
                    start,
                )
            boards[board] = rows
        return boards

    def rows_of_sql(self):
        """Each user's row as Redis has it."""
        return dict(
            self.query("SELECT id::text, timetrackr.board_member(id, username, avatar) FROM timetrackr.users")
        )

    def rows_of_redis(self):
        flat = self.redis.command("HGETALL", "leaderboard:users")
        return dict(zip(flat[::2], flat[1::2]))

    def state(self):
        flat = self.redis.command("HGETALL", "leaderboard:state")
        return dict(zip(flat[::2], flat[1::2]))

    def is_current(self):
        """No event waits, all boards may be read, and each has what SQL has."""
        try:
            return self._is_current()
        except RuntimeError as error:  # damage: a key of another type
            assert "WRONGTYPE" in str(error)
            return False

    def _is_current(self):
        if self.value("SELECT count(*) FROM timetrackr.outbox WHERE run_at <= now()") > 0:
            return False
        expected = self.boards_of_sql()
        return (
            self.redis.command("EXISTS", "leaderboard:current") == 1
            and expected.keys() <= self.state().keys()
            and all(self.redis.board(board) == rows for board, rows in expected.items())
        )

    def settled(self, seconds=30, dead=0):
        eventually(self.is_current, seconds, "Redis equal to SQL")
        assert self.value("SELECT count(*) FROM timetrackr.dead_events") == dead
        assert self.query("SELECT * FROM timetrackr.verify()") == []

    def end(self):
        for proxy in self.proxies:
            if proxy.is_running():
                proxy.popen.send_signal(signal.SIGCONT)
                proxy.stop()
        if self.redis.is_running():
            self.redis.stop()
        self._end_session()
