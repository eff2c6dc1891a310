"""The rows of a sheet as records: its tables are found, each with its title and its columns."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import NamedTuple

from qa.reading.columns import columns_of, is_value, names_below, names_columns
from qa.reading.content import Draft
from qa.records import Kind

_HEAD = 8  # rows at the beginning of a region among which the names of the columns are looked for
_TITLES = 3  # rows of one cell that a table may have above it
_LEVELS = (3, 2)  # rows of heads, the upper ones over several columns

Row = list[str]


class Numbered(NamedTuple):
    """A row that is not blank, and its number in the sheet."""

    number: int
    cells: Row


def add_sheet(draft: Draft, name: str, rows: Iterable[Numbered]) -> None:
    """Add a sheet that is not empty: its name as a heading, a row of its own for each row.

    Blank rows part it into regions. One that begins with names of columns is a table; one or more
    rows of one cell above a table are its title, which becomes a heading.
    """
    sheet = _Sheet(draft)
    for region in _regions(iter(rows)):
        if not sheet.begun:
            draft.enter(1, name)
        sheet.add(region)
    sheet.end()


def hidden_note(name: str, rows: int, columns: int) -> str:
    """What a report says of so many hidden rows and columns of a sheet, which are read; "" of none."""
    counts = [(rows, "row"), (columns, "column")]
    parts = [f"{count} hidden {what}{'s' * (count > 1)}" for count, what in counts if count]
    return f"{' and '.join(parts)} in {name}" if parts else ""


def _regions(rows: Iterator[Numbered]) -> Iterator[Iterator[Row]]:
    """The runs of rows without a blank one between them; each is read before the next."""
    pending = next(rows, None)

    def run(first: Numbered) -> Iterator[Row]:
        nonlocal pending
        number, pending = first.number, None
        yield first.cells
        for row in rows:
            if row.number > number + 1:
                pending = row
                return
            number = row.number
            yield row.cells

    while pending is not None:
        yield run(pending)


class _Heads(NamedTuple):
    """The rows of a region that name its columns."""

    start: int
    end: int
    names: Row


def _heads(head: Sequence[Row]) -> _Heads | None:
    """Several rows that name the columns together, in their upper ones over several of them."""
    for at in range(min(len(head), _TITLES + 1)):
        for levels in _LEVELS:
            rows, below = head[at : at + levels], head[at + levels : at + levels + 1]
            titled = any(_width(row) == 1 and row[0] for row in rows)
            if below and not titled and (names := names_below(rows, below[0])):
                return _Heads(at, at + levels, names)
        if _width(head[at]) > 1:
            break
    return None


class _Sheet:
    """What is known of a sheet so far."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.begun = False
        self.names: Row = []  # of the columns of the last table
        self.waiting: list[Row] = []  # rows of one cell that may be the title of what follows

    def add(self, rows: Iterator[Row]) -> None:
        """Add a region."""
        head = list(islice(rows, _HEAD))
        if len(head) + len(self.waiting) <= _TITLES and all(_width(row) == 1 for row in head):
            self.waiting += head
            self.begun = True
            return
        found = _heads(head) or self._place_of_names(head)
        if found is None:
            self.end()
            if not self._fits(head):
                self.names = []
        else:
            self._add_titles([*self.waiting, *head[: found.start]])
            self.names, self.waiting = found.names, []
            for row in head[found.start : found.end]:
                self.draft.add(_line(row), Kind.BOILERPLATE)
            head = head[found.end :]
        for row in chain(head, rows):
            names = columns_of(self.names, row)
            self.draft.add(_line(row), Kind.ROW, columns=names)
        self.begun = True

    def end(self) -> None:
        """Add rows of one cell that turned out to be no title."""
        for row in self.waiting:
            self.draft.add(_line(row), Kind.ROW)
        self.waiting = []

    def _place_of_names(self, head: Sequence[Row]) -> "_Heads | None":
        """Which row of a region's first ones names the columns; None where none does.

        In a later region without a title they must stand over values, as any two rows of words may
        look like a name above a name.
        """
        for at, (row, below) in enumerate(pairwise(head)):
            titled = at > 0 or bool(self.waiting)
            if names_columns(row, below) and (_width(row) > 1 or not titled):
                first = not self.begun or titled
                names = first or _stands_over_values(row, below)
                return _Heads(at, at + 1, row) if names else None
            if _width(row) > 1 or at >= _TITLES:
                return None
        return None

    def _fits(self, head: Sequence[Row]) -> bool:
        """True for rows that may go on under the columns of the table above."""
        return bool(self.names) and all(1 < _width(row) <= len(self.names) for row in head)

    def _add_titles(self, rows: Sequence[Row]) -> None:
        """Add the rows above a table: the first is its title."""
        for number, row in enumerate(rows):
            if number == 0:
                self.draft.enter(2, _line(row))
            else:
                self.draft.add(_line(row), Kind.ROW)


def _width(row: Row) -> int:
    return sum(map(bool, row))


def _stands_over_values(row: Row, below: Row) -> bool:
    pairs = zip(row, below, strict=False)
    return any(name and not is_value(name) and is_value(cell) for name, cell in pairs if cell)


def _line(cells: Row) -> str:
    return "\t".join(" ".join(cell.split()) for cell in cells).rstrip()
