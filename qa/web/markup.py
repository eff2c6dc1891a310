"""Text as HTML that can only be text: every string from a document goes through here.

Gradio hands HTML to a Markdown component, so that what is special in Markdown or in its templates
is written as a character reference too, and no line ends inside.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from qa.records.printable import printable, visible

_SPECIAL = {sign: f"&#{ord(sign)};" for sign in "&<>\"'`$\\{}*_[]|~"}  # & first
_UNBROKEN = {"\n": "&#10;", "\r": "&#13;", "\0": "&#65533;"}


class Mark(NamedTuple):
    """A span of a text that is marked, and the class it gets."""

    start: int
    end: int
    style: str


def shown(text: str) -> str:
    """The text as HTML content: line ends as `<br>`, control characters as signs."""
    return _escaped(printable(text)).replace("\n", "<br>")


def quoted(text: str) -> str:
    """The text as the value of an attribute, or within `<pre>`, character for character."""
    return _replaced(_escaped(text), _UNBROKEN)


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


def items(
    text: str, start: int, end: int, marks: Sequence[Mark], kinds: Sequence[Mark]
) -> Iterator[str]:
    """Each line of `text[start:end]` as an item of a list, with the marks in it.

    A line gets the class of the first of `kinds` that it has a part of. What no mark touches is
    escaped all at once: a call for each line takes twice the time.
    """
    lines = text[start:end].split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=start))[:-1]
    spans = [(first, first + len(line)) for first, line in zip(starts, lines, strict=True)]
    content = _shown_lines(text[start:end])
    for number in {number for mark in marks for number in _touched(mark, starts, spans)}:
        content[number] = marked(text, *spans[number], marks)
    classes: dict[int, str] = {}
    for kind in kinds:
        for number in _touched(kind, starts, spans):
            classes.setdefault(number, f' class="{quoted(kind.style)}"')
    for number, line in enumerate(content):
        yield f'<li dir="auto"{classes.get(number, "")}>{line}</li>' if line else "<li></li>"


def _touched(mark: Mark, starts: Sequence[int], spans: Sequence[tuple[int, int]]) -> Iterator[int]:
    """The numbers of the lines of which a mark has a part."""
    first, last = bisect_right(starts, mark.start) - 1, bisect_left(starts, mark.end)
    for number in range(max(first, 0), last):
        if mark.start < spans[number][1] and mark.end > spans[number][0]:
            yield number


def _shown_lines(text: str) -> list[str]:
    """What `shown` gives for each line; a CR within a line is a `<br>` there."""
    parts = (_escaped(visible(part)) for part in text.split("\r"))
    return "<br>".join(parts).split("\n")


def _escaped(text: str) -> str:
    return _replaced(text, _SPECIAL)


def _replaced(text: str, signs: Mapping[str, str]) -> str:
    # Most signs are in few texts: so often nothing is replaced, a look at the text is all it takes.
    for sign, reference in signs.items():
        text = text.replace(sign, reference)
    return text


def _piece(text: str, start: int, end: int, marks: Sequence[Mark]) -> str:
    styles = [mark.style for mark in marks if mark.start <= start and mark.end >= end]
    content = shown(text[start:end])
    if not styles:
        return content
    return f'<mark class="{" ".join(dict.fromkeys(styles))}">{content}</mark>'
