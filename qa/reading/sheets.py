"""Excel by openpyxl: each sheet's name is a heading, each row a row of its own under its columns.

Values are read as Excel last computed and shows them. Comments and text boxes follow their sheet.
"""

import re
import warnings
import zipfile
from collections.abc import Iterator
from io import BytesIO
from posixpath import basename, dirname, join, normpath
from typing import Any

from openpyxl import load_workbook
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

from qa.reading.charts import chart
from qa.reading.content import Content, Draft, iso_date
from qa.reading.merged_cells import merged_over_rows
from qa.reading.number_formats import shown
from qa.reading.packages import parse, repaired
from qa.reading.sheet_rows import Numbered, add_sheet, hidden_note

_PROPERTIES = "docProps/core.xml"
_GAP = 64  # blank cells that a row keeps between two values
_CHART = re.compile(r"xl/charts/chart\d*\.xml")
_THREADED, _NOTES, _DRAWING = "/threadedComment", "/comments", "/drawing"
_CHARTED = "/chart"
_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"


def read(data: bytes, _name: str) -> Content:
    """The content of a workbook."""
    data = repaired(data)
    draft, notes = Draft(), list[str]()
    unknown = known = 0
    with warnings.catch_warnings(), zipfile.ZipFile(BytesIO(data)) as archive:
        warnings.simplefilter("ignore")  # about styles and rules that are not read
        file = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        for sheet in file.worksheets:
            if sheet.sheet_state != "visible":
                notes.append(f"hidden sheet: {sheet.title}")
            rows = _Rows(file, sheet)
            add_sheet(draft, str(sheet.title), rows)
            notes.append(hidden_note(str(sheet.title), rows.hidden_rows, rows.hidden_columns))
            unknown += rows.unknown
            known += _add_beside(draft, archive, sheet)
        charts = sum(bool(_CHART.fullmatch(name)) for name in archive.namelist()) - known
        title, date, author = _about(archive)
    if unknown:
        notes.append(f"{unknown} formula{'s' * (unknown > 1)} without a value")
    if charts > 0:
        notes.append(f"{charts} chart{'s' * (charts > 1)} not read")
    note = ", ".join(filter(None, notes))
    return draft.content(title=title, date=iso_date(date), author=author, note=note)


class _Parser(WorkSheetParser):  # type: ignore[misc]  # openpyxl has no types
    """Reads the cells that are there, and counts the formulas that were never computed."""

    unknown = 0

    def parse_cell(self, element: Any) -> Any:
        """One cell, as openpyxl reads it."""
        cell = super().parse_cell(element)
        if cell["value"] is None and element.find(FORMULA_TAG) is not None:
            self.unknown += 1
        return cell


