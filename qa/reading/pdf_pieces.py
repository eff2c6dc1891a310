"""Pieces of the lines of a PDF page with their places, and the gaps between them.

Places are in points of the page as it is seen, from its bottom left.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, count, pairwise
from operator import add, itemgetter, sub
from typing import NamedTuple

from qa.reading.pdf_characters import Characters, Places

HYPHEN = "\ufffe"  # pdfium's mark for a hyphen at a line's end; the next line follows at once
WIDE = 1.0  # times the height of the type: a gap that cuts a line into pieces

_LINE = re.compile(
    f"[^\\s\0{HYPHEN}\x02](?:[^\r\n{HYPHEN}\x02]*[^\\s\0{HYPHEN}\x02])?[{HYPHEN}\x02]?|[{HYPHEN}\x02]"
)
_ENDS = re.compile(f"[\r\n{HYPHEN}\x02]")
_WORD = re.compile(r"[^\s\0]+")
_BULLET = re.compile(r"[^\w\s]{1,2}|\(?\w{1,3}[.)]")  # of a list; its text follows at a distance
_FIGURES = re.compile(r"[\d$%€£|]")
_ASCII_FIGURES = b"0123456789$%|"
_LONG = 50  # characters of a line
_FEW_FIGURES = 0.1  # share of them in a long line of words
_BULLET_GAP = 4  # times as wide as a gap that cuts a line
_LEFT = itemgetter(2)
_JUSTIFIED_GAPS = 3  # of a line, at least, and how far
_ALIKE = 1.1  # times the least of them the widest may be
_SMALL_WORDS = 0.7  # share of words without a capital or a sign
_FEW = 8  # long lines of words, all of which are looked at
_RARE = ("\0", "\x02", HYPHEN)


class Piece(NamedTuple):
    """A part of a line without a wide gap; `start` and `end` are offsets in pdfium's text."""

    start: int
    end: int
    left: float
    bottom: float
    right: float
    top: float

    @property
    def height(self) -> float:
        """The height of its type."""
        return self.top - self.bottom


class Gap(NamedTuple):
    """A stretch across that holds no text."""

    left: float
    right: float


_piece = partial(tuple.__new__, Piece)  # of a tuple: in half the time of Piece()


def pieces_of(characters: Characters) -> list[Piece]:
    """The pieces of a page's lines, in the order in which they are drawn.

    Long lines of words are not cut where a sample of them has no wide gap: looking at every word
    would cost as much as reading the page.
    """
    starts, ends = _lines(characters.text)
    places = characters.places(starts)
    lines: list[Piece] = list(map(_piece, zip(starts, ends, *places, strict=True)))
    text = characters.text
    wordy = [line for line in lines if line[1] - line[0] >= _LONG and _is_wordy(text, line)]
    cut = {pieces[0][0]: pieces for pieces in _split(characters, _sample(wordy))}
    if all(len(pieces) == 1 for pieces in cut.values()):
        cut = {}
    else:
        wordy = []
    known = cut.keys() | {line[0] for line in wordy}
    rows = [line for line in lines if line[0] not in known]
    cut |= {pieces[0][0]: pieces for pieces in _split(characters, rows)}
    if all(len(pieces) == 1 for pieces in cut.values()) and is_in_order(lines):
        return lines
    return _combined(characters, lines, wordy, cut)


def _lines(text: str) -> tuple[list[int], list[int]]:
    """Where the lines of pdfium's text start and end, without the blanks around them."""
    starts, ends = list[int](), list[int]()
    at, breaks = 0, text.count("\r\n")
    plain = text.count("\r") == breaks == text.count("\n")
    plain = plain and not any(mark in text for mark in _RARE)
    for line in text.split("\r\n"):
        if not plain and (_ENDS.search(line) or "\0" in line):
            for found in _LINE.finditer(text, at, at + len(line)):
                starts.append(found.start())
                ends.append(found.end())
        elif words := line.strip():
            start = at + line.index(words[0])
            starts.append(start)
            ends.append(start + len(words))
        at += len(line) + 2
    return starts, ends


