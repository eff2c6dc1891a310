"""The interface of an index: what a question and a build need of a store, whatever keeps it.

Nothing outside this package knows which store it is. One is local (`snapshot`, `build`: faiss,
tantivy, SQLite and memory maps); another is accepted when it passes `tests/test_store.py`.

A passage is named by a key: an integer that means nothing outside of its snapshot. Where two
passages match equally well, the one whose document's first path sorts first goes first, and within
a document the first passage: `Snapshot.places` gives numbers in that order.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from qa.encoding.codebook import Codes
from qa.encoding.quantisation import Vectors
from qa.errors import IndexDamaged
from qa.index.coding import Coded, Row
from qa.index.words import Words
from qa.languages import ENGLISH
from qa.records import Document, File
from qa.records.dates import ALWAYS, Days
from qa.records.languages import OfLanguage
from qa.records.lists import Listed, ListPart
from qa.settings import FORMAT, fingerprint

Keys = npt.NDArray[np.int64]
Documents = npt.NDArray[np.int64]  # numbers of documents in one snapshot, ascending by first path
Scores = npt.NDArray[np.float32]
DocumentKey = tuple[str, str]  # SHA-256 of the source and name of the reader
Filter = Any  # some passages of one snapshot, as its `among` gave them
Scope = tuple[int, Filter | None]  # so many passages, of those that a filter leaves


class TokenCodes(NamedTuple):
    """The codes of passages' tokens, one passage after the other."""

    codes: Codes  # (tokens, code bytes)
    runs: npt.NDArray[np.int64]  # where each run begins: each passage's context, then its sentences
    firsts: npt.NDArray[np.int64]  # (n,) which run is each passage's context


class StoredPassage(NamedTuple):
    """A passage with its place in its document."""

    text: str
    start: int  # in the document
    end: int
    sentences: tuple[int, ...]  # the ends of its sentences, in the document
    context: str  # what its ranking text has in front of its sentences
    lines: tuple[int, int]
    page: int | None
    heading: tuple[str, ...]
    document: str  # SHA-256 of its source
    paths: tuple[str, ...]  # of its document, sorted
    title: str | None
    date: str | None
    language: str = ENGLISH  # of its document


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot is made of, and from what."""

    snapshot: str  # id by content: equal documents and settings give an equal id
    created: str  # ISO 8601, UTC
    seeds: str  # absolute
    settings: dict[str, str | int]
    encoder: str
    encoder_fingerprint: str
    fingerprint: str  # of everything that shapes the index
    dim: int
    code_bytes: int
    documents: int
    passages: int
    ranked: int  # passages that have words; the others are boilerplate
    segments: tuple[str, ...]
    files: dict[str, tuple[int, str]] = field(repr=False)  # path in the index -> size, SHA-256
    format: int = FORMAT
    seeds_relative: str = ""  # to the index: both may be moved together
    languages: tuple[OfLanguage, ...] = ()  # of its documents, by their codes
    checksum: str = ""  # see `summed`

    def summed(self) -> str:
        """What `checksum` was when this was written; the rest of it is checked by what it names."""
        return fingerprint(
            *(self.snapshot, self.seeds, self.seeds_relative, self.settings, self.segments),
            *(self.dim, self.code_bytes, self.documents, self.passages, self.ranked),
            self.files,
            [asdict(each) for each in self.languages],
        )


class Snapshot(Protocol):
    """One immutable version of an index, open for questions from any number of threads."""

    name: str  # another version has another name
    manifest: Manifest
    warning: str  # why an older version answers in place of the live one; "" when it does not
    mean: Vectors  # (dim,) of the vectors of all passages that have words

    @property
    def words(self) -> Words:
        """The words of its languages, and how often they stand."""

    def nearest(self, vector: Vectors, limit: int, among: Filter | None = None) -> Keys:
        """Up to `limit` passages that have words, nearest to a quantised vector, best first."""

    def search(
        self, terms: Sequence[str], limit: int, among: Filter | None = None
    ) -> tuple[Keys, Scores]:
        """Up to `limit` passages in which terms stand, and their BM25, best first.

        A term is a text that `Words` gave; a store compares it and looks for nothing in it. Its
        weight is the idf that `Words` gives it.
        """

    def similarity(self, vector: Vectors, keys: Keys) -> Scores:
        """The cosines `(n,)` of passages' vectors with a quantised vector."""

    def bm25(self, terms: Sequence[str], keys: Keys) -> Scores:
        """The BM25 `(n,)` of passages, 0 where no term stands."""

    def expect_nearest(self, vector: Vectors, scope: Scope) -> None:
        """Begins to fetch what `nearest` in a scope will be asked for, and does not wait.

        A hint for a store that is far away: no answer depends on it.
        """

    def prefetch_nearest(self, vector: Vectors, scopes: Sequence[Scope], keys: Keys) -> None:
        """Fetches at once what `nearest` in each scope and `similarity` of keys will be asked for.

        A hint, too, as the next one.
        """

    def prefetch_passages(self, keys: Keys) -> None:
        """Fetches at once what `token_codes` and `passages` will be asked for."""

    def places(self, keys: Keys) -> npt.NDArray[np.int64]:
        """Numbers `(n,)` that ascend by path and position."""

    def token_codes(self, keys: Keys) -> TokenCodes:
        """The codes of the passages' tokens, in the order of `keys`."""

    def passages(self, keys: Iterable[int]) -> list[StoredPassage]:
        """The passages, in the order of `keys`."""

    def paths_of(self, globs: Sequence[str]) -> Iterator[str]:
        """The paths of documents that one of the globs names, sorted, read while they are asked for.

        `["*"]` names all: an index may have millions, so that few callers should ask for the last.
        """

    def holding(self, wanted: Sequence[Collection[str]], among: Filter | None = None) -> Keys:
        """Every passage whose own text holds one term of each of `wanted`, ascending by `places`.

        Its title, headings and columns, which stand in its ranking text, do not count.
        """

    def of_passages(self, keys: Keys) -> Filter:
        """These passages as a filter."""

    def texts(self, keys: Iterable[int]) -> Iterator[str]:
        """The texts of passages, in the order of `keys`."""

    def documents_in(self, among: Filter) -> int:
        """Of how many documents a filter leaves passages."""

    def among(
        self,
        only: Sequence[str],
        exclude: Sequence[str],
        languages: Collection[str] = (),
        days: Days = ALWAYS,
    ) -> Filter | None:
        """The passages that globs on paths leave, to be given to `nearest` and `search`.

        A document is kept when one of its paths matches `only` and is of these days (by `day_of`), not
        all match `exclude`, and it is in one of `languages`, where any are given. None when nothing is
        asked, and all are kept.
        """

    def named(self, words: Collection[str]) -> dict[str, Documents]:
        """The documents whose names hold each of the words, ascending, by word; see `names`.

        A word that no name holds is left out.
        """

    def names_beginning(self, start: str, limit: int) -> list[str]:
        """The first `limit` words of names that begin so and are longer, in their order."""

    def headings(self, keys: Keys) -> Sequence[tuple[str, ...]]:
        """The headings above each passage, outermost first, in the order of `keys`."""

    def documents_of(self, keys: Keys) -> Documents:
        """The document `(n,)` of each passage."""

    def of_documents(self, documents: Documents, among: Filter | None = None) -> Filter:
        """The passages of documents, of those that `among` leaves."""

    def document(self, sha256: str) -> Document | None:
        """The complete document whose source has that hash."""

    def files(self) -> tuple[File, ...]:
        """Every file that the build saw, sorted by path."""

    def file(self, path: str) -> File | None:
        """The file at a path."""

    def files_of(self, sha256: str) -> tuple[File, ...]:
        """The files that are the document whose source has that hash, sorted by path."""

    def listed(self, part: ListPart) -> Listed:
        """A part of the files as a list, each with its day."""

    def dates(self) -> Mapping[str, str | None]:
        """The date that each document gives, by path; as long as `files`."""

    def check(self) -> None:
        """Raises IndexDamaged for damage that is cheap to detect, and OSError."""

    def damaged(self) -> list[str]:
        """What is not byte for byte as it was written; reads everything."""

    def close(self) -> None:
        """Closes all files. Calls afterwards raise IndexClosed."""


