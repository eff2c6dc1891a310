"""The bodies of requests: read completely before any work begins, within a memory limit.

Most are JSON, which is parsed in one go while no other client is served: 4 MB of text take 50 ms, and
4 MB of short keys a second. So bodies have a limit on the values in them, and all of them together
come at a rate, in bytes and in values, that takes no more than a third of the processor's time.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

MEMORY_LIMIT = 64 << 20  # bytes of all bodies that are in memory
AT_ONCE = 64 << 10  # bytes of a body that are read as they come; the rest is read at RATE
RATE = 16 << 20  # bytes a second, of all bodies
SEPARATORS = b",:[{"  # about as many as JSON has values; in texts, too, but an answer is short
VALUES = 100_000  # of them in one body
VALUES_AT_ONCE = 1_000  # that are taken as they come; what has more is read at VALUES_RATE
VALUES_RATE = 200_000  # a second, of all bodies


class BodyRefused(Exception):
    """The body is refused; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(eq=False, slots=True)
class _Body:
    """One body while it is in memory."""

    arriving: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    size: int = 0
    values: int = 0


class Bodies:
    """All bodies that are in memory; the one that has been arriving longest gives way to others."""

    def __init__(self, limit: int = MEMORY_LIMIT) -> None:
        self._limit = limit
        self._in_memory = 0
        self._arriving: dict[_Body, None] = {}  # oldest first
        self._next = 0.0  # when the next large part may be taken

    @asynccontextmanager
    async def complete(self, receive: Receive, limit: int) -> AsyncIterator[bytes]:
        """The body, which counts as in memory until the block ends.

        Raises BodyRefused when it is too large or gave way to others, and ClientDisconnect.
        """
        body = _Body()
        self._arriving[body] = None
        content = b""
        try:
            with body.arriving:
                content = await self._read(body, receive, limit)
            if body.arriving.cancel_called:
                raise BodyRefused(503, "Too much is sent at once: try again.")
            del self._arriving[body]
            yield content
        finally:
            self._arriving.pop(body, None)
            self._in_memory -= body.size

    async def _read(self, body: _Body, receive: Receive, limit: int) -> bytes:
        parts = []
        async for part in stream(receive):
            body.size += len(part)
            self._in_memory += len(part)
            if body.size > limit:
                raise BodyRefused(413, "The request is too large.")
            values = sum(map(part.count, SEPARATORS))
            body.values += values
            if body.values > VALUES:
                raise BodyRefused(413, f"The request holds more than {VALUES:,} values.")
            parts.append(part)
            self._make_room()
            if body.size > AT_ONCE or body.values > VALUES_AT_ONCE:
                await self._pace(len(part) / RATE + values / VALUES_RATE)
        return b"".join(parts)

    async def _pace(self, seconds: float) -> None:
        # Until then uvicorn reads no more of this body, and the loop is free for other clients.
        now = time.monotonic()
        self._next = max(self._next, now) + seconds
        await anyio.sleep(self._next - now)

    def _make_room(self) -> None:
        excess = self._in_memory - self._limit
        for body in self._arriving:
            if excess <= 0:
                return
            if body.size:
                body.arriving.cancel()
                excess -= body.size


async def stream(receive: Receive) -> AsyncIterator[bytes]:
    """The parts of a body as they come. Raises ClientDisconnect when its client goes away."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        yield message.get("body", b"")


def limited(receive: Receive, limit: int) -> Receive:
    """`receive` that raises an HTTPException where the body is too large."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise HTTPException(413, "The request is too large.")
        return message

    return counted


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns a complete body, then the client's further messages."""
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
