r"""PDF by pypdfium2: a page for every character, and the way back from text to the page's face.

The text is what pdfium reads, with `\n` for its line ends and `-\n` for the mark that it sets where
a word was parted at a line's end. Headings come from the outline, or else from larger type. Lines
at a page's top or bottom that repeat from page to page are furniture.

pdfium is not thread-safe, so that one lock guards every use of it.
"""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from threading import Lock
from typing import Any, NamedTuple

import pypdfium2 as pdfium
from pypdfium2 import raw

from qa.errors import ReadFailed
from qa.reading import ocr
from qa.reading.content import Box, Content, Headings, iso_date
from qa.records import Block, Kind

_LOCK = Lock()
_HYPHEN = "\ufffe"  # pdfium's mark for a hyphen at a line's end; the next line follows at once
_SHOWN = re.compile(f"\r\n|\r|[{_HYPHEN}\x02]|\0")
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_LEADERS = re.compile(r"(?:\.\s?){4}")  # of a table of contents
_NUMBER = re.compile(r"\d+")

_EDGE_LINES = 2  # at a page's top and bottom, that may be running headers or footers
_REPEATED = 3  # pages on which such a line stands at least, and
_REPEATED_SHARE = 0.05  # the share of pages
_FURNITURE_LENGTH = 120  # characters

_LARGER = 1.15  # times the size of the usual type: a heading
_HEADING_LENGTH = 120  # characters
_HEADING_SHARE = 0.25  # of all characters; above it, size tells nothing about headings
_OUTLINE_LIMIT = 20_000

_PIXELS = 16 << 20  # of a picture of a page,
_OCR_PIXELS = 40 << 20  # and of one that OCR reads
_SIDE = 16_000  # pixels; more is drawn by no browser
_PAGES = 100_000  # that are measured
_BOXES = 1_000  # of a span

_FILE_NAME = re.compile(
    r"\.(?:docx?|pdf|pptx?|xlsx?|odt|rtf|tex|dvi|indd|qxd|ps|txt|html?)\Z",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    r"\A(?:Microsoft (?:Office )?(?:Word|PowerPoint|Excel)|PowerPoint|Word) - ",
    re.IGNORECASE,
)
_JUNK_TITLES = frozenset(
    [
        "untitled",
        "document",
        "document1",
        "unknown",
        "none",
        "null",
        "title",
        "presentation",
        "powerpoint presentation",
        "slide 1",
        "microsoft word",
        "no title",
        "unnamed",
        "default",
    ]
)


class Line(NamedTuple):
    """One line of a page, offsets within the page's text."""

    start: int
    end: int
    text: str
    size: float  # of its type, in points


@dataclass(slots=True)
class Page:
    """One page as pdfium reads it."""

    number: int
    text: str = ""
    lines: list[Line] = field(default_factory=list)
    shows_something: bool = False  # it may be blank, or a picture


class Mark(NamedTuple):
    """A heading or furniture on a page; a heading that is not in its text has no length."""

    start: int
    end: int
    kind: Kind
    level: int = 0
    title: str = ""


def read(data: bytes, _name: str) -> Content:
    """The content of a PDF, page by page."""
    with _LOCK:
        file = _open(data)
        try:
            outline = _outline(file)
            pages = [
                _page(file, number, sized=not outline or number == 1)
                for number in range(1, len(file) + 1)
            ]
            metadata = file.get_metadata_dict()
        finally:
            file.close()
    note = "" if b"%%EOF" in data[-4096:] else "cut off: its end is missing"
    marks = _furniture(pages)
    for number, found in (_outlined(pages, outline) if outline else _sized(pages, marks)).items():
        marks.setdefault(number, []).extend(found)
    title = clean_title(metadata.get("Title")) or _shown_title(pages)
    date = iso_date(_spaced(metadata.get("CreationDate") or metadata.get("ModDate")))
    return _joined(pages, marks, title, date, note)


