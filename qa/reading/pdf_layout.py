r"""The text of a PDF page in reading order: lines, columns and the rows of tables, by place.

pdfium gives text in the order in which a page draws it, with `\r\n` for its line ends and a mark
where a word was divided at a line's end. Where that order is the one of reading, the text is kept
to the letter, with `\n` and `-\n`. Where lines have wide gaps, stand beside each other, or are
drawn later than what stands below them, they are ordered by place:

- rows are cut into pieces at gaps as wide as the type is high;
- a gap that runs over consecutive rows is a gutter. Prose beside it is read column by column, short
  cells are the rows of a table, with tabs between them;
- elsewhere a wide gap ends the line, so that no sentence is made of two.
"""

import itertools
import re
import string
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from qa.reading.pdf_pieces import (
    Gap,
    Piece,
    columns_of,
    gutters,
    height_of,
    is_in_order,
    rows_of,
    within,
)
from qa.reading.pdf_tables import drawn_by_cells, drawn_by_rows, is_figure

_GLUED = 1.8  # times the height of the type: a wider gap ends a line outside of tables
_DISTANT = 2.5  # times the height of the type, between rows of one band
_PROSE_WORDS = 3.0  # words of a line on average, in a column of prose
_PROSE_LETTERS = 0.6  # share of letters in what is not blank
_PROSE_ROWS = 3  # lines of a column
_PROSE_CUTS = 1.25  # pieces of a line on average, in a column of prose; cells are more
_DEPTH = 4  # of columns within columns
_SIGNS = 5  # characters; shorter pieces may be narrower than they are high
_PIECES = 3_000  # of a page that is ordered by place
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_NO_LETTERS = re.compile(r"[\W\d_]+")
_NO_ASCII_LETTERS = bytes(set(range(128)) - set(string.ascii_letters.encode()))
_NO_ASCII = re.compile(r"[^\0-\x7f]+")
_BOTTOM, _TOP = itemgetter(3), itemgetter(5)


class Row(NamedTuple):
    """A line of the text: pieces as they are read; rows of one table have its number."""

    pieces: tuple[Piece, ...]
    table: int = 0  # 0: none
    first: bool = False  # of a column or a table: an empty line stands in front
    between: tuple[str, ...] = ()  # of a table: what stands between; none: a tab everywhere


class Band(NamedTuple):
    """Consecutive rows, and the gutters that run through all of them."""

    rows: list[list[Piece]]
    gaps: list[Gap]


def ordered(pieces: Sequence[Piece], words: str) -> list[Row] | None:
    """The rows in reading order; None where the order of drawing is to be kept.

    `words` is pdfium's text, into which the pieces point.
    """
    if len(pieces) > _PIECES or is_in_order(pieces) or _is_vertical(pieces):
        return None
    if _is_right_to_left(words):
        return None  # pdfium orders such lines itself
    numbers = iter(range(1, len(pieces) + 1))
    return list(_ordered(pieces, words, numbers, _DEPTH))


def _is_right_to_left(words: str) -> bool:
    """True for a text that is mostly of letters that run from right to left."""
    others = len(words) - len(words.encode("ascii", errors="ignore"))
    return 2 * others > len(words) and 2 * len(_RIGHT_TO_LEFT.findall(words)) > len(words)


def _is_vertical(pieces: Sequence[Piece]) -> bool:
    """True when most lines run up or down the page as it is seen."""
    upright = [piece for piece in pieces if piece[4] - piece[2] < piece[5] - piece[3]]
    tall = sum(piece[1] - piece[0] > _SIGNS for piece in upright)
    return tall > 0 and 2 * tall > sum(piece[1] - piece[0] > _SIGNS for piece in pieces)


def _ordered(
    pieces: Sequence[Piece], words: str, numbers: Iterator[int], depth: int
) -> Iterator[Row]:
    for band in _bands(rows_of(pieces, 0.3)):
        if not band.gaps:
            row = band.rows[0]
            yield from _loose(row, words) if len(row) > 1 else (Row((row[0],)),)
            continue
        pieces = [piece for row in band.rows for piece in row]
        cells = drawn_by_cells(pieces, band.gaps, words)
        columns = _prose_columns(band, pieces, words) if depth and not cells else []
        if columns:
            for column in columns:
                inner = list(_ordered(column, words, numbers, depth - 1))
                yield inner[0]._replace(first=True)
                yield from inner[1:]
        elif cells or _is_table(band):
            number = next(numbers)
            for place, (lines, between) in enumerate(cells or drawn_by_rows(band.rows, words)):
                yield Row(lines, number, place == 0, between)
        else:
            for row in band.rows:
                yield from _loose(row, words)


