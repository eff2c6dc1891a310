"""The words of a passage as BM25 counts them: how often each stands, and what that is worth.

BM25 is computed as tantivy does, with lengths of four significant bits, so that a ranking is that of
the local store.
"""

import math
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.index.lexical import CONTEXT

K1, B = np.float32(1.2), np.float32(0.75)
EXACT_LENGTHS = 24  # up to which a length has a code of its own
MOST_COUNTED = 0xFFFF
DIMENSIONS = (1 << 32) - 2  # of a sparse vector
NOTHING = {0: 1.0}  # the sparse vector of no words: Milvus takes none without a number


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


class Counted(NamedTuple):
    """The words of a passage."""

    counts: Mapping[str, int]  # how often each stands
    length: int  # code of the passage's length
    words: int
    not_own: frozenset[str]  # those that stand in its context alone


def counted(line: str) -> Counted:
    """The words of a passage, as `Analyzer.line` gives them."""
    body, _, above = line.partition(CONTEXT)
    counts = Counter(word.decode() for word in body.encode().split())  # at blanks of ASCII
    words = counts.total()
    few = {term: min(count, MOST_COUNTED) for term, count in counts.items()}
    return Counted(few, length_code(words), words, frozenset(above.split()))


class Bm25:
    """BM25 among so many passages, which have so many words in the mean."""

    def __init__(self, passages: int, mean: float) -> None:
        self._passages, self.mean = passages, mean
        self.norms = K1 * (1 - B + B * LENGTHS / np.float32(mean))  # by codes of lengths

    def weight(self, having: int) -> np.float32:
        """The idf of a term that stands in so many passages, times what its count is worth."""
        others = np.float32(self._passages - having)
        rarity = (others + np.float32(0.5)) / (np.float32(having) + np.float32(0.5))
        return np.float32(math.log(np.float32(1) + rarity)) * (np.float32(1) + K1)

    def vector(self, line: str) -> dict[int, float]:
        """A passage as a sparse vector: what each word counts for, its idf and constants aside."""
        found = counted(line)
        norm = float(self.norms[found.length])
        vector: dict[int, float] = {}
        for term, count in found.counts.items():
            at = dimension(term)
            vector[at] = vector.get(at, 0.0) + count / (count + norm)
        return vector or NOTHING


def mean_of(passages: int, words: int) -> float:
    """The words of a passage, in the mean; 1 where there are none."""
    return float(np.float32(words) / np.float32(max(passages, 1))) if words else 1.0


def dimension(term: str) -> int:
    """The place of a term in sparse vectors, which others may share."""
    digest = blake2b(term.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % DIMENSIONS + 1
