"""Excel by openpyxl: each sheet's name is a heading, each row a row of its own.

Values are read as Excel last computed them. Charts, pictures and comments are not read.
"""

import warnings
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

from openpyxl import load_workbook

from qa.reading.archive import names_itself
from qa.reading.columns import names_columns
from qa.reading.content import Content, Draft, made_on
from qa.reading.packages import repaired
from qa.records import Kind


def read(data: bytes, _name: str) -> Content:
    """The content of a workbook."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and rules that are not read
        file = load_workbook(
            BytesIO(repaired(data)), read_only=True, data_only=True, keep_links=False
        )
        draft = Draft()
        for sheet in file.worksheets:
            _add(draft, sheet)
    if not names_itself(data):
        return draft.content()
    return draft.content(title=file.properties.title, date=made_on(file.properties.created))


def _add(draft: Draft, sheet: Any) -> None:
    """Add a sheet that is not empty: its name, and its rows with the names of their columns."""
    sheet.reset_dimensions()  # some programs write wrong ones
    rows = _rows(sheet.iter_rows(values_only=True))
    first = next(rows, None)
    if first is None:
        return
    draft.enter(1, str(sheet.title))
    second = next(rows, None)
    if second is None or not names_columns(first, second):
        draft.add(_line(first), Kind.ROW)
        columns = ""
    else:
        draft.add(_line(first), Kind.FURNITURE)
        columns = ", ".join(" ".join(name.split()) for name in first if name)
    if second is not None:
        draft.add(_line(second), Kind.ROW, columns=columns)
    for row in rows:
        draft.add(_line(row), Kind.ROW, columns=columns)


def _rows(rows: Iterable[tuple[object, ...]]) -> Iterator[list[str]]:
    """The rows that are not blank, each cell as text."""
    for row in rows:
        cells = [_said(value) for value in row]
        if any(cells):
            yield cells


def _line(cells: list[str]) -> str:
    return "\t".join(" ".join(cell.split()) for cell in cells).strip()


def _said(value: object) -> str:
    """A cell's value as text: whole numbers without a point, days without a time of day."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
