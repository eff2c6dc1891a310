"""The files of a library as a list: found by words, sorted by a column, with what waits for a build."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from qa.checking.freshness import Waiting
from qa.errors import SettingsInvalid
from qa.reading.walking import locate
from qa.records import File, Status
from qa.records.dates import day_of
from qa.records.lists import ListedFile, ListPart, searched

NEW, CHANGED, REMOVED = "new", "changed", "gone"
BY = "path"  # the column that a list is sorted by where none is named


class Row(NamedTuple):
    """One file of the library, indexed or waiting."""

    file: File
    status: str
    day: str


COLUMNS: Mapping[str, Callable[[Row], str | int]] = {
    "path": lambda row: row.file.path.casefold(),
    "status": lambda row: row.status,
    "passages": lambda row: row.file.passages,
    "pages": lambda row: row.file.pages,
    "size": lambda row: row.file.size,
    "date": lambda row: row.day,
    "seen": lambda row: row.file.seen,
}
NUMBERS = frozenset({"passages", "pages", "size"})
LARGEST_FIRST = NUMBERS | {"date", "seen"}  # of these, what is most or newest is looked for


def part(sort: str, find: str, *, page: int = 1, limit: int | None = None) -> ListPart:
    """The page of a snapshot's files that a column and words ask for. Raises SettingsInvalid."""
    name, is_down = order(checked_sort(sort))
    first = (page - 1) * (limit or 0)
    return ListPart(tuple(find.split()), sort=name, is_down=is_down, first=first, limit=limit)


def rows_now(seeds: Path, files: Iterable[ListedFile], waiting: Waiting) -> list[Row]:
    """Every file that the last build saw, and what has changed since and waits for the next one."""
    now = dict.fromkeys(waiting.changed, CHANGED) | dict.fromkeys(waiting.removed, REMOVED)
    known = [Row(file, now.get(file.source, str(file.status)), day) for file, day in files]
    return known + [_new(seeds, path) for path in waiting.added]


def _new(seeds: Path, path: str) -> Row:
    try:
        state = locate(seeds, path).stat()
    except OSError:  # it came and went
        return Row(File(path, Status.INDEXED), NEW, "")
    file = File(path, Status.INDEXED, size=state.st_size, modified=state.st_mtime_ns)
    return Row(file, NEW, day_of(file, None))


def matching(among: Iterable[Row], find: str) -> list[Row]:
    """The rows that hold all the words in their path, status or reason."""
    words = find.casefold().split()
    texts = ((row, searched(row.file.path, row.status, row.file.reason)) for row in among)
    return [row for row, text in texts if all(word in text for word in words)]


def in_order(among: Iterable[Row], sort: str) -> list[Row]:
    """The rows by a column, the other way round when a `-` is before its name; equals by path."""
    name, is_down = order(sort)
    by_path = sorted(among, key=lambda row: row.file.path)
    return sorted(by_path, key=COLUMNS[name], reverse=is_down)


def order(sort: str) -> tuple[str, bool]:
    """The column that is sorted by, and whether from the largest down: `"-path"` from Z to A."""
    name = sort.removeprefix("-")
    if name not in COLUMNS:
        name = BY
    return name, (name in LARGEST_FIRST) != sort.startswith("-")


def checked_sort(sort: str) -> str:
    """The same, where it names a column. Raises SettingsInvalid."""
    if sort.removeprefix("-") not in COLUMNS:
        raise SettingsInvalid(
            f"sort is {sort!r}: give {', '.join(COLUMNS)}, "
            "or one of them with - before it for the other way round."
        )
    return sort
