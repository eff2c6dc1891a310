"""Publishing at an address: rows and objects are sent, waited for, and made live by one head.

What the last snapshot holds already stays where it is: a document is sent again only where its path
moved it among the others. Where too much has died, or no label is left between two, all of it goes
into a new collection, as does a build from nothing.
"""

import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qa import storage
from qa.errors import IndexDamaged
from qa.index import names
from qa.index.milvus import cleaning, contents, labels, postings, rows, sparse
from qa.index.milvus.address import Address
from qa.index.milvus.contents import Dead, Record, Statistics, StoredDocument
from qa.index.milvus.heads import ROWS, Head, Heads, Lease
from qa.index.milvus.labels import key_of
from qa.index.milvus.postings import Gathered
from qa.index.milvus.rows import PassageRow
from qa.index.milvus.server import Server, batches
from qa.index.milvus.snapshot import MilvusSnapshot
from qa.index.milvus.spooling import Live, Spooled
from qa.index.milvus.weighing import Bm25, counted, mean_of
from qa.index.objects import Objects
from qa.index.segment import Location
from qa.index.store import DocumentKey, Manifest, Shape
from qa.index.words import analyzer
from qa.records import File
from qa.records.languages import by_language
from qa.records.packing import pack_document

EXACT = 20_000  # passages: beyond, HNSW finds the nearest instead of comparing every vector
SENT = 500  # rows of one request
SENDING = 3  # requests at once
MOST_DEAD = 5_000  # documents that a question's condition leaves out
MOST_DEAD_SHARE = 1 / 3  # of the live passages
MOST_TABLES = 8  # of postings, before they are merged
FLUSHED = 1_000  # rows from which the server is asked to write them down at once
STALENESS = 6.0  # seconds after which every replica shows what was acknowledged


class Target(NamedTuple):
    """Where a build publishes, and by which lease."""

    address: Address
    server: Server
    heads: Heads
    lease: Lease
    objects: Objects
    place: str  # of the objects


