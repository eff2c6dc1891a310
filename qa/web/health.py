"""The state of the service: `ok`, `degraded` while something is wrong and it still answers, or `failing`.

A thread looks twice a second; whoever asks gets what it saw last, so that asking costs nothing and
a folder on a hung network drive holds nobody up. A reason is words alone: it names no path, because
`/healthz` needs no password. The log names them.
"""

import logging
import threading
import time
from functools import partial
from typing import NamedTuple, Protocol

from qa.asking.service import QA
from qa.building.changes import identity
from qa.errors import IndexClosed
from qa.web.rebuilding import Rebuilder, Watcher

OK, DEGRADED, FAILING = "ok", "degraded", "failing"
EVERY = 0.5  # seconds
OVERDUE = 10.0  # seconds without a look, after which something hangs
PROBE = "What is this about?"  # a question that any index can be asked

_log = logging.getLogger(__name__)


class Health(NamedTuple):
    """The state of the service, and the reason."""

    status: str
    reason: str = ""


class Outcomes(Protocol):
    """Who knows whether the last question failed."""

    @property
    def has_failed(self) -> bool:
        """Whether the last question failed, in the snapshot that answers now."""


_BROKEN = Health(FAILING, "The index is damaged: no question can be answered. Build it again.")
_UNREACHABLE = Health(
    FAILING, "The store of the index does not answer: no question can be answered until it does."
)
_HUNG = Health(DEGRADED, "The folder of documents or of the index does not respond.")
_OLDER = "The index as it is on the disk cannot be opened: an older snapshot answers."
_AWAY = "The folder of documents is out of reach: what is quoted cannot be checked."
_UNWATCHED = "The folder of documents is not watched: the watcher failed and will begin again."
_UNBUILT = "The last rebuild failed: what changed since is not in the index."
_FAILED = "The last question failed: a part of the index may be damaged."


class Monitor:
    """Looks how the service is."""

    def __init__(self, qa: QA, rebuilder: Rebuilder, watcher: Watcher, outcomes: Outcomes) -> None:
        self._qa, self._rebuilder, self._watcher = qa, rebuilder, watcher
        self._outcomes = outcomes
        self._ended = threading.Event()
        self._is_looking = False
        self._last = Health(OK)
        self._looked = time.monotonic()

    def start(self) -> None:
        """Begins to look."""
        self._look()
        self._ended, self._is_looking = threading.Event(), True
        run = partial(self._run, self._ended)
        threading.Thread(target=run, name="qa-health", daemon=True).start()

    def close(self) -> None:
        """Looks no more."""
        self._ended.set()
        self._is_looking = False

    @property
    def health(self) -> Health:
        """How the service was at the last look, which is now when nothing looks by itself."""
        if not self._is_looking:
            self._look()
        elif time.monotonic() - self._looked > OVERDUE:
            return _HUNG
        return self._last

    def _run(self, ended: threading.Event) -> None:
        while not ended.wait(EVERY):
            try:
                self._look()
            except IndexClosed:  # the server has ended, or its application is gone
                return
            except Exception:  # noqa: BLE001 - it looks again
                if ended.is_set():
                    return
                _log.exception("Looking how the service is failed.", extra={"event": "error"})
                ended.wait(OVERDUE)

    def _look(self) -> None:
        self._qa.look()
        health = self._failure() or Health(*self._degraded())
        self._looked = time.monotonic()
        if health == self._last:
            return
        self._last = health
        level = logging.INFO if health.status == OK else logging.WARNING
        fields = {"event": "health", "status": health.status, "reason": health.reason}
        text = ": ".join(filter(None, health))
        _log.log(level, "The service is %s", text, extra=fields)

    def _failure(self) -> Health | None:
        if self._qa.is_unreachable:
            return _UNREACHABLE
        if self._qa.is_broken or (self._outcomes.has_failed and not self._can_answer()):
            return _BROKEN
        return None

    def _degraded(self) -> tuple[str, str]:
        reasons = (
            (self._qa.warning, _OLDER),
            (not identity(self._qa.seeds), _AWAY),
            (self._watcher.problem, _UNWATCHED),
            (self._rebuilder.state.is_pending, _UNBUILT),
            (self._outcomes.has_failed, _FAILED),
        )
        reason = " ".join(text for holds, text in reasons if holds)
        return (DEGRADED, reason) if reason else (OK, "")

    def _can_answer(self) -> bool:
        try:
            self._qa.ask(PROBE, limit=1)
        except IndexClosed:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the question failed
            return False
        return True
