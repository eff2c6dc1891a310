"""Pages in the reader's language: a request is answered in the one that its browser prefers."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from qa.translation import ENGLISH, of_header, speaking, spoken


class Spoken:
    """An application that speaks the language of each request's Accept-Language."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with speaking(of_header(Headers(scope=scope).get("accept-language", ""))):
            await self._app(scope, receive, send)


class Pages:
    """Gradio's pages, one a language: what one is made of is fixed when it is made.

    All have the same addresses; within, that in German stands below `/de`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on to the page in the language that is spoken."""
        path = f"{place(spoken()).rstrip('/')}{scope.get('path', '')}"
        if scope["type"] == "http" and not scope["path"].startswith("/page/"):
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)


def place(language: str) -> str:
    """The path below which the page in a language is mounted."""
    return "/" if language == ENGLISH else f"/{language}"
