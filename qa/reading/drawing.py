"""Pages of PDF files measured and drawn in processes of their own, within limits.

pdfium runs in no process that serves others: a few hundred bytes can have it draw for ever, or fill
the memory. One process works on a document at a time, so that a document whose pages hang holds up
no other one; after a few such pages it is refused for a while.
"""

import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from qa.errors import QAError, ReadFailed
from qa.reading import wire
from qa.reading.children import Child
from qa.reading.content import Box

PROCESSES = 4
KEPT = 2  # processes that wait for the next request
SECONDS = 10.0  # that one request may take
WAITING = 16  # requests that wait while others are worked on,
PATIENCE = 20.0  # seconds at most
STRIKES = 2  # requests that killed their process, after which a document is refused,
STRIKES_SECONDS = 300.0  # for so long
DOCUMENTS = 1_000  # whose strikes are remembered

_GRACE = 5.0  # seconds that a process which should have ended itself is given besides


class DrawingBusy(QAError):
    """More pages are to be drawn than can be."""


class Place(NamedTuple):
    """Where a PDF stands: a file, or a member of an archive."""

    file: Path
    source: str  # the file's path as it is listed
    path: str  # `source` itself, or the member's path


class Pdf(NamedTuple):
    """A PDF by its hash, and where it may stand; its pages are those of these very bytes."""

    sha256: str
    places: tuple[Place, ...]
    reads_scans: bool = False  # OCR read its scanned pages


class Layout(NamedTuple):
    """How the pages of a PDF look."""

    sizes: tuple[tuple[float, float], ...]  # width and height of each page, in points
    boxes: Mapping[int, Sequence[Sequence[Box]]]  # for each page asked about, those of each span


class Drawing:
    """The processes that draw, started when there is a page for them; thread-safe.

    One request may take `seconds`.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._changed = threading.Condition()
        self._working: set[str] = set()  # documents that a process works on
        self._waiting = 0
        self._idle: list[Child] = []
        self._strikes: OrderedDict[str, deque[tuple[float, str]]] = OrderedDict()
        self.close = weakref.finalize(self, _end, self._idle)  # ends the processes without work

    def layout(self, file: Pdf, spans: Mapping[int, Sequence[tuple[int, int]]]) -> Layout:
        """The sizes of all pages, and where spans of some pages' texts stand on them.

        `spans` holds, for a page, offsets within its text. Raises ReadFailed with the reason where
        there is no layout, and DrawingBusy.
        """
        spans_of_pages = {page: list(at) for page, at in spans.items()}
        request = {"spans": spans_of_pages, "reads_scans": file.reads_scans}
        reply, _ = self._request(file, request)
        try:
            return Layout(
                tuple((float(width), float(height)) for width, height in reply["sizes"]),
                {
                    int(page): [[_box(box) for box in boxes] for boxes in found]
                    for page, found in reply["boxes"].items()
                },
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ReadFailed("the reply of its reader is invalid") from error

    def image(self, file: Pdf, page: int, width: int) -> bytes:
        """A picture of the page as PNG, at most `width` pixels wide. Raises what `layout` raises."""
        return self._request(file, {"page": page, "width": width})[1]

    def _request(self, file: Pdf, request: Mapping[str, object]) -> tuple[dict[str, Any], bytes]:
        """A process's reply, with the image that it rendered."""
        places = [(str(place.file), place.source, place.path) for place in file.places]
        complete = {"sha256": file.sha256, "places": places, **request}
        with self._turn(file.sha256):
            reply, picture = (
                self._reply(complete) or self._reply(complete) or ({"failed": "no reader"}, b"")
            )
        if "failed" in reply:
            raise ReadFailed(str(reply["failed"]))
        return reply, picture

    def _reply(self, request: Mapping[str, object]) -> tuple[dict[str, Any], bytes] | None:
        """A process's reply; None where it had just ended because it was idle for long."""
        child = self._child()
        try:
            answer = self._answer(child, request)
        except (wire.Broken, ValueError) as error:
            reason = child.end(self._seconds)
            if child.process.returncode == 0:
                return None
            self._strike(str(request["sha256"]), reason)
            raise ReadFailed(reason) from error
        self._keep(child)
        return answer

    def _answer(self, child: Child, request: Mapping[str, object]) -> tuple[dict[str, Any], bytes]:
        overdue = threading.Timer(self._seconds + _GRACE, child.process.kill)
        overdue.start()
        try:
            wire.send(child.requests, request)
            return wire.receive(child.answers), wire.receive_bytes(child.answers)
        finally:
            overdue.cancel()

    @contextmanager
    def _turn(self, sha256: str) -> Iterator[None]:
        """A turn for the document: one at a time for each, and not for one that is refused."""
        with self._changed:
            self._check_strikes(sha256)
            if self._waiting >= WAITING:
                raise DrawingBusy("Too many pages wait to be drawn: try again in some seconds.")
            self._waiting += 1
            try:
                free = self._changed.wait_for(lambda: self._is_free(sha256), PATIENCE)
            finally:
                self._waiting -= 1
            if not free:
                raise DrawingBusy("Other pages are being drawn: try again in some seconds.")
            self._check_strikes(sha256)
            self._working.add(sha256)
        try:
            yield
        finally:
            with self._changed:
                self._working.discard(sha256)
                self._changed.notify_all()

    def _is_free(self, sha256: str) -> bool:
        return sha256 not in self._working and len(self._working) < PROCESSES

    def _child(self) -> Child:
        """A process that waits for work; a new one where there is none."""
        with self._changed:
            while self._idle:
                child = self._idle.pop()
                if child.process.poll() is None:
                    return child
                child.end(0)
        return Child("qa.reading.drawer", str(self._seconds))

    def _keep(self, child: Child) -> None:
        with self._changed:
            if len(self._idle) < KEPT:
                self._idle.append(child)
                return
        child.kill()

    def _strike(self, sha256: str, reason: str) -> None:
        with self._changed:
            strikes = self._strikes.setdefault(sha256, deque(maxlen=STRIKES))
            strikes.append((self._clock(), reason))
            self._strikes.move_to_end(sha256)
            if len(self._strikes) > DOCUMENTS:
                self._strikes.popitem(last=False)

    def _check_strikes(self, sha256: str) -> None:
        """Raises ReadFailed when enough of the document's pages hung or crashed lately."""
        strikes = self._strikes.get(sha256, ())
        recent = [why for at, why in strikes if at > self._clock() - STRIKES_SECONDS]
        if len(recent) == STRIKES:
            raise ReadFailed(f"its pages are not drawn for now: one {recent[-1]}")


def _end(idle: list[Child]) -> None:
    while idle:
        idle.pop().kill()


def _box(box: Sequence[float]) -> Box:
    left, top, right, bottom = map(float, box)
    return left, top, right, bottom
