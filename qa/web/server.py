"""The server: page, API and MCP tools as one application behind its guards."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import anyio.to_thread
from fastapi import FastAPI
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from qa import processes
from qa.asking.service import QA
from qa.errors import QAError, SettingsInvalid
from qa.settings import INDEX
from qa.web import shell
from qa.web.api import make_api
from qa.web.events import Events
from qa.web.examples import examples
from qa.web.guards import Guards, Hosts, Passwords, bracketed, is_loopback
from qa.web.mcp_tools import mount_tools
from qa.web.rebuilding import Rebuilder, Watcher
from qa.web.site import Site

HOST = "127.0.0.1"
PORT = 7860
THREADS = 24  # requests worked on at once; more wait for their turn
_FILES = ("style.css", "page.js")


def serve(  # noqa: PLR0913 - a command with its settings
    index: str | Path = INDEX,
    seeds: str | Path | None = None,
    *,
    host: str = HOST,
    port: int = PORT,
    watch: bool = True,
    read_only: bool | None = None,
    password: str | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves the index until it is interrupted; `ready` is told the page's address beforehand.

    `read_only` and `password` come from QA_READ_ONLY and QA_PASSWORD when they are not given.
    Raises SettingsInvalid when others could reach the server and no password is set, or when the
    address is none of this machine or taken, and what `QA.open` raises.
    """
    import uvicorn

    password = password or os.environ.get("QA_PASSWORD") or None
    check_reach(host, password)
    read_only = is_read_only(read_only)
    with listening(host, port) as taken:
        app = make_app(index, seeds, host=host, watch=watch, read_only=read_only, password=password)
        settings = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False,
            timeout_keep_alive=30, timeout_graceful_shutdown=3,
        )  # fmt: skip
        if ready:
            ready(f"http://{bracketed(host)}:{taken.getsockname()[1]}")
        server = uvicorn.Server(settings)
        with suppress(KeyboardInterrupt):
            server.run([taken])
        if not server.started:
            raise QAError("The server did not start: the lines above say why.")


def make_app(
    index: str | Path = INDEX,
    seeds: str | Path | None = None,
    *,
    host: str = HOST,
    watch: bool = False,
    read_only: bool = False,
    password: str | None = None,
) -> ASGIApp:
    """The whole application, guards included. Raises what `QA.open` raises."""
    qa = QA.open(index, seeds=seeds)
    rebuilder = Rebuilder(qa.seeds, qa.index, qa.manifest.settings)
    site = Site(qa, rebuilder, read_only=read_only)
    api = make_api(site)
    inner = FastAPI(lifespan=_lifespan(site, api, watch=watch and not read_only), openapi_url=None)
    passwords = Passwords(password) if password else None
    names = os.environ.get("QA_HOSTS", "").split(",")
    return Guards(_Split(api, _with_page(inner, site)), Hosts.of(host, names), passwords)


def check_reach(host: str, password: str | None) -> None:
    """Raises SettingsInvalid when a server that others can reach would ask for no password."""
    if not password and not is_loopback(host):
        raise SettingsInvalid(
            f"{host} can be reached by others: set a password in QA_PASSWORD, or stay on {HOST}."
        )


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsInvalid when it cannot."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise SettingsInvalid(
            f"{host}, port {port} cannot be served: {reason}. "
            "Choose another by --host and --port, or end what holds it."
        ) from error


def is_read_only(given: bool | None) -> bool:  # noqa: FBT001 - it is the subject
    """Whether the library may not be changed: as given, or as QA_READ_ONLY says."""
    said = os.environ.get("QA_READ_ONLY", "").strip().lower()
    return given if given is not None else said not in ("", "0", "false", "no")


class _Split:
    """The API's paths to the API, all others to the page."""

    def __init__(self, api: ASGIApp, page: ASGIApp) -> None:
        self._api = api
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        ours = path.startswith("/api/") or path in ("/healthz", "/mcp")
        await (self._api if ours else self._page)(scope, receive, send)


def _lifespan(site: Site, api: FastAPI, *, watch: bool) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        watcher = Watcher(site.qa, site.rebuilder)
        async with AsyncExitStack() as stack:
            await mount_tools(api, site, stack)
            await anyio.to_thread.run_sync(examples, site)  # the first reader waits for nothing
            if watch:
                watcher.start()
            yield
        watcher.close()
        site.rebuilder.close()
        site.qa.close()

    return lifespan


def _with_page(app: FastAPI, site: Site) -> ASGIApp:
    """The application with Gradio's page in it, and the two files that dress it."""
    for name in _FILES:
        _add_file(app, name)
    # Where no event loop runs, Gradio leaves one open for each of its locks; and where one runs
    # already, as in a notebook, no other can: so one runs in a thread of its own.
    with ThreadPoolExecutor(1) as thread:
        inputs = thread.submit(asyncio.run, _mount_page(app, site)).result()
    return shell.Shell(Events(app, inputs))


async def _mount_page(app: FastAPI, site: Site) -> dict[int, int]:
    """How many inputs each function of the page has, once it is mounted."""
    processes.silence()
    import gradio as gr

    from qa.web.page import THEME, make_page

    page = make_page(site)
    gr.mount_gradio_app(
        app,
        page,
        "/",
        theme=THEME,
        show_error=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        ssr_mode=False,
        max_file_size=0,
    )
    return {index: len(function.inputs) for index, function in page.fns.items()}


def _add_file(app: FastAPI, name: str) -> None:
    # Each has its hash in its address: another version is another address.
    kept = {"cache-control": "public, max-age=31536000, immutable"}

    @app.get(f"/page/{name}", include_in_schema=False)
    def file() -> FileResponse:
        return FileResponse(shell.HERE / name, headers=kept)
