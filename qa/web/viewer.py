"""Document -> HTML: the source beside the answer, with the excerpts marked where they stand."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from qa.reading.content import Box
from qa.records import Document, Excerpt, Kind
from qa.translation import tr
from qa.web.address import Address
from qa.web.cards import Numbered, marks, place
from qa.web.markup import Mark
from qa.web.templating import render
from qa.web.texts import TEXTS

WINDOW = 40_000  # characters of a document shown at once, on either side of the place
_SET_APART = frozenset({Kind.HEADING, Kind.TABLE, Kind.ROW, Kind.CODE, Kind.BOILERPLATE})

Shapes = Sequence[tuple[float, float]]  # width and height of each page
PageBoxes = Mapping[int, Sequence[tuple[Box, str]]]  # page -> boxes and their styles


class _Head(NamedTuple):
    """A document's title, paths and date, and links to the excerpts in it."""

    title: str
    paths: Sequence[str]
    date: str
    address: Address
    places: list[tuple[str, Address, bool]]  # of the answer's excerpts: label, address, is it open


class _Box(NamedTuple):
    """A marked box on a page, its sides in hundredths of the page's."""

    style: str
    left: str
    top: str
    width: str
    height: str


class _Page(NamedTuple):
    """One page: its picture's size, what is marked on it, and its words where any are marked."""

    number: int
    width: str
    height: str
    boxes: list[_Box]
    words: tuple[int, int] | None


def document_html(
    document: Document,
    excerpts: Sequence[Numbered],
    address: Address,
    paths: Sequence[str],
    reason: str = "",
) -> str:
    """The document's text with numbered lines, the place and this answer's excerpts marked.

    `reason` says why this is shown instead of the pages.
    """
    text, at = document.text, address.at or (0, 0)
    start, end = window(text, at)
    first_line = text.count("\n", 0, start) + 1
    return render(
        "document",
        document=document,
        head=_head(document, excerpts, address, paths),
        reason=tr(reason),
        earlier=address.opening(address.doc, start, start) if start else None,
        later=address.opening(address.doc, end, end) if end < len(text) else None,
        first_line=first_line,
        digits=len(str(first_line + text.count("\n", start, end))),
        start=start,
        end=end,
        marks=_marks(excerpts, at),
        kinds=[
            Mark(block.start, block.end, block.kind.name.lower())
            for block in document.blocks
            if block.kind in _SET_APART and block.end > start and block.start < end
        ],
    )


def pages_html(
    document: Document,
    excerpts: Sequence[Numbered],
    address: Address,
    paths: Sequence[str],
    shapes: Shapes,
    boxes: PageBoxes,
) -> str:
    """The pages as they look, the excerpts' lines marked on them, the words of those pages below."""
    found = _marks(excerpts, address.at or (0, 0))
    spans = page_spans(document)
    return render(
        "pages",
        document=document,
        head=_head(document, excerpts, address, paths),
        pages=[
            _page(number, shape, boxes.get(number, ()), spans.get(number, (0, 0)), found)
            for number, shape in enumerate(shapes, 1)
        ],
        marks=found,
    )


def missing_html(address: Address) -> str:
    """What stands in the viewer when the index no longer holds the document."""
    return render("missing", address=address)


def window(text: str, at: tuple[int, int]) -> tuple[int, int]:
    """The part of a long text that is shown around a place, cut at line ends where there are any."""
    if len(text) <= 2 * WINDOW:
        return 0, len(text)
    start, end = max(at[0] - WINDOW, 0), min(at[1] + WINDOW, len(text))
    cut = text.find("\n", start, at[0]) + 1 if start else 0
    last = text.rfind("\n", at[1], end) if end < len(text) else end
    return cut or start, last if last > 0 else end


def page_spans(document: Document) -> dict[int, tuple[int, int]]:
    """Where the text of each page stands; a page without text is left out."""
    spans: dict[int, tuple[int, int]] = {}
    for block in document.blocks:
        if block.page is not None:
            start, _ = spans.get(block.page, (block.start, 0))
            spans[block.page] = start, block.end
    return spans


def page_numbers(document: Document, excerpts: Sequence[Excerpt], at: tuple[int, int]) -> list[int]:
    """The pages on which the place or an excerpt stands."""
    spans = [at, *((excerpt.start, excerpt.end) for excerpt in excerpts)]
    return sorted(
        {
            block.page
            for block in document.blocks
            if block.page and any(block.start < end and block.end > start for start, end in spans)
        }
    )


def _marks(excerpts: Sequence[Numbered], at: tuple[int, int]) -> list[Mark]:
    """The open place first, then the other excerpts, then the highlights."""
    found = [Mark(*at, "current")] if at[1] > at[0] else []
    for _, excerpt in excerpts:
        if (excerpt.start, excerpt.end) != at:
            found.append(Mark(excerpt.start, excerpt.end, "other"))
        found += marks(excerpt)
    return found


def _head(
    document: Document, excerpts: Sequence[Numbered], address: Address, paths: Sequence[str]
) -> _Head:
    return _Head(
        title=document.title or (paths[0].rpartition("/")[2] if paths else TEXTS.untitled),
        paths=paths,
        date=document.date[:10] if document.date else "",
        address=address,
        places=[
            (
                f"{number}: {place(excerpt)}",
                address.opening(excerpt.document, excerpt.start, excerpt.end),
                (excerpt.start, excerpt.end) == address.at,
            )
            for number, excerpt in excerpts
        ],
    )


def _page(
    number: int,
    shape: tuple[float, float],
    boxes: Sequence[tuple[Box, str]],
    span: tuple[int, int],
    found: Sequence[Mark],
) -> _Page:
    width, height = shape
    is_marked = any(mark.start < span[1] and mark.end > span[0] for mark in found)
    drawn = [_box(box, style) for box, style in boxes]
    return _Page(number, f"{width:.0f}", f"{height:.0f}", drawn, span if is_marked else None)


def _box(box: Box, style: str) -> _Box:
    left, top, right, bottom = (100 * side for side in box)
    sides = (left, top, right - left, bottom - top)
    return _Box(style, *(f"{side:.3f}" for side in sides))
