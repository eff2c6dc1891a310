"""The files that a build saw, as a catalog keeps them: found, and listed a part at a time."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from threading import Lock

from qa.index.files import close_with, open_database
from qa.index.integrity import reading
from qa.records import File, Status
from qa.records.dates import day_of
from qa.records.lists import Listed, ListedFile, ListPart, searched

STORED = (Status.INDEXED, Status.DUPLICATE)  # files whose document the index holds
_KINDS_OF_FIELDS = {field.name: int if field.type is int else str for field in fields(File)}
FILE_COLUMNS = tuple(_KINDS_OF_FIELDS)
_NAMES = ", ".join(f"file.{name}" for name in FILE_COLUMNS)
_DATED = f"""file LEFT JOIN document ON file.sha256 = document.sha256
    AND file.reader = document.reader AND status IN ({", ".join(f"'{one}'" for one in STORED)})"""
_ORDERS = {
    "": "path",
    "path": "folded(path)",
    "status": "status",
    "passages": "passages",
    "pages": "pages",
    "size": "size",
    "date": "day_of(date, modified)",
    "seen": "seen",
}


class FileList:
    """The files of an open catalog; `database` is a connection that all its readers share.

    Lists have one of their own, for one thread at a time, because they call functions of ours. A thread
    that is called from within SQLite holds SQLite's lock and waits for the interpreter's; another one
    on the same connection may hold the interpreter's and wait for SQLite's, and the process stands still.
    """

    def __init__(self, database: sqlite3.Connection, place: Path) -> None:
        self._database, self._place = database, place
        self._lists, self._turn = open_database(place), Lock()
        close_with(self, self._lists)
        always_the_same = True
        for name, count, work in (
            ("folded", 1, str.casefold),
            ("searched", 3, searched),
            ("day_of", 2, _day),
        ):
            self._lists.create_function(name, count, work, deterministic=always_the_same)

    def all(self) -> tuple[File, ...]:
        """Every file, sorted by path."""
        return tuple(self._where("1"))

    def at(self, path: str) -> File | None:
        """The file at a path."""
        return next(self._where("path = ?", path), None)

    def of(self, sha256: str) -> tuple[File, ...]:
        """The files that are the document whose source has that hash, sorted by path."""
        return tuple(file for file in self._where("sha256 = ?", sha256) if file.status in STORED)

    def part(self, part: ListPart) -> Listed:
        """A part of the list."""
        words = [word.casefold() for word in part.find]
        conditions = ["instr(searched(path, status, reason), ?)"] * len(words)
        if part.statuses:
            conditions.append(f"status IN ({', '.join('?' * len(part.statuses))})")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        given = [*words, *map(str, part.statuses)]
        order = f"ORDER BY {_ORDERS[part.sort]} {'DESC' if part.is_down else ''}, path"
        bounds = (-1 if part.limit is None else part.limit, part.first)
        query = f"SELECT {_NAMES}, date FROM {_DATED} {where} {order} LIMIT ? OFFSET ?"
        with reading(self._place), self._turn:
            (count,) = self._lists.execute(f"SELECT count(*) FROM file {where}", given).fetchone()
            found = self._lists.execute(query, [*given, *bounds]).fetchall()
            return Listed(tuple(map(_listed, found)), count)

    def close(self) -> None:
        """Closes the connection that lists have of their own."""
        with self._turn:
            self._lists.close()

    def _where(self, condition: str, *given: str) -> Iterator[File]:
        query = f"SELECT {_NAMES} FROM file WHERE {condition} ORDER BY path"
        with reading(self._place):
            return iter([_file(row) for row in self._database.execute(query, given)])


def _file(row: Sequence[object]) -> File:
    if len(row) != len(FILE_COLUMNS) or not all(
        isinstance(value, _KINDS_OF_FIELDS[name])
        for name, value in zip(FILE_COLUMNS, row, strict=True)
    ):
        raise ValueError("a file is not as it was written")
    path, status, *others = row
    return File(str(path), Status(str(status)), *others)  # type: ignore[arg-type] # looked at above


def _listed(row: Sequence[object]) -> ListedFile:
    file, date = _file(row[:-1]), row[-1]
    return ListedFile(file, day_of(file, date if isinstance(date, str) else None))


def _day(date: str | None, modified: int) -> str:
    return day_of(File("", Status.INDEXED, modified=modified), date)