def boxes(data: bytes, page: int, spans: Sequence[tuple[int, int]]) -> list[Box]:
    """Where the spans of a page's text stand on its face: boxes line by line.

    Spans are offsets from where the page's first block starts. A page that OCR read has no boxes.
    """
    with _LOCK:
        file = _open(data)
        try:
            face = file[page - 1]
            text_page = face.get_textpage()
            origins = _origins(text_page)
            found: list[Box] = []
            for start, end in spans:
                units = [origin for origin in origins[start:end] if origin >= 0]
                if units:
                    found += _boxes(face, text_page, min(units), max(units))
            return found
        finally:
            file.close()


def render(data: bytes, page: int, width: int) -> bytes:
    """A picture of the page as PNG, `width` pixels wide, or less where it is very long.

    Raises ReadFailed where there is no such page.
    """
    with _LOCK:
        file = _open(data)
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
    with _LOCK:
        file = _open(data)
        try:
            return [file.get_page_size(page) for page in range(min(len(file), _PAGES))]
        finally:
            file.close()


def clean_title(title: str | None) -> str | None:
    """The title without what programs add to it; None when it says nothing.

    `"Microsoft Word - Report.doc"` becomes `"Report"`, `"untitled"` becomes None.
    """
    cleaned = _FILE_NAME.sub("", _PROGRAM.sub("", (title or "").strip("\0 \t\r\n"))).strip()
    if cleaned.lower() in _JUNK_TITLES or not any(character.isalpha() for character in cleaned):
        return None
    return cleaned


def _open(data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD:
            raise ReadFailed("encrypted: it opens with a password only") from error
        raise ReadFailed("a damaged PDF: it is cut off or not what it says") from error


def _spaced(date: str | None) -> str | None:
    """A PDF's date with dashes: `"D:20240131..."` becomes `"2024-01-31"`."""
    found = re.match(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?", date or "")
    return "-".join(filter(None, found.groups())) if found else None


def _page(file: pdfium.PdfDocument, number: int, *, sized: bool) -> Page:
    """The page; `sized` has the size of each line's type measured."""
    page = Page(number)
    try:
        face = file[number - 1]
    except pdfium.PdfiumError:
        page.shows_something = True
        return page
    text_page = face.get_textpage()
    page.text = _shown(_raw_text(text_page)).strip()
    if page.text:
        page.lines = _lines(page.text, text_page, sized=sized)
    else:
        page.shows_something = bool(raw.FPDFPage_CountObjects(face.raw))
        if page.shows_something and ocr.enabled():
            width = int(face.get_width() / 72 * ocr.PIXELS_PER_INCH)
            page.text = ocr.words_of(_picture(face, width, _OCR_PIXELS))
            page.lines = _lines(page.text, text_page, sized=False)
    text_page.close()
    face.close()
    return page


def _raw_text(text_page: Any) -> str:
    return str(text_page.get_text_range(errors="replace"))


def _shown(text: str) -> str:
    """Pdfium's text as it is quoted."""
    return _SHOWN.sub(lambda found: _shown_for(found[0]), text)


def _shown_for(mark: str) -> str:
    if mark in (_HYPHEN, "\x02"):
        return "-\n"
    return "\n" if mark[0] == "\r" else " "


def _origins(text_page: Any) -> list[int]:
    """For each character of a page's text, the index in pdfium's text, in UTF-16 units."""
    text = _raw_text(text_page)
    origins, unit, at = list[int](), 0, 0
    for found in (*_SHOWN.finditer(text), None):
        for character in text[at : found.start() if found else len(text)]:
            origins.append(unit)
            unit += 2 if character > "\uffff" else 1
        if found:
            origins += [unit] * len(_shown_for(found[0]))
            unit += len(found[0])
            at = found.end()
    shown = _shown(text)
    return origins[len(shown) - len(shown.lstrip()) :]


def _boxes(face: Any, text_page: Any, first: int, last: int) -> Iterator[Box]:
    """The boxes of pdfium's text from unit `first` to unit `last`, that one included."""
    start = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, first)
    end = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, last)
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


