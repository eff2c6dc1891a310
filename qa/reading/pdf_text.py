r"""The text of a PDF page as it is quoted, and the way from its offsets to pdfium's characters."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, pairwise, repeat, starmap
from operator import add
from typing import NamedTuple

from qa.reading.pdf_characters import Characters
from qa.reading.pdf_layout import Row, glue, ordered
from qa.reading.pdf_pieces import HYPHEN, Piece, pieces_of
from qa.reading.pdf_tables import HEADER_ROWS, NAMED_ROWS, columns_named, names_in

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
    parts: Callable[[], Iterable[Part]] = tuple  # made when they are asked for
    columns: dict[int, str] = field(default_factory=dict)  # by table: their names
    cells: dict[int, int] = field(default_factory=dict)  # by table: the gaps of its longest row

    def sources(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The stretches of pdfium's text that stand at text[start:end], `end` exclusive."""
        for begins, first, last in self.parts():
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
    return _by_place(characters, rows)


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


def _shown_marks(words: str) -> str:
    """Pdfium's text with each of its marks as the one character that is shown."""
    return words.replace("\0", " ").replace("\x02", "-").replace(HYPHEN, "-")


def _as_drawn(words: str, pieces: Sequence[Piece]) -> Text:
    """The text in the order in which it is drawn, to the letter."""
    if not pieces:
        return Text()
    texts, parts, starts = list[str](), list[Part](), list[tuple[int, int]]()
    marked, length, until = _shown_marks(words), 0, 0
    for piece in pieces:
        start, end = piece[0], piece[1]
        between = words[until:start] if until else ""
        if until:
            between = "\n" if between == "\r\n" else shown(between)
            if words[until - 1] in _DIVIDED:
                between = f"\n{between}"
            texts.append(between)
            length += len(between)
        if not until or "\n" in between:
            starts.append((length, start))
        parts.append((length, start, end))
        texts.append(marked[start:end])
        length += end - start
        until = end
    text = "".join(texts)
    ends = [at for at, _ in starts[1:]] + [len(text)]
    lines = []
    for (start, first), end in zip(starts, ends, strict=True):
        line = text[start:end].rstrip()
        lines.append(Line(start, start + len(line), line, first, first + len(line)))
    return Text(text, tuple(lines), partial(iter, parts))


def _by_place(characters: Characters, rows: Sequence[Row]) -> Text:
    """The text with its rows in reading order, a line for each."""
    lines, tables = list[Line](), dict[int, list[Line]]()
    words, texts, length, above = _shown_marks(characters.text), list[str](), 0, 0
    for pieces, table, is_first, between in rows:
        if lines:
            texts.append("\n\n" if is_first or (above and not table) else "\n")
            length += len(texts[-1])
        shown = [words[piece[0] : piece[1]] for piece in pieces]
        if len(shown) == 1:
            text = shown[0]
        elif table and not between:
            text = "\t".join(shown)
        else:
            glued = between or starmap(glue, pairwise(pieces))
            text = shown[0] + "".join(map(add, glued, shown[1:]))
        texts.append(text)
        start, length, above = length, length + len(text), table
        lines.append(Line(start, length, text, pieces[0][0], pieces[-1][1], table))
        if table:
            tables.setdefault(table, []).append(lines[-1])
    columns = {table: _columns(characters, rows) for table, rows in tables.items()}
    width = {table: max([row[2].count("\t") for row in rows]) for table, rows in tables.items()}
    return Text("".join(texts), tuple(lines), partial(_parts_of, rows, lines), columns, width)


def _columns(characters: Characters, rows: Sequence[Line]) -> str:
    """The names of a table's columns."""
    cells = [row.text.split("\t") for row in rows[: HEADER_ROWS + NAMED_ROWS]]
    return columns_named(cells) or names_in(cells[: _bold_rows(characters, rows)])


def _bold_rows(characters: Characters, rows: Sequence[Line]) -> int:
    """How many rows at a table's top are bold above one that is not, 0 where all are."""
    for number, row in enumerate(rows[: HEADER_ROWS + 1]):
        if not (characters.is_bold(row.first) and characters.is_bold(row.last - 1)):
            return number
    return 0


def _parts_of(rows: Sequence[Row], lines: Sequence[Line]) -> Iterator[Part]:
    """The pieces of rows by their places; where nothing else is said one character is between."""
    for row, line in zip(rows, lines, strict=True):
        at = line.start
        for piece, between in zip(row.pieces, chain(row.between, repeat(" ")), strict=False):
            yield at, piece[0], piece[1]
            at += piece[1] - piece[0] + len(between)
