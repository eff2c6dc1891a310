"""Headings, running lines and titles of PDF pages.

Headings come from the outline, or else from the type: larger than usual, or bold where the rest is
not. Lines at a page's top or bottom that repeat from page to page are boilerplate.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import NamedTuple

import pypdfium2 as pdfium

from qa.reading.pdf_annotations import Annotations
from qa.reading.pdf_text import Line, Text
from qa.records import Kind

_LEADERS = re.compile(r"(?:\.\s?){4}")  # of a table of contents
_NUMBER = re.compile(r"\d+")
_NUMBERED = re.compile(r"\A[\divx]+(?:\.\d+)*[.)]?\s+")  # in front of a heading

_EDGE_LINES = 2  # at a page's top and bottom, that may be running headers or footers
_REPEATED = 3  # pages on which such a line stands at least, and
_REPEATED_SHARE = 0.05  # the share of pages
_BOILERPLATE_LENGTH = 120  # characters

_LARGER = 1.15  # times the size of the usual type: a heading
_SMALLER = 0.95  # times the size of the usual type: no heading, however bold
_HEADING_LENGTH = 120  # characters
_HEADING_SHARE = 0.25  # of all characters; above it, type says nothing about headings
_OUTLINE_LIMIT = 20_000


class Type(NamedTuple):
    """How a line is set."""

    size: float = 0.0  # in points
    bold: bool = False


@dataclass(slots=True)
class Page:
    """One page as it was read."""

    number: int
    text: Text = field(default_factory=Text)
    types: list[Type] = field(default_factory=list)  # of its lines; none where they do not matter
    annotations: Annotations = field(default_factory=Annotations)
    lacks_text: bool = False  # it shows something that is not in its text
    garbled: bool = False


class Mark(NamedTuple):
    """A stretch of a page that is no prose; a heading that is not in its text has no length."""

    start: int
    end: int
    kind: Kind
    level: int = 0
    title: str = ""
    columns: str = ""


class _Found(NamedTuple):
    """Lines that look like a heading."""

    start: int
    end: int
    text: str
    type: Type


def running_lines(pages: Sequence[Page]) -> dict[int, list[Mark]]:
    """Per page, the lines at its edges that repeat, or that count its pages."""
    edges = {
        page.number: [(line, _keys(line.text, page.number)) for line in _edge_lines(page)]
        for page in pages
    }
    counted = Counter[tuple[str, int | None]]()  # in pages, however often on one of them
    for lines in edges.values():
        counted.update({key for _, keys in lines for key in keys})
    least = max(_REPEATED, _REPEATED_SHARE * len(pages))
    marks = {
        number: [
            Mark(line.start, line.end, Kind.BOILERPLATE)
            for line, keys in lines
            if any(counted[key] >= least for key in keys)
        ]
        for number, lines in edges.items()
    }
    # A page of nothing but such lines says just that: they are its text.
    return {
        page.number: marks[page.number]
        for page in pages
        if 0 < len(marks[page.number]) < len(page.text.lines)
    }


def _edge_lines(page: Page) -> Sequence[Line]:
    lines = page.text.lines
    chosen = lines if len(lines) <= 2 * _EDGE_LINES else lines[:_EDGE_LINES] + lines[-_EDGE_LINES:]
    return [line for line in chosen if len(line.text) <= _BOILERPLATE_LENGTH]


def _keys(text: str, page: int) -> set[tuple[str, int | None]]:
    """What makes lines alike: the same words, or the same but for a number that runs with pages."""
    keys: set[tuple[str, int | None]] = {(text, None)}
    for found in islice(_NUMBER.finditer(text), 4):
        start, end = found.span()
        if end - start <= 6:
            keys.add((f"{text[:start]}#{text[end:]}", int(text[start:end]) - page))
    return keys


def outline_of(file: pdfium.PdfDocument) -> list[tuple[int, int, str]]:
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


def outlined(pages: Sequence[Page], outline: list[tuple[int, int, str]]) -> dict[int, list[Mark]]:
    """Per page, the headings that the outline names, found in the page's text where they stand."""
    marks: dict[int, list[Mark]] = {}
    by_page = groupby(outline, key=lambda entry: entry[0])
    for number, entries in by_page:
        if not 1 <= number <= len(pages):
            continue
        at, lines = 0, pages[number - 1].text.lines
        texts = [" ".join(line.text.lower().split()) for line in lines]
        for _, level, title in entries:
            start, end = _place_of(title.lower(), lines, texts, at) or (at, at)
            marks.setdefault(number, []).append(Mark(start, end, Kind.HEADING, level, title))
            at = end
    return marks