def _lines(text: str, text_page: Any, *, sized: bool) -> list[Line]:
    """The lines of a page that are not blank."""
    origins = _origins(text_page) if sized else []
    lines = []
    for found in _LINE.finditer(text):
        start = found.start() + len(found[0]) - len(found[0].lstrip())
        size = _size(text_page, origins[start]) if start < len(origins) else 0.0
        lines.append(Line(start, found.end(), found[0].strip(), size))
    return lines


def _size(text_page: Any, unit: int) -> float:
    """The height of the type at a character, to half a point."""
    character = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, unit)
    if character < 0:
        return 0.0
    _, bottom, _, top = text_page.get_charbox(character, loose=True)
    return float(round(2 * (top - bottom)) / 2)


def _furniture(pages: Sequence[Page]) -> dict[int, list[Mark]]:
    """Per page, the lines at its edges that repeat, or that count its pages."""
    edges = {page.number: _edge_lines(page) for page in pages}
    counted = Counter[tuple[str, int | None]]()  # in pages, however often on one of them
    for number, lines in edges.items():
        counted.update({key for line in lines for key in _keys(line.text, number)})
    least = max(_REPEATED, _REPEATED_SHARE * len(pages))
    marks = {
        number: [
            Mark(line.start, line.end, Kind.BOILERPLATE)
            for line in lines
            if any(counted[key] >= least for key in _keys(line.text, number))
        ]
        for number, lines in edges.items()
    }
    # A page of nothing but such lines says just that: they are its text.
    return {
        page.number: marks[page.number]
        for page in pages
        if 0 < len(marks[page.number]) < len(page.lines)
    }


def _edge_lines(page: Page) -> list[Line]:
    lines = page.lines
    chosen = lines if len(lines) <= 2 * _EDGE_LINES else lines[:_EDGE_LINES] + lines[-_EDGE_LINES:]
    return [line for line in chosen if len(line.text) <= _FURNITURE_LENGTH]


def _keys(text: str, page: int) -> set[tuple[str, int | None]]:
    """What makes lines alike: the same words, or the same but for a number that runs with pages."""
    keys: set[tuple[str, int | None]] = {(text, None)}
    for found in list(_NUMBER.finditer(text))[:4]:
        if len(found[0]) <= 6:
            keys.add((f"{text[: found.start()]}#{text[found.end() :]}", int(found[0]) - page))
    return keys


def _outline(file: pdfium.PdfDocument) -> list[tuple[int, int, str]]:
    """The bookmarks as page, level and title; a damaged outline is none."""
    found = []
    try:
        for bookmark in file.get_toc():
            destination = bookmark.get_dest()
            index = destination.get_index() if destination else None
            title = " ".join(bookmark.get_title().split())
            if index is not None and title:
                found.append((index + 1, bookmark.level + 1, title))
            if len(found) >= _OUTLINE_LIMIT:
                break
    except (pdfium.PdfiumError, ValueError, OSError):
        return []
    return sorted(found, key=lambda entry: entry[0])


def _outlined(pages: Sequence[Page], outline: list[tuple[int, int, str]]) -> dict[int, list[Mark]]:
    """Per page, the headings that the outline names, found in the page's text where they stand."""
    marks: dict[int, list[Mark]] = {}
    at = dict.fromkeys((page.number for page in pages), 0)
    for number, level, title in outline:
        if number not in at:
            continue
        words = r"\s+".join(re.escape(word) for word in title.split())
        line = re.compile(
            rf"^[^\S\n]*(?:[\dIVXivx]+(?:\.\d+)*[.)]?[^\S\n]+)?{words}[^\S\n]*$",
            re.MULTILINE | re.IGNORECASE,
        )
        found = line.search(pages[number - 1].text, at[number])
        start, end = found.span() if found else (at[number], at[number])
        marks.setdefault(number, []).append(Mark(start, end, Kind.HEADING, level, title))
        at[number] = end
    return marks


