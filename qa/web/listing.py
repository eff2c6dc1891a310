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
from qa.web.cards import here
from qa.web.filtering import day
from qa.web.markup import quoted, shown

ROWS = 100  # on one page of the list
NEW, CHANGED, REMOVED = "new", "changed", "gone"


class Row(NamedTuple):
    """One file of the library, indexed or waiting."""

    file: File
    status: str
    day: str


_COLUMNS: dict[str, tuple[str, Callable[[Row], str | int]]] = {
    "path": ("File", lambda row: row.file.path.casefold()),
    "status": ("Status", lambda row: row.status),
    "passages": ("Passages", lambda row: row.file.passages),
    "pages": ("Pages", lambda row: row.file.pages),
    "size": ("Size", lambda row: row.file.size),
    "date": ("Date", lambda row: row.day),
    "seen": ("Indexed, UTC", lambda row: row.file.seen),
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
    chosen = _sorted([row for row in found if _says(row, address.find)], address.sort)
    first = ROWS * (address.page - 1)
    heads = "".join(_head(name, label, address) for name, (label, _) in _COLUMNS.items())
    body = "".join(_row(row, read_only=read_only) for row in chosen[first : first + ROWS])
    last = "" if read_only else '<th scope="col"><span class="unseen">Remove</span></th>'
    return (
        f'<div class="library">{here(address)}{_waiting(found)}'
        f'<p class="quiet">{_shown_count(len(chosen), len(found))}</p>'
        f'<div class="table"><table><thead><tr>{heads}{last}</tr></thead><tbody>{body}</tbody>'
        f"</table></div>{_pages(len(chosen), address)}</div>"
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


def _says(row: Row, find: str) -> bool:
    said = f"{row.file.path} {row.status} {row.file.reason}".casefold()
    return all(word in said for word in find.casefold().split())


def _waiting(found: Sequence[Row]) -> str:
    counts = {status: sum(row.status == status for row in found) for status in _WAITS}
    said = [f"{count} {status}" for status, count in counts.items() if count]
    if not said:
        return '<p class="settled">The index holds every file as it is now.</p>'
    return f'<p class="waiting">Not in the index yet: {", ".join(said)}.</p>'


_WAITS = (NEW, CHANGED, REMOVED)


def _shown_count(chosen: int, found: int) -> str:
    return f"{found:,} files" if chosen == found else f"{chosen:,} of {found:,} files"


def _head(name: str, label: str, address: Address) -> str:
    now, is_down = _order(address.sort)
    order = "descending" if is_down else "ascending"
    styles = (("number", name in _NUMBERS), (order, name == now))
    turned = f"-{name}" if name == (address.sort or "path") else name
    link = quoted(str(replace(address, sort=turned, page=1)))
    named = " ".join(style for style, holds in styles if holds)
    return f'<th scope="col" class="{named}"><a href="{link}">{label}</a></th>'


def _row(row: Row, *, read_only: bool) -> str:
    file = row.file
    reason = f'<span class="reason">{shown(file.reason)}</span>' if file.reason else ""
    cells = (
        f'<th scope="row">{_name(file)}</th><td><span class="status {_style(row.status)}">'
        f"{row.status}</span>{reason}</td>{_number(file.passages)}{_number(file.pages)}"
        f'<td class="number">{size(file.size)}</td><td>{row.day}</td>'
        f"<td>{_moment(file.seen)}</td>"
    )
    if not read_only:
        value = key(file.source or file.path)
        name = quoted(file.source or file.path)
        cells += (
            f'<td><button type="button" name="remove" value="{value}" title="Remove {name}">'
            "Remove</button></td>"
        )
    return f"<tr>{cells}</tr>"


def _name(file: File) -> str:
    if not file.sha256 or not file.characters:
        return shown(file.path)
    link = quoted(str(Address(doc=file.sha256, at=(0, 0))))
    return f'<a href="{link}">{shown(file.path)}</a>'


def _style(status: str) -> str:
    if status in (Status.INDEXED, Status.DUPLICATE):
        return "well"
    return "fresh" if status in _WAITS else "ill"


def _number(count: int) -> str:
    return f'<td class="number">{f"{count:,}" if count else ""}</td>'


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


def _pages(count: int, address: Address) -> str:
    last = -(-count // ROWS)
    if last <= 1:
        return ""
    links = "".join(
        f'<a class="chip{" now" if page == address.page else ""}" '
        f'href="{quoted(str(replace(address, page=page)))}">{page}</a>'
        for page in range(1, last + 1)
    )
    return f'<p class="chips">{links}</p>'