class _Rows:
    """The rows of a sheet that are not blank."""

    def __init__(self, file: Any, sheet: Any) -> None:
        self.file, self.sheet = file, sheet
        # Known once the rows were read: formulas without a value, and what is not shown.
        self.unknown = self.hidden_rows = self.hidden_columns = 0
        self._widest = 0
        self._merged = merged_over_rows(sheet._get_source)  # noqa: SLF001
        self._spanning: dict[int, tuple[int, str]] = {}  # by column: until which row, and its text
        self._codes = [_code(file, style.numFmtId) for style in file._cell_styles]  # noqa: SLF001

    def __iter__(self) -> Iterator[Numbered]:
        """Each row with its number, its cells as text in their columns."""
        book, sheet = self.file, self.sheet
        with sheet._get_source() as source:  # noqa: SLF001
            parser = _Parser(
                source,
                sheet._shared_strings,  # noqa: SLF001
                data_only=True,
                epoch=book.epoch,
                date_formats=book._date_formats,  # noqa: SLF001
                timedelta_formats=book._timedelta_formats,  # noqa: SLF001
            )
            for number, cells in parser.parse():
                if row := self._row(number, cells):
                    look = parser.row_dimensions.pop(str(number), None)
                    self.hidden_rows += look is not None and _is_hidden(look)
                    yield Numbered(number, row)
            self.unknown = parser.unknown
            hidden = filter(_is_hidden, parser.column_dimensions.values())
            self.hidden_columns = sum(map(self._columns_in, hidden))

    def _columns_in(self, look: dict[str, str]) -> int:
        """How many columns of the sheet that hold something have that look."""
        first, last = int(look["min"]), min(int(look["max"]), self._widest)
        return max(last + 1 - first, 0)

    def _row(self, number: int, cells: list[dict[str, Any]]) -> list[str]:
        """The texts of a row; a cell that goes over several rows is in each that has others."""
        texts = {
            cell["column"]: text
            for cell in cells
            if (text := shown(cell["value"], self._code_of(cell["style_id"]))).strip()
        }
        for column, last in self._merged.pop(number, {}).items():
            if column in texts:
                self._spanning[column] = (last, texts[column])
        self._spanning = {at: cell for at, cell in self._spanning.items() if cell[0] >= number}
        if texts:
            texts = {column: text for column, (_, text) in self._spanning.items()} | texts
        self._widest = max(self._widest, *texts) if texts else self._widest
        row, before = list[str](), 0
        for column in sorted(texts):
            row += [""] * min(column - before - 1, _GAP)
            row.append(texts[column])
            before = column
        return row

    def _code_of(self, style: int) -> str:
        return self._codes[style] if style < len(self._codes) else "General"


def _is_hidden(look: dict[str, str]) -> bool:
    return look.get("hidden", "0") in ("1", "true")


def _code(file: Any, number: int) -> str:
    """The number format of that number."""
    known = file._number_formats  # noqa: SLF001
    at = number - BUILTIN_FORMATS_MAX_SIZE
    if 0 <= at < len(known):
        return str(known[at])
    return str(BUILTIN_FORMATS.get(number, "General"))


def _add_beside(draft: Draft, archive: zipfile.ZipFile, sheet: Any) -> int:
    """Add the comments, text boxes and titles of charts of a sheet; how many charts were read."""
    charts = 0
    parts = list(_related(archive, sheet._worksheet_path))  # noqa: SLF001
    draft.headings.above = (str(sheet.title),)
    threaded = any(kind == _THREADED for kind, _ in parts)
    for kind, root in parts:
        if kind == _DRAWING:
            for shape in root.iter("{*}sp"):
                text = "".join(shape.itertext(_TEXT))
                draft.add(f"Text box: {text}" if text.strip() else "")
        elif kind == _CHARTED:
            title, _ = chart(root)  # its data are cells of the workbook
            draft.add(f"Chart: {title}" if title else "")
            charts += 1
        elif kind == (_THREADED if threaded else _NOTES):
            for comment in root.iter("{*}threadedComment", "{*}comment"):
                text = "".join(comment.itertext("{*}t", "{*}text")).strip()
                draft.add(f"Comment on {comment.get('ref')}: {text}" if text else "")
    return charts


def _related(archive: zipfile.ZipFile, path: str) -> Iterator[tuple[str, Any]]:
    """The parts beside a sheet that hold text, with the kinds of their relationships."""
    names = set(archive.namelist())
    rels = f"{dirname(path)}/_rels/{basename(path)}.rels"
    for relation in parse(archive.read(rels)) if rels in names else ():
        target = relation.get("Target", "")
        inside = normpath(target[1:] if target.startswith("/") else join(dirname(path), target))
        for kind in (_THREADED, _NOTES, _DRAWING, _CHARTED):
            if relation.get("Type", "").endswith(kind) and inside in names:
                yield kind, parse(archive.read(inside))
                if kind == _DRAWING:
                    yield from _related(archive, inside)


def _about(archive: zipfile.ZipFile) -> tuple[str | None, str | None, str | None]:
    """Title, day of creation and author, where the file has them: the library would make up a day."""
    if _PROPERTIES not in archive.namelist():
        return None, None, None
    root = parse(archive.read(_PROPERTIES))
    return root.findtext("{*}title"), root.findtext("{*}created"), root.findtext("{*}creator")