class Publication:
    """One publication: what is sent for it, counted as it goes."""

    def __init__(
        self, target: Target, shape: Shape, seeds: Path, last: MilvusSnapshot | None
    ) -> None:
        self._to, self._shape, self._seeds, self._last = target, shape, seeds, last
        self._server, self._objects = target.server, target.objects
        self._token = target.lease.token
        self._gathered = Gathered()
        self._weighing: Bm25 | None = None  # where rows have sparse vectors
        self._frequencies = Counter[str]()
        self._statistics = Statistics()
        self._sent = 0
        self._sending: deque[Future[None]] = deque()

    def publish(
        self, content: str, live: Sequence[Live], files: Sequence[File],
        known: Mapping[DocumentKey, StoredDocument], spooled: Spooled | None,
    ) -> Manifest:  # fmt: skip
        """Sends what is new, waits until it is seen, makes the head; the snapshot's manifest."""
        numbers, is_anew = self._labels(live, known)
        dead = [] if is_anew else self._dead(live, known, numbers)
        name, is_exact = self._collection(live, known, spooled, is_anew=is_anew)
        if not is_anew and self._last:
            self._statistics = self._last.record.statistics
            self._take_away(live, known)
        with ThreadPoolExecutor(SENDING) as self._pool:
            documents = list(self._send(name, live, numbers, known, spooled, is_anew=is_anew))
            self._sent_all()
        storage.crash_point("before-sync")
        if is_anew:
            self._server.flush(name)
            self._server.index(name, exact=is_exact, sparse=self._weighing is not None)
        elif self._sent >= FLUSHED:
            self._server.flush(name)
        self._wait(name)
        record = self._record(content, name, documents, files, dead, is_exact=is_exact)
        digest = self._objects.put(record.packed())
        storage.crash_point("before-manifest")
        head = Head(self._token, content, digest, self._to.place)
        self._to.heads.publish(head, self._to.lease)
        cleaning.clean(self._to.heads, self._server, self._token)
        return record.manifest

    def _labels(
        self, live: Sequence[Live], known: Mapping[DocumentKey, StoredDocument]
    ) -> tuple[list[int], bool]:
        """The documents' labels, and whether all of them go into a new collection."""
        if self._last is not None and not self._is_worn(live, known):
            old = [known[each.key].label if each.key in known else None for each in live]
            found = labels.assigned(old, self._token)
            if found is not None:
                return found, False
        return labels.assigned([None] * len(live), self._token) or [], True

    def _is_worn(self, live: Sequence[Live], known: Mapping[DocumentKey, StoredDocument]) -> bool:
        """Whether too much has died, or has become too much to compare every vector."""
        record = self._last.record if self._last else None
        if record is None:
            return False
        kept = {each.key for each in live}
        passages = sum(each.passages for key, each in known.items() if key in kept)
        left = [each for each in record.dead if not each.is_removed]
        gone = [each.passages for key, each in known.items() if key not in kept]
        dying = sum(gone) + sum(each.passages for each in left)
        if len(left) + len(gone) > MOST_DEAD or dying > MOST_DEAD_SHARE * max(passages, FLUSHED):
            return True
        return record.is_exact and passages > 2 * EXACT

    def _dead(
        self, live: Sequence[Live], known: Mapping[DocumentKey, StoredDocument],
        numbers: Sequence[int],
    ) -> list[Dead]:  # fmt: skip
        """What has died, now or before, less what no table of postings holds any more."""
        now = {each.key: label for each, label in zip(live, numbers, strict=True)}
        before = list(self._last.record.dead) if self._last else []
        before = cleaning.remove_dead(self._to.heads, self._server, self._last, before)
        new = [
            Dead(each.label, each.passages, self._token)
            for key, each in known.items()
            if now.get(key) != each.label
        ]
        return [*before, *new]

    def _collection(
        self, live: Sequence[Live], known: Mapping[DocumentKey, StoredDocument],
        spooled: Spooled | None, *, is_anew: bool,
    ) -> tuple[str, bool]:  # fmt: skip
        """The collection that the rows go into, and whether every vector of it is compared."""
        if self._last is not None and not is_anew:
            record = self._last.record
            self._weighing = Bm25(0, record.weighed) if record.weighed else None
            return record.rows, record.is_exact
        name = self._to.heads.collection(ROWS, self._token)
        is_sparse = self._server.has_sparse
        self._server.make(name, self._shape.dim, sparse=is_sparse)
        locations = spooled.locations if spooled else {}
        held = [known.get(each.key) or locations[each.key] for each in live]
        passages = sum(each.passages for each in held)
        if is_sparse:
            words = sum(each.words for each in held if isinstance(each, StoredDocument))
            if spooled:
                words += sum(spooled.words(each) for each in held if isinstance(each, Location))
            self._weighing = Bm25(passages, mean_of(passages, words))
        return name, passages <= EXACT

    def _take_away(self, live: Sequence[Live], known: Mapping[DocumentKey, StoredDocument]) -> None:
        """Takes what is left out away from the statistics."""
        kept = {each.key for each in live}
        for key, document in known.items():
            if key not in kept and self._last is not None:
                self._count(document, list(self._copied(document, document.label)), -1)

    def _count(self, document: StoredDocument, found: Sequence[PassageRow], times: int = 1) -> None:
        """Adds a document to the statistics; `times` is -1 to take it away."""
        self._statistics = self._statistics.plus(_counted(document, found), times)
        if self._weighing:
            for row in found:
                for term in counted(row.words).counts:
                    self._frequencies[term] += times

    def _copied(self, document: StoredDocument, label: int) -> Iterator[PassageRow]:
        """The passages of the last snapshot under another label."""
        last = self._last
        keys = [key_of(document.label, number) for number in range(document.passages)]
        for some in batches(keys, SENT):
            for row in last.rows.passages(some) if last else ():
                yield replace(row, key=key_of(label, row.key - key_of(document.label, 0)))

    def _send(
        self, name: str, live: Sequence[Live], numbers: Sequence[int],
        known: Mapping[DocumentKey, StoredDocument], spooled: Spooled | None, *, is_anew: bool,
    ) -> Iterator[StoredDocument]:  # fmt: skip
        """The documents as the snapshot holds them, each sent unless its rows are there."""
        waiting: list[dict[str, object]] = []
        for each, label in zip(live, numbers, strict=True):
            old = known.get(each.key)
            if old is not None and old.label == label and not is_anew:
                yield old._replace(paths=each.paths)
                continue
            if old is not None:
                found = list(self._copied(old, label))
                document = old._replace(label=label, paths=each.paths)
            else:
                found, document = self._taken(each, label, spooled)
            words = [self._gathered.add(row.key, row.words) for row in found]
            document = document._replace(words=sum(words))
            if old is None or is_anew:
                self._count(document, found)
            waiting += (self._packed(row, label) for row in found)
            while len(waiting) >= SENT:
                self._put(name, waiting[:SENT])
                waiting = waiting[SENT:]
            yield document
        self._put(name, waiting)

    def _taken(
        self, live: Live, label: int, spooled: Spooled | None
    ) -> tuple[list[PassageRow], StoredDocument]:
        """A document that this build has added; its text becomes an object."""
        if spooled is None or live.key not in spooled.locations:
            raise IndexDamaged(f"{live.paths[0]} was not added to this build: build again.")
        location = spooled.locations[live.key]
        document = spooled.segment.document(location.number)
        found = list(spooled.rows(location, label))
        return found, StoredDocument(
            label, *live.key, live.paths, document.title, document.date,
            passages=location.passages,
            ranked=sum(len(row.coded.codes) > 0 for row in found),
            words=0,
            object=self._objects.put(pack_document(document)),
            language=document.language,
            letters=document.letters,
            unread=document.unread,
        )  # fmt: skip

    def _packed(self, row: PassageRow, label: int) -> dict[str, object]:
        return rows.packed(row, document=label, born=self._token, weighing=self._weighing)

    def _put(self, name: str, some: list[dict[str, object]]) -> None:
        if some:
            self._sent_all(SENDING)  # no more wait in memory
            self._sending.append(self._pool.submit(self._server.put, name, some))
            self._sent += len(some)
            storage.crash_point("while-sending")

    def _sent_all(self, but: int = 0) -> None:
        """Waits until the server has acknowledged all that was sent, but for so many requests."""
        while len(self._sending) > but:
            self._sending.popleft().result()

    def _wait(self, name: str) -> None:
        """Waits until every reader sees the rows. Raises IndexDamaged where some are lost."""
        if not self._sent:
            return
        found = self._server.count(name, f"born == {self._token}")
        if found != self._sent:
            raise IndexDamaged(
                f"{self._to.address} has {found} of the {self._sent} passages that it acknowledged: "
                "build again."
            )
        if self._server.replicas(name) > 1:
            time.sleep(STALENESS)

    def _record(
        self, content: str, name: str, documents: Sequence[StoredDocument], files: Sequence[File],
        dead: list[Dead], *, is_exact: bool,
    ) -> Record:  # fmt: skip
        roots = contents.write(self._objects, documents, map(_names, documents), files)
        last = self._last.record if self._last and name == self._last.record.rows else None
        tables = [*(last.postings if last else ()), self._gathered.write(self._objects)]
        if len(tables) > MOST_TABLES:
            labels_dead = np.array([each.label for each in dead], np.int64)
            tables = [postings.merged(self._objects, tables, labels_dead)]
            dead = [each for each in dead if not each.is_removed]
        frequencies = self._counted_terms(last)
        between = range(last.token + 1, self._token) if last else range(0)
        return Record(
            manifest=self._manifest(content, documents),
            token=self._token,
            rows=name,
            is_exact=is_exact,
            unpublished=(*(last.unpublished if last else ()), *between),
            dead=tuple(dead),
            **roots._asdict(),
            postings=tuple(tables),
            statistics=self._statistics,
            weighed=self._weighing.mean if self._weighing else 0.0,
            frequencies=frequencies,
        )

    def _counted_terms(self, last: Record | None) -> tuple[str, ...]:
        """The tables of how often terms stand, those of the last snapshot and this build's."""
        if self._weighing is None:
            return ()
        known = last.frequencies if last else ()
        found = (*known, sparse.write_frequencies(self._objects, self._frequencies))
        if len(found) > MOST_TABLES:
            return (sparse.merged_frequencies(self._objects, found),)
        return found

    def _manifest(self, content: str, documents: Sequence[StoredDocument]) -> Manifest:
        return self._shape.manifest(
            content,
            self._seeds,
            documents=len(documents),
            passages=self._statistics.passages,
            ranked=self._statistics.ranked,
            segments=(),
            files={},
            languages=by_language(documents),
        )


def _names(document: StoredDocument) -> list[str]:
    """The words of a document's names."""
    return names.words_of_document(
        document.paths, document.title, document.date, analyzer(document.language)
    )


def _counted(document: StoredDocument, found: Sequence[PassageRow]) -> Statistics:
    """What a document adds to the statistics."""
    vectors = np.array([row.coded.vector for row in found], np.float64)
    total = vectors.sum(axis=0).tolist() if found else []
    return Statistics(document.passages, document.ranked, document.words, tuple(map(int, total)))
