"""What the styles of a Word file say of a paragraph: a heading, an item of a list, its number."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from docx.oxml.ns import qn

from qa.reading.content import level
from qa.reading.numbering import Numbering

_STYLES_ABOVE = 20  # that a style may be based on, one on the other
_NUMBERED = f"{qn('w:pPr')}/{qn('w:numPr')}"
_OUTLINED = f"{qn('w:pPr')}/{qn('w:outlineLvl')}"
_PARAGRAPH_PROPERTIES, _RUN_PROPERTIES = qn("w:pPr"), qn("w:rPr")
_DEFAULT = qn("w:default")
_STYLE, _RUN_STYLE = qn("w:pStyle"), qn("w:rStyle")
_LIST, _OUTLINE = qn("w:numPr"), qn("w:outlineLvl")
_NUMBER, _DEPTH = qn("w:numId"), qn("w:ilvl")
_VALUE, _RUN, _TEXT = qn("w:val"), qn("w:r"), qn("w:t")
_HIDDEN, _BOLD, _SIZE, _CAPITALS = qn("w:vanish"), qn("w:b"), qn("w:sz"), qn("w:caps")
_DEFAULTS = f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}/{_SIZE}"
_USUAL = 20  # half points: Word's own size, where a file gives none


class _Numbered(NamedTuple):
    """The list of a paragraph or a style, as it names it: both "" where it does not."""

    number: str
    depth: str


class _Style(NamedTuple):
    """What a style says, with those on which it is based."""

    level: int | None = None  # of a heading, from 0 (the title)
    is_item: bool = False
    numbered: tuple[_Numbered, ...] = ()  # its own list, then those of the others


class Look(NamedTuple):
    """What is known of a paragraph by its own properties and its style's."""

    level: int | None = None  # of a heading, from 0 (the title); None for other paragraphs
    is_item: bool = False  # a numbered or bulleted paragraph that is no heading
    numbered: tuple[_Numbered, ...] = ()  # its list, by the paragraph before the styles