def _combined(
    characters: Characters, lines: list[Piece], wordy: list[Piece], cut: dict[int, list[Piece]]
) -> list[Piece]:
    """The pieces of all lines; wordy ones are looked at below a line that has gaps."""
    rights = characters.places([line.end - 1 for line in wordy]).right
    ends = iter(rights)
    found, pieces = list[Piece](), list[Piece]()
    for line in lines:
        above = len(pieces) > 1
        if line.start in cut:
            pieces = cut[line.start]
        else:
            pieces = [_piece((*line[:4], next(ends), line[5]))]
            if above:
                (pieces,) = _split(characters, [line])
        found += pieces
    return found


def _is_wordy(text: str, piece: Piece) -> bool:
    """True for a long line that is of words, and no row of a table."""
    line = text[piece[0] : piece[1]]
    if line.isascii():
        figures = len(line) - len(line.encode().translate(None, _ASCII_FIGURES))
    else:
        figures = len(_FIGURES.findall(line))
    return figures <= _FEW_FIGURES * len(line)


def is_in_order(pieces: Sequence[Piece]) -> bool:
    """True when every piece is a line of its own, below the one before."""
    return all(
        after[5] - before[5] < -0.7 * min(after[5] - after[3], before[5] - before[3])
        for before, after in pairwise(pieces)
    )


def _sample(lines: list[Piece]) -> list[Piece]:
    """All of a few lines; of many, the first, the last and every eighth."""
    return lines if len(lines) <= _FEW else [*lines[:-1:8], lines[-1]]


class _Words(NamedTuple):
    """The words of some lines: their first and last characters in the text and on the page."""

    starts: list[int]
    ends: list[int]  # of the last characters themselves
    first: Places
    last: Places
    gaps: list[float]  # from each to the next


