"""Plain text and its relatives: the text is the decoded file, blocks are its paragraphs.

Headings are recognised only where a format marks them: underlined titles (reStructuredText), stars
(Org) and sectioning commands (LaTeX); and where several lines by themselves are numbered as sections
are. In other text a short line may be anything, so it is prose.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from qa.reading.content import Content, Headings, iso_date
from qa.reading.decoding import decode
from qa.records import Block, Kind

_GAP = re.compile(r"(?:\r\n|\n|\r)[^\S\r\n]*(?:\r\n|\n|\r)\s*")
_PLAIN_GAP = re.compile(r"\n[^\S\n]*\n\s*")  # the same without \r, in a third of the time
_UNDERLINED = re.compile(
    r"^(?:(?P<over>([=\-~^\"'`#*+.:_<>])\2{2,})[ \t]*\r?\n)?"
    r"(?P<title>[ \t]*\S[^\r\n]{0,119})\r?\n"
    r"(?P<under>([=\-~^\"'`#*+.:_<>])\5{2,})[ \t]*\r?(?=\n|\Z)",
    re.MULTILINE,
)
_STARS = re.compile(r"^(?P<stars>\*{1,8})[ \t]+(?P<title>\S[^\r\n]*)", re.MULTILINE)
_SECTION = re.compile(
    r"^[ \t]*\\(?P<command>part|chapter|section|subsection|subsubsection|paragraph)\*?"
    r"(?:\[[^\]\r\n]*\])?\{(?P<title>[^\r\n]*?)\}(?=[ \t\r\n%\\]|\Z)",
    re.MULTILINE,
)
_SECTION_LEVELS = (
    "part",
    "chapter",
    "section",
    "subsection",
    "subsubsection",
    "paragraph",
)
_SECTION_LINE = (  # a section's number and title, alone above an empty line
    r"(?P<line>[ \t]*(?:\u00a7[ \t]*)?(?P<number>\d{1,3}(?:\.\d{1,3}){1,5})\.?[ \t]+"
    r"(?P<title>[^\W\d_][^\r\n]{0,99})\r?)(?=\n[ \t]*\r?(?:\n|\Z)|\n?\Z)"
)
_NUMBERED_FIRST = re.compile(_SECTION_LINE)
_NUMBERED = re.compile(rf"\n{_SECTION_LINE}")  # a first letter is found much faster than a place
_NUMBERED_LEAST = 3  # such titles, from which on they are headings
_ORG_TITLE = re.compile(r"^#\+title:[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_ORG_DATE = re.compile(r"^#\+date:[ \t]*[<\[]?([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_ORG_CODE = re.compile(
    r"^[ \t]*#\+begin_(?:src|example)\b(?:(?!^[ \t]*#\+begin_).)*?^[ \t]*#\+end_(?:src|example)[^\r\n]*",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_TEX_TITLE = re.compile(r"\\title\{([^{}]+)\}")
_TEX_CODE = re.compile(
    r"\\begin\{(verbatim|lstlisting)\}(?:(?!\\begin\{\1\}).)*?\\end\{\1\}", re.DOTALL
)
_MESSAGE = re.compile(  # of a chat export: a day, a time and who wrote
    r"^[\u200e\u200f]?\[?(?P<day>\d{1,4}[./-]\d{1,2}[./-]\d{2,4}),?[ \u202f]\d{1,2}:\d{2}(?::\d{2})?"
    r"(?:[ \u202f]?[APap]\.?[Mm]\.?)?(?:\]| -)[ \u202f][^\r\n:]{1,80}: ",
    re.MULTILINE,
)
_CHAT_LEAST = 3  # messages
_CHAT_SHARE = 0.5  # of the lines begin a message
_EXCHANGE = 600  # characters, after which a message begins another block
_TITLE_LIMIT = 120
_SENTENCE_ENDS = (".", "!", "?", ",", ";", ":", "。", "！", "？")


class Mark(NamedTuple):
    """A stretch of the text that is not mere prose; a heading has a level above 0."""

    start: int
    end: int
    kind: Kind
    level: int = 0
    title: str = ""


def read(data: bytes, name: str) -> Content:
    """The content of a text file; its name decides which marks are headings."""
    text = decode(data)
    match name.rpartition(".")[2].lower():
        case "org":
            return _marked(
                text,
                _org_marks(text),
                _first(_ORG_TITLE, text),
                _first(_ORG_DATE, text),
            )
        case "tex" | "latex":
            return _marked(text, _tex_marks(text), _first(_TEX_TITLE, text))
        case "rst" | "rest":
            return _marked(text, _underlined_marks(text))
        case "txt" | "text" | "":
            return _plain(text)
        case _:
            return Content(text, tuple(_paragraphs(text, 0, len(text), ())))


def _plain(text: str) -> Content:
    """A text that marks nothing, unless it is a chat or has numbered sections."""
    if chat := tuple(_exchanges(text)):
        return Content(text, chat)
    marks, title = list(_numbered_marks(text)), _opening_title(text)
    if len(marks) >= _NUMBERED_LEAST:
        is_section = marks[0].title == title
        return replace(_marked(text, iter(marks)), title=None if is_section else title)
    return Content(text, tuple(_paragraphs(text, 0, len(text), ())), title)


def _marked(
    text: str, marks: Iterator[Mark], title: str | None = None, date: str | None = None
) -> Content:
    """The text cut at its marks; the first heading is the title where none is named."""
    headings, blocks, at = Headings(), list[Block](), 0
    for mark in marks:
        if mark.start < at:
            continue
        blocks += _paragraphs(text, at, mark.start, headings.above)
        if mark.level:
            headings.enter(mark.level, mark.title)
            title = title or mark.title
        blocks.append(Block(mark.start, mark.end, mark.kind, None, headings.above))
        at = mark.end
    blocks += _paragraphs(text, at, len(text), headings.above)
    return Content(text, tuple(blocks), title, iso_date(date))


def _paragraphs(text: str, start: int, end: int, heading: tuple[str, ...]) -> Iterator[Block]:
    """The paragraphs of text[start:end], which empty lines part."""
    pattern = _PLAIN_GAP if text.find("\r", start, end) < 0 else _GAP
    for gap in pattern.finditer(text, start, end):
        yield Block(start, gap.start(), Kind.PROSE, None, heading)
        start = gap.end()
    yield Block(start, end, Kind.PROSE, None, heading)


def _exchanges(text: str) -> Iterator[Block]:
    """The messages of a chat export, some to a block, below their day; none for other texts."""
    returns = text.count("\r")
    lines = text.count("\n") + (returns - text.count("\r\n") if returns else 0)
    least = max(_CHAT_LEAST, _CHAT_SHARE * lines)
    if text.count(": ") < least:  # each message has one: most texts are looked at no further
        return
    found = list(_MESSAGE.finditer(text))
    if len(found) < least:
        return
    start, day = found[0].start(), found[0]["day"]
    for message in found[1:]:
        if message["day"] != day or message.start() - start > _EXCHANGE:
            yield Block(start, message.start(), Kind.PROSE, None, (day,))
            start, day = message.start(), message["day"]
    yield Block(start, len(text), Kind.PROSE, None, (day,))


def _numbered_marks(text: str) -> Iterator[Mark]:
    """Titles of numbered sections ("12.2.2 Refunds"), each alone between empty lines."""
    opening = _NUMBERED_FIRST.match(text)
    for found in (*([opening] if opening else []), *_NUMBERED.finditer(text)):
        title, start = found["line"].strip(), found.start("line")
        if not title.endswith(_SENTENCE_ENDS) and _stands_free(text, start):
            level = found["number"].count(".") + 1
            yield Mark(start, found.end(), Kind.HEADING, level, title)


def _underlined_marks(text: str) -> Iterator[Mark]:
    """Underlined titles; the order in which the underlines first appear gives their levels."""
    styles: list[tuple[str, bool]] = []
    for found in _UNDERLINED.finditer(text):
        title, under, over = found["title"].strip(), found["under"], found["over"]
        if len(under) < len(title) or (over is not None and over != under):
            continue
        if over is None and not _stands_free(text, found.start()):
            continue
        style = (under[0], over is not None)
        if style not in styles:
            styles.append(style)
        yield Mark(found.start(), found.end(), Kind.HEADING, styles.index(style) + 1, title)


def _stands_free(text: str, start: int) -> bool:
    """True when an empty line or nothing stands above."""
    above = text[max(0, start - 200) : start]
    return not above.strip() or bool(re.search(r"\n[^\S\n]*\n\Z", above))


def _org_marks(text: str) -> Iterator[Mark]:
    headings = (
        Mark(
            found.start(),
            found.end(),
            Kind.HEADING,
            len(found["stars"]),
            found["title"],
        )
        for found in _STARS.finditer(text)
    )
    code = (Mark(*found.span(), Kind.CODE) for found in _ORG_CODE.finditer(text))
    return iter(sorted((*headings, *code)))


def _tex_marks(text: str) -> Iterator[Mark]:
    headings = (
        Mark(
            found.start(),
            found.end(),
            Kind.HEADING,
            _SECTION_LEVELS.index(found["command"]) + 1,
            found["title"],
        )
        for found in _SECTION.finditer(text)
    )
    code = (Mark(*found.span(), Kind.CODE) for found in _TEX_CODE.finditer(text))
    return iter(sorted((*headings, *code)))


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1].strip() if found else None


def _opening_title(text: str) -> str | None:
    """The first line, when it is short, is no sentence, and an empty line follows it."""
    opening = text[: 4 * _TITLE_LIMIT].lstrip()
    found = re.match(r"([^\r\n]+)(?:\r\n|\n|\r)[^\S\r\n]*(?:\r\n|\n|\r)", opening)
    if found is None or len(found[1]) > _TITLE_LIMIT or found[1].rstrip().endswith(_SENTENCE_ENDS):
        return None
    return found[1] if any(character.isalpha() for character in found[1]) else None
