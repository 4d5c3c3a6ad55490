"""A TCP proxy that breaks what passes through it, to be put between a program
and its server. How it does so is switched while it runs."""

import asyncio
import socket
import struct
import threading

from .process import free_port

CHUNK = 65536
MODES = {"pass", "delay", "dribble", "cut", "reset", "half_open", "mute", "refuse"}


class _Connection:
    """A client's socket and the one to the server, and the two tasks between them."""

    def __init__(self, client):
        self.client = client
        self.server = None
        self.tasks = []
        self.passed = 0
        self.swallowed = False

    def close(self, reset):
        for task in self.tasks:
            task.cancel()
        for end in (self.client, self.server):
            if end is None or end.fileno() < 0:
                continue
            if reset:
                # No lingering for 0 s: the peer gets RST.
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()


class FaultProxy:
    """Listens on a loopback port of its own; `pass` until told otherwise.

    pass        as if it were not there
    delay       every piece waits for `seconds`
    dribble     `size` bytes at a time, each in a packet of its own
    cut         after `size` bytes of a connection, in both directions together, it is reset
    reset       connections are reset, those there are and those to come
    half_open   connections are taken and swallow everything, those there are too; they
                are reset when the mode ends, as by a peer that has forgotten them
    mute        as half_open, but only what the server says is swallowed, and kept in `unheard`:
                it does what it is asked for, and nobody hears
    refuse      nobody listens; those there are, are closed
    """

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = free_port()
        self.mode = "pass"
        self.seconds = 0.0
        self.size = 1
        self.unheard = b""
        self._connections = set()
        self._listener = None
        self._accepting = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._listen())

    def set(self, mode, seconds=0.0, size=1):
        """Switch; what the mode does to the connections there are is done when this returns."""
        assert mode in MODES, mode
        self._call(self._set(mode, seconds, size))

    def end(self):
        self._call(self._set("refuse", 0.0, 1))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _call(self, coroutine):
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _set(self, mode, seconds, size):
        other = mode != self.mode
        self.mode, self.seconds, self.size = mode, seconds, size
        for connection in list(self._connections):
            if mode in ("reset", "refuse") or (connection.swallowed and other):
                self._forget(connection, reset=mode != "refuse")
            connection.passed = 0
        if mode == "refuse" and self._listener is not None:
            self._accepting.cancel()
            self._listener.close()
            self._listener = None
        elif mode != "refuse" and self._listener is None:
            await self._listen()
        await asyncio.sleep(0)

    async def _listen(self):
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self._listener.setblocking(False)
        self._accepting = self._loop.create_task(self._accept(self._listener))

    async def _accept(self, listener):
        while True:
            client, _ = await self._loop.sock_accept(listener)
            client.setblocking(False)
            connection = _Connection(client)
            self._connections.add(connection)
            if self.mode == "reset":
                self._forget(connection, reset=True)
            else:
                connection.tasks.append(self._loop.create_task(self._serve(connection)))

    def _forget(self, connection, reset):
        self._connections.discard(connection)
        connection.close(reset)

    async def _serve(self, connection):
        """Connect to the server and pump in both directions until one ends."""
        if self.mode == "half_open":
            connection.swallowed = True
            return
        connection.server = socket.socket()
        connection.server.setblocking(False)
        for end in (connection.client, connection.server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._loop.sock_connect(connection.server, ("127.0.0.1", self.target_port))
        except OSError:
            self._forget(connection, reset=True)
            return
        for source, sink in ((connection.client, connection.server), (connection.server, connection.client)):
            connection.tasks.append(self._loop.create_task(self._pump(connection, source, sink)))

    async def _pump(self, connection, source, sink):
        try:
            while data := await self._loop.sock_recv(source, CHUNK):
                if not await self._pass_on(connection, sink, data):
                    return
            if not connection.swallowed:
                self._forget(connection, reset=False)
        except OSError:
            self._forget(connection, reset=True)

    async def _pass_on(self, connection, sink, data):
        """False: the connection has come to its end."""
        if self.mode == "delay":
            await asyncio.sleep(self.seconds)
        mute = self.mode == "mute" and sink is connection.client
        if mute or self.mode == "half_open":
            connection.swallowed = True
            self.unheard += data if mute else b""
            return True
        if self.mode == "cut":
            rest = max(self.size - connection.passed, 0)
            connection.passed += len(data)
            await self._loop.sock_sendall(sink, data[:rest])
            if len(data) > rest:
                self._forget(connection, reset=True)
                return False
            return True
        step = self.size if self.mode == "dribble" else len(data)
        for at in range(0, len(data), step):
            await self._loop.sock_sendall(sink, data[at : at + step])
            if self.mode == "dribble":
                await asyncio.sleep(0)
        return True
