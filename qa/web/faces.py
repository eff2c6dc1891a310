"""The pages of PDF documents as they look, made from the file that was indexed and from no other."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from qa.asking.service import QA
from qa.errors import ReadFailed
from qa.reading import archive, pdf
from qa.reading.loading import load
from qa.reading.walking import locate
from qa.records import Document, Excerpt
from qa.web.viewer import PageBoxes, Shapes, page_numbers, page_spans

WIDTH = 1100  # pixels of a picture: sharp on a screen of twice the density
PICTURES = 96  # kept in memory, about 150 kB each
MARKED = 64  # pages with boxes, at most: an address may name a place as long as the document
SOURCES = 4  # PDF files kept in memory


class Face(NamedTuple):
    """How the pages of a document look, and where the excerpts stand on them."""

    shapes: Shapes
    boxes: PageBoxes


class Faces:
    """The pages of one index's PDF documents; thread-safe."""

    def __init__(self, qa: QA) -> None:
        self._qa = qa
        self._source = lru_cache(SOURCES)(self._read)
        self._shapes = lru_cache(PICTURES)(self._measure)
        self.picture = lru_cache(PICTURES)(self._draw)

    def face(
        self, document: Document, excerpts: Sequence[Excerpt], at: tuple[int, int]
    ) -> Face | None:
        """The document's face; None when it is no PDF or its file is not what was indexed."""
        if not document.reader.startswith("pdf "):
            return None
        try:
            data = self._source(document.sha256)
            spans = page_spans(document)
            boxes = {
                number: _boxes(data, number, spans[number], excerpts, at)
                for number in page_numbers(document, excerpts, at)[:MARKED]
            }
            return Face(self._shapes(document.sha256), boxes)
        except ReadFailed:
            return None

    def _measure(self, sha256: str) -> Shapes:
        return pdf.sizes(self._source(sha256))

    def _draw(self, sha256: str, page: int) -> bytes:
        """The picture of a page as PNG. Raises ReadFailed where there is none."""
        data = self._source(sha256)
        if not 1 <= page <= len(self._shapes(sha256)):
            raise ReadFailed(f"there is no page {page}")
        return pdf.render(data, page, WIDTH)

    def _read(self, sha256: str) -> bytes:
        """The bytes of the PDF with that hash, wherever it stands now."""
        for file in self._qa.files():
            if file.sha256 == sha256 and file.reader.startswith("pdf "):
                data = load(locate(self._qa.seeds, file.source)).data
                if file.source != file.path:
                    data = _member(data, file.source, file.path)
                if hashlib.sha256(data).hexdigest() == sha256:
                    return data
        raise ReadFailed("the file is not what was indexed any more")


def _member(data: bytes, source: str, path: str) -> bytes:
    for member in archive.members(data, source):
        if member.path == path:
            return member.load()
    raise ReadFailed(f"{path} is not in its archive any more")


def _boxes(
    data: bytes,
    page: int,
    page_span: tuple[int, int],
    excerpts: Sequence[Excerpt],
    at: tuple[int, int],
) -> list[tuple[pdf.Box, str]]:
    """The boxes of the place, of the other excerpts and of their highlights on one page."""
    first, last = page_span
    styled = [(at, "current")]
    for excerpt in excerpts:
        if (excerpt.start, excerpt.end) != at:
            styled.append(((excerpt.start, excerpt.end), "other"))
        styled += [((found.start, found.end), "best") for found in excerpt.highlights[:1]]
    found: list[tuple[pdf.Box, str]] = []
    for (start, end), style in styled:
        span = (max(start, first) - first, min(end, last) - first)
        if span[0] < span[1]:
            found += [(box, style) for box in pdf.boxes(data, page, [span])]
    return found
