"""OpenDocument texts, sheets and slides, from their XML.

Footnotes, comments, headers and footers are blocks of their own that say what they are. What was
deleted while changes were tracked is not read.
"""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from itertools import repeat
from typing import Any

from qa.errors import ReadFailed
from qa.reading.bold import may_head
from qa.reading.content import Content, Draft, Headings, iso_date, level
from qa.reading.equations import mathml
from qa.reading.odf_numbering import Numbering
from qa.reading.odf_styles import Styles
from qa.reading.odf_text import (
    APART,
    COMMENT,
    NOTE,
    local,
    own_text,
    text_of,
    within,
    without_hidden,
)
from qa.reading.packages import parse
from qa.reading.sheet_rows import Numbered, add_sheet, hidden_note

_BODY = ("text", "spreadsheet", "presentation", "drawing")
_SILENT = (
    "tracked-changes",
    "sequence-decls",
    "variable-decls",
    "forms",
    "soft-page-break",
    *APART,
)
_SHAPES = ("frame", "custom-shape", "rect", "ellipse", "line", "path", "polygon", "caption")
_CELLS = ("table-cell", "covered-table-cell")
_REPEATS = 1000  # cells or rows that stand for many; more are never written by people


def read(data: bytes, _name: str) -> Content:
    """The content of an OpenDocument file in zip form."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        names = archive.namelist()
        manifest = "META-INF/manifest.xml"
        if manifest in names and b"encryption-data" in archive.read(manifest):
            raise ReadFailed("encrypted: it opens with a password only")
        parts = {name: archive.read(name) for name in names if name.endswith(".xml")}
    if "content.xml" not in parts:
        raise ReadFailed("damaged: it has no content.xml")
    reader = _Reader(parse(parts["content.xml"]), parts)
    return reader.content(*(parse(parts[name]) for name in ("styles.xml", "meta.xml") if name in parts))  # fmt: skip


def read_flat(data: bytes, _name: str) -> Content:
    """The content of an OpenDocument file that is one XML file (.fodt, .fods, .fodp)."""
    root = parse(data)
    return _Reader(root, {}).content(root)


class _Reader:
    """Drafts the text of one file."""

    def __init__(self, root: Any, parts: dict[str, bytes]) -> None:
        self.root, self.parts = root, parts
        styles = parse(parts["styles.xml"]) if "styles.xml" in parts else root
        self.hidden = without_hidden(root, styles)
        self.numbering = Numbering(styles, root)
        self.styles = Styles(styles, root)
        self.is_text = any(local(part) == "text" for body in root.iter("{*}body") for part in body)
        self.has_headings = next(root.iter("{*}h"), None) is not None
        self.styles = Styles(styles, root)
        self.is_text = any(local(part) == "text" for body in root.iter("{*}body") for part in body)
        self.has_headings = next(root.iter("{*}h"), None) is not None
        self.draft = Draft()
        self.apart: list[tuple[int | None, str, str]] = []  # page, label, text
        self.notes: list[str] = []
        self.pages = self.unread = 0

    def content(self, *others: Any) -> Content:
        """What the file holds; `others` are the roots with its styles and its properties."""
        body = next((found for found in self.root.iter("{*}body") if len(found)), None)
        parts = [] if body is None else [part for part in body if local(part) in _BODY]
        for part in parts:
            match local(part):
                case "text":
                    self._add(part)
                case "spreadsheet":
                    self._add_sheets(part)
                case _:
                    self._add_slides(part)
        first = next((block for block in self.draft.blocks if block.heading), None)
        self._add_apart(others)
        if self.hidden:
            many = "s" * (self.hidden > 1)
            self.notes.append(f"{self.hidden} passage{many} of hidden text not read")
        if self.unread:
            self.notes.append(f"{self.unread} embedded object{'s' * (self.unread > 1)} not read")
        title, date = (_property(others, name) for name in ("title", "creation-date"))
        return self.draft.content(
            title=title or (first.heading[0] if first else None),
            date=iso_date(date),
            author=_property(others, "initial-creator") or _property(others, "creator"),
            pages=self.pages,
            note=", ".join(filter(None, self.notes)),
        )

    def _add(self, element: Any) -> None:
        """Add every block within an element."""
        for child in element:
            tag = local(child)
            if tag == "h":
                depth = level(_get(child, "outline-level"))
                number = self.numbering.heading(depth) if self._text(child).strip() else ""
                self.draft.enter(depth, f"{number} {self._text(child)}".strip())
                self._add_anchored(child)
            elif tag == "p":
                shown = self._text(child)
                at = self._level(child, shown)
                if at is not None:
                    self.draft.enter(at, shown)
                else:
                    self.draft.add(shown if text_of(child).strip() else _labelled(shown))
                self._add_anchored(child)
            elif tag == "list" and not list(within(child, ("h", "table"))):
                items = self.numbering.items(child)
                self.draft.add_list(f"{number} {self._text(item)}" for number, item in items)
                self._add_anchored(child)
            elif tag == "table":
                self.draft.add_table(self._cells(child), title=_get(child, "title"))
                self._keep_apart(child)
            elif tag in _SHAPES:
                self._add_shape(child)
            elif tag and tag not in _SILENT:
                self._add(child)

    def _level(self, paragraph: Any, text: str) -> int | None:
        """The level of a paragraph that is a title, or a heading by its weight; None for others."""
        if not self.is_text:
            return None
        if text.strip() and self.styles.is_title(paragraph):
            return 0
        if self.has_headings or not may_head(text) or not self.styles.is_bold(paragraph):
            return None
        below = paragraph.getnext()
        return 1 if below is not None and not self.styles.is_bold(below) else None

    def _add_anchored(self, paragraph: Any) -> None:
        """Add what hangs on a paragraph: frames after it, notes and comments at the end."""
        self._keep_apart(paragraph)
        for shape in within(paragraph, _SHAPES):
            if not self._equation(shape):
                self._add_shape(shape)

    def _text(self, paragraph: Any) -> str:
        """A paragraph's text, with equations in their places."""
        return text_of(paragraph, self._equation)

    def _equation(self, frame: Any) -> str:
        """The equation that a frame shows; "" for other frames."""
        objects = (child for child in frame if local(child) == "object")
        formulas = (next(self._root_of(child).iter("{*}math"), None) for child in objects)
        return " ".join(mathml(formula) for formula in formulas if formula is not None)

    def _keep_apart(self, element: Any) -> None:
        for note in within(element, (NOTE, COMMENT)):
            text = "\n".join(text_of(part) for part in within(note, ("p", "h"))).strip()
            if local(note) == NOTE:
                label = "Endnote" if _get(note, "note-class") == "endnote" else "Footnote"
            else:
                author = next((own_text(part) for part in note if local(part) == "creator"), "")
                label = f"Comment ({author})" if author else "Comment"
            if text:
                self.apart.append((self.draft.page, label, text))

    def _add_shape(self, shape: Any) -> None:
        """Add a frame or a drawing: its text, table, equation or chart."""
        objects = [child for child in shape if local(child) == "object"]
        for embedded in objects:
            self._add_object(embedded)
        if not objects:
            self._add(shape)

    def _add_object(self, embedded: Any) -> None:
        """Add an equation, or the data of a chart; other objects are counted."""
        root = self._root_of(embedded)
        formula = next(root.iter("{*}math"), None)
        chart = next((found for found in root.iter("{*}chart") if len(found)), None)
        if formula is not None:
            self.draft.add(_labelled(mathml(formula)))
        elif chart is not None:
            title = " ".join(text_of(part) for part in within(chart, ("title",)))
            self.draft.add(f"Chart: {title}" if title else "Chart")
            for table in within(chart, ("table",)):
                self.draft.add_table(self._cells(table), title=title)
        else:
            self.unread += 1

    def _root_of(self, embedded: Any) -> Any:
        """What an object holds: in a part of its own, or in place."""
        part = self.parts.get(f"{_get(embedded, 'href').removeprefix('./')}/content.xml")
        try:
            return parse(part) if part else embedded
        except ReadFailed:
            return embedded  # it is counted as not read

    def _cells(self, table: Any) -> Iterator[list[str]]:
        return (cells for _, cells in _rows(table))

    def _add_sheets(self, element: Any) -> None:
        """Add each sheet under its name."""
        hidden = _hidden_styles(self.root)
        for table in within(element, ("table",)):
            name = _get(table, "name")
            if _get(table, "style-name") in hidden:
                self.notes.append(f"hidden sheet: {name}")
            before = len(self.apart)
            self._keep_apart(table)
            add_sheet(self.draft, name, _rows(table))
            self.notes.append(hidden_note(name, _hidden(table, "row"), _hidden(table, "column")))
            self.apart[before:] = [(None, f"{label} on {name}", text) for _, label, text in self.apart[before:]]  # fmt: skip

    def _add_slides(self, element: Any) -> None:
        """Add each slide as a page: its title, its shapes by their place, the speaker's notes."""
        hidden = _hidden_styles(self.root)
        for slide in within(element, ("page",)):
            self.pages += 1
            self.draft.page, self.draft.headings = self.pages, Headings()
            shapes = sorted(within(slide, (*_SHAPES, "g")), key=_place)
            titles = [shape for shape in shapes if _get(shape, "class") == "title"]
            self.draft.enter(1, " ".join(text_of(part) for shape in titles for part in within(shape, ("p", "h"))))  # fmt: skip
            for shape in shapes:
                if shape not in titles:
                    self._add_shape(shape)
            self._keep_apart(slide)
            for notes in (child for child in slide if local(child) == "notes"):
                self._add(notes)
            if _get(slide, "style-name") in hidden:
                self.notes.append(f"slide {self.pages} is hidden")

    def _add_apart(self, others: tuple[Any, ...]) -> None:
        """Add what stands beside the body: headers and footers once each, notes and comments."""
        self.draft.headings = Headings()
        names = ("header", "header-left", "header-first", "footer", "footer-left", "footer-first")
        master = [part for root in others for part in root.iter("{*}master-page")]
        known = set[tuple[str, str]]()
        for part in (part for page in master for part in within(page, names)):
            label = "Header" if local(part).startswith("header") else "Footer"
            text = "\n".join(text_of(line) for line in within(part, ("p", "h"))).strip()
            if text and (label, text) not in known:
                self.draft.page, self.draft.headings.above = None, (f"{label}s",)
                self.draft.add(f"{label}: {text}")
            known.add((label, text))
        for page, label, text in self.apart:
            self.draft.page, self.draft.headings.above = page, (f"{label.split(' ')[0]}s",)
            self.draft.add(f"{label}: {text}")


