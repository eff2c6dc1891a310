"""The catalog of a snapshot: its files, its live documents, and where their passages are.

    catalog.sqlite   what is text: files, documents, their paths, folders and names
    documents.bin    a `DOCUMENT` record a live document, in the order of first paths
    firsts.i8        the key of each document's first passage, and last the number of passages
    paths.bin        a `PATH` record a path of a live document, sorted (see `paths`)

Arrays are mapped and texts are looked up when they are asked for: opening a catalog costs the same
whatever it holds. Only a build reads all of it.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.errors import IndexDamaged
from qa.index.filelist import FileList
from qa.index.files import close_with, mapped, open_database
from qa.index.integrity import damaged, reading
from qa.index.paths import PATH, Paths
from qa.index.runs import Numbers, Runs, up_to
from qa.records.dates import Days

DATABASE, DOCUMENTS, FIRSTS, PATHS = "catalog.sqlite", "documents.bin", "firsts.i8", "paths.bin"
FILES = (DATABASE, DOCUMENTS, FIRSTS, PATHS)  # in the folder of the snapshot
DOCUMENT = np.dtype(
    [
        ("segment", "<u4"),  # index into the manifest's segments
        ("place", "<u4"),  # its number in the segment
        ("row", "<u8"),  # of its first passage in the segment
        ("language", "<u4"),  # index into the catalog's languages
        ("paths", "<u4"),  # how many
    ]
)
FIRST = np.dtype("<i8")
DESCRIBED = 4_096  # documents that are held once they were read


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


class Described(NamedTuple):
    """What is told of a document where one of its passages is cited."""

    sha256: str
    paths: tuple[str, ...]  # sorted
    title: str | None
    date: str | None
    language: str


class Catalog:
    """An open catalog of documents that have so many passages together.

    `segments` are the numbers of passages in the manifest's segments. Where documents stand is compared
    with them before it is used, once for each document.
    """

    def __init__(
        self, folder: Path, *, documents: int, passages: int, segments: Sequence[int]
    ) -> None:
        self.file_path = folder / DATABASE
        self.count, self._passages = documents, passages
        self._lengths = np.array(segments, np.int64)
        self._checked = np.zeros(documents + 2, np.bool_)  # of those before and after all: never
        self.records = mapped(folder / DOCUMENTS, DOCUMENT)
        self.firsts = mapped(folder / FIRSTS, FIRST)
        bounds = self.firsts[[0, -1]].tolist() if len(self.firsts) == documents + 1 else []
        if len(self.records) != documents or bounds != [0, passages]:
            raise damaged(folder / DOCUMENTS, f"is not of {documents} documents")
        self._database = open_database(self.file_path)
        self._database.row_factory = sqlite3.Row
        close_with(self, self._database)
        self.paths = Paths(self._database, self.file_path, mapped(folder / PATHS, PATH))
        self.files = FileList(self._database, self.file_path)
        self._check_paths()
        self._described: dict[int, Described] = {}

    def _check_paths(self) -> None:
        """Raises IndexDamaged unless there is a record of each path."""
        with reading(self.file_path):
            (last,) = self._database.execute("SELECT max(number) FROM path").fetchone()
        if len(self.paths) != (0 if last is None else last + 1):
            raise self._damaged(PATHS, "is not of the paths that there are")

    def documents(self) -> list[LiveDocument]:
        """The live documents in the order of their first paths, for a build."""
        with reading(self.file_path):
            found = self._database.execute("SELECT * FROM document ORDER BY number").fetchall()
            counts = np.diff(self.firsts).tolist()
            languages = self.paths.values("language")
            numbers = zip(self.records.tolist(), counts, strict=True)
            return [
                LiveDocument(
                    *(row["sha256"], row["reader"], _paths(row["paths"])),
                    *(segment, place, first, passages, languages[language]),
                    *(_whole(row["letters"]), _whole(row["unread"])),
                )
                for row, ((segment, place, first, language, _), passages) in zip(
                    found, numbers, strict=True
                )
            ]

    def described(self, number: int) -> Described:
        """The document of that number; every question cites some."""
        known = self._described.get(number)
        if known is not None:
            return known
        query = "SELECT sha256, paths, title, date FROM document WHERE number = ?"
        with reading(self.file_path):
            sha256, paths, title, date = self._database.execute(query, (number,)).fetchone()
            language = self.paths.values("language")[int(self.records["language"][number])]
            found = Described(str(sha256), _paths(paths), _text(title), _text(date), language)
        if len(self._described) >= DESCRIBED:
            self._described.clear()
        self._described[number] = found
        return found

    def number_of(self, sha256: str) -> int | None:
        """The number of the document whose source has that hash."""
        query = "SELECT number FROM document WHERE sha256 = ? ORDER BY number DESC LIMIT 1"
        with reading(self.file_path):
            found = self._database.execute(query, (sha256,)).fetchone()
            number = None if found is None else _whole(found["number"])
        if number is not None and not 0 <= number < self.count:
            raise damaged(self.file_path, "names documents that are not there")
        return number

    def documents_of(self, keys: Numbers) -> Numbers:
        """The number `(n,)` of each passage's document."""
        return np.searchsorted(self.firsts, keys, side="right") - 1

    def passages_of(self, documents: Runs) -> Runs:
        """The passages of documents."""
        starts, ends = self.firsts[documents.starts], self.firsts[documents.ends]
        if np.any(starts < 0) or np.any(ends < starts) or np.any(ends > self._passages):
            raise self._damaged(FIRSTS, "names passages that are not there")
        return Runs.between(starts, ends)

    def places(self, documents: Numbers, keys: Numbers) -> tuple[Numbers, Numbers]:
        """The segments `(n,)` and the rows in them `(n,)` of passages of these documents."""
        records = self.located(documents)
        inside = keys - self.firsts[documents]
        if np.any(inside < 0) or np.any(keys >= self.firsts[documents + 1]):
            raise self._damaged(FIRSTS, "names passages that are not there")
        return records["segment"].astype(np.int64), records["row"].astype(np.int64) + inside

    def located(self, documents: Numbers) -> npt.NDArray[np.void]:
        """The records `(n,)` of documents, their places valid."""
        if not self._checked[documents].all():
            self._check(documents)
        found: npt.NDArray[np.void] = self.records[documents]
        return found

    def _check(self, documents: Numbers) -> None:
        """Raises IndexDamaged unless documents stand within their segments."""
        if documents.min() < 0 or documents.max() >= self.count:
            raise self._damaged(FIRSTS, "names documents that are not there")
        records = self.records[documents]
        if records["segment"].max() >= len(self._lengths):
            raise self._damaged(DOCUMENTS, "names segments that are not there")
        rows = records["row"].astype(np.int64)
        counts = self.firsts[documents + 1] - self.firsts[documents]
        room = self._lengths[records["segment"]] - rows
        if np.any(rows < 0) or np.any(counts < 0) or np.any(counts > room):
            raise self._damaged(DOCUMENTS, "names passages that are not there")
        self._checked[documents] = True

    def _damaged(self, name: str, reason: str) -> IndexDamaged:
        return damaged(self.file_path.parent / name, reason)

    def chosen(
        self, only: Sequence[str], exclude: Sequence[str], languages: Collection[str], days: Days
    ) -> Runs:
        """The documents that a filter leaves; see `store.Snapshot.among`."""
        found = up_to(self.count)
        if only or days:
            named = self.paths.naming(only) if only else self.paths.all
            found = self._with_any(self.paths.dated(named, days) if days else named)
        if exclude:
            found = found.without(self._with_all(self.paths.naming(exclude)))
        return self._spoken(found, languages) if languages else found

    def _with_any(self, paths: Runs) -> Runs:
        """The documents that stand at one of these paths."""
        if len(self.paths) == self.count:  # each at one path, and both are in the same order
            return paths
        return Runs.of(np.unique(self._owners(paths)))

    def _with_all(self, paths: Runs) -> Runs:
        """The documents all of whose paths are among these."""
        if len(self.paths) == self.count:
            return paths
        numbers, counts = np.unique(self._owners(paths), return_counts=True)
        return Runs.of(numbers[counts == self.records["paths"][numbers]])

    def _owners(self, paths: Runs) -> Numbers:
        owners: Numbers = self.paths.records["document"][paths.numbers].astype(np.int64)
        if owners.max(initial=-1) >= self.count:
            raise self._damaged(PATHS, "names documents that are not there")
        return owners

    def _spoken(self, among: Runs, languages: Collection[str]) -> Runs:
        """Those documents that are in one of the languages."""
        wanted = self.paths.wanted("language", languages.__contains__)
        with reading(self.file_path.parent / DOCUMENTS):
            return among.where(self.records["language"], wanted)

    def dates(self) -> dict[str, str | None]:
        """The date that each document gives, by path."""
        with reading(self.file_path):
            found = self._database.execute("SELECT paths, date FROM document ORDER BY number")
            return {path: _text(date) for paths, date in found for path in _paths(paths)}

    def named(self, words: Collection[str]) -> dict[str, npt.NDArray[np.int64]]:
        """The numbers of the documents that each of the words names, ascending, by word."""
        places = ", ".join("?" * len(words))
        query = f"SELECT word, documents FROM name WHERE word IN ({places})"
        with reading(self.file_path):
            found = {
                row["word"]: np.frombuffer(row["documents"], "<u4").astype(np.int64)
                for row in self._database.execute(query, [*words])
            }
        if any(documents.max(initial=-1) >= self.count for documents in found.values()):
            raise damaged(self.file_path, "names documents that are not there")
        return found

    def names_beginning(self, start: str, limit: int) -> list[str]:
        """The first `limit` words of names that begin so and are longer."""
        query = "SELECT word FROM name WHERE word > ? AND word < ? ORDER BY word LIMIT ?"
        with reading(self.file_path):
            found = self._database.execute(query, (start, f"{start}\U0010ffff", limit))
            return [str(row["word"]) for row in found]

    def close(self) -> None:
        """Closes the databases; mapped files go with the last reference to them."""
        self.files.close()
        self._database.close()


def _paths(packed: str) -> tuple[str, ...]:
    """A document's paths. Raises ValueError and TypeError where they are damaged."""
    paths = tuple(json.loads(packed))
    if not paths or not all(isinstance(path, str) for path in paths):
        raise ValueError("a document has no path")
    return paths


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("a number of a document is none")
    return value


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("a title or a date is no text")
