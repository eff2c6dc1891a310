"""Writing the catalog of a snapshot (see `catalog`)."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qa.index.catalog import (
    DATABASE,
    DOCUMENT,
    DOCUMENTS,
    FIRST,
    FIRSTS,
    PATHS,
    LiveDocument,
)
from qa.index.filelist import FILE_COLUMNS
from qa.index.globs import kind
from qa.index.paths import PATH
from qa.records import File
from qa.records.dates import day_of

_COLUMNS: Mapping[str, Sequence[str]] = {
    "document": ("number", "sha256", "reader", "paths", "title", "date", "letters", "unread"),
    "path": ("number", "path"),
    "folder": ("path", "first", "end"),
    "value": ("column", "number", "value"),
    "name": ("word", "documents"),
    "file": FILE_COLUMNS,
}
_SCHEMA = """
CREATE TABLE file (path TEXT PRIMARY KEY, status TEXT, reason TEXT, size INTEGER, modified INTEGER,
    sha256 TEXT, reader TEXT, passages INTEGER, pages INTEGER, characters INTEGER, source TEXT,
    source_sha256 TEXT, seen INTEGER) WITHOUT ROWID;
CREATE TABLE document (number INTEGER PRIMARY KEY, sha256 TEXT, reader TEXT, paths TEXT, title TEXT,
    date TEXT, letters INTEGER, unread INTEGER);
CREATE TABLE path (number INTEGER PRIMARY KEY, path TEXT);
CREATE TABLE folder (path TEXT PRIMARY KEY, first INTEGER, end INTEGER) WITHOUT ROWID;
CREATE TABLE value (column TEXT, number INTEGER, value TEXT, PRIMARY KEY (column, number))
    WITHOUT ROWID;
CREATE TABLE name (word TEXT PRIMARY KEY, documents BLOB) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX file_of ON file (sha256);
CREATE INDEX document_of ON document (sha256);
CREATE UNIQUE INDEX path_at ON path (path);
"""


class Titled(NamedTuple):
    """What a document says of itself, and the words of its names."""

    title: str | None
    date: str | None
    names: Sequence[str]


class _Path(NamedTuple):
    path: str
    document: int
    day: str


def write(
    folder: Path,
    documents: Sequence[LiveDocument],
    titled: Iterable[Titled],
    files: Iterable[File],
) -> None:
    """Writes the catalog of a snapshot into its folder; `titled` is of each document."""
    files, titled = tuple(files), list(titled)
    paths = _paths(documents, titled, files)
    languages = _numbers(document.language for document in documents)
    kinds, days = _numbers(kind(each.path) for each in paths), _numbers(each.day for each in paths)
    records = [(each.document, kinds[kind(each.path)], days[each.day]) for each in paths]
    (folder / PATHS).write_bytes(np.array(records, PATH).tobytes())
    _write_documents(folder, documents, languages)
    database = sqlite3.connect(folder / DATABASE, isolation_level=None)
    database.executescript(f"PRAGMA journal_mode=OFF; {_SCHEMA} BEGIN;")
    rows: dict[str, Iterable[Sequence[Any]]] = {
        "document": map(_row, range(len(documents)), documents, titled),
        "path": ((at, each.path) for at, each in enumerate(paths)),
        "folder": _folders([each.path for each in paths]),
        "value": _values(language=languages, kind=kinds, day=days),
        "name": _by_word(each.names for each in titled),
        "file": ([getattr(file, name) for name in FILE_COLUMNS] for file in files),
    }
    for table, columns in _COLUMNS.items():
        _insert(database, table, columns, rows[table])
    database.execute("COMMIT")
    database.executescript(f"BEGIN; {_INDEXES} COMMIT;")
    database.close()


def _write_documents(
    folder: Path, documents: Sequence[LiveDocument], languages: Mapping[str, int]
) -> None:
    records = [
        (each.segment, each.place, each.row, languages[each.language], len(each.paths))
        for each in documents
    ]
    firsts = list(accumulate((each.passages for each in documents), initial=0))
    (folder / DOCUMENTS).write_bytes(np.array(records, DOCUMENT).tobytes())
    (folder / FIRSTS).write_bytes(np.array(firsts, FIRST).tobytes())


def _paths(
    documents: Sequence[LiveDocument], titled: Sequence[Titled], files: Iterable[File]
) -> list[_Path]:
    """The paths of the documents, sorted."""
    at_path = {file.path: file for file in files}
    return sorted(
        _Path(path, number, day_of(at_path[path], titled[number].date))
        for number, document in enumerate(documents)
        for path in document.paths
    )


def _numbers(values: Iterable[str]) -> dict[str, int]:
    """A number for each different value, in their order."""
    return {value: number for number, value in enumerate(sorted(set(values)))}


def _values(**columns: Mapping[str, int]) -> Iterator[tuple[str, int, str]]:
    for column, numbers in columns.items():
        for value, at in numbers.items():
            yield column, at, value


def _folders(paths: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Each folder with the numbers of the first path that lies in it, and of the one after the last.

    What lies in a folder stands together among the sorted paths: all of it begins with `folder/`.
    """
    opened: dict[str, int] = {}
    for at, path in enumerate(paths):
        inside = [path[:end] for end, letter in enumerate(path) if letter == "/"]
        if opened.keys() != set(inside):
            for folder in opened.keys() - inside:
                yield folder, opened.pop(folder), at
            opened |= {folder: at for folder in inside if folder not in opened}
    for folder, first in opened.items():
        yield folder, first, len(paths)


def _by_word(names: Iterable[Iterable[str]]) -> Iterator[tuple[str, bytes]]:
    """Each word with the numbers of the documents that it names."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, words in enumerate(names):
        for word in words:
            numbers[word].append(number)
    for word, named in numbers.items():
        yield word, np.array(named, "<u4").tobytes()


def _row(number: int, document: LiveDocument, titled: Titled) -> tuple[object, ...]:
    paths = json.dumps(document.paths)
    identity = (number, document.sha256, document.reader, paths)
    return (*identity, titled.title, titled.date, document.letters, document.unread)


def _insert(
    database: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    database.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)
