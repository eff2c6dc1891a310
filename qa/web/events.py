"""What reaches Gradio: its page and files without a query, and the events that the page sends, checked.

Gradio takes more than its page sends. A record that names a file or an address in place of a question
is copied or fetched, a session is remembered with all that it was sent, and a query chooses pages and
files. So an event is read here, within a limit, and a new one is written of what it may say: which
function, and the question. The page's state is its address: no session is needed, and of all that
were sent Gradio remembers one, which holds what it showed last. (Without any it describes every part
of the page to itself for each event, which costs 2 ms.)
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from qa.settings import QUESTION_LIMIT
from qa.web.bodies import replayed, stream

EVENT_LIMIT = 32 << 10  # bytes: a question of the greatest length, each character escaped
SESSION = "page"
_SESSION = re.compile(r"[a-z0-9]{0,32}\Z")
_PASSED = frozenset({b"host", b"accept", b"accept-encoding"})  # headers


class Event(NamedTuple):
    """One event of the page."""

    function: int
    data: tuple[str, ...]  # what is in the function's inputs: the question, or nothing

    def to_json(self) -> bytes:
        """The event as Gradio takes it, of the one session that all share."""
        values = {"fn_index": self.function, "data": self.data, "session_hash": SESSION}
        return json.dumps(values).encode()


class EventRefused(Exception):
    """The body is no event that the page sends; the message says why."""


class Events:
    """Gradio's application with its events validated."""

    def __init__(self, app: ASGIApp, inputs: Mapping[int, int]) -> None:
        """`inputs` says of each function how many inputs it has."""
        self._app = app
        self._inputs = inputs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes what the page asks for, and refuses all else."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            # The address is read by events alone; here Gradio would take `page` and `deep_link`.
            await self._app({**scope, "query_string": b""}, receive, send)
        elif scope["method"] == "POST":
            await self._event(scope, receive, send)
        else:
            refused = JSONResponse({"error": "There is no such method here."}, 405)
            await refused(scope, receive, send)

    async def _event(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            event = event_of(await _body(scope, receive), self._inputs)
        except ClientDisconnect:
            return
        except EventRefused as refused:
            await JSONResponse({"error": str(refused)}, 422)(scope, receive, send)
            return
        body = event.to_json()
        headers = [
            *((name, value) for name, value in scope["headers"] if name in _PASSED),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self._app({**scope, "headers": headers}, replayed(body, receive), send)


def event_of(body: bytes, inputs: Mapping[int, int]) -> Event:
    """The event that a body is. Raises EventRefused when the page would not send it."""
    sent = _parsed(body)
    function, data = sent.get("fn_index"), sent.get("data")
    if type(function) is not int or function not in inputs:
        raise EventRefused("fn_index: there is no such function.")
    if not isinstance(data, list) or len(data) != inputs[function]:
        raise EventRefused(f"data: a list of {inputs[function]} is expected.")
    session = sent.get("session_hash")
    if not isinstance(session, str) or not _SESSION.match(session):
        raise EventRefused("session_hash: letters and digits are expected.")
    return Event(function, tuple(_question(value) for value in data))


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EventRefused("The body is no JSON.") from error
    if not isinstance(sent, dict):
        raise EventRefused("The body is no event.")
    return sent


def _question(value: object) -> str:
    """What stands in the box; a box that nobody has typed in may send null."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise EventRefused("data: a question is a string.")
    if len(value) > QUESTION_LIMIT:
        raise EventRefused(f"data: a question has {QUESTION_LIMIT:,} characters at most.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise EventRefused("data: a question must not contain lone surrogates.")
    return value


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The body of a request. Raises EventRefused when it is too large, and ClientDisconnect."""
    if "content-encoding" in Headers(scope=scope):
        raise EventRefused("The body is encoded.")
    body = bytearray()
    async for part in stream(receive):
        body += part
        if len(body) > EVENT_LIMIT:
            raise EventRefused(f"An event has {EVENT_LIMIT:,} bytes at most.")
    return bytes(body)
