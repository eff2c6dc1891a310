"""Lists of files: a part of one, and how it is asked for."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from qa.records.reports import File, Status


class ListedFile(NamedTuple):
    """A file in a list."""

    file: File
    day: str  # see `dates.day_of`


class ListPart(NamedTuple):
    """A part of a list of files: which, in which order, and where it begins."""

    find: tuple[str, ...] = ()  # all of these stand in path, status or reason, in whatever case
    statuses: tuple[Status, ...] = ()  # one of these; none: of any
    sort: str = ""  # a column of `COLUMNS`; "": by path to the letter
    is_down: bool = False  # the other way round; equals are by path all the same
    first: int = 0  # of the files that are found, from 0
    limit: int | None = None  # files; None: all


class Listed(NamedTuple):
    """A part of a list of files."""

    files: tuple[ListedFile, ...]
    total: int  # files that are found, whatever the part


COLUMNS: Mapping[str, Callable[[ListedFile], str | int]] = {
    "": lambda row: row.file.path,
    "path": lambda row: row.file.path.casefold(),
    "status": lambda row: row.file.status,
    "passages": lambda row: row.file.passages,
    "pages": lambda row: row.file.pages,
    "size": lambda row: row.file.size,
    "date": lambda row: row.day,
    "seen": lambda row: row.file.seen,
}


def searched(path: str, status: str, reason: str) -> str:
    """What words are looked for in."""
    return f"{path} {status} {reason}".casefold()


def part_of(files: Iterable[ListedFile], part: ListPart) -> Listed:
    """A part of a list, of files that are all at hand."""
    words = [word.casefold() for word in part.find]
    found = [
        row
        for row in files
        if (not part.statuses or row.file.status in part.statuses)
        and all(word in searched(row.file.path, row.file.status, row.file.reason) for word in words)
    ]
    found.sort(key=COLUMNS[""])
    found.sort(key=COLUMNS[part.sort], reverse=part.is_down)
    end = None if part.limit is None else part.first + part.limit
    return Listed(tuple(found[part.first : end]), len(found))