def _sized(pages: Sequence[Page], furniture: dict[int, list[Mark]]) -> dict[int, list[Mark]]:
    """Per page, the headings that larger type betrays; larger type stands higher."""
    usual = Counter[float]()
    for page in pages:
        for line in page.lines:
            usual[line.size] += len(line.text)
    body = usual.most_common(1)[0][0] if usual else 0.0
    found = {
        page.number: _larger(page, body, {mark.start for mark in furniture.get(page.number, ())})
        for page in pages
    }
    headings = [line for lines in found.values() for line in lines]
    if not body or sum(len(line.text) for line in headings) > _HEADING_SHARE * usual.total():
        return {}
    sizes = sorted({line.size for line in headings}, reverse=True)
    return {
        number: [
            Mark(
                line.start,
                line.end,
                Kind.HEADING,
                sizes.index(line.size) + 1,
                line.text,
            )
            for line in lines
        ]
        for number, lines in found.items()
        if lines
    }


def _larger(page: Page, body: float, furniture: set[int]) -> list[Line]:
    """The lines in larger type that read like headings; a heading of two lines is one."""
    found: list[Line] = []
    last = -1
    for number, line in enumerate(page.lines):
        if line.size < _LARGER * body or line.start in furniture:
            continue
        continues = found and last == number - 1 and found[-1].size == line.size
        start = found.pop().start if continues else line.start
        text = " ".join(page.text[start : line.end].split())
        found.append(Line(start, line.end, text, line.size))
        last = number
    return [line for line in found if _reads_like_heading(line.text)]


def _reads_like_heading(text: str) -> bool:
    return (
        len(text) <= _HEADING_LENGTH
        and sum(character.isalpha() for character in text) >= 2
        and not text.endswith((".", ",", ";", "-"))
        and not _LEADERS.search(text)
    )


def _shown_title(pages: Sequence[Page]) -> str | None:
    """The first of the largest lines of the first page, where some are larger than most."""
    lines = pages[0].lines if pages else []
    usual = Counter[float]()
    for line in lines:
        usual[line.size] += len(line.text)
    body = usual.most_common(1)[0][0] if usual else 0.0
    largest = max((line.size for line in lines), default=0.0)
    if not body or largest < _LARGER * body:
        return None
    larger = _larger(pages[0], body, set())
    return next((line.text for line in larger if line.size == largest), None)


def _joined(
    pages: Sequence[Page],
    marks: dict[int, list[Mark]],
    title: str | None,
    date: str | None,
    note: str,
) -> Content:
    """The pages one after another, an empty line between them."""
    headings, pieces, blocks, shift = Headings(), list[str](), list[Block](), 0
    for page in pages:
        if page.text and shift:
            pieces.append("\n\n")
            shift += 2
        for block in _blocks(page, sorted(marks.get(page.number, ())), headings):
            blocks.append(block._replace(start=block.start + shift, end=block.end + shift))
        pieces.append(page.text)
        shift += len(page.text)
    blank = tuple(page.number for page in pages if page.shows_something and not page.text)
    return Content("".join(pieces), tuple(blocks), title, date, len(pages), blank, note)


def _blocks(page: Page, marks: list[Mark], headings: Headings) -> Iterator[Block]:
    """The page's blocks, parted by its headings and furniture."""
    at = 0
    for mark in marks:
        above = headings.above
        if mark.level:
            headings.enter(mark.level, mark.title)
        if mark.start < at:
            continue  # within another's lines
        yield Block(at, mark.start, Kind.PROSE, page.number, above)
        yield Block(mark.start, mark.end, mark.kind, page.number, headings.above)
        at = mark.end
    yield Block(at, len(page.text), Kind.PROSE, page.number, headings.above)
