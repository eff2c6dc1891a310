"""XML and feeds: repeated elements of plain values are rows, all else is prose below its titles.

A row's values stand after the names of their elements. What is not well-formed is read as text.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from qa.errors import ReadFailed
from qa.reading import html, text
from qa.reading.content import Content, Draft, iso_date
from qa.reading.packages import parse
from qa.records import Kind

_DEPTH_LIMIT = 100
_TITLES = ("title", "head", "heading")
_RECORDS = ("item", "entry", "record", "row")
_WITH_MARKUP = ("description", "summary", "content", "encoded")  # of feeds, HTML within
_DATES = ("pubDate", "published", "updated", "date")
_VARIED = 0.7  # of the children of a record have names of their own; of a list, all have the same


def read(data: bytes, name: str) -> Content:
    """The content of an XML file."""
    try:
        root = parse(data)
    except ReadFailed:
        return text.read(data, name)
    draft = Draft()
    _add(draft, root, 1)
    titles = (_words(found) for found in root.iter() if _name(found) in _TITLES)
    dates = (_words(found) for found in root.iter() if _name(found) in _DATES)
    return draft.content(title=next(titles, None), date=iso_date(next(dates, None)))


def _add(draft: Draft, element: Any, level: int) -> None:
    """Add an element with all below it."""
    children = [child for child in element if _name(child)]
    if level > _DEPTH_LIMIT:
        raise ReadFailed("nested too deep")
    if not children or _is_mixed(element):
        draft.add(_words(element))
    elif _is_record(element, children):
        pairs = list(_pairs(element, children))
        columns = ", ".join(dict.fromkeys(name for name, _ in pairs))
        cells = [f"{name}: {words}" for name, words in pairs]
        draft.add("\t".join(cells), Kind.ROW, columns=columns)
    else:
        for child in children:
            if _name(child) in _TITLES and not len(child):
                draft.enter(level, _words(child))
            else:
                _add(draft, child, level + 1)
        draft.headings.leave(level)


def _is_mixed(element: Any) -> bool:
    """True for text with elements in it, as a paragraph with emphasis is."""
    tails = (child.tail for child in element)
    return any((words or "").strip() for words in (element.text, *tails))


def _is_record(element: Any, children: list[Any]) -> bool:
    """True for an element of plain values."""
    if any(any(_name(inner) for inner in child) for child in children):
        return _name(element) in _RECORDS and len(children) > 1
    names = {_name(child) for child in children}
    again = element.getnext() is not None or element.getprevious() is not None
    is_one = _name(element) in _RECORDS or (again and names.isdisjoint({"p", "para"}))
    return is_one and len(names) >= _VARIED * len(children)


def _pairs(element: Any, children: list[Any]) -> Iterator[tuple[str, str]]:
    """The names and values of a record, its attributes first."""
    for name, value in element.attrib.items():
        if value.strip():
            yield etree.QName(name).localname, " ".join(value.split())
    for child in children:
        words = _words(child) or child.get("href") or child.get("value") or ""
        if _name(child) in _WITH_MARKUP and "<" in words:
            words = " ".join(html.content_of(words.encode(), "utf-8").text.split())
        if words:
            yield _name(child), words


def _words(element: Any) -> str:
    return " ".join("".join(element.itertext(etree.Element)).split())


def _name(element: Any) -> str:
    """The element's name without its namespace; "" for comments and the like."""
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""
