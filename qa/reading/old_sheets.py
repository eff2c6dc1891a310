"""Old Excel (.xls) by xlrd: each sheet's name is a heading, each row a row under its columns."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import xlrd

from qa.errors import ReadFailed
from qa.reading.content import Content, Draft
from qa.reading.number_formats import shown
from qa.reading.sheet_rows import Numbered, add_sheet, hidden_note


def read(data: bytes, _name: str) -> Content:
    """The content of a workbook of Excel 5.0 to 2003."""
    try:
        book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=StringIO())
    except NotImplementedError:
        book = xlrd.open_workbook(file_contents=data, logfile=StringIO())
    except xlrd.XLRDError as error:
        if "encrypt" in str(error).lower():
            raise ReadFailed("encrypted: it opens with a password only") from error
        raise ReadFailed(f"a damaged workbook: {error}") from error
    draft = Draft()
    for sheet in book.sheets():
        add_sheet(draft, sheet.name, _rows(book, sheet))
    notes = [f"hidden sheet: {sheet.name}" for sheet in book.sheets() if sheet.visibility]
    notes += [hidden_note(sheet.name, *_hidden(sheet)) for sheet in book.sheets()]
    return draft.content(note=", ".join(filter(None, notes)))


def _hidden(sheet: Any) -> tuple[int, int]:
    """How many of the rows and columns that hold something are hidden."""
    rows = [row for row, look in sheet.rowinfo_map.items() if look.hidden and row < sheet.nrows]
    columns = [at for at, look in sheet.colinfo_map.items() if look.hidden and at < sheet.ncols]
    return sum(any(sheet.row_values(row)) for row in rows), len(columns)


def _rows(book: Any, sheet: Any) -> Iterator[Numbered]:
    """The rows that are not blank."""
    for number in range(sheet.nrows):
        cells = [_shown(book, cell) for cell in sheet.row(number)]
        if any(cells):
            yield Numbered(number + 1, cells)


def _shown(book: Any, cell: Any) -> str:
    """A cell as Excel shows it; a formula's error is its code."""
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return str(bool(cell.value)).upper()
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR"))
    if cell.ctype not in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
        return str(cell.value).strip()
    code = _code(book, cell)
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        return shown(int(cell.value) if cell.value == int(cell.value) else cell.value, code)
    try:
        return shown(xlrd.xldate_as_datetime(cell.value, book.datemode), code)
    except (ValueError, OverflowError):
        return str(cell.value)


def _code(book: Any, cell: Any) -> str:
    """The cell's number format."""
    if cell.xf_index is None or cell.xf_index >= len(book.xf_list):
        return "General"
    return str(book.format_map[book.xf_list[cell.xf_index].format_key].format_str)
