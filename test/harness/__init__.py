"""Real servers for tests: each class starts one process of its own on a free
loopback port in a temporary directory and ends it by its pid."""

from .client import Answer, Client
from .faults import FaultProxy
from .live import Closed, Live
from .pgbouncer import PgBouncer
from .postgres import Postgres
from .prism import Prism
from .process import eventually, free_port
from .proxy import Proxy
from .redis import Redis, Sentinel

__all__ = [
    "Answer",
    "Client",
    "Closed",
    "FaultProxy",
    "Live",
    "PgBouncer",
    "Postgres",
    "Prism",
    "Proxy",
    "Redis",
    "Sentinel",
    "eventually",
    "free_port",
]
