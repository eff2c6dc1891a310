"""The tables of a web page, and the text of an element as it is shown."""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from qa.reading.boilerplate import BLOCKS, HEADINGS, is_silent
from qa.reading.formulas import formula

BLANKS = re.compile(r"[^\S\xa0]{2,}|[^\S\xa0 ]")  # not single spaces: those may stay
_SPAN_LIMIT = 1_000  # rows or columns of a cell; browsers have such limits, too
_HEAD_ROWS = 4  # of a table, at most


def visible(element: Any, *, fold: bool = True) -> str:
    """All text within an element but what is silent."""
    pieces = [element.text or ""]
    events = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, inner in events:
        if inner is element:
            continue
        if event == "start":
            if inner.tag == "br":
                pieces.append("\n" if not fold else " ")
            elif inner.tag in BLOCKS and fold:
                pieces.append(" ")
            shown = formula(inner)
            if shown is not None or is_silent(inner):
                pieces.append(shown or "")
                events.skip_subtree()
            else:
                pieces.append(inner.text or "")
        else:
            if event == "end" and inner.tag in BLOCKS and fold:
                pieces.append(" ")
            pieces.append(inner.tail or "")
    text = "".join(pieces)
    return BLANKS.sub(" ", text) if fold else text


def is_data(table: Any) -> bool:
    """True for a table of data; one that lays out a page is walked through like the rest."""
    if table.get("role") in ("presentation", "none"):
        return False
    return not any(
        (inner.tag == "table" and inner is not table) or inner.tag in HEADINGS
        for inner in table.iter("table", *HEADINGS)
    )


def names_rows(table: Any) -> bool:
    """True for a table whose first column names its rows, and none of whose rows is a head."""
    rows = [[cell.tag for cell in row.iterchildren("td", "th")] for row in table.iter("tr")]
    return all(row[:1] == ["th"] and "td" in row for row in rows if row)


def rows_of(table: Any) -> list[list[str]]:
    """The table's rows; several rows of a head are one, each name below those that span it."""
    rows = list(_rows(table))
    count = sum(row.getparent().tag == "thead" for row in table.iter("tr"))
    if not 1 < count <= _HEAD_ROWS or len(rows) <= count:
        return rows
    names: list[list[str]] = [[] for _ in range(max(map(len, rows[:count])))]
    for number, row in enumerate(rows[:count], start=1):
        spanning = ""
        for column, cell in zip(names, row, strict=False):
            spanning = cell or (spanning if number < count else "")
            if spanning and spanning not in column:
                column.append(spanning)
    return [[" ".join(column) for column in names], *rows[count:]]


def _rows(table: Any) -> Iterator[list[str]]:
    waiting: dict[int, tuple[int, str]] = {}  # column -> rows that a cell above spans still
    for row in table.iter("tr"):
        yield _cells(row, waiting)


def _cells(row: Any, waiting: dict[int, tuple[int, str]]) -> list[str]:
    """The row's cells, with those of rows above that reach into it; `waiting` is brought forward."""
    cells: list[str] = []

    def fill() -> None:
        while len(cells) in waiting:
            left, text = waiting.pop(len(cells))
            if left > 1:
                later[len(cells)] = left - 1, text
            cells.append(text)

    later: dict[int, tuple[int, str]] = {}
    for cell in row.iterchildren("td", "th"):
        fill()
        text, rows = visible(cell), _span(cell, "rowspan")
        for number in range(_span(cell, "colspan")):
            shown = "" if number else text
            if rows > 1:
                later[len(cells)] = rows - 1, shown
            cells.append(shown)
    fill()
    waiting.clear()
    waiting.update(later)
    return cells


def _span(cell: Any, name: str) -> int:
    """How many rows or columns a cell reaches over."""
    span = cell.get(name, "1").strip()
    return min(int(span), _SPAN_LIMIT) or 1 if re.fullmatch("[0-9]{1,6}", span) else 1
