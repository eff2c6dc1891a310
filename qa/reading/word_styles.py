"""What the styles of a Word file say of a paragraph: a heading, an item of a list, its number."""

from collections.abc import Iterator
from typing import Any

from docx.oxml.ns import qn

from qa.reading.content import level
from qa.reading.numbering import Numbering

_STYLES_ABOVE = 20  # that a style may be based on, one on the other
_NUMBERED = f"{qn('w:pPr')}/{qn('w:numPr')}"
_STYLED = f"{qn('w:pPr')}/{qn('w:pStyle')}"
_RUN_STYLED = f"{qn('w:rPr')}/{qn('w:rStyle')}"
_OUTLINE = f"{qn('w:pPr')}/{qn('w:outlineLvl')}"
_VALUE, _RUN, _TEXT = qn("w:val"), qn("w:r"), qn("w:t")


class Styles:
    """The styles by their names, and the numbers counted so far."""

    def __init__(self, file: Any, numbering: Any | None) -> None:
        self.known = {style.style_id: style for style in file.styles}
        numbers = {
            name: found.get(_VALUE, "")
            for name, style in self.known.items()
            if (found := style.element.find(f"{_NUMBERED}/{qn('w:numId')}")) is not None
        }
        self._based: dict[str | None, tuple[Any, ...]] = {}
        self.numbering = Numbering(numbering, numbers)

    def level(self, paragraph: Any) -> int | None:
        """The level of a heading from 0 (the title); None for other paragraphs."""
        own = paragraph.find(_OUTLINE)
        if own is not None:
            return _outline_level(own)
        for style in self._of(paragraph):
            name = (style.name or "").lower()
            if name == "title":
                return 0
            if name.startswith("heading ") and (number := level(name[8:], 0)):
                return number
            found = style.element.find(_OUTLINE)
            if found is not None:
                return _outline_level(found)
        return None

    def is_item(self, paragraph: Any) -> bool:
        """True for a numbered or bulleted paragraph that is no heading."""
        if self.level(paragraph) is not None:
            return False
        if paragraph.find(_NUMBERED) is not None:
            return True
        return any(
            (style.name or "").lower().startswith("list")
            or style.element.find(_NUMBERED) is not None
            for style in self._of(paragraph)
        )

    def number(self, paragraph: Any) -> str:
        """The number that Word shows before a paragraph, which is counted; "" for none."""
        number, depth = "", None
        own = paragraph.find(_NUMBERED)
        if own is not None:
            number, depth = _value(own, "w:numId"), _value(own, "w:ilvl") or None
        for style in self._of(paragraph):
            found = style.element.find(_NUMBERED)
            if number or found is None:
                continue
            number = _value(found, "w:numId")
            at = self.numbering.level_of_style(number, style.style_id)
            depth = depth or _value(found, "w:ilvl") or str(at)
        return self.numbering.next(number, level(depth, 0)) if number else ""

    def hides(self, run: Any) -> bool:
        """True for a run of hidden text."""
        return self._has(run, "w:vanish")

    def is_bold(self, paragraph: Any) -> bool:
        """True for a paragraph all of whose text is bold."""
        runs = [
            run for run in paragraph.iter(_RUN) if any(text.strip() for text in run.itertext(_TEXT))
        ]
        return bool(runs) and all(self._has(run, "w:b", paragraph) for run in runs)

    def _has(self, run: Any, name: str, paragraph: Any | None = None) -> bool:
        """Whether a property of a run is on: by itself, its style, or its paragraph's."""
        own = run.find(f"{qn('w:rPr')}/{qn(name)}")
        if own is not None:
            return _is_on(own)
        styles = [*self._of(run, _RUN_STYLED)]
        styles += [] if paragraph is None else self._of(paragraph)
        for style in styles:
            found = style.element.find(f"{qn('w:rPr')}/{qn(name)}")
            if found is not None:
                return _is_on(found)
        return False

    def _of(self, element: Any, named: str = _STYLED) -> tuple[Any, ...]:
        """The style of a paragraph or a run, and those on which it is based."""
        found = element.find(named)
        name = found.get(_VALUE) if found is not None else None
        if name not in self._based:
            self._based[name] = tuple(self._chain(name))
        return self._based[name]

    def _chain(self, name: str | None) -> Iterator[Any]:
        style = self.known.get(name)
        for _ in range(_STYLES_ABOVE):
            if style is None:
                return
            yield style
            style = getattr(style, "base_style", None)


def _value(element: Any, name: str) -> str:
    found = element.find(qn(name))
    return "" if found is None else found.get(_VALUE, "")


def _is_on(element: Any) -> bool:
    return element.get(_VALUE, "true").lower() not in ("0", "false", "off", "none")


def _outline_level(element: Any) -> int | None:
    """Word counts from 0, and 9 is body text."""
    value = element.get(_VALUE) or ""
    number = level(value, 9)
    return number + 1 if number < 9 else None