def _place_of(
    title: str, lines: Sequence[Line], texts: Sequence[str], at: int
) -> tuple[int, int] | None:
    """Where the title stands from `at` on: whole lines, with or without a number in front."""
    for first, words in enumerate(texts):
        if lines[first].start < at:
            continue
        for start in (words, _NUMBERED.sub("", words)):
            last, so_far = first, start
            while title.startswith(f"{so_far} ") and last + 1 < len(texts):
                last += 1
                so_far = f"{so_far} {texts[last]}"
            if so_far == title:
                return lines[first].start, lines[last].end
    return None


def typed(pages: Sequence[Page], running: Mapping[int, list[Mark]]) -> dict[int, list[Mark]]:
    """Per page, the headings that their type shows; what is larger stands higher, bold last."""
    usual, body = _usual(pages)
    if not body.size:
        return {}
    for bold in (True, False) if not body.bold else (False,):
        found = {
            page.number: _headings(
                page, body, {mark.start for mark in running.get(page.number, ())}, bold=bold
            )
            for page in pages
        }
        headings = [heading for on_page in found.values() for heading in on_page]
        if sum(len(heading.text) for heading in headings) <= _HEADING_SHARE * usual:
            break
    else:
        return {}
    levels = sorted({_rank(heading.type, body) for heading in headings}, reverse=True)
    return {
        number: [
            Mark(
                heading.start,
                heading.end,
                Kind.HEADING,
                levels.index(_rank(heading.type, body)) + 1,
                heading.text,
            )
            for heading in on_page
        ]
        for number, on_page in found.items()
        if on_page
    }


def _rank(kind: Type, body: Type) -> float:
    """The size of larger type; one rank for all that is only bold."""
    return kind.size if kind.size >= _LARGER * body.size else 0.0


def _usual(pages: Sequence[Page]) -> tuple[int, Type]:
    """How many characters were looked at, and the type of most of them."""
    usual = Counter[Type]()
    for page in pages:
        for line, kind in zip(page.text.lines, page.types, strict=False):
            usual[kind] += line[1] - line[0]
    return usual.total(), usual.most_common(1)[0][0] if usual else Type()


def _headings(page: Page, body: Type, running: set[int], *, bold: bool) -> list[_Found]:
    """The lines in larger or bold type that read like headings; a heading of two lines is one."""
    found: list[_Found] = []
    kinds = {kind for kind in set(page.types) if _stands_out(kind, body, bold=bold)}
    if not kinds:
        return found
    last = -1
    for number, (line, kind) in enumerate(zip(page.text.lines, page.types, strict=False)):
        if kind not in kinds or line.table or line.start in running:
            continue
        continues = found and last == number - 1 and found[-1].type == kind
        start = found.pop().start if continues else line.start
        text = " ".join(page.text.words[start : line.end].split())
        found.append(_Found(start, line.end, text, kind))
        last = number
    return [heading for heading in found if _reads_like_heading(heading.text)]


def _stands_out(kind: Type, body: Type, *, bold: bool) -> bool:
    """True for larger type, or bold one where that counts."""
    bolder = bold and kind.bold and kind.size >= _SMALLER * body.size
    return bolder or kind.size >= _LARGER * body.size


def _reads_like_heading(text: str) -> bool:
    return (
        len(text) <= _HEADING_LENGTH
        and sum(map(str.isalpha, text)) >= 2
        and not text.endswith((".", ",", ";", "-"))
        and "@" not in text
        and not _LEADERS.search(text)
    )


def shown_title(pages: Sequence[Page]) -> str | None:
    """The first of the largest lines of the first page, where some are larger than most."""
    _, body = _usual(pages[:1])
    largest = max((kind.size for page in pages[:1] for kind in page.types), default=0.0)
    if not body.size or largest < _LARGER * body.size:
        return None
    found = _headings(pages[0], body, set(), bold=False)
    return next((heading.text for heading in found if heading.type.size == largest), None)
