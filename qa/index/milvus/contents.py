"""What a snapshot at an address consists of: its record, and the tables of its files and documents.

    documents   label -> what a document is, in the order of first paths
    hashes      SHA-256 of a source -> the label of its document
    names       word -> the labels of the documents whose names hold it
    files       path -> what the build saw of the file

All of it is objects (see `tables`): a reader loads the record, and of the tables what is asked for.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

import numpy as np

from qa.encoding.quantisation import SCALE, Vectors
from qa.errors import IndexDamaged, IndexForeign
from qa.index.milvus import tables
from qa.index.milvus.tables import Entry, Table
from qa.index.objects import Objects
from qa.index.store import DocumentKey, Documents, Manifest
from qa.records import File, Status
from qa.records.forms import from_dict
from qa.records.languages import OfLanguage
from qa.settings import FORMAT


class StoredDocument(NamedTuple):
    """A live document."""

    label: int  # see `labels`
    sha256: str
    reader: str
    paths: tuple[str, ...]  # sorted
    title: str | None
    date: str | None
    passages: int
    ranked: int  # of these, that have words
    words: int  # of its passages, as they are indexed
    object: str  # hash of the packed document
    language: str
    letters: int  # see `Document`
    unread: int

    @property
    def key(self) -> DocumentKey:
        """By what a build knows it."""
        return self.sha256, self.reader


class Dead(NamedTuple):
    """A document whose rows or postings are still there."""

    label: int
    passages: int
    token: int  # of the build that left it out
    is_removed: bool = False  # its rows are not there any more


@dataclass(frozen=True, slots=True)
class Statistics:
    """Whole numbers that are added up: equal whoever counted them, in whatever order."""

    passages: int = 0
    ranked: int = 0
    words: int = 0
    vector: tuple[int, ...] = ()  # the sum of the quantised vectors

    def plus(self, other: "Statistics", times: int = 1) -> "Statistics":
        """Both together; `times` is -1 to take the other away."""
        length = max(len(self.vector), len(other.vector))
        mine, its = ([*each.vector, *[0] * (length - len(each.vector))] for each in (self, other))
        return Statistics(
            self.passages + times * other.passages,
            self.ranked + times * other.ranked,
            self.words + times * other.words,
            tuple(one + times * two for one, two in zip(mine, its, strict=True)),
        )

    def mean(self, dim: int) -> Vectors:
        """The mean `(dim,)` of the vectors of the passages that have words."""
        if not self.passages:
            return np.zeros(dim, np.float32)
        total = np.array(self.vector or [0] * dim, np.float64)
        return (total / (max(self.ranked, 1) * SCALE)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Record:
    """A snapshot, complete but for what its tables and rows hold."""

    manifest: Manifest
    token: int  # of its build
    rows: str  # collection
    is_exact: bool  # every vector is compared
    unpublished: tuple[int, ...]  # tokens of builds whose rows are there and never count
    dead: tuple[Dead, ...]
    documents: str  # roots of tables, as those that follow
    hashes: str
    names: str
    files: str
    postings: tuple[str, ...]
    statistics: Statistics
    weighed: float = 0.0  # by which mean of words a passage rows are; 0 where their words are not
    frequencies: tuple[str, ...] = ()  # roots of tables, where words are weighed

    def packed(self) -> bytes:
        """The record as bytes."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def unpacked(cls, data: bytes) -> "Record":
        """The record of bytes. Raises IndexDamaged and IndexForeign."""
        try:
            return _record(json.loads(data))
        except (ValueError, TypeError, KeyError) as error:
            raise IndexDamaged(
                f"The record of a snapshot cannot be read ({error}): build again with --full."
            ) from error


def _record(found: dict[str, object]) -> Record:
    manifest: dict[str, object] = found.pop("manifest")  # type: ignore[assignment]
    if manifest.get("format") != FORMAT:
        raise IndexForeign(
            f"The store holds an index of format {manifest.get('format')}, this version reads "
            f"{FORMAT}: build again."
        )
    known = {field.name for field in fields(Manifest)}
    manifest = {name: value for name, value in manifest.items() if name in known}
    manifest["segments"], manifest["files"] = (), {}
    languages: list[dict[str, object]] = manifest["languages"]  # type: ignore[assignment]
    manifest["languages"] = tuple(from_dict(OfLanguage, each) for each in languages)
    statistics: dict[str, object] = found.pop("statistics")  # type: ignore[assignment]
    statistics["vector"] = tuple(statistics["vector"])  # type: ignore[arg-type]
    for name in {"unpublished", "postings", "frequencies"} & found.keys():
        found[name] = tuple(found[name])  # type: ignore[arg-type]
    found["dead"] = tuple(Dead(*each) for each in found["dead"])  # type: ignore[attr-defined]
    return Record(
        Manifest(**manifest),  # type: ignore[arg-type]
        statistics=Statistics(**statistics),  # type: ignore[arg-type]
        **found,  # type: ignore[arg-type]
    )


