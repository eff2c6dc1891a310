"""Limits on concurrent work: requests wait here for a turn; when too many wait, the answer is 503.

Work is counted, not waiting: a request has its turn from the moment its body is complete to the
moment its response begins, so that slow clients take no turns; a stream of events begins before
the work, and has its turn until it ends. Each kind of work has turns of its
own, so that pages that are slow to render delay no question, and no client has more than half of
them.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa import processes
from qa.translation import tr
from qa.web.bodies import Bodies, BodyRefused, limited, replayed
from qa.web.events import EVENT_LIMIT
from qa.web.library import UPLOAD_LIMIT
from qa.web.proxies import network

BODY_LIMIT = 256 << 10  # bytes
VERIFY_LIMIT = 4 << 20  # an answer with its excerpts
AGAIN = {"retry-after": "1"}


class Kind(NamedTuple):
    """A kind of work."""

    name: str
    at_once: int  # requests that are worked on
    waiting: int = 80  # requests that wait for that


_ASKERS = processes.cores() + 1  # as many as `QA` answers at once
QUESTIONS = Kind("questions", 2 * _ASKERS)
TOOLS = Kind("tools", 2 * _ASKERS)  # of MCP
DOCUMENTS = Kind("documents", 8)
IMAGES = Kind("images", 16)  # of pages; they have turns of their own where they are rendered
VERIFYING = Kind("verifying", 8, 0)  # the same
UPLOADS = Kind("uploads", 8, 0)  # they are stored as they come

# Each turn that takes a thread finds one, and so do the page's files.
THREADS = 8 + sum(kind.at_once for kind in (QUESTIONS, TOOLS, DOCUMENTS, UPLOADS))

_KINDS = (
    (re.compile(r"/api/(?:ask|answer\.\w+)\Z"), QUESTIONS),
    (re.compile(r"/mcp\Z"), TOOLS),
    (re.compile(r"/api/documents/\w+/pages/"), IMAGES),
    (re.compile(r"/api/verify\Z"), VERIFYING),
    (re.compile(r"/api/files\Z"), UPLOADS),
    (re.compile(r"/\Z|/api/"), DOCUMENTS),
)


class Busy(Exception):
    """The queue is full."""


def kind_of(scope: Scope) -> Kind | None:
    """The kind of work that a request causes; None for none."""
    path = scope["path"]
    if path.startswith("/gradio_api/"):
        address = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=None)
        reads = "doc" in address or "library" in address.get("view", ())
        return DOCUMENTS if reads else QUESTIONS
    return next((kind for pattern, kind in _KINDS if pattern.match(path)), None)


def body_limit(path: str) -> int:
    """The most bytes that a request to that path may bring."""
    if path == "/api/files":
        return UPLOAD_LIMIT
    if path.startswith("/gradio_api/"):
        return EVENT_LIMIT
    return VERIFY_LIMIT if path in ("/api/verify", "/mcp") else BODY_LIMIT


class Admission:
    """An application with limits on its concurrent work."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._bodies = Bodies()
        self._turns: dict[Kind, Turns] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on when its turn has come, or refuses it."""
        kind = kind_of(scope) if scope["type"] == "http" else None
        if kind is None:
            await self._app(scope, receive, send)
            return
        if kind is TOOLS and scope["method"] != "POST":
            # MCP would keep a GET open for messages to the client, of which there are none here.
            headers = {"allow": "POST"}
            await JSONResponse({"error": tr("Only POST is accepted.")}, 405, headers)(
                scope, receive, send
            )
            return
        try:
            await self._admit(kind, scope, receive, send)
        except BodyRefused as refused:
            headers = {"connection": "close"} | (AGAIN if refused.status == 503 else {})
            await JSONResponse({"error": tr(str(refused))}, refused.status, headers)(
                scope, receive, send
            )
        except Busy:
            error = {"error": tr("Too many questions at once: try again.")}
            await JSONResponse(error, 503, AGAIN)(scope, receive, send)

    async def _admit(self, kind: Kind, scope: Scope, receive: Receive, send: Send) -> None:
        limit = body_limit(scope["path"])
        async with AsyncExitStack() as stack:
            if kind is UPLOADS:
                receive = limited(receive, limit)
            else:
                body = await stack.enter_async_context(self._bodies.complete(receive, limit))
                receive = replayed(body, receive)
            turns = self._turns.setdefault(kind, Turns(kind))
            turn = AsyncExitStack()
            await turn.enter_async_context(turns.turn(network((scope.get("client") or ("",))[0])))
            stack.push_async_callback(turn.aclose)
            await self._app(scope, receive, _ending(turn.aclose, send))


class Turns:
    """The turns at one kind of work."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._turns = asyncio.Semaphore(kind.at_once)
        self._clients: dict[str, _Client] = {}
        self._admitted = 0

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Waits for a turn, which ends with the block. Raises Busy when too many wait."""
        limit = self._kind.at_once + self._kind.waiting
        state = self._clients.get(client) or _Client(asyncio.Semaphore(self._kind.at_once // 2))
        if self._admitted >= limit or state.admitted >= limit // 2:
            raise Busy
        self._clients[client] = state
        self._admitted += 1
        state.admitted += 1
        try:
            async with state.turns, self._turns:
                yield
        finally:
            self._admitted -= 1
            state.admitted -= 1
            if not state.admitted:
                del self._clients[client]


@dataclass(slots=True)
class _Client:
    """The turns of one client, and how many of its requests have one or wait for one."""

    turns: asyncio.Semaphore
    admitted: int = 0


def _ending(end: Callable[[], Awaitable[None]], send: Send) -> Send:
    """`send` that ends the turn when the response begins: its client may be slow to read it.

    A stream of events begins before there is any: it ends the turn when it is complete.
    """
    streams = False

    async def sent(message: Message) -> None:
        nonlocal streams
        if message["type"] == "http.response.start":
            kind = Headers(raw=message.get("headers", [])).get("content-type", "")
            streams = kind.startswith("text/event-stream")
        is_complete = message["type"] == "http.response.body" and not message.get("more_body")
        if is_complete if streams else message["type"] == "http.response.start":
            await end()
        await send(message)

    return sent
