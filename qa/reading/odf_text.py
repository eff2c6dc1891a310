"""The text of OpenDocument paragraphs: blanks as they are shown, notes and frames left out."""

import re
from collections.abc import Callable, Iterator
from typing import Any

NOTE, COMMENT = "note", "annotation"
APART = (NOTE, COMMENT, "annotation-end", "notes")
_SILENT = (*APART, "tracked-changes", "object", "binary-data", "ruby-text", "custom-shape")
_SHAPES = ("rect", "ellipse", "line", "path", "polygon", "caption", "g", "event-listeners")
_BLANKS = re.compile(r"[ \t\r\n]+")
_BLANKS_LIMIT = 1 << 25  # that one element may stand for; a text so long is refused


def local(node: Any) -> str:
    """An element's name without its namespace; "" for what is no element."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def within(element: Any, tags: tuple[str, ...]) -> Iterator[Any]:
    """The outermost elements of those names, in order; none within notes and comments."""
    for child in element:
        tag = local(child)
        if tag in tags:
            yield child
        elif tag and tag not in APART:
            yield from within(child, tags)


def without_hidden(root: Any, styles: Any) -> int:
    """Take hidden text out of the tree; how many passages there were."""
    count, hidden = 0, {name for tree in (root, styles) for name in _hidden(tree)}
    for element in list(root.iter("{*}span", "{*}p", "{*}h")) if hidden else ():
        named = (value for key, value in element.attrib.items() if key.endswith("}style-name"))
        if next(named, "") in hidden:
            count += bool("".join(element.itertext()).strip())
            for child in list(element):
                element.remove(child)
            element.text = None
    return count


def _hidden(tree: Any) -> Iterator[str]:
    """The names of the styles whose text is not shown."""
    for style in tree.iter("{*}style"):
        for part in style:
            shown = (value for key, value in part.attrib.items() if key.endswith("}display"))
            if local(part) == "text-properties" and next(shown, "") == "none":
                yield from (value for key, value in style.attrib.items() if key.endswith("}name"))


def own_text(element: Any) -> str:
    """All the text of an element of the metadata."""
    return "".join(element.itertext())


def text_of(paragraph: Any, framed: Callable[[Any], str] = lambda _: "") -> str:
    """The text of a paragraph, a heading or a title; `framed` gives what a frame shows in it."""
    pieces: list[str] = []
    _collect(paragraph, pieces, framed)
    return "".join(pieces)


def _collect(element: Any, pieces: list[str], framed: Callable[[Any], str]) -> None:
    _append(element.text, pieces)
    for child in element:
        match local(child):
            case "s":
                count = next(
                    (value for key, value in child.attrib.items() if key.endswith("}c")), "1"
                )
                pieces.append(" " * (min(int(count), _BLANKS_LIMIT) if count.isdecimal() else 1))
            case "tab":
                pieces.append("\t")
            case "line-break":
                pieces.append("\n")
            case "frame":
                pieces.append(framed(child))
            case tag if tag and tag not in _SILENT and tag not in _SHAPES:
                _collect(child, pieces, framed)
        _append(child.tail, pieces)


def _append(text: str | None, pieces: list[str]) -> None:
    """Append text, whose line ends and indents are single blanks, and none after another."""
    folded = _BLANKS.sub(" ", text or "")
    if folded.startswith(" ") and (not pieces or pieces[-1][-1:] in (" ", "\n")):
        folded = folded[1:]
    if folded:
        pieces.append(folded)
