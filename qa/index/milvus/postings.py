"""Passages by their words, kept as postings in tables: BM25 as tantivy computes it.

Each build adds a table of its own, a term with the passages in which it stands; what has died since
is left out by whoever reads. So the statistics are those of the live passages, exactly, whichever
build or machine counted them, and a ranking is that of the local store.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby
from struct import Struct

import numpy as np
import numpy.typing as npt

from qa.index.caching import Cache
from qa.index.milvus import tables
from qa.index.milvus.labels import labels_of
from qa.index.milvus.tables import Entry, Table
from qa.index.milvus.weighing import Bm25, counted
from qa.index.objects import Objects
from qa.index.store import Keys, Scores

POSTING = np.dtype(
    [
        ("key", "<i8"),
        ("count", "<u2"),  # of the term in the passage
        ("length", "u1"),  # of the passage, see `length_code`
        ("own", "u1"),  # 0 where it stands in the passage's context alone
    ]
)
HELD = 256 << 20  # bytes of postings

_PACKED = Struct("<qHBB")

Postings = npt.NDArray[np.void]

_held: Cache[Postings] = Cache(HELD, lambda postings: postings.nbytes + 100)


class Gathered:
    """The postings of a build's passages, gathered term by term."""

    def __init__(self) -> None:
        self._rows: dict[str, list[bytes]] = {}

    def add(self, key: int, line: str) -> int:
        """Adds a passage by its words, as `Analyzer.line` gives them; returns how many they are."""
        found = counted(line)
        for term, count in found.counts.items():
            posting = _PACKED.pack(key, count, found.length, term not in found.not_own)
            self._rows.setdefault(term, []).append(posting)
        return found.words

    def write(self, objects: Objects) -> str:
        """The root of the table of what was added, whose passages' keys ascend."""
        rows = self._rows
        return tables.write(objects, ((term, b"".join(rows[term])) for term in sorted(rows)))


def merged(objects: Objects, roots: Sequence[str], dead: Keys) -> str:
    """The root of one table in place of several, without the documents that are dead."""
    return tables.write(objects, _merged([Table(objects, root) for root in roots], dead))


def _merged(found: Sequence[Table], dead: Keys) -> Iterator[Entry]:
    by_term = groupby(merge(*found, key=lambda entry: entry[0]), key=lambda entry: entry[0])
    for term, entries in by_term:
        postings = _live([value for _, value in entries], dead)
        if len(postings):
            yield term, postings.tobytes()


def _live(parts: Sequence[bytes], dead: Keys) -> Postings:
    """The postings of several tables together, by ascending keys, without those that are dead."""
    postings = np.frombuffer(b"".join(parts), POSTING)
    if len(dead):
        postings = postings[~np.isin(labels_of(postings["key"]), dead)]
    return postings if len(parts) == 1 else np.sort(postings, order="key")


class PostingIndex:
    """The words of one snapshot's passages."""

    def __init__(self, objects: Objects, roots: Iterable[str], dead: Keys, bm25: Bm25) -> None:
        self._tables = [Table(objects, root) for root in roots]
        self._dead, self._bm25 = dead, bm25
        self._name = (*(table.root for table in self._tables), dead.tobytes())

    def frequency(self, term: str) -> int:
        """In how many passages a term stands."""
        return len(self.postings(term))

    def postings(self, term: str) -> Postings:
        """The passages in which a term stands, by ascending keys."""
        name = (self._name, term)
        known = _held.get(name)
        if known is not None:
            return known
        values = (table.get(term) for table in self._tables)
        return _held.put(name, _live([value for value in values if value is not None], self._dead))

    def relevance(self, terms: Sequence[str], boosts: Mapping[str, float]) -> tuple[Keys, Scores]:
        """Every passage in which terms stand, by ascending keys, and its BM25.

        What a term adds is multiplied by its boost, where it has one.
        """
        parts = [self.postings(term) for term in terms]
        keys = np.unique(np.concatenate([np.empty(0, np.int64), *(part["key"] for part in parts)]))
        scores = np.zeros(len(keys), np.float32)
        for term, part in zip(terms, parts, strict=True):
            counts = part["count"].astype(np.float32)
            factors = counts / (counts + self._bm25.norms[part["length"]])
            weight = self._bm25.weight(len(part)) * np.float32(boosts.get(term, 1))
            scores[np.searchsorted(keys, part["key"])] += weight * factors
        return keys, scores

    def holding(self, wanted: Sequence[Collection[str]]) -> Keys:
        """Every passage whose own text holds one term of each of `wanted`, by ascending keys."""
        if not wanted or not all(wanted):
            return np.empty(0, np.int64)
        found: Keys | None = None
        for terms in wanted:
            postings = [self.postings(term) for term in sorted(terms)]
            own = np.concatenate([part["key"][part["own"] > 0] for part in postings])
            found = np.unique(own) if found is None else np.intersect1d(found, own)
        return found if found is not None else np.empty(0, np.int64)
