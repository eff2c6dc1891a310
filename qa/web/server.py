"""The server: page, API and MCP tools as one application behind its guards."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import anyio.to_thread
from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from qa import logs, processes
from qa.asking.service import QA
from qa.errors import SettingsInvalid
from qa.settings import INDEX
from qa.web import shell
from qa.web.admission import THREADS, Admission
from qa.web.api import make_api
from qa.web.events import Events
from qa.web.examples import examples
from qa.web.guards import Guards, Hosts, bracketed, is_loopback
from qa.web.mcp_tools import mount_tools
from qa.web.observing import Observed
from qa.web.passwords import Passwords
from qa.web.rebuilding import Rebuilder
from qa.web.serving import listening, run
from qa.web.site import Site

HOST = "127.0.0.1"
PORT = 7860
_FILES = ("style.css", "page.js")

_log = logging.getLogger(__name__)


def serve(  # noqa: PLR0913 - a command with its settings
    index: str | Path = INDEX,
    seeds: str | Path | None = None,
    *,
    host: str = HOST,
    port: int = PORT,
    watch: bool = True,
    read_only: bool | None = None,
    password: str | None = None,
    metrics: bool | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves the index until it is interrupted; `ready` is told the page's address beforehand.

    `read_only`, `password` and `metrics` come from QA_READ_ONLY, QA_PASSWORD and QA_METRICS when
    they are not given. Raises SettingsInvalid when others could reach the server and no password
    is set, when the address is none of this machine or taken, or when metrics are asked for and
    their package is missing, and what `QA.open` raises.
    """
    password = password or os.environ.get("QA_PASSWORD") or None
    check_reach(host, password)
    read_only, metrics = switch("QA_READ_ONLY", read_only), switch("QA_METRICS", metrics)
    with listening(host, port) as taken:
        app = make_app(
            index, seeds, host=host, watch=watch, read_only=read_only, password=password,
            metrics=metrics,
        )  # fmt: skip
        at = f"http://{bracketed(host)}:{taken.getsockname()[1]}"
        _log.info("Listening on %s", at, extra={"event": "listening", "address": at})
        if ready:
            ready(at)
        run(app, taken)


def make_app(  # noqa: PLR0913 - see serve
    index: str | Path = INDEX,
    seeds: str | Path | None = None,
    *,
    host: str = HOST,
    watch: bool = False,
    read_only: bool = False,
    password: str | None = None,
    metrics: bool = False,
) -> ASGIApp:
    """The whole application, guards included. Raises SettingsInvalid, and what `QA.open` raises."""
    if metrics:
        check_metrics()
    qa = QA.open(index, seeds=seeds)
    _log_start(qa)
    rebuilder = Rebuilder(qa.seeds, qa.index, qa.manifest.settings)
    site = Site(qa, rebuilder, read_only=read_only)
    api = make_api(site)
    if metrics:
        _add_metrics(api, site)
    inner = FastAPI(lifespan=_lifespan(site, api, watch=watch and not read_only), openapi_url=None)
    passwords = Passwords(password) if password else None
    names = os.environ.get("QA_HOSTS", "").split(",")
    guarded = Guards(
        Admission(_Split(api, _with_page(inner, site))), Hosts.of(host, names), passwords
    )
    return Observed(guarded, site.tally)


def _log_start(qa: QA) -> None:
    manifest = qa.manifest
    _log.info(
        "seedqa %s serves %s: snapshot %s of %s, %d documents, %d passages, from %s.",
        *(version("seedqa"), qa.index, manifest.snapshot, manifest.created),
        *(manifest.documents, manifest.passages, qa.seeds),
        extra={"event": "start", "snapshot": manifest.snapshot},
    )


def check_reach(host: str, password: str | None) -> None:
    """Raises SettingsInvalid when a server that others can reach would ask for no password."""
    if not password and not is_loopback(host):
        raise SettingsInvalid(
            f"{host} can be reached by others: set a password in QA_PASSWORD, or stay on {HOST}."
        )


def check_metrics() -> None:
    """Raises SettingsInvalid when the package for metrics is missing: it is an extra."""
    if find_spec("prometheus_client") is None:
        raise SettingsInvalid(
            "Metrics need the package prometheus-client: pip install 'seedqa[metrics]', "
            "or serve without --metrics and QA_METRICS."
        )


def switch(name: str, given: bool | None) -> bool:  # noqa: FBT001 - it is the subject
    """Whether something is on: as given, or as the environment says."""
    value = os.environ.get(name, "").strip().lower()
    return given if given is not None else value not in ("", "0", "false", "no")


class _Split:
    """The API's paths to the API, all others to the page."""

    def __init__(self, api: ASGIApp, page: ASGIApp) -> None:
        self._api = api
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        ours = path.startswith("/api/") or path in ("/healthz", "/metrics", "/mcp")
        await (self._api if ours else self._page)(scope, receive, send)


def _lifespan(site: Site, api: FastAPI, *, watch: bool) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with AsyncExitStack() as stack:
            await mount_tools(api, site, stack)
            await anyio.to_thread.run_sync(examples, site)  # the first reader waits for nothing
            if watch:
                site.watcher.start()
            site.monitor.start()
            yield
        site.watcher.close()
        site.monitor.close()
        site.rebuilder.close()
        site.page_images.close()
        site.qa.close()
        _log.info("Stopped.", extra={"event": "stop"})
        logs.flush()  # a signal may end the process next

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


def _add_metrics(api: FastAPI, site: Site) -> None:
    """The figures for Prometheus at /metrics."""
    from qa.web import metrics

    scrape = metrics.scraper(site)

    @api.get("/metrics", include_in_schema=False)
    def show() -> Response:
        return Response(scrape(), media_type=metrics.CONTENT_TYPE)


def _add_file(app: FastAPI, name: str) -> None:
    # Each has its hash in its address: another version is another address.
    kept = {"cache-control": "public, max-age=31536000, immutable"}

    @app.get(f"/page/{name}", include_in_schema=False)
    def file() -> FileResponse:
        return FileResponse(shell.HERE / name, headers=kept)
