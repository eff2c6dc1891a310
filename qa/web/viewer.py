"""Document -> HTML: the source beside the answer, with the excerpts marked where they stand."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from qa.reading.content import Box
from qa.records import Block, Document, Excerpt, Kind
from qa.web.address import Address
from qa.web.cards import Numbered, marks, place
from qa.web.markup import Mark, marked, quoted, shown

WINDOW = 40_000  # characters of a document shown at once, on either side of the place
_SET_APART = frozenset({Kind.HEADING, Kind.TABLE, Kind.ROW, Kind.CODE, Kind.FURNITURE})

Shapes = Sequence[tuple[float, float]]  # width and height of each page
PageBoxes = Mapping[int, Sequence[tuple[Box, str]]]  # page -> boxes and their styles


def document_html(
    document: Document,
    excerpts: Sequence[Numbered],
    address: Address,
    paths: Sequence[str],
    why: str = "",
) -> str:
    """The document's text with numbered lines, the place and this answer's excerpts marked.

    `why` says why this is shown instead of the pages.
    """
    text, at = document.text, address.at or (0, 0)
    start, end = window(text, at)
    blocks = [block for block in document.blocks if block.end > start and block.start < end]
    found = _marks(excerpts, at)
    first_line = text.count("\n", 0, start) + 1
    lines = "".join(_line(text, a, b, blocks, found) for a, b in _lines(text, start, end))
    numbers = len(str(first_line + text.count("\n", start, end)))
    return (
        f"{_head(document, excerpts, address, paths)}{_instead(why)}"
        f"{_more(address, start, 'Earlier') if start else ''}"
        f'<ol class="lines" start="{first_line}" '
        f'style="counter-reset: line {first_line - 1}; --digits: {numbers}">{lines}</ol>'
        f"{_more(address, end, 'Later') if end < len(text) else ''}"
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
    pages = "".join(
        _page(document, number, shape, boxes.get(number, ()), spans.get(number, (0, 0)), found)
        for number, shape in enumerate(shapes, 1)
    )
    return f'{_head(document, excerpts, address, paths)}<div class="pages">{pages}</div>'


def missing_html(address: Address) -> str:
    """What stands in the viewer when the index no longer holds the document."""
    return (
        f'<header class="source-head"><h2 tabindex="-1">Not in the index</h2>{_close(address)}'
        '</header><p class="more">This document was changed or removed since the link was made. '
        "Ask again to find where its words stand now.</p>"
    )


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
) -> str:
    title = document.title or (paths[0].rpartition("/")[2] if paths else "Untitled")
    named = "".join(f'<span class="path">{shown(path)}</span>' for path in paths)
    date = f"<time>{shown(document.date[:10])}</time>" if document.date else ""
    return (
        f'<header class="source-head"><h2 tabindex="-1">{shown(title)}</h2>'
        f'{_close(address)}<p class="source">{named}{date}</p>{_places(excerpts, address)}</header>'
    )


def _close(address: Address) -> str:
    return f'<a class="close" href="{quoted(str(address.closed()))}" title="Close (Esc)">Close</a>'


def _places(excerpts: Sequence[Numbered], address: Address) -> str:
    links = "".join(
        f'<a class="chip{" now" if (excerpt.start, excerpt.end) == address.at else ""}" '
        f'href="{quoted(str(address.opening(excerpt.document, excerpt.start, excerpt.end)))}">'
        f"{number}: {place(excerpt)}</a>"
        for number, excerpt in excerpts
    )
    return f'<p class="chips">{links}</p>' if links else ""


def _instead(why: str) -> str:
    """Why the text is shown instead of the pages."""
    said = f"Its pages cannot be shown ({shown(why)}). This is its text."
    return f'<p class="more undrawn">{said}</p>' if why else ""


def _more(address: Address, at: int, said: str) -> str:
    link = quoted(str(address.opening(address.doc, at, at)))
    return f'<p class="more"><a href="{link}">{said} part of this document</a></p>'


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    lines = []
    while start <= end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        lines.append((start, stop))
        start = stop + 1
    return lines


def _line(text: str, start: int, end: int, blocks: Sequence[Block], found: Sequence[Mark]) -> str:
    if start == end:
        return "<li></li>"
    style = _style(start, end, blocks)
    return f'<li dir="auto"{style}>{marked(text, start, end, found)}</li>'


def _style(start: int, end: int, blocks: Sequence[Block]) -> str:
    at = bisect_right(blocks, start, key=lambda block: block.start) - 1
    for block in blocks[max(at, 0) : at + 2]:
        if block.start < end and block.end > start and block.kind in _SET_APART:
            return f' class="{block.kind}"'
    return ""


def _page(
    document: Document,
    number: int,
    shape: tuple[float, float],
    boxes: Sequence[tuple[Box, str]],
    span: tuple[int, int],
    found: Sequence[Mark],
) -> str:
    width, height = shape
    picture = (
        f'<img src="api/documents/{document.sha256}/pages/{number}.png" alt="Page {number}" '
        f'loading="lazy" width="{width:.0f}" height="{height:.0f}">'
    )
    drawn = "".join(_box(box, style) for box, style in boxes)
    start, end = span
    words = ""
    if any(mark.start < end and mark.end > start for mark in found):
        words = (
            f'<details class="words" open><summary>Text of page {number}</summary>'
            f'<p dir="auto">{marked(document.text, start, end, found)}</p></details>'
        )
    return (
        f'<section class="page" id="page-{number}"><div class="sheet">{picture}{drawn}</div>'
        f'<p class="page-number">Page {number} of {document.pages}</p>{words}</section>'
    )


def _box(box: Box, style: str) -> str:
    left, top, right, bottom = (100 * side for side in box)
    return (
        f'<span class="box {style}" style="left:{left:.3f}%;top:{top:.3f}%;'
        f'width:{right - left:.3f}%;height:{bottom - top:.3f}%"></span>'
    )
