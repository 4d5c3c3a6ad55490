"""Real servers for tests: each class starts one process of its own on a free
loopback port in a temporary directory and ends it by its pid."""

from .client import Answer, Client
from .events import events_wait, events_wait_elsewhere
from .faults import FaultProxy
from .live import Closed, Live
from .mailbox import Mailbox
from .nodes import Nodes
from .pgbouncer import PgBouncer
from .postgres import Postgres, code_of
from .prism import Prism
from .process import eventually, free_port
from .proxy import Proxy
from .receiver import Receiver
from .redis import Redis, Sentinel

__all__ = [
    "Answer",
    "Client",
    "Closed",
    "FaultProxy",
    "Live",
    "Mailbox",
    "Nodes",
    "PgBouncer",
    "Postgres",
    "Prism",
    "Proxy",
    "Receiver",
    "Redis",
    "Sentinel",
    "code_of",
    "events_wait",
    "events_wait_elsewhere",
    "eventually",
    "free_port",
]