def _rows(table: Any) -> Iterator[Numbered]:
    """The rows that are not blank with their numbers, each cell in its column."""
    number = 0
    spans: dict[int, tuple[int, str]] = {}
    for row in within(table, ("table-row",)):
        cells: list[str] = []
        for cell in within(row, _CELLS):
            text = " ".join(
                filter(None, (text_of(part).strip() for part in within(cell, ("p", "h"))))
            )
            text = text or _get(cell, "value")
            column, down = len(cells), level(_get(cell, "number-rows-spanned"), 1)
            left, above = spans.get(column, (0, ""))
            if local(cell) == "covered-table-cell" and left:
                text, spans[column] = text or above, (left - 1, above)
            elif down > 1:
                spans[column] = (down - 1, text)
            cells += repeat(text, min(level(_get(cell, "number-columns-repeated"), 1), _REPEATS))
        while cells and not cells[-1]:
            cells.pop()
        times = _times(row)
        if cells:
            yield from (Numbered(number + n, cells) for n in range(1, min(times, _REPEATS) + 1))
        number += times


def _hidden(table: Any, what: str) -> int:
    """How many rows or columns of a sheet are hidden, without those that only fill it up."""
    parts = within(table, (f"table-{what}",))
    hidden = (part for part in parts if _get(part, "visibility") in ("collapse", "filter"))
    times = (level(_get(part, f"number-{what}s-repeated"), 1) for part in hidden)
    return sum(count for count in times if count <= _REPEATS)


