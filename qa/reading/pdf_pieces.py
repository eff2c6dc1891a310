"""Pieces of the lines of a PDF page with their places, and the gaps between them.

Places are in points of the page as it is seen, from its bottom left.
"""

import ctypes
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pypdfium2 import raw

HYPHEN = "\ufffe"  # pdfium's mark for a hyphen at a line's end; the next line follows at once
WIDE = 1.0  # times the height of the type: a gap that cuts a line into pieces

_LINE = re.compile(
    f"[^\\s\0{HYPHEN}\x02](?:[^\r\n{HYPHEN}\x02]*[^\\s\0{HYPHEN}\x02])?[{HYPHEN}\x02]?|[{HYPHEN}\x02]"
)
_BLANK = re.compile(r"[^\S\r\n]+|\0+")
_BULLET = re.compile(r"[^\w\s]{1,2}|\(?\w{1,3}[.)]")  # of a list; its text follows at a distance
_FIGURES = re.compile(r"[\d$%€£|]")
_LONG = 70  # characters of a line
_FEW_FIGURES = 0.1  # share of them in a long line of words
_BULLET_GAP = 4  # times as wide as a gap that cuts a line
_RECTANGLES = 60  # of a line that are looked at
_FEW = 12  # lines of a page, all of which are looked at


Place = tuple[float, float, float, float]  # left, bottom, right, top


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


class Characters:
    """pdfium's characters of a page by their offset in its text."""

    def __init__(self, face: Any, text_page: Any) -> None:
        """Of a page and its text page, both of which stay open as long as this is used."""
        self.page, self.raw = text_page, text_page.raw
        self.text = str(text_page.get_text_range(errors="replace"))
        self._turn = raw.FPDFPage_GetRotation(face.raw)
        self._units: list[int] | None = None
        astral = bool(self.text) and max(self.text) > "\uffff"
        self._direct = not astral and len(self.text) == text_page.count_chars()
        if astral:
            self._units, unit = [], 0
            for character in self.text:
                self._units.append(unit)
                unit += 2 if character > "\uffff" else 1
        self._box = raw.FS_RECTF()
        self._sides = (ctypes.c_double * 4)()
        at = ctypes.addressof(self._sides)
        size = ctypes.sizeof(ctypes.c_double)
        self._found = [
            ctypes.cast(at + side * size, ctypes.POINTER(ctypes.c_double)) for side in range(4)
        ]

    def index(self, offset: int) -> int:
        """Pdfium's own number of the character; negative where it has none."""
        if self._direct:
            return offset
        unit = self._units[offset] if self._units else offset
        return int(raw.FPDFText_GetCharIndexFromTextIndex(self.raw, unit))

    def loose(self, offset: int) -> Place:
        """Left, bottom, right and top of the character with all the height of its type."""
        raw.FPDFText_GetLooseCharBox(self.raw, self.index(offset), ctypes.byref(self._box))
        box = self._box
        return self._seen(box.left, box.bottom, box.right, box.top)

    def extent(self, start: int, end: int, wide: float) -> Gap | None:
        """Where a line begins and ends across; None where it has a gap wider than `wide`."""
        first, last = self.index(start), self.index(end - 1)
        count = raw.FPDFText_CountRects(self.raw, first, last - first + 1) if first >= 0 else 0
        if count < 1 or last < 0:
            x0, _, x1, _ = self.loose(start)
            return Gap(x0, x1)
        get, page, sides, turned = raw.FPDFText_GetRect, self.raw, self._sides, self._turn != 0
        left, top, right, bottom = self._found
        get(page, 0, left, top, right, bottom)
        x0, _, x1, _ = self._seen(sides[0], sides[3], sides[2], sides[1])
        least, most = x0, x1
        for number in range(1, min(count, _RECTANGLES)):
            before, until = x0, x1
            get(page, number, left, top, right, bottom)
            x0, x1 = sides[0], sides[2]
            if turned:
                x0, _, x1, _ = self._seen(x0, sides[3], x1, sides[1])
            if x0 - until > wide or before - x1 > wide:
                return None
            most = max(most, x1)
            least = min(least, x0)
        return Gap(least, most)

    def _seen(self, left: float, bottom: float, right: float, top: float) -> Place:
        """The box on the page as it is turned for reading."""
        if self._turn == 0:
            return left, bottom, right, top
        if self._turn == 1:
            return bottom, -right, top, -left
        if self._turn == 2:
            return -right, -top, -left, -bottom
        return -top, left, -bottom, right


