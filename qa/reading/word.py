"""Word by python-docx: paragraphs, headings by their style, lists and tables, and what stands apart.

The paragraphs are walked in the XML, because the library passes over text that was inserted while
changes were tracked, text within content controls, and text boxes. What was struck out while
changes were tracked is not read, and neither is hidden text. Headers, footers, notes and comments
follow the body, each a block that says what it is.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.oxml.ns import qn

from qa.reading.archive import names_itself
from qa.reading.charts import chart, diagram
from qa.reading.content import Content, Draft, Headings, made_on
from qa.reading.equations import MATHEMATICS, equation
from qa.reading.packages import parse, repaired
from qa.reading.symbols import symbol
from qa.reading.word_headings import headings_by_type
from qa.reading.word_styles import Styles

_PARAGRAPH, _TABLE, _BOX, _RUN = qn("w:p"), qn("w:tbl"), qn("w:txbxContent"), qn("w:r")
_NOTE_REFERENCES = (qn("w:footnoteReference"), qn("w:endnoteReference"))
_MARKED = qn("w:customMarkFollows")
_WORDS, _SYMBOL = qn("w:t"), qn("w:sym")
_SHOWN = {
    qn("w:tab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
}
_SILENT = frozenset(
    {qn("w:pPr"), qn("w:rPr"), qn("w:del"), qn("w:moveFrom"), _BOX}
    | {"{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_CHECK_BOX = qn("w:checkBox")  # of forms as they were before content controls
_EQUATION = f"{MATHEMATICS}oMath"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_APART = (  # kind of relationship, heading of such blocks, what each begins with
    ("/header", "Headers", "Header"),
    ("/footer", "Footers", "Footer"),
    ("/footnotes", "Footnotes", "Footnote"),
    ("/endnotes", "Endnotes", "Endnote"),
    ("/comments", "Comments", "Comment"),
)


def read(data: bytes, _name: str) -> Content:
    """The content of a Word file."""
    data = repaired(data)
    file = docx.Document(BytesIO(data))
    reader = _Reader(file)
    title = reader.add(file.element.body)
    reader.draft.headings = Headings()
    for kind, heading, name in _APART:
        reader.add_apart(kind, heading, name)
    draft, note = reader.draft, reader.note()
    if not names_itself(data):
        return draft.content(title=title, note=note)
    about = file.core_properties
    return draft.content(
        title=about.title or title, date=made_on(about.created), author=about.author, note=note
    )


class _Reader:
    """Drafts the text of one file."""

    def __init__(self, file: Any) -> None:
        self.draft = Draft()
        self.rels = file.part.rels
        self.hidden = self.unread = 0
        numbering = next(self._parts("/numbering"), None)
        self.styles = Styles(file, parse(numbering.blob) if numbering else None)
        body = file.element.body
        looks = map(self.styles.look, body.iterchildren(_PARAGRAPH))
        self.has_headings = any(look.level for look in looks)  # besides a title
        # Looked for once: most files have none, and most of their paragraphs.
        self.has_equations = next(body.iter(_EQUATION), None) is not None
        self.has_drawings = next(body.iter(_CHART, _DIAGRAM), None) is not None
        self.by_type = {} if self.has_headings else self._headings_by_type(body)

    def add(self, element: Any) -> str | None:
        """Add all blocks within an element; the first heading of the highest level is given back."""
        items: list[str] = []
        highest: tuple[int, str] | None = None
        for block in _blocks(element):
            if block.tag == _TABLE:
                self.draft.add_list(items)
                items = []
                self.draft.add_table(self._rows(block))
                continue
            text, look = "".join(self._text(block)), self.styles.look(block)
            number = self.styles.number(look) if look.numbered else ""
            numbered = f"{number} {text}" if number and text.strip() else text
            level = self.by_type.get(block) if look.level is None else look.level
            if look.is_item and level is None:
                items.append(numbered)
                continue
            self.draft.add_list(items)
            items = []
            if level is not None and text.strip():
                self.draft.enter(level, numbered)
                highest = min(highest or (level, text), (level, text), key=lambda found: found[0])
            else:
                shows = self.has_equations and _is_equation(block)
                self.draft.add(f"Equation: {text}" if shows else numbered)
            if self.has_drawings:
                self._add_drawings(block)
        self.draft.add_list(items)
        return highest[1] if highest else None

    def _headings_by_type(self, body: Any) -> dict[Any, int]:
        """The paragraphs that are headings by their type alone, and their levels."""
        every = body.iterchildren(_PARAGRAPH, _TABLE)
        glue = {_PARAGRAPH: "", _TABLE: "\n"}  # a table heads nothing
        texts = [(each, glue[each.tag].join(each.itertext(_WORDS))) for each in every]
        return headings_by_type(texts, self.styles)

    def add_apart(self, kind: str, heading: str, name: str) -> None:
        """Add what stands beside the body: each note, comment, header or footer once."""
        known = set[str]()
        self.draft.headings.above = (heading,)
        for part in self._parts(kind):
            root = parse(part.blob)
            notes = [root] if name in ("Header", "Footer") else list(root)
            for note in notes:
                blocks = (self._text_of(block) for block in _blocks(note))
                text = "\n".join(filter(None, (block.strip() for block in blocks)))
                author = note.get(qn("w:author"), "") if name == "Comment" else ""
                if text and text not in known:
                    self.draft.add(f"{name} ({author}): {text}" if author else f"{name}: {text}")
                known.add(text)
        self.draft.headings.above = ()

    def note(self) -> str:
        """What a report should list as not read."""
        files = len(list(self._parts("/aFChunk"))) + len(list(self._parts("/oleObject")))
        counts = [
            (self.hidden, "passage{} of hidden text"),
            (files, "embedded file{}"),
            (self.unread, "chart{} or diagram{}"),
        ]
        parts = [f"{n} {what.replace('{}', 's' if n > 1 else '')}" for n, what in counts if n]
        return f"{', '.join(parts)} not read" if parts else ""

    def _parts(self, kind: str) -> Iterator[Any]:
        """The parts of the package that the body names by such a relationship."""
        for relation in self.rels.values():
            if relation.reltype.endswith(kind) and not relation.is_external:
                yield relation.target_part

    def _text_of(self, block: Any) -> str:
        """A paragraph's text, or a table's, a line for each row."""
        if block.tag != _TABLE:
            return "".join(self._text(block))
        return "\n".join("\t".join(row) for row in self._rows(block))

    def _text(self, element: Any) -> Iterator[str]:
        """The text within an element as it is shown, piece by piece."""
        for child in element.iterchildren():
            tag = child.tag
            if tag == _WORDS:
                yield child.text or ""
            elif tag == _RUN:
                if not self._is_left_out(child):
                    yield from self._text(child)
            elif tag in _SHOWN:
                yield _SHOWN[tag]
            elif tag == _SYMBOL:
                yield symbol(child.get(qn("w:font"), ""), child.get(qn("w:char"), ""))
            elif tag == _EQUATION:
                yield equation(child)
            elif tag == _CHECK_BOX:
                yield "\u2612" if _is_checked(child) else "\u2610"
            elif tag not in _SILENT:
                yield from self._text(child)

    def _is_left_out(self, run: Any) -> bool:
        """True for the mark of a note, which is no part of the sentence, and for hidden text."""
        if any(map(_is_mark, run.iterchildren(*_NOTE_REFERENCES))):
            return True
        hidden = self.styles.hides(run)
        self.hidden += hidden and any(text.strip() for text in run.itertext(_WORDS))
        return hidden

    def _rows(self, table: Any) -> Iterator[list[str]]:
        """The cells' texts, row by row, each in its column of the grid.

        Tables within a cell are part of its text. A cell that goes over several rows is in each.
        """
        above: dict[int, str] = {}
        for row in _within(table, "w:tr"):
            if row.find(f"{qn('w:trPr')}/{qn('w:del')}") is not None:
                continue
            cells = [""] * _number(row.find(f"{qn('w:trPr')}/{qn('w:gridBefore')}"), 0)
            for cell in _within(row, "w:tc"):
                paragraphs = ("".join(self._text(each)) for each in cell.iter(_PARAGRAPH))
                text = " ".join(filter(None, paragraphs))
                merged = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
                if merged is not None and merged.get(qn("w:val")) != "restart":
                    text = text or above.get(len(cells), "")
                above[len(cells)] = text
                span = _number(cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}"), 1)
                cells += [text, *[""] * (span - 1)]
            yield cells

    def _add_drawings(self, paragraph: Any) -> None:
        """Add the data of a paragraph's charts and the texts of its diagrams."""
        for drawing in paragraph.iter(_CHART, _DIAGRAM):
            is_chart = drawing.tag == _CHART
            try:
                part = self.rels[drawing.get(qn("r:id" if is_chart else "r:dm"))].target_part
                root = parse(part.blob)
            except Exception:  # noqa: BLE001 - one odd drawing costs itself alone
                self.unread += 1
                continue
            if is_chart:
                title, rows = chart(root)
                self.draft.add(f"Chart: {title}" if title else "Chart")
                self.draft.add_table(rows, title=title)
            else:
                self.draft.add_list(diagram(root))


