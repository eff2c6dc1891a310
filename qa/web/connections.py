"""The limits of each connection and of all connections: time, memory and descriptors.

uvicorn alone waits for ever for the rest of a request and for a client that does not read, and its
limit on connections refuses new ones while idle ones stay. Here every wait has an end. Where there are
as many connections as there may be, those that wait give way to new ones: of the client that holds the
most, those that wait longest. So nobody keeps others out by doing nothing. A connection whose request
is being worked on is left alone; how many are is for `admission` to limit.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any, NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_LIMIT = 64 << 10  # bytes of a request's head
PARTS = 1_000  # in which any body may come,
PART = 16  # and one more for so many bytes of it
LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
FULL = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"


class Phase(Enum):
    """What a connection waits for."""

    IDLE = "another request"
    HEAD = "the head of a request"
    BODY = "the body of a request"
    WORK = "the server"
    SENDING = "the client to read"


class Limits(NamedTuple):
    """How long a connection may wait, and how many may stand."""

    connections: int = 1_000
    idle: float = 30  # seconds
    head: float = 10
    body: float = 20
    sending: float = 30
    rate: float = 16 << 10  # bytes a second: bodies and answers may take so much longer
    unread: int = 64 << 20  # bytes of all answers that clients have not read

    def seconds(self, phase: Phase, size: int) -> float:
        """How long a phase may last in which `size` bytes are sent or received.

        A body of which 320 kB have come may have taken 40 seconds: 20, and 20 more at 16 kB a second.
        """
        return {
            Phase.IDLE: self.idle,
            Phase.HEAD: self.head,
            Phase.BODY: self.body + size / self.rate,
            Phase.SENDING: self.sending + size / self.rate,
        }.get(phase, inf)


@dataclass(slots=True)
class Connections:
    """All connections of a server."""

    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    _open: set["Connection"] = field(default_factory=set)

    def __call__(self, **given: Any) -> "Connection":
        """A protocol for a new connection: uvicorn's `http` setting."""
        return Connection(self, **given)

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator["Connection"]:
        return iter(tuple(self._open))

    def add(self, connection: "Connection") -> None:
        """Takes a connection in; others that wait give way to it, or it is refused."""
        if len(self._open) >= self.limits.connections:
            self._make_room()
        self._open.add(connection)
        if len(self._open) > self.limits.connections:
            connection.drop(FULL)

    def remove(self, connection: "Connection") -> None:
        """Forgets a connection that is closed."""
        self._open.discard(connection)

    def sweep(self) -> None:
        """Ends what has waited too long; to be called every second."""
        for connection in self:
            phase = connection.phase
            if connection.waited > self.limits.seconds(phase, connection.size):
                connection.drop(LATE if phase in (Phase.HEAD, Phase.BODY) else b"")

    def relieve(self) -> None:
        """Drops those that have not read for longest while too much is unread."""
        slow = [each for each in self._open if each.phase is Phase.SENDING]
        unread = sum(each.unread for each in slow)
        for connection in sorted(slow, key=lambda each: -each.waited):
            if unread <= self.limits.unread:
                return
            unread -= connection.unread
            connection.drop()

    def _make_room(self) -> None:
        # Many at once: looking for them takes a while, and a flood brings many.
        counts = Counter(connection.address for connection in self._open)
        waiting = [each for each in self._open if each.phase is not Phase.WORK]
        waiting.sort(key=lambda each: (-counts[each.address], -each.waited))
        for connection in waiting[: max(self.limits.connections // 32, 1)]:
            connection.drop()
            self.remove(connection)  # its descriptor is closed in the loop's next round


class Connection(H11Protocol):
    """A connection that knows what it waits for, and since when."""

    def __init__(self, connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._connections = connections
        self.conn = _Parser(h11.SERVER, HEAD_LIMIT)
        self._is_idle = True  # nothing of a request has come
        self.size = 0  # bytes that the phase is about
        self._begin()

    @property
    def address(self) -> str:
        """The client's, without its port."""
        return self.client[0] if self.client else ""

    @property
    def phase(self) -> Phase:
        """What it waits for."""
        if self.transport.is_closing() or self.flow.write_paused:
            return Phase.SENDING
        cycle = self._cycle
        if cycle is None or cycle.response_complete:
            return Phase.IDLE if self._is_idle else Phase.HEAD
        return Phase.BODY if cycle.more_body else Phase.WORK

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The last request; None before the first."""
        return self.cycle

    @property
    def waited(self) -> float:
        """Seconds since the phase began."""
        return self._connections.clock() - self._since

    @property
    def unread(self) -> int:
        """Bytes of answers that the client has not read."""
        return self.transport.get_write_buffer_size()

    def drop(self, answer: bytes = b"") -> None:
        """Closes the connection; an answer is given where none has begun."""
        cycle = self._cycle
        is_answered = cycle is not None and cycle.response_started and not cycle.response_complete
        if answer and not is_answered and not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
        else:
            self.transport.abort()

    def _begin(self, size: int = 0) -> None:
        self._since = self._connections.clock()
        self.size = size

    # Events of asyncio and uvicorn

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed, by whom ever."""
        super().connection_lost(exc)
        self._connections.remove(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._is_idle:
            self._is_idle = False
            self._begin()
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:  # the head is complete
            self._begin()
        self.size += len(data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - it has no page to show it
        """What came is not HTTP, or is mostly framing."""
        self.drop(BAD)

    def _should_upgrade(self) -> bool:
        return False  # no other protocol is supported here; uvicorn would log two lines each time

    def on_response_complete(self) -> None:
        """The answer is written; the next request may be there already."""
        self._begin()
        super().on_response_complete()
        self._is_idle = not self.conn.trailing_data[0]

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        super().pause_writing()
        self._begin(self.unread)
        self._connections.relieve()

    def resume_writing(self) -> None:
        """The client has read nearly all."""
        super().resume_writing()
        self._begin()


class _Parser(h11.Connection):
    """A parser that takes no body in very many small parts: each costs as much as a large one."""

    _parts, _content = 0, 0  # of the body that is read, in bytes

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._parts = self._content = 0
        elif isinstance(event, h11.Data):
            self._parts += 1
            self._content += len(event.data)
            if self._parts > PARTS + self._content // PART:
                raise h11.RemoteProtocolError("The body is in too many parts.")
        return event