class Contents:
    """The tables of a snapshot."""

    def __init__(self, objects: Objects, record: Record) -> None:
        self._documents, self._hashes, self._names, self._files = (
            Table(objects, root)
            for root in (record.documents, record.hashes, record.names, record.files)
        )

    def document(self, label: int) -> StoredDocument:
        """The document of that label. Raises IndexDamaged."""
        key = _key(label)
        found = self._documents.get(key)
        if found is None:
            raise IndexDamaged(f"There is no document {label}: build again with --full.")
        return _document(key, found)

    def documents(self) -> Iterator[StoredDocument]:
        """All documents in the order of their first paths."""
        return (_document(*entry) for entry in self._documents)

    def by_hash(self, sha256: str) -> StoredDocument | None:
        """The document whose source has that hash."""
        key = self._hashes.get(sha256)
        return self.document(int(key, 16)) if key else None

    def file(self, path: str) -> File | None:
        """The file at a path."""
        found = self._files.get(path)
        return _file(found) if found is not None else None

    def files(self) -> tuple[File, ...]:
        """Every file that the build saw, sorted by path."""
        return tuple(_file(value) for _, value in self._files)

    def named(self, words: Collection[str]) -> dict[str, Documents]:
        """The documents that each of the words names, ascending, by word."""
        found = {word: self._names.get(word) for word in words}
        return {
            word: np.frombuffer(labels, "<i8").astype(np.int64)
            for word, labels in found.items()
            if labels is not None
        }

    def names_beginning(self, start: str, limit: int) -> list[str]:
        """The first `limit` words of names that begin so and are longer."""
        found: list[str] = []
        for word, _ in self._names.since(start):
            if len(found) == limit or not word.startswith(start):
                break
            found += [word] if word != start else []
        return found

    def holds(self, document: StoredDocument) -> bool:
        """Whether a document with the same text is there."""
        found = self.by_hash(document.sha256)
        return found is not None and found.object == document.object

    def pages(self) -> set[str]:
        """The hashes of the objects that the tables are."""
        each = (self._documents, self._hashes, self._names, self._files)
        return {page.digest for table in each for page in table.pages} | {
            table.root for table in each
        }


class Roots(NamedTuple):
    """The roots of the four tables, as a record names them."""

    documents: str
    hashes: str
    names: str
    files: str


def write(
    objects: Objects,
    documents: Sequence[StoredDocument],
    names: Iterable[Iterable[str]],
    files: Iterable[File],
) -> Roots:
    """Writes the tables of documents in the order of their labels; `names` are the words of each."""
    entries = ((_key(each.label), _packed(each)) for each in documents)
    hashes = {each.sha256: _key(each.label).encode() for each in documents}
    by_path = {file.path: json.dumps(asdict(file), ensure_ascii=False) for file in files}
    return Roots(
        tables.write(objects, entries),
        tables.write(objects, sorted(hashes.items())),
        tables.write(objects, _by_word(documents, names)),
        tables.write(objects, ((path, by_path[path].encode()) for path in sorted(by_path))),
    )


def _by_word(documents: Sequence[StoredDocument], names: Iterable[Iterable[str]]) -> list[Entry]:
    labels: dict[str, list[int]] = defaultdict(list)
    for document, words in zip(documents, names, strict=True):
        for word in words:
            labels[word].append(document.label)
    return [(word, np.array(labels[word], "<i8").tobytes()) for word in sorted(labels)]


def _key(label: int) -> str:
    return f"{label:011x}"


def _packed(document: StoredDocument) -> bytes:
    return json.dumps(document[1:], ensure_ascii=False).encode()


def _document(key: str, data: bytes) -> StoredDocument:
    try:
        sha256, reader, paths, *others = json.loads(data)
        return StoredDocument(int(key, 16), sha256, reader, tuple(paths), *others)
    except (ValueError, TypeError) as error:
        raise IndexDamaged(
            f"The document {key} cannot be read: build again with --full."
        ) from error


def _file(data: bytes) -> File:
    try:
        values = json.loads(data)
        return File(**{**values, "status": Status(values["status"])})
    except (ValueError, TypeError, KeyError) as error:
        raise IndexDamaged("A file's record cannot be read: build again with --full.") from error
