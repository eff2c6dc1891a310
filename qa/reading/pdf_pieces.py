"""Pieces of the lines of a PDF page with their places, and the gaps between them.

Places are in points of the page as it is seen, from its bottom left.
"""

import itertools
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter, sub
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
_LONG = 50  # characters of a line
_FEW_FIGURES = 0.1  # share of them in a long line of words
_BULLET_GAP = 4  # times as wide as a gap that cuts a line
_LEFT = itemgetter(2)
_FEW = 8  # long lines of words, all of which are looked at


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


def pieces_of(characters: Characters) -> list[Piece]:
    """The pieces of a page's lines, in the order in which they are drawn.

    Long lines of words are not cut where a sample of them has no wide gap: looking at every word
    would cost as much as reading the page.
    """
    spans = list(_lines(characters.text))
    starts = [start for start, _ in spans]
    ends = [end for _, end in spans]
    lines = list(map(Piece, starts, ends, *characters.places(starts)))
    wordy = [line for line in lines if _is_wordy(characters.text, line)]
    if any(len(pieces) > 1 for pieces in _split(characters, _sample(wordy))):
        wordy = []
    unsplit = {line.start for line in wordy}
    rows = [line for line in lines if line.start not in unsplit]
    cut = list(_split(characters, rows))
    if len(cut) == sum(map(len, cut)) and is_in_order(lines):
        return lines
    return _combined(characters, lines, wordy, {pieces[0].start: pieces for pieces in cut})


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Where the lines of pdfium's text stand, without the blanks around them."""
    at = 0
    for line in text.split("\r\n"):
        if _ENDS.search(line) or "\0" in line:
            yield from (found.span() for found in _LINE.finditer(text, at, at + len(line)))
        else:
            words = line.strip()
            if words:
                start = at + line.index(words[0])
                yield start, start + len(words)
        at += len(line) + 2


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
            pieces = [Piece(*line[:4], next(ends), line[5])]
            if above:
                (pieces,) = _split(characters, [line])
        found += pieces
    return found


def _is_wordy(text: str, line: Piece) -> bool:
    """True for a long line of words, which is no row of a table."""
    length = line.end - line.start
    if length < _LONG:
        return False
    return len(_FIGURES.findall(text, line.start, line.end)) <= _FEW_FIGURES * length


def is_in_order(pieces: Sequence[Piece]) -> bool:
    """True when every piece is a line of its own, below the one before."""
    return all(
        after.top - before.top < -0.7 * min(after.top - after.bottom, before.top - before.bottom)
        for before, after in itertools.pairwise(pieces)
    )


def _sample(lines: list[Piece]) -> list[Piece]:
    """All of a few lines; of many, the first, the last and every eighth."""
    return lines if len(lines) <= _FEW else [*lines[:-1:8], lines[-1]]


def _split(characters: Characters, lines: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Each line cut at its wide gaps."""
    text = characters.text
    words = [[word.span() for word in _WORD.finditer(text, line.start, line.end)] for line in lines]
    firsts = characters.places([start for line in words for start, _ in line])
    lasts = characters.places([end - 1 for line in words for _, end in line])
    gaps = list(map(sub, firsts.left[1:], lasts.right))
    at = 0
    for line, spans in zip(lines, words, strict=True):
        end = at + len(spans)
        between, wide = gaps[at : end - 1], WIDE * (line[5] - line[3])
        if between and (max(between) > wide or min(between) < -wide):
            first = Places(*[side[at:end] for side in firsts])
            yield _parts(text, line, spans, first, Places(*[side[at:end] for side in lasts]))
        else:
            left, right = firsts.left[at], lasts.right[end - 1]
            yield [Piece(line[0], line[1], left, line[3], right, line[5])]
        at = end


def _parts(
    text: str, line: Piece, words: Sequence[tuple[int, int]], first: Places, last: Places
) -> list[Piece]:
    """The line cut between words that are far from each other."""
    wide, parts = WIDE * line.height, list[Piece]()
    start = 0
    for number in range(1, len(words)):
        after = first.left[number] - last.right[number - 1]
        gap = max(after, last.left[number - 1] - first.right[number])
        at_bullet = not parts and _BULLET.fullmatch(text, line.start, words[number - 1][1])
        if gap > (_BULLET_GAP * wide if at_bullet else wide):
            parts.append(_part(words, first, last, start, number - 1))
            start = number
    parts.append(_part(words, first, last, start, len(words) - 1))
    return parts


def _part(
    words: Sequence[tuple[int, int]], first: Places, last: Places, start: int, end: int
) -> Piece:
    """The piece from one word to another, both included."""
    left, right = min(first.left[start], last.left[end]), max(first.right[start], last.right[end])
    return Piece(words[start][0], words[end][1], left, first.bottom[start], right, first.top[start])


def height_of(row: Sequence[Piece]) -> float:
    """The height of the tallest type in a row."""
    return max([piece[5] - piece[3] for piece in row])


def rows_of(pieces: Iterable[Piece], share: float) -> list[list[Piece]]:
    """Pieces that stand beside each other, from the top down, each row from left to right.

    Two stand beside each other when they overlap by `share` of the lower one's height.
    """
    rows, row, edge = list[list[Piece]](), list[Piece](), 0.0
    for piece in sorted(pieces, key=_downwards):
        if row and _overlaps(row[0], piece, share) and _is_free(row, piece, edge):
            row.append(piece)
            edge = max(edge, piece[4])
        else:
            row, edge = [piece], piece[4]
            rows.append(row)
    for row in rows:
        if len(row) > 1:
            row.sort(key=_LEFT)
    return rows


def _downwards(piece: Piece) -> tuple[float, float]:
    return -piece[5] - piece[3], piece[2]


def _overlaps(first: Piece, piece: Piece, share: float) -> bool:
    _, _, _, bottom, _, top = piece
    _, _, _, lower, _, upper = first
    common = min(top, upper) - max(bottom, lower)
    return common >= share * min(upper - lower, top - bottom)


def _is_free(row: list[Piece], piece: Piece, edge: float) -> bool:
    """True where a piece is above or below none of the row, whose right edge is known."""
    left, right = piece[2], piece[4]
    if left >= edge - 1:
        return True
    return all(left >= other[4] - 1 or right <= other[2] + 1 for other in row)


def gutters(row: Sequence[Piece]) -> list[Gap]:
    """The gaps between a row's pieces that are wide enough to part columns."""
    if len(row) == 1:
        return []
    least = 0.8 * height_of(row)
    gaps = (Gap(before.right, after.left) for before, after in itertools.pairwise(row))
    return [gap for gap in gaps if gap.right - gap.left >= least]


def within(gaps: Iterable[Gap], row: Sequence[Piece]) -> list[Gap]:
    """What is left of the gaps beside the pieces of another row."""
    least, rest = 0.8 * height_of(row), list(gaps)
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
