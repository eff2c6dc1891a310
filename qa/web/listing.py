"""The library as HTML: every file with what became of it, and what is not in the index yet."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from qa.checking.freshness import Waiting
from qa.reading.walking import locate
from qa.records import File, Status
from qa.web.address import Address
from qa.web.filtering import day
from qa.web.templating import render
from qa.web.texts import TEXTS

ROWS = 100  # on one page of the list
NEW, CHANGED, REMOVED = "new", "changed", "gone"


class Row(NamedTuple):
    """One file of the library, indexed or waiting."""

    file: File
    status: str
    day: str


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


_COLUMNS: dict[str, tuple[str, Callable[[Row], str | int]]] = {
    "path": (TEXTS.file, lambda row: row.file.path.casefold()),
    "status": (TEXTS.status, lambda row: row.status),
    "passages": (TEXTS.passage_count, lambda row: row.file.passages),
    "pages": (TEXTS.page_count, lambda row: row.file.pages),
    "size": (TEXTS.size, lambda row: row.file.size),
    "date": (TEXTS.date, lambda row: row.day),
    "seen": (TEXTS.indexed, lambda row: row.file.seen),
}
_NUMBERS = frozenset({"passages", "pages", "size"})
_LARGEST_FIRST = _NUMBERS | {"date", "seen"}  # of these, what is most or newest is looked for


def key(path: str) -> str:
    """The id by which a file of the library is named: no path ever comes from outside."""
    return hashlib.sha256(path.encode()).hexdigest()[:24]


def rows(
    seeds: Path, files: Sequence[File], waiting: Waiting, dates: Mapping[str, str | None]
) -> list[Row]:
    """Every file that is in the index or waits for the next build."""
    now = dict.fromkeys(waiting.changed, CHANGED) | dict.fromkeys(waiting.removed, REMOVED)
    known = [Row(file, now.get(file.source, str(file.status)), day(file, dates)) for file in files]
    return known + [_new(seeds, path) for path in waiting.added]


def _new(seeds: Path, path: str) -> Row:
    try:
        state = locate(seeds, path).stat()
    except OSError:  # it came and went
        return Row(File(path, Status.INDEXED), NEW, "")
    file = File(path, Status.INDEXED, size=state.st_size, modified=state.st_mtime_ns)
    return Row(file, NEW, day(file, {}))


def library_html(found: Sequence[Row], address: Address, *, read_only: bool) -> str:
    """The list as the address asks for it: searched, sorted, one page of it."""
    chosen = _sorted([row for row in found if _matches(row, address.find)], address.sort)
    first = ROWS * (address.page - 1)
    return render(
        "library",
        address=address,
        waiting=_waiting(found),
        shown_count=_shown_count(len(chosen), len(found)),
        columns=[_column(name, label, address) for name, (label, _) in _COLUMNS.items()],
        lines=[_line(row) for row in chosen[first : first + ROWS]],
        pages=_pages(len(chosen), address),
        read_only=read_only,
    )


def _sorted(found: Sequence[Row], sort: str) -> list[Row]:
    """The rows by a column, the other way round when a `-` is before its name; equals by path."""
    name, is_down = _order(sort)
    rows = sorted(found, key=lambda row: row.file.path)
    return sorted(rows, key=_COLUMNS[name][1], reverse=is_down)


def _order(sort: str) -> tuple[str, bool]:
    """The column that is sorted by, and whether from the largest down: `"-path"` from Z to A."""
    name = sort.removeprefix("-")
    if name not in _COLUMNS:
        name = "path"
    return name, (name in _LARGEST_FIRST) != sort.startswith("-")


def _matches(row: Row, find: str) -> bool:
    words = f"{row.file.path} {row.status} {row.file.reason}".casefold()
    return all(word in words for word in find.casefold().split())


def _waiting(found: Sequence[Row]) -> str:
    """What the index does not hold yet; `""` when it holds everything."""
    counts = {status: sum(row.status == status for row in found) for status in _WAITS}
    parts = [f"{count} {status}" for status, count in counts.items() if count]
    return TEXTS.waiting.format(", ".join(parts)) if parts else ""


_WAITS = (NEW, CHANGED, REMOVED)


def _shown_count(chosen: int, found: int) -> str:
    if chosen == found:
        return TEXTS.all_files.format(found)
    return TEXTS.some_files.format(chosen, found)


def _column(name: str, label: str, address: Address) -> _Column:
    now, is_down = _order(address.sort)
    order = "descending" if is_down else "ascending"
    styles = (("number", name in _NUMBERS), (order, name == now))
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
        status=row.status,
        style=_style(row.status),
        reason=file.reason,
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
    return f"{count:,}" if count else ""


def size(count: int) -> str:
    """Bytes for people: `"38 kB"`."""
    if not count:
        return ""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            number = count / scale
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
