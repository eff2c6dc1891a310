"""What is logged and counted of every request, outside the guards: refusals, and internal errors."""

import logging

from h11 import LocalProtocolError
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.errors import IndexClosed
from qa.web.tally import BUSY, Tally

QUESTIONS = ("/api/ask", "/gradio_api/run/predict")
PATH_LIMIT = 200  # characters of a path in the log
FAULT = "Internal error: see the server's log."

_log = logging.getLogger(__name__)
_REQUEST = "%(client)s (%(method)s %(path)s)"
_REFUSALS = {
    401: ("wrong password", f"A wrong password came from {_REQUEST}."),
    403: ("foreign page", f"A request that a page of elsewhere made was refused: {_REQUEST}."),
    421: ("unknown host", f"This server is not known as %(host)s (see QA_HOSTS): {_REQUEST}."),
    429: ("too many passwords", f"Too many wrong passwords came from {_REQUEST}."),
    503: (BUSY, f"More requests than can be worked on: {_REQUEST} was refused."),
}


class Observed:
    """The server, with its refusals and faults logged and counted for those who operate it."""

    def __init__(self, app: ASGIApp, tally: Tally) -> None:
        self._app, self._tally = app, tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; a fault inside is an answer without its trace."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message = {}

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            try:
                await send(message)
            except LocalProtocolError as error:  # what followed the request was no request
                raise ClientDisconnect from error

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            _log.debug("A client went away before its request was complete.")
        except Exception as error:  # noqa: BLE001 - the last to catch it
            log_fault(error, f"The request {scope['path'][:PATH_LIMIT]}")
            if not start:
                await JSONResponse({"error": FAULT}, 500)(scope, receive, send)
        else:
            self._note(scope, start)

    def _note(self, scope: Scope, start: Message) -> None:
        status = start.get("status")
        if status not in _REFUSALS or not _is_refusal(scope, start):
            return
        reason, text = _REFUSALS[status]
        path, client = scope["path"], (scope.get("client") or ("?",))[0]
        host = Headers(scope=scope).get("host", "")[:PATH_LIMIT]
        self._tally.rejection(reason, is_question=path in QUESTIONS)
        fields = {"event": reason, "client": client, "path": path[:PATH_LIMIT], "host": host}
        _log.warning(text, fields | {"method": scope["method"]}, extra=fields)


def log_fault(error: BaseException, what: str) -> None:
    """Logs that something failed, with the traceback, once however often it is raised again."""
    if getattr(error, "is_logged_by_qa", False):
        return
    if isinstance(error, IndexClosed):  # who still asks when the server ends finds no fault
        _log.info("%s was not finished: the index was closed.", what, extra={"event": "closed"})
        return
    error.is_logged_by_qa = True  # type: ignore[attr-defined]
    _log.error("%s failed.", what, exc_info=error, extra={"event": "error"})


def _is_refusal(scope: Scope, start: Message) -> bool:
    """Whether guards gave that answer: not to who has given no password yet, nor by an error."""
    if start["status"] == 401:
        return "authorization" in Headers(scope=scope)
    return start["status"] != 503 or "retry-after" in Headers(raw=list(start["headers"]))
