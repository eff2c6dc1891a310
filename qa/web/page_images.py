"""The pages of PDF documents as they look, made from the file that was indexed and from no other."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import NamedTuple

import anyio
import anyio.to_thread

from qa.asking.service import QA
from qa.errors import ReadFailed
from qa.reading import drawing
from qa.reading.content import Box
from qa.reading.drawing import Drawing, Pdf, Place
from qa.reading.walking import locate
from qa.records import Document, Excerpt
from qa.web.viewer import PageBoxes, Shapes, page_numbers, page_spans

WIDTH = 1100  # pixels of a picture: sharp on a screen of twice the density
PICTURES = 96  # kept in memory, about 150 kB each
MARKED = 64  # pages with boxes, at most: an address may name a place as long as the document

Span = tuple[int, int]


class PageLayout(NamedTuple):
    """How the pages of a document look, and where the excerpts stand on them."""

    shapes: Shapes
    boxes: PageBoxes


class PageImages:
    """The pages of one index's PDF documents; thread-safe."""

    def __init__(self, qa: QA) -> None:
        self._qa = qa
        self._drawing = Drawing(drawing.SECONDS)
        self._drawn = lru_cache(PICTURES)(self._draw)
        self._threads = anyio.CapacityLimiter(drawing.PROCESSES)
        self._turns: dict[str, anyio.Lock] = {}  # of documents whose pages are asked for

    def layout(
        self, document: Document, excerpts: Sequence[Excerpt], at: Span
    ) -> PageLayout | None:
        """The layout of the document's pages; None when it is no PDF.

        Raises ReadFailed with the reason where there is none, and DrawingBusy.
        """
        if not document.reader.startswith("pdf "):
            return None
        spans = page_spans(document)
        styled = {
            page: _styled(spans[page], excerpts, at)
            for page in page_numbers(document, excerpts, at)[:MARKED]
        }
        asked = {page: [span for span, _ in found] for page, found in styled.items()}
        layout = self._drawing.layout(self._file(document.sha256), asked)
        return PageLayout(layout.sizes, _with_styles(layout.boxes, styled))

    async def image(self, sha256: str, page: int) -> bytes:
        """The picture of a page as PNG. Raises ReadFailed where there is none, and DrawingBusy.

        A document has one page drawn at a time; who waits for it holds no thread.
        """
        async with self._turn(sha256):
            work = partial(self._drawn, sha256, page)
            return await anyio.to_thread.run_sync(work, limiter=self._threads)

    def close(self) -> None:
        """Ends what draws."""
        self._drawing.close()

    @asynccontextmanager
    async def _turn(self, sha256: str) -> AsyncIterator[None]:
        lock = self._turns.setdefault(sha256, anyio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.statistics().tasks_waiting and not lock.locked():
                self._turns.pop(sha256, None)

    def _draw(self, sha256: str, page: int) -> bytes:
        return self._drawing.image(self._file(sha256), page, WIDTH)

    def _file(self, sha256: str) -> Pdf:
        """The PDF with that hash, wherever it stands now."""
        places = tuple(
            Place(locate(self._qa.seeds, file.source).absolute(), file.source, file.path)
            for file in self._qa.files_of(sha256)
            if file.reader.startswith("pdf ")
        )
        if not places:
            raise ReadFailed("no PDF of the index has this id")
        return Pdf(sha256, places, reads_scans=bool(self._qa.manifest.settings.get("ocr")))


def _styled(page_span: Span, excerpts: Sequence[Excerpt], at: Span) -> list[tuple[Span, str]]:
    """The place, the other excerpts and their highlights within one page, and how they are marked.

    The spans are offsets within the page's text.
    """
    first, last = page_span
    styled = [(at, "current")]
    for excerpt in excerpts:
        if (excerpt.start, excerpt.end) != at:
            styled.append(((excerpt.start, excerpt.end), "other"))
        styled += [((found.start, found.end), "best") for found in excerpt.highlights[:1]]
    cut = (
        ((max(start, first) - first, min(end, last) - first), style)
        for (start, end), style in styled
    )
    return [(span, style) for span, style in cut if span[0] < span[1]]


def _with_styles(
    boxes: Mapping[int, Sequence[Sequence[Box]]],
    styled: Mapping[int, Sequence[tuple[Span, str]]],
) -> dict[int, list[tuple[Box, str]]]:
    """The boxes of each page with the styles of their spans."""
    return {
        page: [
            (box, style)
            for (_, style), found in zip(marks, boxes.get(page, ()), strict=False)
            for box in found
        ]
        for page, marks in styled.items()
    }
