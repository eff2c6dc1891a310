"""Passages by their words where rows have sparse vectors: Milvus finds candidates, BM25 is computed here.

A row's vector holds what each of its words counts for by BM25, but for the idf, which is the question's.
It was written for the mean length of passages of that time; the mean of a later snapshot is another, and
words that share a dimension are one to Milvus. Both only make a row's product an upper bound of
its BM25 once it is multiplied by how much the mean has grown. So candidates are fetched until what is
not fetched cannot be among the best, and their BM25 is computed from their words: a ranking is that of the
local store, whatever the segments of Milvus.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby

import numpy as np

from qa.index import dense
from qa.index.milvus import tables
from qa.index.milvus.fetching import RowReader
from qa.index.milvus.tables import Entry, Table
from qa.index.milvus.weighing import Bm25, dimension
from qa.index.objects import Objects
from qa.index.store import Keys, Scores

MARGIN = 32  # rows beyond the limit
ROUNDING = 1 + 1e-5  # of sums of float32
MOST = 16_384  # rows that Milvus gives at once


class Frequencies:
    """In how many passages a term stands: what builds have counted, added up."""

    def __init__(self, objects: Objects, roots: Iterable[str]) -> None:
        self._tables = [Table(objects, root) for root in roots]
        self._known: dict[str, int] = {}

    def __call__(self, term: str) -> int:
        """The number of passages."""
        if term not in self._known:
            found = (table.get(term) for table in self._tables)
            self._known[term] = sum(_number(value) for value in found if value is not None)
        return self._known[term]


def write_frequencies(objects: Objects, counted: Mapping[str, int]) -> str:
    """The root of a table of what a build has counted: passages added less passages left out."""
    return tables.write(
        objects, ((term, _packed(counted[term])) for term in sorted(counted) if counted[term])
    )


def merged_frequencies(objects: Objects, roots: Sequence[str]) -> str:
    """The root of one table in place of several."""
    return tables.write(objects, _merged([Table(objects, root) for root in roots]))


def _merged(found: Sequence[Table]) -> Iterator[Entry]:
    entries = merge(*found, key=lambda entry: entry[0])
    for term, same in groupby(entries, key=lambda entry: entry[0]):
        if total := sum(_number(value) for _, value in same):
            yield term, _packed(total)


def _number(value: bytes) -> int:
    return int.from_bytes(value, "little", signed=True)


def _packed(number: int) -> bytes:
    return number.to_bytes(8, "little", signed=True)


class SparseIndex:
    """The words of one snapshot's passages."""

    def __init__(
        self, rows: RowReader, bm25: Bm25, frequency: Callable[[str], int], *, written_for: float
    ) -> None:
        self._rows, self._bm25, self._frequency = rows, bm25, frequency
        self._growth = max(1.0, bm25.mean / written_for) * ROUNDING

    def search(
        self, terms: Sequence[str], boosts: Mapping[str, float], limit: int, condition: str
    ) -> tuple[Keys, Scores]:
        """Up to `limit` passages of a condition in which terms stand, and their BM25, best first."""
        weights = self._weights(terms, boosts)
        asked: dict[int, float] = {}
        for term, weight in weights.items():
            asked[dimension(term)] = asked.get(dimension(term), 0.0) + float(weight)
        wanted = min(limit + MARGIN, MOST)
        while asked and limit > 0:
            keys, products = self._rows.holding(asked, wanted, condition)
            scores = self.bm25(weights, keys)
            bound = float(products.min()) * self._growth if len(keys) == wanted else 0.0
            if np.count_nonzero(scores > bound) >= limit or len(keys) < wanted or wanted == MOST:
                ascending = np.argsort(keys)
                holding = ascending[scores[ascending] > 0]
                best = holding[dense.best(scores[holding], limit)]
                return keys[best], scores[best]
            wanted = min(4 * wanted, MOST)
        return np.empty(0, np.int64), np.empty(0, np.float32)

    def scores(self, terms: Sequence[str], boosts: Mapping[str, float], keys: Keys) -> Scores:
        """The BM25 `(n,)` of passages, 0 where no term stands."""
        return self.bm25(self._weights(terms, boosts), keys)

    def bm25(self, weights: Mapping[str, np.float32], keys: Keys) -> Scores:
        """The same by the weights of terms."""
        found = self._rows.counted(keys.tolist())
        norms = self._bm25.norms[np.array([each.length for each in found], np.int64)]
        scores = np.zeros(len(keys), np.float32)
        for term, weight in weights.items():
            counts = np.array([each.counts.get(term, 0) for each in found], np.float32)
            scores += weight * (counts / (counts + norms))
        return scores

    def _weights(self, terms: Sequence[str], boosts: Mapping[str, float]) -> dict[str, np.float32]:
        """What each term that stands anywhere is worth."""
        having = {term: self._frequency(term) for term in terms}
        return {
            term: self._bm25.weight(count) * np.float32(boosts.get(term, 1))
            for term, count in having.items()
            if count
        }
