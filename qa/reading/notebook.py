"""Jupyter notebooks: Markdown cells as Markdown, code and its printed output as code."""

import json
from collections.abc import Iterator
from typing import Any

from qa.errors import ReadFailed
from qa.reading import markdown
from qa.reading.content import Content, Draft, level
from qa.reading.decoding import decode
from qa.records import Kind


def read(data: bytes, _name: str) -> Content:
    """The content of a notebook."""
    text = decode(data)
    if not text.strip():
        return Content("", ())
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise ReadFailed(f"a damaged notebook: {error}") from error
    if not isinstance(notebook, dict):
        raise ReadFailed("a damaged notebook: it has no cells")
    draft = Draft()
    for cell in _cells(notebook):
        _add(draft, cell)
    named = notebook.get("metadata")
    title = named.get("title") if isinstance(named, dict) else None
    first = next((block.heading[0] for block in draft.blocks if block.heading), None)
    return draft.content(title=title if isinstance(title, str) else first)


def _cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The cells; before version 4 they are in worksheets."""
    holders = [notebook, *(notebook.get("worksheets") or ())]
    for holder in holders:
        for cell in (holder.get("cells") or ()) if isinstance(holder, dict) else ():
            if isinstance(cell, dict):
                yield cell


def _add(draft: Draft, cell: dict[str, Any]) -> None:
    source = _text_of(cell.get("source", cell.get("input")))
    match cell.get("cell_type"):
        case "markdown":
            draft.add_content(markdown.mark(source, draft.headings))
        case "heading":
            draft.enter(level(cell.get("level")), source)
        case "code":
            draft.add(source.strip("\r\n"), Kind.CODE)
            for output in cell.get("outputs") or ():
                draft.add(_printed(output), Kind.CODE)
        case _:
            draft.add(source)


def _printed(output: object) -> str:
    """The plain text of a cell's output."""
    if not isinstance(output, dict):
        return ""
    bundle = output.get("data")
    shown = bundle.get("text/plain") if isinstance(bundle, dict) else output.get("text")
    return _text_of(shown)


def _text_of(source: object) -> str:
    """Text that a notebook holds as one string or as its lines."""
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""
