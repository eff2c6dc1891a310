"""Passages by their words, kept as postings in tables: BM25 as tantivy computes it.

Each build adds a table of its own, a term with the passages in which it stands; what has died since
is left out by whoever reads. So the statistics are those of the live passages, exactly, whichever
build or machine counted them, and a ranking is that of the local store.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby
from struct import Struct

import numpy as np
import numpy.typing as npt

from qa.index.lexical import CONTEXT
from qa.index.milvus import tables
from qa.index.milvus.caching import Cache
from qa.index.milvus.labels import labels_of
from qa.index.milvus.tables import Entry, Table
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
K1, B = np.float32(1.2), np.float32(0.75)
HELD = 256 << 20  # bytes of postings
EXACT_LENGTHS = 24  # up to which a length has a code of its own

_PACKED = Struct("<qHBB")

Postings = npt.NDArray[np.void]

_held: Cache[Postings] = Cache(HELD, lambda postings: postings.nbytes + 100)


def _lengths() -> npt.NDArray[np.float32]:
    """The length that each of the 256 codes stands for: four significant bits, as in Lucene."""
    above = range(256 - EXACT_LENGTHS)
    steps = [at if at < 8 else (at & 7 | 8) << (at >> 3) - 1 for at in above]
    lengths = [*range(EXACT_LENGTHS), *(EXACT_LENGTHS + step for step in steps)]
    return np.array(lengths, np.float32)


LENGTHS = _lengths()


def length_code(words: int) -> int:
    """The code of a passage's length in words: of the lengths that have one, the next shorter."""
    return int(np.searchsorted(LENGTHS, words, side="right")) - 1


class Gathered:
    """The postings of a build's passages, gathered term by term."""

    def __init__(self) -> None:
        self._rows: dict[str, list[bytes]] = {}
        self.words = 0

    def add(self, key: int, line: str) -> int:
        """Adds a passage by its words, as `Analyzer.line` gives them; returns how many they are."""
        body, _, above = line.partition(CONTEXT)
        found = Counter(word.decode() for word in body.encode().split())  # at blanks of ASCII
        not_own = set(above.split())
        length = found.total()
        code = length_code(length)
        for term, count in found.items():
            posting = _PACKED.pack(key, min(count, 0xFFFF), code, term not in not_own)
            self._rows.setdefault(term, []).append(posting)
        self.words += length
        return length

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

    def __init__(
        self, objects: Objects, roots: Iterable[str], dead: Keys, *, passages: int, words: int
    ) -> None:
        self._tables = [Table(objects, root) for root in roots]
        self._dead, self._passages = dead, passages
        mean = np.float32(words) / np.float32(max(passages, 1)) if words else np.float32(1)
        self._norms = K1 * (1 - B + B * LENGTHS / mean)
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
            factors = counts / (counts + self._norms[part["length"]])
            weight = self._weight(len(part)) * np.float32(boosts.get(term, 1))
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

    def _weight(self, having: int) -> np.float32:
        """The idf of a term that stands in so many passages, times what its count is worth."""
        others = np.float32(self._passages - having)
        rarity = (others + np.float32(0.5)) / (np.float32(having) + np.float32(0.5))
        return np.float32(math.log(np.float32(1) + rarity)) * (np.float32(1) + K1)
