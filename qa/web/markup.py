"""Text as HTML that can only be text: every string from a document goes through here.

Gradio hands HTML to a Markdown component, so that what is special in Markdown or in its templates
is written as a character reference too, and no line ends inside.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from qa.records.printable import printable

_SPECIAL = {ord(sign): f"&#{ord(sign)};" for sign in "&<>\"'`$\\{}*_[]|~"}
_SHOWN = _SPECIAL | {0x0A: "<br>"}
_QUOTED = _SPECIAL | {0x0A: "&#10;", 0x0D: "&#13;", 0x00: "&#65533;"}


class Mark(NamedTuple):
    """A span of a text that is marked, and the class it gets."""

    start: int
    end: int
    style: str


def shown(text: str) -> str:
    """The text as HTML content: line ends as `<br>`, control characters as signs."""
    return printable(text).translate(_SHOWN)


def quoted(text: str) -> str:
    """The text as the value of an attribute, or within `<pre>`, character for character."""
    return text.translate(_QUOTED)


def marked(text: str, start: int, end: int, marks: Sequence[Mark]) -> str:
    """`text[start:end]` as HTML with the marks in it; marks may lie within one another.

    `marked("abcd", 0, 4, [Mark(1, 3, "a")])` is `'a<mark class="a">bc</mark>d'`.
    """
    inside = [mark for mark in marks if mark.start < end and mark.end > start]
    cuts = {start, end}
    for mark in inside:
        cuts |= {max(mark.start, start), min(mark.end, end)}
    edges = sorted(cuts)
    return "".join(_piece(text, first, last, inside) for first, last in pairwise(edges))


def _piece(text: str, start: int, end: int, marks: Sequence[Mark]) -> str:
    styles = [mark.style for mark in marks if mark.start <= start and mark.end >= end]
    content = shown(text[start:end])
    if not styles:
        return content
    return f'<mark class="{" ".join(dict.fromkeys(styles))}">{content}</mark>'
