"""Word by python-docx: paragraphs, headings by their style, lists and tables, and the notes below.

The paragraphs are walked in the XML, because the library passes over text that was inserted while
changes were tracked, text within content controls, and text boxes. What was struck out while
changes were tracked is not read.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from qa.reading.archive import names_itself
from qa.reading.content import Content, Draft, Headings, level, made_on

_PARAGRAPH, _TABLE, _BOX = qn("w:p"), qn("w:tbl"), qn("w:txbxContent")
_SAID = {
    qn("w:tab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
}
_SILENT = frozenset(
    {qn("w:pPr"), qn("w:rPr"), qn("w:del"), qn("w:moveFrom"), _BOX}
    | {"{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_NOTES = ("/footnotes", "/endnotes")
_STYLES_ABOVE = 20  # that a style may be based on, one on the other


def read(data: bytes, _name: str) -> Content:
    """The content of a Word file."""
    file = docx.Document(BytesIO(data))
    styles = _Styles(file)
    draft = Draft()
    title = _add(draft, file.element.body, styles)
    draft.headings = Headings()
    for relation in file.part.rels.values():
        if relation.reltype.endswith(_NOTES) and not relation.is_external:
            _add(draft, parse_xml(relation.target_part.blob), styles)
    if not names_itself(data):
        return draft.content(title=title)
    about = file.core_properties
    return draft.content(title=about.title or title, date=made_on(about.created))


def _add(draft: Draft, element: Any, styles: "_Styles") -> str | None:
    """Add all blocks within an element; the first heading of the highest level is given back."""
    items: list[str] = []
    highest: tuple[int, str] | None = None
    for block in _blocks(element):
        text = "" if block.tag == _TABLE else "".join(_said(block))
        if block.tag == _PARAGRAPH and styles.is_item(block):
            items.append(text)
            continue
        draft.add_list(items)
        items = []
        if block.tag == _TABLE:
            draft.add_table(_rows(block))
        elif (level := styles.level(block)) is not None and text.strip():
            draft.enter(level, text)
            highest = min(highest or (level, text), (level, text), key=lambda found: found[0])
        else:
            draft.add(text)
    draft.add_list(items)
    return highest[1] if highest else None


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


def _said(element: Any) -> Iterator[str]:
    """The text within an element, piece by piece."""
    for child in element.iterchildren():
        if child.tag == qn("w:t"):
            yield child.text or ""
        elif child.tag in _SAID:
            yield _SAID[child.tag]
        elif child.tag not in _SILENT:
            yield from _said(child)


def _rows(table: Any) -> Iterator[list[str]]:
    """The cells' texts, row by row; tables within a cell are part of its text."""
    for row in table.iterchildren(qn("w:tr")):
        yield [
            " ".join("".join(_said(paragraph)) for paragraph in cell.iter(_PARAGRAPH))
            for cell in row.iter(qn("w:tc"))
            if next(cell.iterancestors(qn("w:tr"))) is row
        ]


class _Styles:
    """What the styles say of a paragraph: a heading and its level, or an item of a list."""

    def __init__(self, file: Any) -> None:
        self.known = {style.style_id: style for style in file.styles}

    def level(self, paragraph: Any) -> int | None:
        """The level of a heading from 0 (the title); None for other paragraphs."""
        own = paragraph.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        if own is not None:
            return _outline_level(own)
        for style in self._of(paragraph):
            name = (style.name or "").lower()
            if name == "title":
                return 0
            if name.startswith("heading ") and (number := level(name[8:], 0)):
                return number
            found = style.element.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
            if found is not None:
                return _outline_level(found)
        return None

    def is_item(self, paragraph: Any) -> bool:
        """True for a numbered or bulleted paragraph that is no heading."""
        if self.level(paragraph) is not None:
            return False
        numbering = f"{qn('w:pPr')}/{qn('w:numPr')}"
        if paragraph.find(numbering) is not None:
            return True
        return any(
            (style.name or "").lower().startswith("list")
            or style.element.find(numbering) is not None
            for style in self._of(paragraph)
        )

    def _of(self, paragraph: Any) -> Iterator[Any]:
        """The paragraph's style and those on which it is based."""
        found = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        style = self.known.get(found.get(qn("w:val"))) if found is not None else None
        for _ in range(_STYLES_ABOVE):
            if style is None:
                return
            yield style
            style = getattr(style, "base_style", None)


def _outline_level(element: Any) -> int | None:
    """Word counts from 0, and 9 is body text."""
    value = element.get(qn("w:val")) or ""
    number = level(value, 9)
    return number + 1 if number < 9 else None
