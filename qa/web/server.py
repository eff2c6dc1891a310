"""The server: page, API and MCP tools as one application behind its guards."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import anyio.to_thread
from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from qa import logs, processes
from qa.asking.service import QA
from qa.errors import QAError, SettingsInvalid
from qa.settings import INDEX
from qa.translation import LANGUAGES, speaking
from qa.version import VERSION
from qa.web import shell
from qa.web.admission import THREADS, Admission
from qa.web.api import make_api
from qa.web.events import Events
from qa.web.examples import beginnings
from qa.web.guards import Guards, Hosts, bracketed, is_loopback
from qa.web.languages import Pages, Spoken, place
from qa.web.mcp_tools import mount_tools
from qa.web.mounting import Rooted, Started, normal_path, with_root
from qa.web.observing import Observed
from qa.web.passwords import Passwords
from qa.web.proxies import Proxies, Unproxied
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
    root_path: str | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves the index until it is interrupted; `ready` is called with the page's address beforehand.

    What is not given comes from the environment: `read_only`, `password`, `metrics` and `root_path`
    (below which a proxy shows the server) from QA_READ_ONLY, QA_PASSWORD, QA_METRICS, QA_ROOT_PATH.
    Raises SettingsInvalid when others could reach the server and no password is set, when the
    address is none of this machine or taken, or when metrics are asked for and their package is
    missing, and what `QA.open` raises.
    """
    check_reach(host, _password(password))
    with listening(host, port) as taken:
        app = make_app(
            index, seeds, host=host, watch=watch, read_only=read_only, password=password,
            metrics=metrics, root_path=root_path,
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
    read_only: bool | None = None,
    password: str | None = None,
    metrics: bool | None = None,
    root_path: str | None = None,
) -> ASGIApp:
    """The complete application, guards included, to be served or mounted in another one.

    What is not given comes from the environment, as with `serve`. Where nothing starts it, as in a
    FastAPI application that it is mounted in, its first request does.
    Raises SettingsInvalid, and what `QA.open` raises.
    """
    proxies = Proxies.of(os.environ.get("QA_PROXIES", ""))
    path = normal_path(os.environ.get("QA_ROOT_PATH", "") if root_path is None else root_path)
    asked, names = _password(password), os.environ.get("QA_HOSTS", "").split(",")
    if has_metrics := switch("QA_METRICS", metrics):
        check_metrics()
    qa = QA.open(index, seeds=seeds)
    _log_start(qa)
    rebuilder = Rebuilder(qa.seeds, qa.index, qa.manifest.settings)
    site = Site(qa, rebuilder, read_only=switch("QA_READ_ONLY", read_only))
    api = make_api(site)
    if has_metrics:
        _add_metrics(api, site)
    lifespan = _lifespan(site, api, watch=watch and not site.read_only)
    page = _with_page(FastAPI(lifespan=lifespan, openapi_url=None), site)
    started = Started(_Split(api, page), partial(_close, site))
    guarded = Guards(Admission(started), Hosts.of(host, names), Passwords(asked) if asked else None)
    return Unproxied(Rooted(Observed(Spoken(guarded), site.tally), path), proxies)


def _log_start(qa: QA) -> None:
    manifest = qa.manifest
    _log.info(
        "seedqa %s serves %s: snapshot %s of %s, %d documents, %d passages, from %s.",
        *(VERSION, qa.index, manifest.snapshot, manifest.created),
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


def _password(given: str | None) -> str | None:
    """The password as given, or as QA_PASSWORD says; None when there is none."""
    return given or os.environ.get("QA_PASSWORD") or None


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
        if ours:
            await self._api(with_root(scope), receive, send)
        else:
            await self._page(scope, receive, send)


def _lifespan(site: Site, api: FastAPI, *, watch: bool) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with AsyncExitStack() as stack:
            await mount_tools(api, site, stack)
            await anyio.to_thread.run_sync(_prepare, site)
            if watch:
                site.watcher.start()
            site.monitor.start()
            try:
                yield
            finally:
                site.watcher.close()
                site.monitor.close()
        _log.info("Stopped.", extra={"event": "stop"})
        logs.flush()  # a signal may end the process next

    return lifespan


def _prepare(site: Site) -> None:
    """Does what the first reader, and the first question, would wait for."""
    beginnings(site)
    with suppress(QAError):  # whoever asks is told
        site.qa.prepare()


def _close(site: Site) -> None:
    site.rebuilder.close()
    site.page_images.close()
    site.qa.close()


def _with_page(app: FastAPI, site: Site) -> ASGIApp:
    """The application with Gradio's page in it, and the two files that dress it."""
    for name in _FILES:
        _add_file(app, name)
    # Where no event loop runs, Gradio leaves one open for each of its locks; and where one runs
    # already, as in a notebook, no other can: so one runs in a thread of its own.
    with ThreadPoolExecutor(1) as thread:
        inputs = thread.submit(asyncio.run, _mount_page(app, site)).result()
    return shell.Shell(Events(Pages(app), inputs))


async def _mount_page(app: FastAPI, site: Site) -> dict[int, int]:
    """How many inputs each function of the page has, once it is mounted in each language."""
    processes.silence()
    import gradio as gr

    from qa.web.page import THEME, make_page

    for language in reversed(LANGUAGES):  # that at "/" is the last: it takes what is left
        with speaking(language):
            page = make_page(site)
        gr.mount_gradio_app(
            app,
            page,
            place(language),
            root_path="",  # whatever GRADIO_ROOT_PATH says: the page's addresses are relative
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
