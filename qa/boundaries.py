"""Where the sentences of a block are: of prose by its language, of tables and lists its lines."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from qa.entries import entries
from qa.records import Kind
from qa.sentences import sentence_ends

UNWRAPPED = 200  # characters; a longer line was not wrapped by its writer
LONG = 300  # characters; what is longer is seldom one sentence
PLAIN_END = re.compile(r"[.!?][\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]*[A-Z0-9])")
FIELD = re.compile(r"\n(?=[^\W\d_][\w -]{0,60}[:=])")  # the line end in front of one
LONG_TABLE = 600  # characters of a table whose rows are gathered to sentences,
ROWS_LENGTH = 300  # of so many characters at least


def boundaries(part: str, kind: Kind, language: str) -> Iterator[tuple[int, int]]:
    """Where sentences start and end, blanks around them left out."""
    if kind in (Kind.TABLE, Kind.LIST, Kind.CODE):
        ends = [match.end() for match in re.finditer(r"\n|$", part)]
        if kind is Kind.TABLE and len(part) > LONG_TABLE:
            ends = list(_gathered(ends))
        if kind is Kind.TABLE:
            ends = sorted({*ends, *_ends_in_cells(part, language)})
    elif kind is Kind.ROW:
        ends = [*_field_ends(part), len(part)]
    elif kind in (Kind.HEADING, Kind.BOILERPLATE):
        ends = [len(part)]
    else:
        of_lines = entries(part)
        ends = [] if of_lines.is_sentence else list(_prose_ends(part, language))
        ends = sorted({*ends, *of_lines.ends})
    for start, end in pairwise([0, *ends]):
        piece = part[start:end]
        if stripped := piece.strip():
            at = start + piece.index(stripped[0])
            yield at, at + len(stripped)


def _field_ends(part: str) -> Iterator[int]:
    """Where the fields of front matter end, each of which says something by itself."""
    for found in FIELD.finditer(part):
        if any(map(str.isalnum, part[: found.end()])):
            yield found.end()


def _gathered(ends: Iterable[int]) -> Iterator[int]:
    """Ends of lines at least `ROWS_LENGTH` apart.

    A row of a long table says little by itself: where rows were sentences of their own, the tables
    of reports lost to prose (page@5 of filings .52 for .64).
    """
    start = last = 0
    for end in ends:
        if end - start >= ROWS_LENGTH:
            yield end
            start = end
        last = end
    if last > start:
        yield last


def _ends_in_cells(part: str, language: str) -> Iterator[int]:
    """Where sentences end in long rows: some cell holds a text of several."""
    for line in re.finditer(r"[^\n]+", part):
        if line.end() - line.start() > LONG:
            yield from (line.start() + end for end in sentence_ends(line[0], language))


def _prose_ends(part: str, language: str) -> Iterator[int]:
    """Where the sentences of prose end.

    A block with a very long line was not wrapped: its line ends part sentences too. The splitter
    keeps what stands in quotes or brackets whole: where that is long, it is split at plain ends.
    """
    lines = [match.end() for match in re.finditer(r"\n|$", part)]
    wrapped = all(end - start < UNWRAPPED for start, end in pairwise([0, *lines]))
    ends = set(sentence_ends(part, language))
    ends.update((len(part),) if wrapped else lines)
    start = 0
    for end in sorted(ends):
        if end - start > LONG:
            yield from (found.end() for found in PLAIN_END.finditer(part, start, end))
        yield end
        start = end
