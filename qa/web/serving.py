"""The serving process: its socket, its limits, and its end when it can serve no more."""

import asyncio
import logging
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from qa.errors import QAError, SettingsInvalid
from qa.web.connections import Connections, Limits

DESCRIPTORS = 4_096  # open files and connections: half of them are left to the index
STANDSTILL = 60  # seconds after which a loop that stands still is given up
QUEUE = 1_024  # connections that the system holds until they are accepted
ACCEPTED = (
    16  # of them in one round of the loop; a descriptor is free again some rounds after its end
)

_log = logging.getLogger(__name__)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsInvalid when it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With TCP named, asyncio sends small packets at once: a client that keeps its connection would
    # wait 40 ms for each answer otherwise.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(QUEUE)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise SettingsInvalid(
            f"{host}, port {port} cannot be served: {reason}. "
            "Choose another by --host and --port, or end what holds it."
        ) from error
    return listener


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Serves until the process is asked to end. Raises QAError when it cannot start or go on.

    Where the event loop stands still for `STANDSTILL` seconds, the process ends with an error, so
    that whatever supervises it starts it again.
    """
    limits = Limits(connections=min(Limits().connections, open_files() // 2))
    server = Server(app, limits)
    watchdog = Watchdog(server)
    watchdog.start()
    try:
        with suppress(KeyboardInterrupt):
            server.run([listener])
    except Exception as error:
        raise QAError(f"The server cannot go on ({error}): start it again.") from error
    finally:
        watchdog.close()
    if not server.started:
        raise QAError("The server did not start: the lines above say why.")


def open_files() -> int:
    """How many descriptors this process may have, raised as far as that is allowed and of use."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Server(uvicorn.Server):
    """uvicorn with limits on connections; `ticks` counts on while its loop runs."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.connections = Connections(limits)
        settings = uvicorn.Config(
            app, http=cast(Any, self.connections), ws="none", log_level="warning",
            log_config=None, access_log=False, server_header=False, backlog=ACCEPTED,
            timeout_keep_alive=int(limits.idle), timeout_graceful_shutdown=3,
            proxy_headers=False,  # `proxies` reads them
        )  # fmt: skip
        super().__init__(settings)
        self.ticks = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen; more connections may queue than are accepted at once."""
        asyncio.get_running_loop().set_exception_handler(_log_loop_failure)
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUE)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; whether to end."""
        self.ticks += 1
        if counter % 10 == 0:
            self.connections.sweep()
        return await super().on_tick(counter)


def _log_loop_failure(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Logs what the loop failed in, and fails in nothing itself: that would end the loop."""
    with suppress(Exception):
        _log.error("%s", context["message"], exc_info=context.get("exception"))


class Watchdog:
    """A thread that ends the process when a server has begun to serve and its loop stands still."""

    def __init__(self, server: Server, end: Callable[[str], None] | None = None) -> None:
        self._server = server
        self._end = end or _end
        self._loop_thread = threading.get_ident()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def close(self) -> None:
        """Looks no more."""
        self._closed.set()

    def _watch(self) -> None:
        seen, missed = 0, 0
        while not self._closed.wait(1):
            ticks = self._server.ticks
            # Looks are counted, not seconds: a machine that slept, or a process that was stopped, is
            # no reason.
            missed = missed + 1 if ticks == seen and ticks else 0
            seen = ticks
            if missed >= STANDSTILL:
                self._end(_place(self._loop_thread))
                return


def _place(thread: int) -> str:
    """Where a thread is, as a traceback shows it."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - documented so
    return "".join(traceback.format_stack(frame)) if frame else ""


def _end(place: str) -> None:
    """Ends the process at once: nothing that waits for the loop would come to an end."""
    _log.critical(
        "The event loop has been blocked for %d seconds: the server ends, to be restarted. It was at:\n%s",
        *(STANDSTILL, place), extra={"event": "standstill"},
    )  # fmt: skip
    logging.shutdown()
    os._exit(1)
