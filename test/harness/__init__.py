"""Real servers for tests: each class starts one process of its own on a free
loopback port in a temporary directory and ends it by its pid."""

from .client import Answer, Client
from .live import Closed, Live
from .postgres import Postgres
from .process import eventually, free_port
from .proxy import Proxy
from .redis import Redis

__all__ = ["Answer", "Client", "Closed", "Live", "Postgres", "Proxy", "Redis", "eventually", "free_port"]