class Styles:
    """The styles by their names, and the numbers counted so far."""

    def __init__(self, file: Any, numbering: Any | None) -> None:
        self.known = {style.style_id: style for style in file.styles}
        numbers = {
            name: found.get(_VALUE, "")
            for name, style in self.known.items()
            if (found := style.element.find(f"{_NUMBERED}/{_NUMBER}")) is not None
        }
        self._styles: dict[str | None, _Style] = {}
        self._own: dict[tuple[str | None, str], Any | None] = {}
        plain = (style for style in file.styles if style.element.get(_DEFAULT) in ("1", "true"))
        self._usual = next((style.style_id for style in plain if style.type == 1), None)
        self._size = _half_points(file.styles.element.find(_DEFAULTS)) or _USUAL
        self.numbering = Numbering(numbering, numbers)

    def look(self, paragraph: Any) -> Look:
        """What the paragraph's properties and its style say of it."""
        name, outline = None, None
        own: tuple[_Numbered, ...] = ()
        for properties in paragraph.iterchildren(_PARAGRAPH_PROPERTIES):
            for child in properties.iterchildren(_STYLE, _LIST, _OUTLINE):
                if child.tag == _STYLE:
                    name = child.get(_VALUE)
                elif child.tag == _LIST:
                    own = (_Numbered(_value(child, _NUMBER), _value(child, _DEPTH)),)
                else:
                    outline = child
            break
        if name not in self._styles:
            self._styles[name] = self._style(name)
        style = self._styles[name]
        at = style.level if outline is None else _outline_level(outline)
        return Look(at, at is None and (bool(own) or style.is_item), own + style.numbered)

    def number(self, look: Look) -> str:
        """The number that Word shows before a paragraph, which is counted; "" for none."""
        number = depth = ""
        for numbered in look.numbered:
            if not number:
                number, depth = numbered.number, depth or numbered.depth
        return self.numbering.next(number, level(depth, 0)) if number else ""

    def _style(self, name: str | None) -> _Style:
        """What the style of that name says."""
        numbered, is_item = list[_Numbered](), False
        for style in self._chain(name):
            is_item = is_item or (style.name or "").lower().startswith("list")
            found = style.element.find(_NUMBERED)
            if found is not None:
                number = _value(found, _NUMBER)
                at = self.numbering.level_of_style(number, style.style_id)
                numbered.append(_Numbered(number, _value(found, _DEPTH) or str(at)))
        return _Style(self._level(name), is_item or bool(numbered), tuple(numbered))

    def _level(self, name: str | None) -> int | None:
        """The level of headings of a style."""
        for style in self._chain(name):
            known = (style.name or "").lower()
            if known == "title":
                return 0
            if known.startswith("heading ") and (number := level(known[8:], 0)):
                return number
            found = style.element.find(_OUTLINED)
            if found is not None:
                return _outline_level(found)
        return None

    def hides(self, run: Any) -> bool:
        """True for a run of hidden text."""
        return self._has(run, _HIDDEN)

    def is_bold(self, paragraph: Any) -> bool:
        """True for a paragraph all of whose text is bold."""
        runs = _runs_with_text(paragraph)
        return bool(runs) and all(self._has(run, _BOLD, paragraph) for run in runs)

    def is_capital(self, paragraph: Any) -> bool:
        """True for a paragraph all of whose text is shown in capital letters."""
        runs = _runs_with_text(paragraph)
        return bool(runs) and all(self._has(run, _CAPITALS, paragraph) for run in runs)

    def size(self, paragraph: Any) -> int:
        """The size of the smallest type of a paragraph's text, in half points."""
        found = (self._decides(run, _SIZE, paragraph) for run in _runs_with_text(paragraph))
        return min((_half_points(size) or self._size for size in found), default=self._size)

    def _has(self, run: Any, tag: str, paragraph: Any | None = None) -> bool:
        """Whether a property of a run is on."""
        found = self._decides(run, tag, paragraph)
        return found is not None and _is_on(found)

    def _decides(self, run: Any, tag: str, paragraph: Any | None) -> Any | None:
        """What says so of a run: its own property, its style's, or that of its paragraph's style."""
        name = None
        for properties in run.iterchildren(_RUN_PROPERTIES):
            for child in properties.iterchildren(tag, _RUN_STYLE):
                if child.tag == tag:
                    return child
                name = child.get(_VALUE)
            break
        found = None if name is None else self._of_style(name, tag)
        if found is None and paragraph is not None:
            found = self._of_style(_style_of(paragraph) or self._usual, tag)
        return found

    def _of_style(self, name: str | None, tag: str) -> Any | None:
        """A style's property of runs, or that of one on which it is based."""
        if (name, tag) not in self._own:
            path = f"{_RUN_PROPERTIES}/{tag}"
            found = (style.element.find(path) for style in self._chain(name))
            self._own[name, tag] = next((each for each in found if each is not None), None)
        return self._own[name, tag]

    def _chain(self, name: str | None) -> Iterator[Any]:
        """The style of that name, and those on which it is based."""
        style = self.known.get(name)
        for _ in range(_STYLES_ABOVE):
            if style is None:
                return
            yield style
            style = getattr(style, "base_style", None)


def _runs_with_text(paragraph: Any) -> list[Any]:
    runs = paragraph.iter(_RUN)
    return [run for run in runs if any(text.strip() for text in run.itertext(_TEXT))]


def _half_points(size: Any | None) -> int:
    """The size that a property gives; 0 where it gives none."""
    return 0 if size is None else level(size.get(_VALUE), 0)


def _style_of(paragraph: Any) -> str | None:
    found = paragraph.find(f"{_PARAGRAPH_PROPERTIES}/{_STYLE}")
    name: str | None = None if found is None else found.get(_VALUE)
    return name


def _value(element: Any, tag: str) -> str:
    return next((found.get(_VALUE, "") for found in element.iterchildren(tag)), "")


def _is_on(element: Any) -> bool:
    return element.get(_VALUE, "true").lower() not in ("0", "false", "off", "none")


def _outline_level(element: Any) -> int | None:
    """Word counts from 0, and 9 is body text."""
    value = element.get(_VALUE) or ""
    number = level(value, 9)
    return number + 1 if number < 9 else None