def _split(characters: Characters, lines: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Each line cut at its wide gaps."""
    starts, ends, counts = _words(characters.text, lines)
    first, last = characters.places(starts), characters.places(ends)
    gaps = list(map(sub, first.left[1:], last.right))
    words = _Words(starts, ends, first, last, gaps)
    at = 0
    for (start, stop, left, bottom, _, top), number in zip(lines, counts, strict=True):
        end = at + number
        between, wide = gaps[at : end - 1], WIDE * (top - bottom)
        if (
            between
            and (max(between) > wide or min(between) < -wide)
            and not _is_justified(characters.text[start:stop], between)
        ):
            yield _parts(characters.text, wide, words, at, end)
        else:
            yield [_piece((start, stop, left, bottom, last.right[end - 1], top))]
        at = end


def _is_justified(line: str, gaps: Sequence[float]) -> bool:
    """True for words that were set apart to fill a narrow column: all gaps are alike.

    The names of columns may stand so, too, but they begin with capitals.
    """
    if len(gaps) < _JUSTIFIED_GAPS or not 0 < max(gaps) <= _ALIKE * min(gaps):
        return False
    words = [word.strip(",;:.") for word in line.split()]
    small = sum(word.isalpha() and word.islower() for word in words)
    return small >= _SMALL_WORDS * len(words)


def _words(text: str, lines: Sequence[Piece]) -> tuple[list[int], list[int], list[int]]:
    """Where the words of the lines start, where their last characters are, how many a line has."""
    starts, lasts, counts = list[int](), list[int](), list[int]()
    for piece in lines:
        at, stop = piece[0], piece[1]
        line = text[at:stop]
        words = line.split()
        if " ".join(words) == line and "\0" not in line:
            ends = list(accumulate(map(len, words), initial=at))  # as if no blanks were between
            starts += map(add, ends[:-1], count())
            lasts += map(add, ends[1:], count(-1))
            counts.append(len(words))
        else:
            found = list(_WORD.finditer(text, at, stop))
            starts += [word.start() for word in found]
            lasts += [word.end() - 1 for word in found]
            counts.append(len(found))
    return starts, lasts, counts


def _parts(text: str, wide: float, words: _Words, at: int, end: int) -> list[Piece]:
    """The line of the words from `at` to `end`, cut between words that are far from each other."""
    parts, begins = list[Piece](), at
    for number in range(at + 1, end):
        gap = words.gaps[number - 1]
        if gap < 0:
            gap = max(gap, words.last.left[number - 1] - words.first.right[number])
        if gap > wide and (
            parts
            or gap > _BULLET_GAP * wide
            or not _BULLET.fullmatch(text, words.starts[at], words.ends[number - 1] + 1)
        ):
            parts.append(_part(words, begins, number - 1))
            begins = number
    parts.append(_part(words, begins, end - 1))
    return parts


def _part(words: _Words, start: int, end: int) -> Piece:
    """The piece from one word to another, both included."""
    starts, ends, first, last, _ = words
    left, right = min(first.left[start], last.left[end]), max(first.right[start], last.right[end])
    place = (left, first.bottom[start], right, first.top[start])
    piece: Piece = _piece((starts[start], ends[end] + 1, *place))
    return piece


def height_of(row: Sequence[Piece]) -> float:
    """The height of the tallest type in a row."""
    return max([piece[5] - piece[3] for piece in row])


def rows_of(pieces: Iterable[Piece], share: float) -> list[list[Piece]]:
    """Pieces that stand beside each other, from the top down, each row from left to right.

    Two stand beside each other when they overlap by `share` of the lower one's height.
    """
    rows, row = list[list[Piece]](), list[Piece]()
    edge = lower = upper = 0.0
    for piece in sorted(pieces, key=_downwards):
        _, _, left, bottom, right, top = piece
        if row and (
            # min() and max() would take twice as long
            (top if top < upper else upper) - (bottom if bottom > lower else lower)  # noqa: FURB136
            >= share * min(upper - lower, top - bottom)
            and (left >= edge - 1 or _is_free(row, left, right))
        ):
            row.append(piece)
            edge = max(edge, right)
        else:
            row, edge, lower, upper = [piece], right, bottom, top
            rows.append(row)
    for row in rows:
        if len(row) > 1:
            row.sort(key=_LEFT)
    return rows


def _downwards(piece: Piece) -> tuple[float, float]:
    return -piece[5] - piece[3], piece[2]


def _is_free(row: list[Piece], left: float, right: float) -> bool:
    """True where that stretch is above or below none of the row."""
    return not [other for other in row if left < other[4] - 1 and right > other[2] + 1]


def gutters(row: Sequence[Piece], height: float) -> list[Gap]:
    """The gaps between a row's pieces that are wide enough to part columns."""
    least = 0.8 * height
    return [
        Gap(before[4], after[2]) for before, after in pairwise(row) if after[2] - before[4] >= least
    ]


def within(gaps: Iterable[Gap], row: Sequence[Piece], height: float) -> list[Gap]:
    """What is left of the gaps beside the pieces of another row, whose type is so high."""
    least, rest = 0.8 * height, list(gaps)
    for _, _, left, _, right, _ in row:
        parts = []
        for gap in rest:
            if right <= gap[0] or left >= gap[1]:
                parts.append(gap)
                continue
            if left - gap[0] >= least:
                parts.append(Gap(gap[0], left))
            if gap[1] - right >= least:
                parts.append(Gap(right, gap[1]))
        rest = parts
    return rest


def columns_of(pieces: Iterable[Piece], gaps: Iterable[Gap]) -> list[list[Piece]]:
    """The pieces from left to right in the columns that the gaps part; empty ones are left out."""
    middles = sorted([(gap.left + gap.right) / 2 for gap in gaps])
    columns: list[list[Piece]] = [[] for _ in range(len(middles) + 1)]
    for piece in pieces:
        columns[bisect_left(middles, piece[2])].append(piece)
    return [column for column in columns if column]
