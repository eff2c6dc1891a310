"""Pages of PDF files: their sizes, the boxes of words on them, and their images.

pdfium is not thread-safe, so that one lock guards every use of it.
"""

import ctypes
import math
from collections.abc import Iterator, Sequence
from io import BytesIO
from threading import Lock
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

from qa.errors import ReadFailed
from qa.reading.content import Box
from qa.reading.pdf_characters import Characters
from qa.reading.pdf_text import text_of

LOCK = Lock()
_PIXELS = 16 << 20  # of a page image,
_OCR_PIXELS = 40 << 20  # and of one that OCR reads
_SIDE = 16_000  # pixels; more is drawn by no browser
_PAGES = 100_000  # that are measured
_BOXES = 1_000  # of a span
_COVERED = 0.7  # of a scanned page, by one picture
_STAMP = 120  # characters besides the picture, at most
_LONG_STAMP = 200  # characters of one that has two lines at most
_DEPTH = 3  # of forms within forms, in which a picture is looked for


def opened(data: bytes) -> pdfium.PdfDocument:
    """The file, to be closed by the caller; raises ReadFailed."""
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD:
            raise ReadFailed("encrypted: it opens with a password only") from error
        raise ReadFailed("a damaged PDF: it is cut off or not what it says") from error


def boxes(
    data: bytes, page: int, spans: Sequence[tuple[int, int]], *, reads_scans: bool = False
) -> list[Box]:
    """Where the spans of a page's text stand on it: boxes line by line.

    Spans are offsets from where the page's first block starts. Where scanned pages are read by OCR,
    they have no boxes.
    """
    with LOCK:
        file = opened(data)
        try:
            face = file[page - 1]
            text_page = face.get_textpage()
            characters = Characters(face.raw, text_page.raw)
            text = text_of(characters)
            if reads_scans and is_scan(face.raw, text.words):
                return []
            return [
                box
                for start, end in spans
                for first, last in text.sources(start, end)
                for box in _boxes(
                    face, text_page, characters.index(first), characters.index(last - 1)
                )
            ]
        finally:
            file.close()


def render(data: bytes, page: int, width: int) -> bytes:
    """An image of the page as PNG, `width` pixels wide, or less where it is very long.

    Raises ReadFailed where there is no such page.
    """
    with LOCK:
        file = opened(data)
        try:
            if not 1 <= page <= len(file):
                raise ReadFailed(f"there is no page {page}")
            picture = _picture(file[page - 1], width, _PIXELS)
        finally:
            file.close()
    png = BytesIO()
    picture.save(png, format="PNG")
    return png.getvalue()


def sizes(data: bytes) -> list[tuple[float, float]]:
    """Width and height of every page as it is seen, in points."""
    with LOCK:
        file = opened(data)
        try:
            return [file.get_page_size(page) for page in range(min(len(file), _PAGES))]
        finally:
            file.close()


def is_scan(face: Any, words: str) -> bool:
    """True for a page of pdfium's that is one picture, with a stamp as its only text.

    Text that is not shown is what OCR read of the picture, however short.
    """
    if len(words) > (_STAMP if words.count("\n") > 1 else _LONG_STAMP):
        return False
    least = _COVERED * raw.FPDF_GetPageWidthF(face) * raw.FPDF_GetPageHeightF(face)
    areas = list(_pictures(face, raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject, _DEPTH))
    return all(areas) and any(area >= least for area in areas)


def _pictures(parent: Any, count: Any, member: Any, depth: int) -> Iterator[float]:
    """The areas of the pictures on a page, or in a form on it; 0 for text that is not shown."""
    for number in range(count(parent)):
        found = member(parent, number)
        kind = raw.FPDFPageObj_GetType(found)
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = (ctypes.c_float() for _ in range(4))
            raw.FPDFPageObj_GetBounds(found, left, bottom, right, top)
            yield (right.value - left.value) * (top.value - bottom.value)
        elif kind == raw.FPDF_PAGEOBJ_TEXT:
            if raw.FPDFTextObj_GetTextRenderMode(found) == raw.FPDF_TEXTRENDERMODE_INVISIBLE:
                yield 0.0
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth > 1:
            count_inner, inner = raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject
            yield from _pictures(found, count_inner, inner, depth - 1)


def for_ocr(face: Any, pixels_per_inch: int) -> Any:
    """The page as a PIL image that OCR reads."""
    return _picture(face, int(face.get_width() / 72 * pixels_per_inch), _OCR_PIXELS)


def _boxes(face: Any, text_page: Any, start: int, end: int) -> Iterator[Box]:
    """The boxes of pdfium's characters from `start` to `end`, that one included."""
    if min(start, end) < 0:
        return
    for number in range(min(text_page.count_rects(start, end - start + 1), _BOXES)):
        left, bottom, right, top = text_page.get_rect(number)
        x0, y0 = _fractions(face, left, top)
        x1, y1 = _fractions(face, right, bottom)
        yield min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _fractions(face: Any, x: float, y: float) -> tuple[float, float]:
    """A point of the page's own space as fractions of the page as it is seen, from its top left."""
    scale = 1_000_000
    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(face.raw, 0, 0, scale, scale, 0, x, y, across, down)
    return across.value / scale, down.value / scale


def _picture(face: Any, width: int, pixels: int) -> Any:
    """The page as a PIL image, `width` pixels wide, or less for a page that would have too many."""
    return face.render(scale=_scale(face.get_width(), face.get_height(), width, pixels)).to_pil()


def _scale(across: float, down: float, width: int, pixels: int) -> float:
    """Pixels a point: 595 points across, 842 down, 1190 wide gives 2.0.

    Raises ReadFailed for a page without a size.
    """
    if not (0 < across < math.inf and 0 < down < math.inf):
        raise ReadFailed("a page without a size")
    across, down = max(across, 1.0), max(down, 1.0)
    return min(width / across, math.sqrt(pixels / across / down), _SIDE / max(across, down))
