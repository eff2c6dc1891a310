"""A store at an address, open for questions: rows in Milvus, all else in tables of objects.

Nothing of the collection is held in memory but what was asked for last. A question makes two trips
to Milvus: the nearest passages, with the vectors of those that were found by words, and the rows of the
candidates. A passage's key is its document's label and its number (see `labels`), so that keys ascend
by path and position.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.encoding import quantisation
from qa.encoding.quantisation import Vectors
from qa.errors import IndexDamaged
from qa.index import dense
from qa.index.globs import Globs
from qa.index.milvus.address import Address
from qa.index.milvus.contents import Contents, Record, StoredDocument
from qa.index.milvus.fetching import RowReader
from qa.index.milvus.heads import Head
from qa.index.milvus.labels import key_of, labels_of
from qa.index.milvus.postings import PostingIndex
from qa.index.milvus.rows import PassageRow
from qa.index.milvus.server import KEY, Server
from qa.index.milvus.sparse import Frequencies, SparseIndex
from qa.index.milvus.weighing import Bm25, mean_of
from qa.index.objects import Objects
from qa.index.store import Documents, Keys, Scope, Scores, StoredPassage, TokenCodes
from qa.index.words import Words
from qa.records import Document, File
from qa.records.dates import ALWAYS, Days, day_of
from qa.records.lists import Listed, ListedFile, ListPart, part_of
from qa.records.packing import unpack_document


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some passages: those of documents, or those of keys; both ascending."""

    documents: Documents
    keys: Keys | None = None

    def holds(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which of the passages are among them, `(n,)`."""
        if self.keys is not None:
            return np.isin(keys, self.keys)
        return np.isin(labels_of(keys), self.documents)

    @property
    def condition(self) -> str:
        """The same for Milvus."""
        if self.keys is not None:
            return f"{KEY} in {self.keys.tolist()}"
        return f"document in {self.documents.tolist()}"


class _Located(NamedTuple):
    """A document's label and what filters ask of it."""

    label: int
    paths: tuple[str, ...]
    language: str
    date: str | None


class MilvusSnapshot:
    """An open snapshot."""

    def __init__(self, address: Address, server: Server, objects: Objects, head: Head) -> None:
        self.address, self.head = address, head
        self.name = head.name
        self.warning = ""
        self.record = Record.unpacked(objects.get(head.manifest))
        self.manifest = self.record.manifest
        self._objects = objects
        self.rows = RowReader(address, server, self.record)
        self.contents = Contents(objects, self.record)
        statistics = self.record.statistics
        self.mean = statistics.mean(self.manifest.dim)
        dead = np.array([each.label for each in self.record.dead], np.int64)
        bm25 = Bm25(statistics.passages, mean_of(statistics.passages, statistics.words))
        self._postings = PostingIndex(objects, self.record.postings, dead, bm25)
        frequency: Callable[[str], int] = self._postings.frequency
        self._sparse = None
        if self.record.weighed:
            frequency = Frequencies(objects, self.record.frequencies)
            written_for = self.record.weighed
            self._sparse = SparseIndex(self.rows, bm25, frequency, written_for=written_for)
        languages = [each.language for each in self.manifest.languages]
        self.words = Words(languages, statistics.ranked, frequency)

    def nearest(self, vector: Vectors, limit: int, among: Chosen | None = None) -> Keys:
        """Up to `limit` passages that have words, nearest to a quantised vector, best first."""
        found = self.rows.nearest(vector, _sought(limit, among))
        return found.keys[:limit][found.tokens[:limit] > 0]

    def expect_nearest(self, vector: Vectors, scope: Scope) -> None:
        """Begins to fetch what `nearest` in a scope will need."""
        self.rows.expect(vector, _sought(*scope))

    def prefetch_nearest(self, vector: Vectors, scopes: Sequence[Scope], keys: Keys) -> None:
        """Fetches in one trip what `nearest` in each scope and `similarity` of keys will need."""
        self.rows.prefetch(vector, [_sought(*scope) for scope in scopes], keys)

    def prefetch_passages(self, keys: Keys) -> None:
        """Fetches in one trip what `passages` and `token_codes` of keys will need."""
        self.rows.passages(keys.tolist())

    def similarity(self, vector: Vectors, keys: Keys) -> Scores:
        """The cosines `(n,)` of passages' vectors with a quantised vector."""
        return quantisation.cosines(self.rows.products(vector, keys))

    def token_codes(self, keys: Keys) -> TokenCodes:
        """The codes of the passages' tokens, in the order of `keys`."""
        coded = [row.coded for row in self.rows.passages(keys.tolist())]
        starts = accumulate((len(each.codes) for each in coded), initial=0)
        pairs = zip(starts, coded, strict=False)
        ends = [start + bound for start, each in pairs for bound in each.bounds]
        firsts = [0, *accumulate(len(each.bounds) for each in coded)][: len(coded)]
        empty = np.empty((0, self.manifest.code_bytes), np.uint8)
        return TokenCodes(
            np.concatenate([empty, *(each.codes for each in coded)]),
            np.array([0, *ends], np.int64),
            np.array(firsts, np.int64),
        )

    def passages(self, keys: Iterable[int]) -> list[StoredPassage]:
        """The passages, in the order of `keys`."""
        return list(map(self._passage, self.rows.passages(list(keys))))

    def _passage(self, row: PassageRow) -> StoredPassage:
        (label,) = labels_of(np.array([row.key])).tolist()
        document = self.contents.document(label)
        return StoredPassage(
            text=row.text,
            start=row.passage.start,
            end=row.passage.end,
            sentences=row.passage.sentences,
            context=row.context,
            lines=row.lines,
            page=row.passage.page,
            heading=row.passage.heading,
            document=document.sha256,
            paths=document.paths,
            title=document.title,
            date=document.date,
            language=document.language,
        )

    def headings(self, keys: Keys) -> Sequence[tuple[str, ...]]:
        """The heading path of each passage, in the order of `keys`."""
        return self.rows.headings(keys.tolist())

    def texts(self, keys: Iterable[int]) -> Iterator[str]:
        """The texts of passages, in the order of `keys`."""
        return self.rows.texts(keys)

    def search(
        self, terms: Sequence[str], limit: int, among: Chosen | None = None
    ) -> tuple[Keys, Scores]:
        """Up to `limit` passages in which terms stand, and their BM25, best first."""
        if self._sparse:
            different, boosts = self._weighed(terms)
            condition = among.condition if among is not None else ""
            return self._sparse.search(different, boosts, limit, condition)
        keys, scores = self._relevance(terms)
        if among is not None:
            kept = among.holds(keys)
            keys, scores = keys[kept], scores[kept]
        best = dense.best(scores, max(limit, 0))
        return keys[best], scores[best]

    def bm25(self, terms: Sequence[str], keys: Keys) -> Scores:
        """The BM25 `(n,)` of passages, 0 where no term stands."""
        if self._sparse:
            return self._sparse.scores(*self._weighed(terms), keys)
        found, scores = self._relevance(terms)
        if not len(found):
            return np.zeros(len(keys), np.float32)
        at = np.minimum(np.searchsorted(found, keys), len(found) - 1)
        return np.where(found[at] == keys, scores[at], np.float32(0))

    def _relevance(self, terms: Sequence[str]) -> tuple[Keys, Scores]:
        return self._postings.relevance(*self._weighed(terms))

    def _weighed(self, terms: Sequence[str]) -> tuple[list[str], Mapping[str, float]]:
        """The terms, each once, and by what each counts more or less."""
        self.rows.server  # noqa: B018 - raises IndexClosed
        different = list(dict.fromkeys(terms))
        return different, self.words.boosts(different)

    def places(self, keys: Keys) -> Keys:
        """The keys themselves: they ascend by path and position."""
        return keys

    def holding(self, wanted: Sequence[Collection[str]], among: Chosen | None = None) -> Keys:
        """Every passage whose own text holds one term of each of `wanted`, ascending."""
        found = self._postings.holding(wanted)
        return found if among is None else found[among.holds(found)]

    def of_passages(self, keys: Keys) -> Chosen:
        """These passages as a filter."""
        ascending = np.unique(keys)
        return Chosen(np.unique(labels_of(ascending)), ascending)

    def documents_in(self, among: Chosen) -> int:
        """Of how many documents a filter leaves passages."""
        return len(among.documents)

    def among(
        self,
        only: Sequence[str],
        exclude: Sequence[str],
        languages: Collection[str] = (),
        days: Days = ALWAYS,
    ) -> Chosen | None:
        """The passages that globs on paths, languages and days leave; None when all."""
        if not only and not exclude and not languages and not days:
            return None
        wanted, unwanted = Globs(only or ["*"]), Globs(exclude)
        kept = [
            each.label
            for each in self._located
            if (not languages or each.language in languages)
            and any(
                wanted.match(path) and (not days or self._is_of(days, path, each.date))
                for path in each.paths
            )
            and not all(map(unwanted.match, each.paths))
        ]
        return Chosen(np.array(kept, np.int64))

    def _is_of(self, days: Days, path: str, date: str | None) -> bool:
        file = None if date else self.file(path)
        return days.hold(day_of(file, date) if file else (date or "")[:10])

    def named(self, words: Collection[str]) -> dict[str, Documents]:
        """The documents whose names hold each of the words, ascending, by word."""
        return self.contents.named(words)

    def names_beginning(self, start: str, limit: int) -> list[str]:
        """The first `limit` words of names that begin so and are longer."""
        return self.contents.names_beginning(start, limit)

    def documents_of(self, keys: Keys) -> Documents:
        """The document `(n,)` of each passage."""
        return labels_of(keys)

    def of_documents(self, documents: Documents, among: Chosen | None = None) -> Chosen:
        """The passages of documents, of those that `among` leaves."""
        if among is None:
            return Chosen(np.unique(documents))
        kept = np.intersect1d(documents, among.documents)
        if among.keys is None:
            return Chosen(kept)
        return self.of_passages(among.keys[np.isin(labels_of(among.keys), kept)])

    def document(self, sha256: str) -> Document | None:
        """The complete document whose source has that hash. Raises IndexDamaged."""
        found = self.contents.by_hash(sha256)
        return self.unpacked(found) if found else None

    def unpacked(self, document: StoredDocument) -> Document:
        """The complete document. Raises IndexDamaged."""
        try:
            return unpack_document(self._objects.get(document.object))
        except ValueError as error:
            raise IndexDamaged(
                f"The document {document.sha256} cannot be read: build again with --full."
            ) from error

    @cached_property
    def _files(self) -> tuple[File, ...]:
        return self.contents.files()

    def files(self) -> tuple[File, ...]:
        """Every file that the build saw, sorted by path."""
        return self._files

    def file(self, path: str) -> File | None:
        """The file at a path."""
        return self.contents.file(path)

    def files_of(self, sha256: str) -> tuple[File, ...]:
        """The files that are the document whose source has that hash, sorted by path."""
        found = self.contents.by_hash(sha256)
        return tuple(file for path in (found.paths if found else ()) if (file := self.file(path)))

    @cached_property
    def _located(self) -> list["_Located"]:
        return [
            _Located(each.label, each.paths, each.language, each.date)
            for each in self.contents.documents()
        ]

    def paths_of(self, globs: Sequence[str]) -> Iterator[str]:
        """The paths of documents that one of the globs names, sorted."""
        return filter(Globs(globs).match, self._sorted)

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(path for each in self._located for path in each.paths)

    def dates(self) -> dict[str, str | None]:
        """The date that each document gives, by path."""
        return {path: each.date for each in self._located for path in each.paths}

    def listed(self, part: ListPart) -> Listed:
        """A part of the files as a list, each with its day."""
        dates = self.dates()
        return part_of(
            (ListedFile(each, day_of(each, dates.get(each.path))) for each in self.files()), part
        )

    def check(self) -> None:
        """Raises StoreUnreachable where the rows cannot be read: a server that starts loads them first."""
        self.rows.require_readable()

    def damaged(self) -> list[str]:
        """The documents of which something is not as it was written; reads everything."""
        return [
            document.paths[0]
            for document in self.contents.documents()
            if not self._is_as_written(document)
        ]

    def _is_as_written(self, document: StoredDocument) -> bool:
        try:
            text = self.unpacked(document).text
            first = key_of(document.label, 0)
            found = self.rows.passages(range(first, first + document.passages))
        except IndexDamaged:
            return False
        return all(row.text == text[row.passage.start : row.passage.end] for row in found)

    def close(self) -> None:
        """Lets nothing be asked any more. Calls afterwards raise IndexClosed."""
        self.rows.close()


def _sought(limit: int, among: Chosen | None) -> tuple[int, str]:
    return limit, among.condition if among else ""
