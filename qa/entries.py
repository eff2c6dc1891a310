"""Entries: where the lines of a text stand for themselves, as in a log, a list or a form.

    2024-05-01 10:02:11 INFO started         each line that begins so is an entry; what follows
    2024-05-01 10:02:15 ERROR disk full      without such a beginning belongs to it
        at write (disk.c:40)

    Milk                                     short lines without punctuation, which nothing but
    Two eggs                                 their end parts
    Rye bread

Lines of prose that only the width of a page parts are recognised by that width: the next line's first word
would not have fitted.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SHARE = 0.5  # of the lines that begin an entry, from which on they are entries
PLAIN_SHARE = 0.8  # of short lines that have no punctuation at their ends
WRAPPED_SHARE = 0.5  # of the lines to which the next one's first word could not have been added
SHORT = 100  # characters of a line without a mark
FEW_WORDS = 4  # of a line in a list of things in lower case, on average
HEADER = 1.5  # how much longer than any row of figures a line is that names their columns
NARROWEST = 30  # characters of a line that the width of a page parts

_TIME = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?"
_DAY = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.](?:\d{1,2}|[A-Z][a-z]{2})[-/.]\d{2,4})"
_LOGGED = re.compile(  # an instant, an address or a level: an event in one line
    rf"\s*[\[(<]*(?:{_DAY}[T :,]+{_TIME}|{_DAY}\b|{_TIME}\b"
    rf"|(?:[A-Z][a-z]{{2}} )?[A-Z][a-z]{{2}} +\d{{1,2}},? (?:\d{{4}} )?{_TIME}"
    r"|\{\"|\d{10}(?:\d{3})?(?:\.\d+)?\b|\d{1,3}(?:\.\d{1,3}){3} "
    r"|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE)\b"
    r"|(?:debug|info|warn|warning|error|fatal|critical): )"
)
_NUMBERED = re.compile(
    r"\s*(?:\(?\d{1,4}[.):]|\(?[A-Za-z][.)]|#\d+|[-*+\u2022\u2023\u25e6\u00b7\u2013\u2014])[ \t]+\S"
)
_NAMED = re.compile(r"\s*[^\W\d_][\w .'/-]{0,30}?(?::[ \t]+|[ \t]*=[ \t]*)\S")  # Name: value
_SENTENCE_END = re.compile(r"[.!?;]\s")
_END = re.compile(r"\r\n|\n|\r|\Z")


class _Line(NamedTuple):
    start: int
    end: int  # of its text
    next: int  # where the line after it begins
    text: str


class Entries(NamedTuple):
    """Where entries end in a text, and whether each is one sentence whatever stands in it."""

    ends: tuple[int, ...]
    is_sentence: bool


def entries(text: str) -> Entries:
    """The entries of a paragraph; no ends where its lines are prose."""
    lines = [line for line in _lines(text) if line.text.strip()]
    if len(lines) < 2:
        return Entries((), is_sentence=False)
    for mark, least, is_sentence in ((_LOGGED, 2, True), (_NUMBERED, 2, False), (_NAMED, 3, False)):
        marked = [bool(mark.match(line.text)) for line in lines]
        if sum(marked) >= max(least, SHARE * len(lines)) and (is_sentence or _parts(lines, marked)):
            begins = [line.start for line, is_first in zip(lines, marked, strict=True) if is_first]
            return Entries((*(at for at in begins if at > lines[0].start), len(text)), is_sentence)
    is_list = len(lines) > 2 and _is_plain([line.text.strip() for line in lines])
    return Entries(tuple(line.next for line in lines) if is_list else (), is_sentence=False)


def _lines(text: str) -> list[_Line]:
    found, start = [], 0
    for end in _END.finditer(text):
        found.append(_Line(start, end.start(), end.end(), text[start : end.start()]))
        start = end.end()
    return found


def _parts(lines: Sequence[_Line], marked: Sequence[bool]) -> bool:
    """Whether marks part the lines: prose may have a number or a colon where a line happens to end."""
    unmarked = [line.text for line, is_first in zip(lines, marked, strict=True) if not is_first]
    return all(line[:1].isspace() for line in unmarked) or not _is_wrapped(
        [line.text.strip() for line in lines]
    )


def _is_plain(lines: Sequence[str]) -> bool:
    """Whether these are short lines that end without punctuation, and that no width has parted."""
    if max(map(len, lines)) > SHORT or _is_wrapped(lines) or _is_table(lines):
        return False
    open_ends = [line[-1].isalnum() or line[-1] in ")%]\"'\u2019\u201d" for line in lines]
    if not all(open_ends) and sum(open_ends) < PLAIN_SHARE * len(lines):
        return False
    begins = sum(not line[0].isalpha() or line[0].isupper() for line in lines)
    if begins >= PLAIN_SHARE * len(lines):
        return True
    words = sum(len(line.split()) for line in lines) / len(lines)
    has_case = all(line[0].lower() != line[0].upper() for line in lines if line[0].isalpha())
    is_one = not any(map(_SENTENCE_END.search, lines))
    return all(open_ends) and is_one and has_case and words <= FEW_WORDS


def _is_table(lines: Sequence[str]) -> bool:
    """Whether a long first line says what the figures in the others are: they mean little without."""
    rows = lines[1:]
    has_figures = all(any(map(str.isdigit, row)) for row in rows)
    return has_figures and len(lines[0]) > HEADER * max(map(len, rows))


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Whether the width of a page parts the lines."""
    width = max(map(len, lines))
    if width < NARROWEST:
        return False
    full = sum(
        len(one) + 1 + len(other.split(None, 1)[0]) > width for one, other in pairwise(lines)
    )
    return full > WRAPPED_SHARE * (len(lines) - 1)