def pieces_of(characters: Characters) -> list[Piece]:
    """The pieces of a page's lines, in the order in which they are drawn.

    Where lines stand one below the other and a sample of them has no wide gap, they are not cut:
    looking at every line would cost as much as reading the page. So it is with the long lines of
    words of other pages.
    """
    lines = [
        Piece(line.start(), line.end(), *characters.loose(line.start()))
        for line in _LINE.finditer(characters.text)
    ]
    in_order = is_in_order(lines)
    if in_order and not any(_is_cut(characters, line) for line in _sample(lines)):
        return lines
    wordy = [line for line in lines if _is_wordy(characters.text, line)]
    if any(_is_cut(characters, line) for line in _sample(wordy)):
        wordy = []
    return list(_cut(characters, lines, {line.start for line in wordy}))


def _cut(characters: Characters, lines: list[Piece], wordy: set[int]) -> Iterator[Piece]:
    """The pieces of the lines; wordy ones are looked at below a line that has gaps."""
    gaps = False
    for line in lines:
        if line.start in wordy and not gaps:
            yield _ended(characters, line)
            continue
        pieces = list(_pieces(characters, line))
        gaps = len(pieces) > 1
        yield from pieces


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
    """All of a few lines; of many, those at the page's edges and every fifth."""
    return lines if len(lines) <= _FEW else lines[:2] + lines[2:-2:5] + lines[-2:]


def _is_cut(characters: Characters, line: Piece) -> bool:
    return characters.extent(line.start, line.end, WIDE * line.height) is None


def _ended(characters: Characters, piece: Piece) -> Piece:
    """The piece with the end of its last character."""
    return piece._replace(right=characters.loose(piece.end - 1)[2])


def _pieces(characters: Characters, line: Piece) -> Iterator[Piece]:
    if _BLANK.search(characters.text, line.start, line.end) is None:
        yield _ended(characters, line)
        return
    extent = characters.extent(line.start, line.end, WIDE * line.height)
    if extent is None:
        yield from _split(characters, line, WIDE * line.height)
    else:
        yield line._replace(left=extent.left, right=extent.right)


def _distance(before: Sequence[float], after: Sequence[float]) -> float:
    return max(after[0] - before[2], before[0] - after[2])


def _split(characters: Characters, line: Piece, wide: float) -> Iterator[Piece]:
    """The line cut at its wide gaps."""
    text, piece = characters.text, line
    for blank in _BLANK.finditer(text, line.start, line.end):
        before = characters.loose(blank.start() - 1)
        after = characters.loose(blank.end())
        distance = _distance(before, after)
        at_bullet = piece is line and _BULLET.fullmatch(text, line.start, blank.start())
        if distance > (_BULLET_GAP * wide if at_bullet else wide):
            yield piece._replace(end=blank.start(), right=before[2])
            piece = Piece(blank.end(), line.end, *after)
    yield _ended(characters, piece)


def height_of(row: Sequence[Piece]) -> float:
    """The height of the tallest type in a row."""
    return max(piece.height for piece in row)


def rows_of(pieces: Iterable[Piece], share: float) -> list[list[Piece]]:
    """Pieces that stand beside each other, from the top down, each row from left to right.

    Two stand beside each other when they overlap by `share` of the lower one's height.
    """
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (-piece.top - piece.bottom, piece.left)):
        if rows and _is_beside(rows[-1], piece, share):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [sorted(row, key=lambda piece: piece.left) for row in rows]


def _is_beside(row: list[Piece], piece: Piece, share: float) -> bool:
    common = min(row[0].top, piece.top) - max(row[0].bottom, piece.bottom)
    return common >= share * min(row[0].height, piece.height) and all(
        piece.left >= other.right - 1 or piece.right <= other.left + 1 for other in row
    )


def gutters(row: Sequence[Piece]) -> list[Gap]:
    """The gaps between a row's pieces that are wide enough to part columns."""
    least = 0.8 * height_of(row)
    gaps = (Gap(before.right, after.left) for before, after in itertools.pairwise(row))
    return [gap for gap in gaps if gap.right - gap.left >= least]


def within(gaps: Iterable[Gap], row: Sequence[Piece]) -> list[Gap]:
    """What is left of the gaps beside the pieces of another row."""
    least, rest = 0.8 * height_of(row), list(gaps)
    for piece in row:
        left, right = piece.left, piece.right
        if all(right <= gap.left or left >= gap.right for gap in rest):
            continue
        parts = [
            part
            for gap in rest
            for part in (Gap(gap.left, min(gap.right, left)), Gap(max(gap.left, right), gap.right))
        ]
        rest = [part for part in parts if part.right - part.left >= least]
    return rest


def columns_of(pieces: Iterable[Piece], gaps: Iterable[Gap]) -> list[list[Piece]]:
    """The pieces from left to right in the columns that the gaps part; empty ones are left out."""
    middles = [(gap.left + gap.right) / 2 for gap in gaps]
    columns: dict[int, list[Piece]] = {}
    for piece in pieces:
        columns.setdefault(sum(middle < piece.left for middle in middles), []).append(piece)
    return [columns[number] for number in sorted(columns)]
