"""The rows of a table on a PDF page: lines of one cell gathered, and the rows that name columns.

A page holds lines, not cells. That lines below each other are one cell is told by blank strips that
run across the table between its rows, by the order in which they are drawn, or, where lines are
evenly spaced, by a line that goes on in small letters beside no other cell.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from operator import itemgetter
from statistics import median_low
from typing import NamedTuple

from qa.reading.pdf_pieces import Gap, Piece, height_of, rows_of

HEADER_ROWS = 5  # of a table, at most
_STRIP = 0.3  # times the height of the type: so much more blank stands between rows than lines
_LEVEL = 0.2  # times the height of the type
_FULL = 25  # characters of a line that is full by no chance
_CELL_LINES = 12  # at most
_SIGNS = ("$", "€", "£", "¥")
_COLUMNS = 3  # of a table whose empty cells are looked for, at least
_DRAWN_ROWS = 2  # with a cell of several lines, at least
_SHARE_OF_FIGURES = 0.5  # of the rows just below the names of columns, at least
NAMED_ROWS = 8
_FIGURE = re.compile(r"[^\w\s]*\s?\d[\d.,'%\s]*[^\w\s]*|[-–—$€£()%*]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_BOTTOM, _TOP = itemgetter(3), itemgetter(5)
_NUMBER = re.compile(r"\d+")
_AMOUNT = re.compile(r"\d[\d.,]*\s?(?:[^\W\d]{1,3}|%|°[CF])")  # a figure with its unit

Cell = tuple[Piece, ...]  # its lines


class Cells(NamedTuple):
    """A row of a table: the lines of its cells, and what stands between each and the next."""

    pieces: tuple[Piece, ...]
    between: tuple[str, ...] = ()  # a space within a cell, else tabs; none: a tab everywhere


class _Group(NamedTuple):
    """Rows of lines between two blank strips, and whether they read like one row of cells."""

    rows: list[list[Piece]]
    cells: tuple[Cell, ...]  # none where they do not


def drawn_by_rows(rows: Sequence[list[Piece]], words: str) -> list[Cells]:
    """The rows of a table whose lines stand beside each other, those of a cell gathered.

    `rows` are of lines that stand beside each other in part: cells are looked at more closely.
    """
    if not all(map(_is_level, rows)):
        rows = rows_of([piece for row in rows for piece in row], 0.5)
    found = list[tuple[Cell, ...]]()
    for group in _groups(rows, words):
        found += [group.cells] if group.cells else _continued(group.rows, words)
    return _in_columns(found, words)


def _is_level(row: Sequence[Piece]) -> bool:
    """True where all of a row stands on one line: to look closer would change nothing."""
    bottoms = list(map(_BOTTOM, row))
    return bool(max(bottoms) - min(bottoms) <= _LEVEL * row[0].height)


def drawn_by_cells(pieces: Sequence[Piece], gaps: Sequence[Gap], words: str) -> list[Cells]:
    """The rows of a table that is drawn cell after cell, some of several lines.

    Columns of prose are drawn one after the other, or line by line across; for both it is empty.
    """
    drawn = sorted(pieces)
    below = sum(
        [after[2] < before[4] and after[4] > before[2] for before, after in pairwise(drawn)]
    )
    if below < _DRAWN_ROWS:
        return []  # this is all that it takes for most tables, which are drawn row by row
    middles = sorted([(gap.left + gap.right) / 2 for gap in gaps])
    rows, last = list[dict[int, list[Piece]]](), len(middles) + 1
    for piece in drawn:
        place = bisect_left(middles, piece[2])
        if place < last:
            rows.append({})
        rows[-1].setdefault(place, []).append(piece)
        last = place
    if sum([len(row) > 1 and max(map(len, row.values())) > 1 for row in rows]) < _DRAWN_ROWS:
        return []
    found = [tuple(_downwards(cell) for cell in row.values()) for row in rows]
    every = [cell for row in found for cell in row]
    is_drawn = (
        max(map(len, every)) <= _CELL_LINES
        and all(map(_are_lines, every))
        and not any(_figures(cell, words) > 1 for cell in every)
        and all(map(_are_apart, found, found[1:]))
    )
    return _in_columns(found, words) if is_drawn else []


def _in_columns(rows: Iterable[tuple[Cell, ...]], words: str) -> list[Cells]:
    """The rows with a tab more for each empty cell between others, where columns are plain.

    They are where each cell of the others stands below one of the rows with most cells.
    """
    rows = [_with_signs(row, words) for row in rows]
    most = max(map(len, rows))
    if most < _COLUMNS or all(len(row) in (1, most) for row in rows):
        return [_joined(row, ()) for row in rows]
    full = [row for row in rows if len(row) == most]
    spans = [_span([piece for row in full for piece in row[at]]) for at in range(most)]
    places: list[tuple[int, ...] | None] = [None]
    if all(before[1] <= after[0] for before, after in pairwise(spans)):
        places = [_places(row, spans) if 1 < len(row) < most else () for row in rows]
    if None in places:
        return [_joined(row, ()) for row in rows]
    return [_joined(row, place or ()) for row, place in zip(rows, places, strict=True)]


def _with_signs(row: tuple[Cell, ...], words: str) -> tuple[Cell, ...]:
    """The row, in which the sign of a currency is no cell, but stands before its figure."""
    if not [cell for cell in row[:-1] if cell[0][1] - cell[0][0] == 1 and _is_sign(cell, words)]:
        return row
    found, ahead = list[Cell](), tuple[Piece, ...]()
    for cell in row:
        ahead += cell
        if not _is_sign(cell, words):
            found.append(ahead)
            ahead = ()
    return (*found, ahead) if ahead else tuple(found)


def _is_sign(cell: Cell, words: str) -> bool:
    return len(cell) == 1 and words[cell[0][0] : cell[0][1]] in _SIGNS


def _span(pieces: Sequence[Piece]) -> tuple[float, float]:
    return min([piece[2] for piece in pieces]), max([piece[4] for piece in pieces])


def _places(row: Sequence[Cell], spans: Sequence[tuple[float, float]]) -> tuple[int, ...] | None:
    """The column of each cell; None where one stands in none of its own."""
    found = list[int]()
    for cell in row:
        left, right = _span(cell) if len(cell) > 1 else (cell[0][2], cell[0][4])
        own = [at for at, (first, last) in enumerate(spans) if left < last and right > first]
        if len(own) != 1 or own[0] in found:
            return None
        found += own
    return tuple(found)


def _joined(cells: Sequence[Cell], places: Sequence[int]) -> Cells:
    """The row, its cells in those columns, or one after another."""
    pieces = tuple(chain.from_iterable(cells))
    if len(pieces) == len(cells) and not places:
        return Cells(pieces)
    steps = [after - before for before, after in pairwise(places)] or [1] * (len(cells) - 1)
    between = [" "] * (len(cells[0]) - 1)
    for step, cell in zip(steps, cells[1:], strict=True):
        between += ["\t" * step, *" " * (len(cell) - 1)]
    return Cells(pieces, tuple(between))


def _are_apart(upper: Sequence[Cell], lower: Sequence[Cell]) -> bool:
    """True where all of the one stands above all of the other."""
    bottom = min(piece.bottom for cell in upper for piece in cell)
    first = max((piece for cell in lower for piece in cell), key=lambda piece: piece.top)
    return bottom >= first.top - _STRIP * first.height


def _groups(rows: Sequence[list[Piece]], words: str) -> list[_Group]:
    """The rows between blank strips; all of them as one group where strips part no cells."""
    parts = _parted(rows)
    if not 1 < len(parts) < len(rows):
        return [_Group(list(rows), ())]
    groups = []
    for part in parts:
        columns = _columns(part) if len(part) > 1 else ()
        if any(_figures(cell, words) > 1 for cell in columns):
            return [_Group(list(rows), ())]  # strips part sections
        groups.append(_Group(part, columns if _is_one_row(columns, words) else ()))
    return groups


def _parted(rows: Sequence[list[Piece]]) -> list[list[list[Piece]]]:
    """The rows, cut where a blank strip is higher than what stands between lines."""
    lowest, blanks = min(map(_BOTTOM, rows[0])), list[float]()
    for row in rows[1:]:
        blanks.append(lowest - max(map(_TOP, row)))
        lowest = min(lowest, *map(_BOTTOM, row))
    strip = max(min(blanks, default=0.0), 0.0) + _STRIP * median_low(map(height_of, rows))
    parts = [[rows[0]]]
    for row, blank in zip(rows[1:], blanks, strict=True):
        if blank > strip:
            parts.append([])
        parts[-1].append(row)
    return parts


def _columns(rows: Iterable[Sequence[Piece]]) -> tuple[Cell, ...]:
    """The pieces that stand above each other, from left to right, each cell from the top down."""
    columns: list[tuple[float, list[Piece]]] = []
    for piece in sorted((piece for row in rows for piece in row), key=lambda piece: piece.left):
        if columns and piece.left < columns[-1][0]:
            right, pieces = columns.pop()
            columns.append((max(right, piece.right), [*pieces, piece]))
        else:
            columns.append((piece.right, [piece]))
    return tuple(_downwards(pieces) for _, pieces in columns)


def _downwards(pieces: Iterable[Piece]) -> Cell:
    return tuple(sorted(pieces, key=lambda piece: (-piece.bottom, piece.left)))


def _are_lines(cell: Cell) -> bool:
    """True where each piece stands below the one before."""
    return all(below.bottom < above.bottom - 0.5 * below.height for above, below in pairwise(cell))


def _figures(cell: Cell, words: str) -> int:
    return sum(is_figure(words[piece.start : piece.end]) for piece in cell)


def _is_one_row(columns: Sequence[Cell], words: str) -> bool:
    """True where every cell reads like lines of one text, and they are not rows of their own.

    A line is broken where the next word would not fit. Short words below each other may look so by
    chance: some line goes on in small letters, or the cells are of unequal length.
    """
    if not (columns and max(map(len, columns)) <= _CELL_LINES and all(map(_are_lines, columns))):
        return False
    pairs = small = strong = 0
    for cell in columns:
        right = max(piece.right for piece in cell)
        for above, below in pairwise(cell):
            goes_on = _is_small(below, words)
            full = _is_full(above, below, right, words)
            if not (goes_on or full) or words[above.end - 1] == ":":
                return False
            pairs += 1
            small += goes_on
            strong += goes_on or above.end - above.start >= _FULL
    unequal = len(set(map(len, columns))) > 1
    return 2 * strong >= pairs > 0 and (4 * small >= pairs or (unequal and pairs <= 3))


def _is_small(piece: Piece, words: str) -> bool:
    return words[piece.start].islower()


def _is_full(above: Piece, below: Piece, right: float, words: str) -> bool:
    """True where the first word of the lower line would not fit behind the upper one."""
    text = words[below.start : below.end]
    share = (len(text.split()[0]) + 1) / len(text)
    return above.right + share * (below.right - below.left) > right


def _continued(rows: Sequence[list[Piece]], words: str) -> Iterator[tuple[Cell, ...]]:
    """The rows of cells, those joined of which one goes on in small letters beside no cell."""
    above: list[list[Piece]] = []
    for row in rows:
        if above and not (_is_small(row[0], words) and _goes_on(above, row, words)):
            yield _row_of(above)
            above = []
        above.append(row)
    if above:
        yield _row_of(above)


def _row_of(rows: Sequence[Sequence[Piece]]) -> tuple[Cell, ...]:
    (first, *others) = rows
    return _columns(rows) if others else tuple([(piece,) for piece in first])


def _goes_on(above: Sequence[Sequence[Piece]], row: Sequence[Piece], words: str) -> bool:
    """True for a row whose first line goes on one above, where no other cell would be joined."""
    lines = above[-1]
    return (
        len(above) < _CELL_LINES
        and not _is_small(above[0][0], words)
        and words[lines[0].end - 1] != ":"
        and (len(row) == 1 or max(map(len, above)) == 1)  # else each has values of its own
        and any(row[0].left < line.right and row[0].right > line.left for line in lines)
        and all(map(_are_lines, _columns([*above, row])))
    )


def is_figure(cell: str) -> bool:
    """True for a cell that holds a number or a sign, and no words."""
    return _FIGURE.fullmatch(cell.strip()) is not None


def columns_named(rows: Sequence[Sequence[str]]) -> str:
    """The names of a table's columns from its first rows; "" where none of them is a header.

    A header has words, or years, above rows with figures:
    `[["Station", "Opened"], ["Mill", "1,900"]]` gives `"Station, Opened"`. Below its last row with
    several cells, a line alone is the label of what follows ("Current assets:").
    """
    for number, row in enumerate(rows[: HEADER_ROWS + 1]):
        if any(_is_amount(cell.strip()) for cell in row):
            wide = [at for at, above in enumerate(rows[:number]) if len(above) > 1]
            heads = rows[: wide[-1] + 1 if wide else number]
            return names_in(heads) if _are_heads(heads, rows[number:]) else ""
    return ""


def _are_heads(heads: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> bool:
    """True where the first rows name columns; in a list of keys and values they are two of these.

    Below names of columns most rows have figures, and names are no keys, which end with a colon. Of
    two columns, names do not fill more than a row.
    """
    wide = [row for row in heads if len(row) > 1]
    if any(row[0].rstrip().endswith(":") for row in wide):
        return False
    if len(wide) > 1 and max(map(len, (*wide, *rows))) == 2:
        return False
    values = [row for row in rows[:NAMED_ROWS] if len(row) > 1]
    figures = sum(any(_is_amount(cell.strip()) for cell in row) for row in values)
    return figures >= _SHARE_OF_FIGURES * len(values)


def _is_amount(cell: str) -> bool:
    """True for a figure with or without its unit, and for a number that is no date."""
    if is_figure(cell):
        return _YEAR.fullmatch(cell) is None
    numbers = _NUMBER.findall(cell)
    return _AMOUNT.fullmatch(cell) is not None or (
        2 * sum(map(len, numbers)) > len(cell)
        and any(len(number) > 2 and not _YEAR.fullmatch(number) for number in numbers)
    )


def names_in(rows: Iterable[Sequence[str]]) -> str:
    """All cells of rows that name columns, each once."""
    names = [" ".join(cell.split()).rstrip(",") for row in rows for cell in row if cell.strip()]
    return ", ".join(dict.fromkeys(names))