def _labelled(equation: str) -> str:
    return f"Equation: {equation}" if equation.strip() else ""


def _times(row: Any) -> int:
    value = _get(row, "number-rows-repeated")
    return int(value) if value.isdecimal() and len(value) < 9 else 1


def _place(shape: Any) -> tuple[float, float]:
    """From the top, then from the left, in rows of about a centimetre."""
    first = next((part for part in (shape, *shape) if _get(part, "y")), shape)
    return round(_centimetres(_get(first, "y"))), _centimetres(_get(first, "x"))


def _centimetres(length: str) -> float:
    units = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 0.0353, "px": 0.0265}
    try:
        return float(length[:-2]) * units.get(length[-2:], 1.0)
    except ValueError:
        return 0.0


def _hidden_styles(root: Any) -> set[str]:
    """The styles whose sheets or slides are not shown."""
    return {
        _get(style, "name")
        for style in root.iter("{*}style")
        if any(
            _get(part, "display") == "false" or _get(part, "visibility") == "hidden"
            for part in style
            if local(part) in ("table-properties", "drawing-page-properties")
        )
    }


def _get(element: Any, name: str) -> str:
    """An attribute by its name without the namespace; "" where it is not there."""
    if not local(element):
        return ""
    return next(
        (value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), ""
    )


def _property(roots: tuple[Any, ...], name: str) -> str | None:
    """What the file's metadata says under a name."""
    for root in roots:
        for meta in root.iter("{*}meta"):
            found = next((child for child in meta if local(child) == name), None)
            if found is not None:
                return own_text(found)
    return None