_Older = TypeVar("_Older", bound=Snapshot)


def fallback(older: _Older | None, problem: str) -> _Older:
    """An older snapshot with the warning that it answers. Raises IndexDamaged where there is none."""
    if older is None:
        raise IndexDamaged(problem)
    older.warning = f"{problem} Until then the snapshot of {older.manifest.created} answers."
    return older


class Shape(NamedTuple):
    """What shapes an index besides its documents."""

    settings: dict[str, str | int]
    encoder: str
    encoder_fingerprint: str
    coding: str  # fingerprint of what shapes codes
    fingerprint: str  # of everything; ends with "/" and `coding`
    dim: int
    code_bytes: int

    def manifest(self, snapshot: str, seeds: Path, **contents: Any) -> Manifest:
        """The manifest of a snapshot that is made now; `contents` are its fields about documents."""
        shape = self._asdict()
        del shape["coding"]
        created = datetime.now(UTC).isoformat(timespec="seconds")
        return Manifest(snapshot, created, str(seeds.resolve()), **shape, **contents)


class Published(NamedTuple):
    """What a build has made the live snapshot."""

    snapshot: str
    passages: int
    languages: tuple[OfLanguage, ...] = ()


class Build(Protocol):
    """A new version, being built by the one writer. It is invisible until it is published."""

    last: Manifest | None  # of the version that this one follows
    files_before: tuple[File, ...]  # of that version
    files: tuple[File, ...]  # the same where its shape is equal: what is unchanged can be kept

    def __enter__(self) -> Self:
        """The build."""

    def __exit__(self, *_: object) -> None:
        """Abandons what is not published; the last version stays."""

    def passages_of(self, key: DocumentKey) -> int | None:
        """How many passages a document has that this or the last version holds; None for others."""

    def coded(self, input_hash: bytes) -> Coded | None:
        """The codes of a ranking text that the last version holds."""

    def add(self, document: Document, rows: Iterable[Row]) -> int:
        """Adds a document with its passages, which may come one at a time; returns their number.

        Raises DocumentFailed when it is the document's own fault; then nothing of it stays.
        """

    def publish(self, files: Sequence[File]) -> Published:
        """Makes the documents of these files the live snapshot, all at once.

        Raises SegmentsDamaged where what the last version holds would have to be copied and is not
        what was written: begin again without those segments.
        """
