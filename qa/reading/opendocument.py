"""OpenDocument text by odfpy: headings, paragraphs, lists and tables."""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from odf import teletype
from odf.opendocument import load

from qa.errors import ReadFailed
from qa.reading.content import Content, Draft, iso_date, level

_SILENT = frozenset(
    ("tracked-changes", "sequence-decls", "variable-decls", "forms", "soft-page-break")
)


def read(data: bytes, _name: str) -> Content:
    """The content of an OpenDocument text."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise ReadFailed("encrypted: it opens with a password only")
    file = load(BytesIO(data))
    draft = Draft()
    _add(draft, file.text)
    title, date = (_about(file, name) for name in ("title", "creation-date"))
    first = next((block for block in draft.blocks if block.heading), None)
    return draft.content(title=title or (first.heading[0] if first else None), date=iso_date(date))


def _add(draft: Draft, element: Any) -> None:
    """Add every block within an element."""
    for child in element.childNodes:
        match _tag(child):
            case "h":
                draft.enter(level(child.getAttribute("outlinelevel")), teletype.extractText(child))
            case "p":
                draft.add(teletype.extractText(child))
            case "list":
                draft.add_list(teletype.extractText(item) for item in _within(child, ("p", "h")))
            case "table":
                draft.add_table(_rows(child))
            case tag if tag and tag not in _SILENT:
                _add(draft, child)


def _tag(node: Any) -> str:
    """An element's name without its namespace; "" for what is no element."""
    return str(node.qname[1]) if hasattr(node, "qname") else ""


def _within(element: Any, tags: tuple[str, ...]) -> Iterator[Any]:
    """The outermost elements of those names, in order."""
    for child in element.childNodes:
        if _tag(child) in tags:
            yield child
        elif _tag(child):
            yield from _within(child, tags)


def _rows(table: Any) -> Iterator[list[str]]:
    for row in _within(table, ("table-row",)):
        yield [
            " ".join(teletype.extractText(text) for text in _within(cell, ("p", "h")))
            for cell in _within(row, ("table-cell",))
        ]


def _about(file: Any, name: str) -> str | None:
    """What the file's metadata says under a name."""
    found = next((node for node in file.meta.childNodes if _tag(node) == name), None)
    return teletype.extractText(found) if found is not None else None