def _blocks(element: Any) -> Iterator[Any]:
    """Paragraphs and outermost tables in order, each paragraph before the text boxes it anchors."""
    for child in element.iterchildren():
        if child.tag in (_PARAGRAPH, _TABLE):
            yield child
            if child.tag == _PARAGRAPH:
                yield from (inner for box in _boxes(child) for inner in _blocks(box))
        elif child.tag not in _SILENT:
            yield from _blocks(child)


def _boxes(paragraph: Any) -> Iterator[Any]:
    """The text boxes of a paragraph, without the copies for older programs."""
    for box in paragraph.iter(_BOX):
        above = {ancestor.tag for ancestor in box.iterancestors()}
        if not any(tag.endswith("}Fallback") for tag in above if isinstance(tag, str)):
            yield box


def _within(element: Any, name: str) -> Iterator[Any]:
    """The rows of a table or the cells of a row, those in content controls too."""
    for found in element.iter(qn(name)):
        if next(found.iterancestors(element.tag)) is element:
            yield found


def _is_equation(paragraph: Any) -> bool:
    """True for a paragraph that shows equations alone."""
    has_equation = next(paragraph.iter(_EQUATION), None) is not None
    return has_equation and not any(text.strip() for text in paragraph.itertext(_WORDS))


def _is_checked(box: Any) -> bool:
    """Whether a check box of a form has its mark."""
    found = box.find(qn("w:checked"))
    found = box.find(qn("w:default")) if found is None else found
    return found is not None and found.get(qn("w:val"), "1") not in ("0", "false")


def _is_mark(note: Any) -> bool:
    """True for a reference to a note whose mark stands in the same run."""
    return note.get(_MARKED, "0") not in ("0", "false")


def _number(element: Any | None, default: int) -> int:
    value = "" if element is None else element.get(qn("w:val"), "")
    return min(int(value), 100) if value.isdecimal() else default
