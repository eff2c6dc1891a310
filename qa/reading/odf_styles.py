"""What the styles of an OpenDocument text say of a paragraph: it is bold, or the title."""

from collections.abc import Iterator
from typing import Any

from qa.reading.bold import is_bold
from qa.reading.odf_text import APART, local

_ABOVE = 20  # styles, one based on the other


class Styles:
    """The styles of a file by their names."""

    def __init__(self, *roots: Any) -> None:
        self._known: dict[str, Any] = {}
        for style in (style for root in roots for style in root.iter("{*}style")):
            self._known[_attribute(style, "name")] = style
        self._bold: dict[str, bool | None] = {}

    def is_title(self, paragraph: Any) -> bool:
        """True for a paragraph in the style of a document's title."""
        return any(_attribute(style, "name") == "Title" for style in self._chain(paragraph))

    def is_bold(self, paragraph: Any) -> bool:
        """True for a paragraph all of whose text is bold."""
        shown = list(self._weights(paragraph, inherited=False))
        return bool(shown) and all(shown)

    def _weights(self, element: Any, *, inherited: bool) -> Iterator[bool]:
        """Whether each text within an element is bold."""
        own = self._own(element)
        bold = inherited if own is None else own
        if (element.text or "").strip():
            yield bold
        for child in element:
            if local(child) and local(child) not in APART:
                yield from self._weights(child, inherited=bold)
            if (child.tail or "").strip():
                yield bold

    def _own(self, element: Any) -> bool | None:
        """Whether an element's style is bold; None where it says nothing."""
        name = _attribute(element, "style-name")
        if name not in self._bold:
            weights = (
                _attribute(part, "font-weight")
                for style in self._chain(element)
                for part in style
                if local(part) == "text-properties"
            )
            weight = next(filter(None, weights), None)
            self._bold[name] = None if weight is None else is_bold(weight)
        return self._bold[name]

    def _chain(self, element: Any) -> Iterator[Any]:
        """The style of an element, and those on which it is based."""
        style = self._known.get(_attribute(element, "style-name"))
        for _ in range(_ABOVE):
            if style is None:
                return
            yield style
            style = self._known.get(_attribute(style, "parent-style-name"))


def _attribute(element: Any, name: str) -> str:
    """An attribute by its name without the namespace; "" where it is not there."""
    found = (value for key, value in element.attrib.items() if key.rpartition("}")[2] == name)
    return next(found, "")
