r"""PDF by pypdfium2: pages in reading order, their headings, tables, forms and comments.

`pdf_text` and `pdf_layout` make the text of a page, `pdf_headings` finds what is set apart in it,
`pdf_annotations` reads what was filled in and remarked, `pdf_pages` draws pages and leads from text
back to its place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import groupby
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

from qa.reading import ocr
from qa.reading.content import Content, Headings, author_line, iso_date
from qa.reading.pdf_annotations import COMMENTS, FORM, annotations
from qa.reading.pdf_characters import Characters
from qa.reading.pdf_headings import (
    Mark,
    Page,
    Type,
    outline_of,
    outlined,
    running_lines,
    shown_title,
    typed,
)
from qa.reading.pdf_pages import LOCK, for_ocr, is_scan, opened
from qa.reading.pdf_quality import is_garbled
from qa.reading.pdf_text import Line, Text, of_lines, text_of
from qa.records import Block, Kind

_BOLD_LENGTH = 80  # characters; a longer line is no heading by its weight alone
_TITLE_LENGTH = 120  # characters of the lines above a table that name it
_TITLE_LINES = 4
_BESIDE_TITLE = re.compile(  # units and periods, which stand between a table and its name
    r"\(.*\)|.*,|.*\b(?:ended|as of|at)\b.{0,20}|\$? ?in (?:thousands|millions|billions).*",
    re.IGNORECASE,
)
_NAMED_PAGES = 5  # in a note

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
        "anonymous",
        "unspecified",
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


def read(data: bytes, _name: str) -> Content:
    """The content of a PDF, page by page."""
    with LOCK:
        file = opened(data)
        try:
            if file.get_formtype() != raw.FORMTYPE_NONE:
                file.init_forms()
            outline = outline_of(file)
            pages = [
                _page(file, number, sized=not outline or number == 1)
                for number in range(1, len(file) + 1)
            ]
            metadata = file.get_metadata_dict()
        finally:
            file.close()
    marks = running_lines(pages)
    for number, found in (outlined(pages, outline) if outline else typed(pages, marks)).items():
        marks.setdefault(number, []).extend(found)
    _mark_tables(pages, marks)
    title = clean_title(metadata.get("Title")) or shown_title(pages)
    date = iso_date(_dashed(metadata.get("CreationDate") or metadata.get("ModDate")))
    content = _joined(pages, marks, title, date, _note(data, pages))
    return _with_author(content, metadata.get("Author"))


def clean_title(title: str | None) -> str | None:
    """The title without what programs add to it; None when it says nothing.

    `"Microsoft Word - Report.doc"` becomes `"Report"`, `"untitled"` and `"(anonymous)"` become None.
    """
    cleaned = _FILE_NAME.sub("", _PROGRAM.sub("", (title or "").strip("\0 \t\r\n"))).strip()
    bare = cleaned.lower().strip("()[]<>")
    if bare in _JUNK_TITLES or not any(character.isalpha() for character in cleaned):
        return None
    return cleaned


def _dashed(date: str | None) -> str | None:
    """A PDF's date with dashes: `"D:20240131..."` becomes `"2024-01-31"`."""
    found = re.match(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?", date or "")
    return "-".join(filter(None, found.groups())) if found else None


def _note(data: bytes, pages: Sequence[Page]) -> str:
    """What a report says of the file."""
    notes = [] if b"%%EOF" in data[-4096:] else ["cut off: its end is missing"]
    garbled = [str(page.number) for page in pages if page.garbled]
    if garbled:
        named = ", ".join(garbled[:_NAMED_PAGES]) + (" ..." if len(garbled) > _NAMED_PAGES else "")
        many = "s" if len(garbled) > 1 else ""
        notes.append(f"the text layer is garbled, words may be wrong: page{many} {named}")
    return "; ".join(notes)


def _page(file: pdfium.PdfDocument, number: int, *, sized: bool) -> Page:
    """The page; `sized` has the type of each line looked at.

    pdfium is called directly: the objects that pypdfium2 makes for each page cost a tenth of it.
    """
    page, form = Page(number), file.formenv
    face = raw.FPDF_LoadPage(file.raw, number - 1)
    if not face:
        page.lacks_text = True
        return page
    if form:
        raw.FORM_OnAfterLoadPage(face, form.raw)
    text_page = raw.FPDFText_LoadPage(face)
    try:
        _read_page(page, face, text_page, sized=sized)
        page.lacks_text = _lacks_text(face, page.text.words)
        if raw.FPDFPage_GetAnnotCount(face) > 0:
            page.annotations = annotations(face, form)
    finally:
        raw.FPDFText_ClosePage(text_page)
        if form:
            raw.FORM_OnBeforeClosePage(face, form.raw)
        raw.FPDF_ClosePage(face)
    if ocr.enabled() and (page.lacks_text or page.garbled):
        _read_by_ocr(file, page)
    return page


def _read_page(page: Page, face: Any, text_page: Any, *, sized: bool) -> None:
    """The page's text as pdfium has it."""
    characters = Characters(face, text_page)
    page.text = replace(text_of(characters), parts=tuple)  # they lead to boxes alone
    page.garbled = is_garbled(page.text.words)
    if sized:
        page.types = _types(characters, page.text.lines)


def _lacks_text(face: Any, words: str) -> bool:
    """True for a page that shows something, of which its text says nothing."""
    return is_scan(face, words) if words else bool(raw.FPDFPage_CountObjects(face))


def _read_by_ocr(file: pdfium.PdfDocument, page: Page) -> None:
    """What the page shows in the place of its text, where that is more than nothing."""
    words = ocr.words_of(for_ocr(file[page.number - 1], ocr.PIXELS_PER_INCH))
    if words:
        page.text, page.types = of_lines(words), []
        page.lacks_text = page.garbled = False


def _types(characters: Characters, lines: Sequence[Line]) -> list[Type]:
    """The size of each line's type to half a point, and whether all of it is bold."""
    sizes = characters.sizes([line.first for line in lines])
    return [
        Type(round(2 * size) / 2, _is_bold(characters, line))
        for size, line in zip(sizes, lines, strict=True)
    ]


def _is_bold(characters: Characters, line: Line) -> bool:
    """True for a line that may be a heading by the weight of its type."""
    return (
        not line.table
        and len(line.text) <= _BOLD_LENGTH
        and line.text[-1] not in ".,;-"
        and characters.is_bold(line.first)
        and characters.is_bold(line.last - 1)
    )


def _mark_tables(pages: Sequence[Page], marks: dict[int, list[Mark]]) -> None:
    """Add the rows of tables; one that goes on at the top of a page keeps its title and columns."""
    last, context = 0, ""
    for page in pages:
        found = marks.setdefault(page.number, [])
        taken = {mark.start for mark in found}
        lines = [line for line in page.text.lines if line.start not in taken]
        places = {line.start: at for at, line in enumerate(page.text.lines)}
        for table, rows in _tables(page.text, lines):
            cells, columns = page.text.cells[table], page.text.columns[table]
            start = rows[0].start
            if columns or rows[0] is not lines[0] or cells != last:
                titles = _titles(page.text.lines[: places[start]], taken)
                context = ": ".join(filter(None, (" ".join(line.text for line in titles), columns)))
                start = titles[0].start if titles else start
            found.append(Mark(start, rows[-1].end, Kind.TABLE, columns=context))
            last = cells if rows[-1] is lines[-1] else 0
        if lines and not lines[-1].table:
            last = 0


def _titles(above: Sequence[Line], taken: AbstractSet[int]) -> list[Line]:
    """The lines above a table that name it and say what its figures are, in their order.

    `(in millions)` and `Years ended May 31,` are of the table, and its name stands above them.
    """
    found: list[Line] = []
    for line in reversed(above[-_TITLE_LINES:]):
        length = len(line.text) + sum(len(one.text) + 1 for one in found)
        is_name = length <= _TITLE_LENGTH and not line.text.endswith((".", ":", ";"))
        if line.table or line.start in taken or not is_name:
            break
        found.append(line)
        if not _BESIDE_TITLE.fullmatch(line.text):
            break
    return found[::-1]


def _tables(text: Text, lines: Sequence[Line]) -> Iterator[tuple[int, list[Line]]]:
    """The rows of each table, without those that other marks took."""
    if text.columns:
        for table, rows in groupby(lines, key=lambda line: line.table):
            if table:
                yield table, list(rows)


def _joined(
    pages: Sequence[Page],
    marks: Mapping[int, list[Mark]],
    title: str | None,
    date: str | None,
    note: str,
) -> Content:
    """The pages one after another, an empty line between them."""
    headings, pieces, blocks, shift = Headings(), list[str](), list[Block](), 0
    for page in pages:
        ahead = "\n\n" if shift and _has_text(page) else ""
        at = shift + len(ahead)
        text, found = _with_annotations(page, sorted(marks.get(page.number, ())), headings, at)
        blocks += found
        pieces += (ahead, text)
        shift = at + len(text)
    blank = tuple(page.number for page in pages if page.lacks_text)
    return Content("".join(pieces), tuple(blocks), title, date, len(pages), blank, note)


def _with_author(content: Content, author: str | None) -> Content:
    """The content with its author below it, on no page, where nothing on its pages names him."""
    line = author_line((author or "").strip("\0"), content.text)
    if not line or not content.text:
        return content
    text = f"{content.text}\n\n{line}"
    block = Block(len(text) - len(line), len(text), Kind.ROW)
    return replace(content, text=text, blocks=(*content.blocks, block))


def _has_text(page: Page) -> bool:
    return bool(page.text.words or page.annotations.form or any(page.annotations.comments))


def _with_annotations(
    page: Page, marks: list[Mark], headings: Headings, shift: int
) -> tuple[str, list[Block]]:
    """The page's text and blocks, then its form and its comments under headings that name them.

    `shift` is where the text starts in the document.
    """
    text, blocks = page.text.words, list(_blocks(page, marks, headings, shift))
    named = ((FORM, ("\n".join(page.annotations.form),)), (COMMENTS, page.annotations.comments))
    for name, texts in named:
        for words in filter(None, texts):
            text += "\n\n" if text else ""
            place = (*headings.above, name)
            kind = Kind.LIST if name == FORM else Kind.PROSE
            start = shift + len(text)
            blocks.append(Block(start, start + len(words), kind, page.number, place))
            text += words
    return text, blocks


def _blocks(page: Page, marks: list[Mark], headings: Headings, shift: int) -> Iterator[Block]:
    """The page's blocks, separated by its headings, tables and running lines."""
    at = shift
    for mark in marks:
        above = headings.above
        if mark.level:
            headings.enter(mark.level, mark.title)
        start, end = mark.start + shift, mark.end + shift
        if start < at:
            continue  # within another's lines
        yield Block(at, start, Kind.PROSE, page.number, above)
        yield Block(start, end, mark.kind, page.number, headings.above, mark.columns)
        at = end
    yield Block(at, shift + len(page.text.words), Kind.PROSE, page.number, headings.above)