def _bands(rows: list[list[Piece]]) -> Iterator[Band]:
    """The rows gathered in runs through which the same gutters go."""
    heights = [row[0][5] - row[0][3] if len(row) == 1 else height_of(row) for row in rows]
    at = 0
    while at < len(rows):
        gaps = gutters(rows[at], heights[at]) if len(rows[at]) > 1 else []
        end = at + 1
        while gaps and end < len(rows):
            distance = min(map(_BOTTOM, rows[end - 1])) - max(map(_TOP, rows[end]))
            if distance >= _DISTANT * max(heights[end - 1], heights[end]):
                break
            left = within(gaps, rows[end], heights[end])
            if not left:
                break
            gaps, end = left, end + 1
        yield Band(rows[at:end], gaps)
        at = end


def _prose_columns(band: Band, pieces: Sequence[Piece], words: str) -> list[list[Piece]]:
    """The columns of the band's pieces where each holds prose; none where it is a table, or nothing of both."""
    if len(band.rows) < _PROSE_ROWS or sum(len(row) > 1 for row in band.rows) < _PROSE_ROWS - 1:
        return []
    if _letters(pieces, words) < _PROSE_LETTERS:
        return []  # figures
    choices = [band.gaps]
    if len(band.gaps) > 1:
        choices += ([gap] for gap in sorted(band.gaps, key=_width, reverse=True)[:4])
    for gaps in choices:
        columns = columns_of(pieces, gaps)
        if len(columns) == len(gaps) + 1 and (
            _are_prose(columns, words) or _are_drawn_apart(columns, words)
        ):
            return columns
    return []


def _width(gap: Gap) -> float:
    return gap.right - gap.left


def _are_prose(columns: list[list[Piece]], words: str) -> bool:
    """True where each column holds lines of words; figures are found first, at the right."""
    return all(_is_wordy(column, words) for column in reversed(columns)) and all(
        map(_has_lines, columns)
    )


def _is_wordy(column: list[Piece], words: str) -> bool:
    count = sum([len(words[piece[0] : piece[1]].split()) for piece in column])
    return count >= _PROSE_WORDS * len(column) and _letters(column, words) >= _PROSE_LETTERS


def _has_lines(column: list[Piece]) -> bool:
    rows = len(rows_of(column, 0.5))
    return rows >= _PROSE_ROWS - 1 and len(column) <= _PROSE_CUTS * rows


def _are_drawn_apart(columns: list[list[Piece]], words: str) -> bool:
    """True when the page draws one column after the other, and each says something in words."""
    if any(len(column) < _PROSE_ROWS for column in columns):
        return False
    spans = sorted((min(column)[0], max(column)[0]) for column in columns)
    return all(before[1] < after[0] for before, after in itertools.pairwise(spans)) and all(
        _letters(column, words) >= _PROSE_LETTERS for column in columns
    )


def _letters(column: Sequence[Piece], words: str) -> float:
    """The share of letters in what is not blank."""
    text = "".join([words[piece[0] : piece[1]] for piece in column])
    ascii_text = text.encode("ascii", errors="ignore")
    letters = len(ascii_text.translate(None, _NO_ASCII_LETTERS))
    if len(ascii_text) < len(text):
        letters += len(_NO_LETTERS.sub("", "".join(_NO_ASCII.findall(text))))
    return letters / ((len(text) - text.count(" ")) or 1)


def _is_table(band: Band) -> bool:
    """True when at least two rows have cells beside each other with a wide gap between them."""
    if len(band.rows) == 1:
        return False
    wide = [row for row in band.rows if len(row) > 1]
    return len(wide) > 1 and any(_width(gap) >= height_of(wide[0]) for gap in band.gaps)


def _loose(row: list[Piece], words: str) -> Iterator[Row]:
    """The row of no table as one line, or as several where a gap is wide and words follow it."""
    line = row[:1]
    for piece in row[1:]:
        gap = piece.left - line[-1].right
        if gap >= _GLUED * piece.height and not is_figure(words[piece.start : piece.end]):
            yield Row(tuple(line))
            line = []
        line.append(piece)
    yield Row(tuple(line))


def glue(before: Piece, after: Piece) -> str:
    """What stands between two pieces of a line that is no row of a table."""
    return "\t" if after.left - before.right >= _GLUED * after.height else " "
