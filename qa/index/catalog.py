"""The catalog of a snapshot: its files, its live documents and their names, in SQLite by named columns."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.index.files import close_with, open_database
from qa.index.integrity import reading
from qa.records import File, Status

FILE = "catalog.sqlite"
_SCHEMA = """
CREATE TABLE file (path TEXT PRIMARY KEY, status TEXT, reason TEXT, size INTEGER, modified INTEGER,
    sha256 TEXT, reader TEXT, passages INTEGER, pages INTEGER, characters INTEGER, source TEXT,
    source_sha256 TEXT, seen INTEGER) WITHOUT ROWID;
CREATE TABLE document (number INTEGER PRIMARY KEY, sha256 TEXT, reader TEXT, paths TEXT,
    segment INTEGER, place INTEGER, row INTEGER, passages INTEGER, language TEXT, letters INTEGER,
    unread INTEGER);
CREATE TABLE name (word TEXT PRIMARY KEY, documents BLOB) WITHOUT ROWID;
"""
_FILE_KINDS = {field.name: int if field.type is int else str for field in fields(File)}
_FILE_COLUMNS = list(_FILE_KINDS)


class LiveDocument(NamedTuple):
    """A live document: its identity, and where its passages are."""

    sha256: str
    reader: str
    paths: tuple[str, ...]  # sorted
    segment: int  # index into the manifest's segments
    place: int  # its number in the segment
    row: int  # of its first passage in the segment
    passages: int
    language: str
    letters: int  # see `Document`
    unread: int


class Catalog:
    """An open catalog."""

    def __init__(self, file: Path) -> None:
        self.file_path = file
        self._database = open_database(file)
        self._database.row_factory = sqlite3.Row
        close_with(self, self._database)

    def documents(self) -> list[LiveDocument]:
        """The live documents in the order of their first paths."""
        with reading(self.file_path):
            found = self._database.execute("SELECT * FROM document ORDER BY number")
            return [_document(row) for row in found]

    def files(self) -> tuple[File, ...]:
        """Every file that the build saw, sorted by path."""
        with reading(self.file_path):
            found = self._database.execute("SELECT * FROM file ORDER BY path")
            return tuple(map(_file, found))

    def file(self, path: str) -> File | None:
        """The file at a path."""
        query = "SELECT * FROM file WHERE path = ?"
        with reading(self.file_path):
            found = self._database.execute(query, (path,)).fetchone()
            return _file(found) if found else None

    def named(self, words: Collection[str]) -> dict[str, npt.NDArray[np.int64]]:
        """The numbers of the documents that each of the words names, ascending, by word."""
        places = ", ".join("?" * len(words))
        query = f"SELECT word, documents FROM name WHERE word IN ({places})"
        with reading(self.file_path):
            return {
                row["word"]: np.frombuffer(row["documents"], "<u4").astype(np.int64)
                for row in self._database.execute(query, [*words])
            }

    def names_beginning(self, start: str, limit: int) -> list[str]:
        """The first `limit` words of names that begin so and are longer."""
        query = "SELECT word FROM name WHERE word > ? AND word < ? ORDER BY word LIMIT ?"
        with reading(self.file_path):
            found = self._database.execute(query, (start, f"{start}\U0010ffff", limit))
            return [str(row["word"]) for row in found]

    def close(self) -> None:
        """Closes the database."""
        self._database.close()


def write(
    file: Path,
    documents: Sequence[LiveDocument],
    names: Iterable[Iterable[str]],
    files: Iterable[File],
) -> None:
    """Writes the catalog of a snapshot; `names` are the words of each document's names."""
    database = sqlite3.connect(file, isolation_level=None)
    database.executescript(f"PRAGMA journal_mode=OFF; {_SCHEMA} BEGIN;")
    _insert(
        database, "document", ["number", *LiveDocument._fields], map(_row, enumerate(documents))
    )
    _insert(database, "name", ["word", "documents"], _by_word(names))
    _insert(database, "file", _FILE_COLUMNS, map(asdict, files))
    database.execute("COMMIT")
    database.close()


def _by_word(names: Iterable[Iterable[str]]) -> Iterator[dict[str, object]]:
    """Each word with the numbers of the documents that it names."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, words in enumerate(names):
        for word in words:
            numbers[word].append(number)
    for word, named in numbers.items():
        yield {"word": word, "documents": np.array(named, "<u4").tobytes()}


def _insert(
    database: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[dict[str, object]],
) -> None:
    names, values = ", ".join(columns), ", ".join(f":{column}" for column in columns)
    database.executemany(f"INSERT INTO {table} ({names}) VALUES ({values})", rows)


def _row(numbered: tuple[int, LiveDocument]) -> dict[str, object]:
    number, document = numbered
    return {**document._asdict(), "number": number, "paths": json.dumps(document.paths)}


def _document(row: sqlite3.Row) -> LiveDocument:
    """The document of a row. Raises ValueError and TypeError where it is damaged."""
    names = ("segment", "place", "row", "passages", "letters", "unread")
    numbers = {name: row[name] for name in names}
    if not all(isinstance(number, int) for number in numbers.values()):
        raise ValueError("a document has no place")
    paths = tuple(json.loads(row["paths"]))
    if not paths or not all(isinstance(path, str) for path in paths):
        raise ValueError("a document has no path")
    return LiveDocument(
        sha256=str(row["sha256"]),
        reader=str(row["reader"]),
        paths=paths,
        language=str(row["language"]),
        **numbers,
    )


def _file(row: sqlite3.Row) -> File:
    values = {name: row[name] for name in _FILE_COLUMNS}
    if not all(isinstance(value, _FILE_KINDS[name]) for name, value in values.items()):
        raise ValueError("a file is not as it was written")
    return File(**{**values, "status": Status(row["status"])})
