"""PowerPoint by python-pptx: each slide is a page under its title, the speaker's notes included.

The shapes are walked in the XML, as the library passes over boxes with equations, and are read from
the top left. One that cannot be read costs itself alone, and so does a slide.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from pptx import Presentation
from pptx.oxml.ns import qn
from pptx.shapes.shapetree import SlideShapeFactory

from qa.reading.archive import names_itself
from qa.reading.bold import may_head
from qa.reading.charts import chart, diagram
from qa.reading.content import Content, Draft, Headings, made_on
from qa.reading.equations import MATHEMATICS, equation
from qa.reading.packages import parse, repaired
from qa.records import Kind

_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_SHAPES = frozenset(map(qn, ("p:sp", "p:graphicFrame", "p:pic", "p:cxnSp", "p:grpSp")))
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_TITLES = ("title", "ctrTitle")
_ASIDE = ("sldNum", "dt", "ftr", "hdr")  # placeholders of the number, date, footer and header
_USUAL = 1800  # hundredths of a point: the size of type where a box gives none
_REPEATED = 3  # slides, at least
_REPEATED_LENGTH = 120  # characters
_LINE = 360_000  # a centimetre: boxes whose tops are nearer stand side by side
_NOBODY = "PowerPoint Presentation"  # what the program calls a file that has no title


def read(data: bytes, _name: str) -> Content:
    """The content of a presentation."""
    data = repaired(data)
    file = Presentation(BytesIO(data))
    reader = _Reader()
    for number, slide in enumerate(_slides(file, reader), start=1):
        reader.add(number, slide)
    reader.mark_repeated()
    about = file.core_properties if names_itself(data) else None
    named = about.title if about and about.title != _NOBODY else None
    return reader.draft.content(
        title=named or reader.title,
        date=made_on(about.created) if about else None,
        author=about.author if about else None,
        pages=reader.pages,
        pages_without_text=tuple(reader.blank),
        note=reader.note(),
    )


def _slides(file: Any, reader: "_Reader") -> Iterator[Any | None]:
    """The slides in order, None in the place of one that is not there."""
    for entry in file.part._element.iter(qn("p:sldId")):  # noqa: SLF001 - `slides` fails for the complete file
        try:
            yield file.part.related_part(entry.get(qn("r:id"))).slide
        except (KeyError, AttributeError, ValueError):
            reader.unread += 1
            yield None


class _Reader:
    """Drafts the text of one presentation."""

    def __init__(self) -> None:
        self.draft = Draft()
        self.title: str | None = None  # the first slide's that has one
        self.pages = self.unread = 0
        self.blank: list[int] = []
        self.hidden: list[int] = []

    def add(self, number: int, slide: Any | None) -> None:
        """Add a slide as a page."""
        self.pages = number
        if slide is not None:
            self._attempt(self._add_slide, number, slide)

    def _add_slide(self, number: int, slide: Any) -> None:
        self.draft.page, self.draft.headings = number, Headings()
        before = self.draft.length
        root = slide._element  # noqa: SLF001
        if root.get("show") in ("0", "false"):
            self.hidden.append(number)
        elements = list(_elements(root.cSld.spTree))
        elements.sort(key=lambda element: _place(element, slide))
        titles = [element for element in elements if _placeholder(element) in _TITLES]
        titles = titles or _headlines(elements)
        title = " ".join(" ".join(_text(element).split()) for element in titles)
        self.title = self.title or title or None
        self.draft.enter(1, title)
        for element in elements:
            if element not in titles and _placeholder(element) not in _ASIDE:
                self._attempt(self._add_shape, element, slide)
        self._attempt(self._add_notes, slide)
        self._attempt(self._add_comments, slide)
        if self.draft.length == before and elements:
            self.blank.append(number)

    def mark_repeated(self) -> None:
        """Mark what stands on half of the slides as boilerplate: names, dates, a footer by hand."""
        text = "".join(self.draft.pieces)
        texts = [text[block.start : block.end] for block in self.draft.blocks]
        counted = Counter(
            words
            for words, _ in {(w, b.page) for w, b in zip(texts, self.draft.blocks, strict=True)}
            if len(words) <= _REPEATED_LENGTH
        )
        least = max(_REPEATED, self.pages / 2)
        self.draft.blocks = [
            block._replace(kind=Kind.BOILERPLATE)
            if block.kind is Kind.PROSE and counted[words] >= least
            else block
            for block, words in zip(self.draft.blocks, texts, strict=True)
        ]

    def note(self) -> str:
        """What a report should list as hidden or not read."""
        notes = []
        if self.hidden:
            numbers = ", ".join(map(str, self.hidden[:20]))
            notes.append(f"hidden slide{'s' * (len(self.hidden) > 1)}: {numbers}")
        if self.unread:
            notes.append(f"{self.unread} shape{'s' * (self.unread > 1)} not read")
        return ", ".join(notes)

    def _attempt(self, add: Any, *arguments: Any) -> None:
        """Add a part of a slide; one that is damaged is counted."""
        try:
            add(*arguments)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a library's own errors are too many to name
            self.unread += 1

    def _add_shape(self, element: Any, slide: Any) -> None:
        """Add a table, a chart, a diagram or a text; several paragraphs of a placeholder: a list."""
        table = next(element.iter(qn("a:tbl")), None)
        if table is not None:
            self.draft.add_table(_rows(table))
        elif (found := next(element.iter(_CHART), None)) is not None:
            title, rows = chart(parse(_related(slide, found, "r:id")))
            self.draft.add(f"Chart: {title}" if title else "Chart")
            self.draft.add_table(rows, title=title)
        elif (found := next(element.iter(_DIAGRAM), None)) is not None:
            self.draft.add_list(diagram(parse(_related(slide, found, "r:dm"))))
        elif element.tag == qn("p:graphicFrame"):
            self.unread += next(element.iter(qn("p:oleObj")), None) is not None
        else:
            lines = list(filter(str.strip, _lines(element)))
            if _placeholder(element) is not None and len(lines) > 1:
                self.draft.add_list(lines)
            else:
                self.draft.add("\n".join(lines))

    def _add_notes(self, slide: Any) -> None:
        if slide.has_notes_slide:
            for element in _elements(slide.notes_slide._element.cSld.spTree):  # noqa: SLF001
                if _placeholder(element) == "body":
                    self.draft.add(_text(element))

    def _add_comments(self, slide: Any) -> None:
        for relation in slide.part.rels.values():
            if not relation.reltype.endswith("/comments") or relation.is_external:
                continue
            root = parse(relation.target_part.blob)
            for comment in root.iter("{*}cm", "{*}reply"):
                parts = [*comment.iterchildren("{*}text"), *comment.iterchildren("{*}txBody")]
                text = " ".join("".join(part.itertext()).strip() for part in parts)
                self.draft.add(f"Comment: {text}" if text.strip() else "")


def _headlines(elements: Sequence[Any]) -> list[Any]:
    """The uppermost box, where no placeholder is the title and its type is larger than all other."""
    shown = [element for element in elements if _text(element).strip()]
    sizes = list(map(_size, shown))
    is_title = len(shown) > 1 and sizes[0] > max(sizes[1:]) and may_head(_text(shown[0]))
    return shown[:1] if is_title else []


def _size(element: Any) -> int:
    """The size of the largest type of a shape, in hundredths of a point."""
    sizes = (run.get("sz", "") for run in element.iter(qn("a:rPr"), qn("a:defRPr")))
    return max((int(size) for size in sizes if size.isdecimal()), default=_USUAL)


def _elements(tree: Any) -> Iterator[Any]:
    """The shapes of a tree, those of groups and of alternatives in the place of these."""
    for child in tree.iterchildren():
        if child.tag == qn("p:grpSp"):
            yield from _elements(child)
        elif child.tag in _SHAPES:
            yield child
        elif child.tag == f"{_COMPATIBILITY}AlternateContent":
            options = list(child.iterchildren(f"{_COMPATIBILITY}Choice"))
            options += child.iterchildren(f"{_COMPATIBILITY}Fallback")
            found = (list(_elements(option)) for option in options)
            yield from next(filter(None, found), [])


def _placeholder(element: Any) -> str | None:
    """The kind of placeholder that a shape fills; None for other shapes."""
    found = next(element.iter(qn("p:ph")), None)
    return None if found is None else found.get("type", "obj")


def _place(element: Any, slide: Any) -> tuple[int, int]:
    """From the top in lines of a centimetre, then from the left, both in English metric units."""
    try:
        shape = SlideShapeFactory(element, slide.shapes)
        top, left = int(shape.top or 0), int(shape.left or 0)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a shape without a place is still read
        return (0, 0)
    for group in element.iterancestors(qn("p:grpSp")):
        top, left = _shifted(group, top, left)
    return round(top / _LINE), left


def _shifted(group: Any, top: int, left: int) -> tuple[int, int]:
    """A place within a group as a place on what holds the group."""
    offset, inner = (next(group.grpSpPr.iter(qn(name)), None) for name in ("a:off", "a:chOff"))
    if offset is None or inner is None:
        return top, left
    return (
        top + int(offset.get("y", 0)) - int(inner.get("y", 0)),
        left + int(offset.get("x", 0)) - int(inner.get("x", 0)),
    )


def _related(slide: Any, element: Any, name: str) -> bytes:
    """The part that an element names."""
    return bytes(slide.part.related_part(element.get(qn(name))).blob)


def _rows(table: Any) -> Iterator[list[str]]:
    """The cells' texts; one that goes over several rows is in each."""
    above: dict[int, str] = {}
    for row in table.iterchildren(qn("a:tr")):
        cells = []
        for column, cell in enumerate(row.iterchildren(qn("a:tc"))):
            text = _text(cell)
            if cell.get("vMerge") in ("1", "true"):
                text = text or above.get(column, "")
            above[column] = text
            cells.append(text)
        yield cells


def _text(element: Any) -> str:
    return "\n".join(_lines(element))


def _lines(element: Any) -> Iterator[str]:
    """The paragraphs of a shape or a cell."""
    for paragraph in element.iter(qn("a:p")):
        yield "".join(_pieces(paragraph)).replace("\v", "\n")


def _pieces(element: Any) -> Iterator[str]:
    for child in element.iterchildren():
        if child.tag == qn("a:t"):
            yield child.text or ""
        elif child.tag == qn("a:br"):
            yield "\n"
        elif child.tag == f"{MATHEMATICS}oMath":
            yield equation(child)
        elif child.tag != f"{_COMPATIBILITY}Fallback":
            yield from _pieces(child)
