r"""The text of a PDF page as it is quoted, and the way from its offsets to pdfium's characters."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from qa.reading.pdf_characters import Characters
from qa.reading.pdf_layout import Row, columns_named, glue, ordered
from qa.reading.pdf_pieces import HYPHEN, Piece, pieces_of

_DIVIDED = f"{HYPHEN}\x02"  # at the end of a piece
_MARK = re.compile(f"\r\n|\r|[{HYPHEN}\x02]|\0")


# A piece's place: where it starts in the page's text, and its offsets in pdfium's, `last` exclusive.
Part = tuple[int, int, int]


class Line(NamedTuple):
    """One line of a page, offsets within the page's text."""

    start: int
    end: int
    text: str
    first: int = -1  # where it starts in pdfium's text
    last: int = -1
    table: int = 0  # the number of the table whose row it is, 0 for none


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a page in reading order."""

    words: str = ""
    lines: tuple[Line, ...] = ()
    parts: tuple[Part, ...] = ()
    columns: dict[int, str] = field(default_factory=dict)  # by table: their names
    cells: dict[int, int] = field(default_factory=dict)  # by table: the cells of its longest row

    def sources(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The stretches of pdfium's text that stand at text[start:end], `end` exclusive."""
        at = max(bisect_right(self.parts, start, key=itemgetter(0)) - 1, 0)
        for begins, first, last in self.parts[at:]:
            if begins >= end:
                break
            at, until = first + max(start - begins, 0), min(last, first + end - begins)
            if at < until:
                yield at, until


def text_of(characters: Characters) -> Text:
    """The text of a page."""
    pieces = pieces_of(characters)
    rows = ordered(pieces, characters.text)
    if rows is None:
        return _as_drawn(characters.text, pieces)
    return _by_place(characters.text, rows)


def of_lines(words: str) -> Text:
    """A text that was not read by pdfium, with its lines."""
    found = re.finditer(r"[^\n]*\S[^\n]*", words)
    return Text(words, tuple(Line(line.start(), line.end(), line[0].strip()) for line in found))


def shown(text: str) -> str:
    """Pdfium's text as it is quoted."""
    return _MARK.sub(lambda found: _shown_for(found[0]), text)


def _shown_for(mark: str) -> str:
    if mark in (HYPHEN, "\x02"):
        return "-\n"
    return "\n" if mark[0] == "\r" else " "


class _Writer:
    """A page's text as it grows, piece by piece; the mark of a divided word is a hyphen."""

    def __init__(self, words: str) -> None:
        self.words = words.replace("\0", " ").replace("\x02", "-").replace(HYPHEN, "-")
        self.pieces: list[str] = []
        self.parts: list[Part] = []
        self.length = 0

    def add(self, piece: Piece) -> None:
        """Append a piece."""
        start, end = piece[0], piece[1]
        self.parts.append((self.length, start, end))
        self.pieces.append(self.words[start:end])
        self.length += end - start

    def glue(self, words: str) -> None:
        """Append what stands between pieces."""
        self.pieces.append(words)
        self.length += len(words)


def _as_drawn(words: str, pieces: Sequence[Piece]) -> Text:
    """The text in the order in which it is drawn, to the letter."""
    if not pieces:
        return Text()
    writer, starts, until = _Writer(words), list[tuple[int, int]](), 0
    for piece in pieces:
        between = words[until : piece[0]] if until else ""
        if until:
            between = "\n" if between == "\r\n" else shown(between)
            if words[until - 1] in _DIVIDED:
                between = f"\n{between}"
            writer.glue(between)
        if not until or "\n" in between:
            starts.append((writer.length, piece[0]))
        writer.add(piece)
        until = piece[1]
    text = "".join(writer.pieces)
    ends = [at for at, _ in starts[1:]] + [len(text)]
    lines = []
    for (start, first), end in zip(starts, ends, strict=True):
        line = text[start:end].rstrip()
        lines.append(Line(start, start + len(line), line, first, first + len(line)))
    return Text(text, tuple(lines), tuple(writer.parts))


def _by_place(words: str, rows: Sequence[Row]) -> Text:
    """The text with its rows in reading order, a line for each."""
    writer, lines, cells = _Writer(words), list[Line](), dict[int, list[list[str]]]()
    for number, row in enumerate(rows):
        if number:
            apart = row.first or (rows[number - 1].table and not row.table)
            writer.glue("\n\n" if apart else "\n")
        start, at, pieces = writer.length, len(writer.pieces), row.pieces
        writer.add(pieces[0])
        for before, piece in pairwise(pieces):
            writer.glue("\t" if row.table else glue(before, piece))
            writer.add(piece)
        row_text = "".join(writer.pieces[at:])
        first, last = pieces[0][0], pieces[-1][1]
        lines.append(Line(start, writer.length, row_text, first, last, row.table))
        if row.table:
            cells.setdefault(row.table, []).append(row_text.split("\t"))
    columns = {table: columns_named(rows) for table, rows in cells.items()}
    width = {table: max(map(len, rows)) for table, rows in cells.items()}
    return Text("".join(writer.pieces), tuple(lines), tuple(writer.parts), columns, width)
