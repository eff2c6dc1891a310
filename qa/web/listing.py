"""The library as HTML: every file with what became of it, and what is not in the index yet."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from qa.checking.listing import CHANGED, NEW, NUMBERS, REMOVED, Row, in_order, matching, order
from qa.records import Status
from qa.translation import Number, tr, tr_notes
from qa.web.address import Address
from qa.web.templating import render
from qa.web.texts import TEXTS

ROWS = 100  # on one page of the list
_WAITS = (NEW, CHANGED, REMOVED)


class _Column(NamedTuple):
    """The head of a column."""

    label: str
    address: Address  # that sorts by it, or the other way round
    style: str


class _Line(NamedTuple):
    """One file as the list shows it."""

    key: str
    source: str
    path: str
    address: Address | None  # that opens it
    status: str
    style: str
    reason: str
    passages: str
    pages: str
    size: str
    day: str
    seen: str


_LABELS = {  # column -> the text that names it
    "path": "file",
    "status": "status",
    "passages": "passage_count",
    "pages": "page_count",
    "size": "size",
    "date": "date",
    "seen": "indexed",
}


def key(path: str) -> str:
    """The id by which a file of the library is named: no path ever comes from outside."""
    return hashlib.sha256(path.encode()).hexdigest()[:24]


def library_html(rows: Sequence[Row], address: Address, *, read_only: bool) -> str:
    """The list as the address asks for it: searched, sorted, one page of it."""
    chosen = in_order(matching(rows, address.find), address.sort)
    first = ROWS * (address.page - 1)
    return render(
        "library",
        address=address,
        waiting=_waiting(rows),
        shown_count=_shown_count(len(chosen), len(rows)),
        columns=[_column(name, getattr(TEXTS, text), address) for name, text in _LABELS.items()],
        lines=[_line(row) for row in chosen[first : first + ROWS]],
        pages=_pages(len(chosen), address),
        read_only=read_only,
    )


def _waiting(rows: Sequence[Row]) -> str:
    """What the index does not hold yet; `""` when it holds everything."""
    counts = {status: sum(row.status == status for row in rows) for status in _WAITS}
    parts = [f"{count} {tr(status)}" for status, count in counts.items() if count]
    return TEXTS.waiting.format(", ".join(parts)) if parts else ""


def _shown_count(chosen: int, rows: int) -> str:
    if chosen == rows:
        return TEXTS.all_files.format(Number(rows))
    return TEXTS.some_files.format(Number(chosen), Number(rows))


def _column(name: str, label: str, address: Address) -> _Column:
    now, is_down = order(address.sort)
    direction = "descending" if is_down else "ascending"
    styles = (("number", name in NUMBERS), (direction, name == now))
    turned = f"-{name}" if name == (address.sort or "path") else name
    style = " ".join(style for style, holds in styles if holds)
    return _Column(label, replace(address, sort=turned, page=1), style)


def _line(row: Row) -> _Line:
    file = row.file
    source = file.source or file.path
    is_readable = file.sha256 and file.characters
    return _Line(
        key=key(source),
        source=source,
        path=file.path,
        address=Address(doc=file.sha256, at=(0, 0)) if is_readable else None,
        status=tr(row.status),
        style=_style(row.status),
        reason=tr_notes(file.reason),
        passages=_number(file.passages),
        pages=_number(file.pages),
        size=size(file.size),
        day=row.day,
        seen=_moment(file.seen),
    )


def _style(status: str) -> str:
    if status in (Status.INDEXED, Status.DUPLICATE):
        return "well"
    return "fresh" if status in _WAITS else "ill"


def _number(count: int) -> str:
    return f"{Number(count):,}" if count else ""


def size(count: int) -> str:
    """Bytes for people: `"38 kB"`."""
    if not count:
        return ""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            number = Number(count / scale)
            return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"
    return f"{count} B"


def _moment(nanoseconds: int) -> str:
    if not nanoseconds:
        return ""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%d %H:%M")


def _pages(count: int, address: Address) -> list[tuple[int, Address, bool]]:
    """Links to the pages of the list: number, address, whether it is shown now."""
    last = -(-count // ROWS)
    numbers = range(1, last + 1) if last > 1 else ()
    return [(page, replace(address, page=page), page == address.page) for page in numbers]
