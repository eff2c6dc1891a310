"""The application below a path, and inside of another one."""

import asyncio
import re
import weakref
from asyncio import AbstractEventLoop, Future, Task
from collections.abc import Callable
from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.errors import QAError, SettingsInvalid
from qa.web.guards import HEADERS

ROOT = "qa.root_path"  # in a scope: the path that the application was reached below
_PATH = re.compile(r"(?:/[\w.~-]+)*\Z", re.ASCII)


def normal_path(text: str) -> str:
    """The path below which the server is reached: `"qa/"` is `"/qa"`. Raises SettingsInvalid."""
    path = f"/{text.strip().strip('/')}".rstrip("/")
    if not _PATH.match(path) or {".", ".."} & set(path.split("/")):
        raise SettingsInvalid(f"The root path is {text!r}: give a path, such as /qa.")
    return path


class Rooted:
    """An application that sees paths as they stand below its own root.

    A proxy that takes the path away, one that leaves it, and an application in which this one is
    mounted are all the same to what is inside.
    """

    def __init__(self, app: ASGIApp, path: str = "") -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; one for the root without its slash is sent to it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        outer = scope.get("root_path", "").rstrip("/")
        path = _below(_below(scope["path"], outer), self._path)
        root = outer + self._path
        if not path:  # the page's own links would lead beside it
            query = scope.get("query_string", b"").decode("latin-1")
            redirect = RedirectResponse(f"{root}/?{query}".rstrip("?"), headers=HEADERS)
            await redirect(scope, receive, send)
            return
        inner = {"path": path, "raw_path": quote(path).encode(), "root_path": "", ROOT: root}
        await self._app({**scope, **inner}, receive, send)


def with_root(scope: Scope) -> Scope:
    """The scope with its root as ASGI defines it, for code that writes addresses of its own."""
    root = scope.get(ROOT, "")
    return {**scope, "root_path": root, "path": root + scope["path"]} if root else scope


class Started:
    """An application that its first request starts where no server does: a mounted one gets no lifespan.

    `close` is called once, when the server ends it, or else with the process or the application.
    """

    def __init__(self, app: ASGIApp, close: Callable[[], None]) -> None:
        self._app = app
        self._close = weakref.finalize(self, close)
        self._is_told = False
        self._lives: dict[AbstractEventLoop, _Life] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on when the application has been started."""
        if scope["type"] == "lifespan":
            self._is_told = True
            try:
                await self._app(scope, receive, send)
            finally:
                self._close()
            return
        if not self._is_told:
            await self._begun()
        await self._app(scope, receive, send)

    async def _begun(self) -> None:
        loop = asyncio.get_running_loop()
        if loop not in self._lives:
            life = self._lives[loop] = _Life(self._app, loop)
            life.task.add_done_callback(lambda _task: self._lives.pop(loop, None))
        await asyncio.shield(self._lives[loop].ready)


class _Life:
    """A lifespan that goes on until its event loop ends."""

    def __init__(self, app: ASGIApp, loop: AbstractEventLoop) -> None:
        self._app = app
        self.ready: Future[None] = loop.create_future()
        self.task: Task[None] = loop.create_task(self._live())

    async def _live(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - the request that waits raises it
            if not self.ready.done():
                self.ready.set_exception(error)

    async def _receive(self) -> Message:
        if not self.ready.done():
            return {"type": "lifespan.startup"}
        await asyncio.get_running_loop().create_future()  # the loop's end cancels it
        raise AssertionError

    async def _send(self, message: Message) -> None:
        if self.ready.done():
            return
        if message["type"] == "lifespan.startup.complete":
            self.ready.set_result(None)
        elif message["type"] == "lifespan.startup.failed":
            self.ready.set_exception(QAError("The application could not be started."))


def _below(path: str, root: str) -> str:
    """The path below the root: `_below("/qa/api", "/qa")` is `"/api"`; another path is itself."""
    return path.removeprefix(root) if path == root or path.startswith(f"{root}/") else path
