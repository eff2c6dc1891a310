"""Passages by their meaning: inner products of pooled vectors, quantised to integers.

Up to `EXACT` passages every vector is compared. Beyond, a PQ index of two bits a number gives
`RESCORED` candidates, and those are compared exactly. Its levels are those that suit a
normal distribution (Max, Quantizing for minimum distortion, 1960): nothing is learned from the
documents, and a passage's code depends on its own vector alone.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from qa import storage
from qa.encoding.quantisation import SCALE, Vectors
from qa.index.integrity import damaged, reading
from qa.index.runs import Runs

Ordinals = npt.NDArray[np.int64]

EXACT = 20_000  # vectors: comparing all of them takes a millisecond
RESCORED = 1_000  # finds 99.9% of the true best 50 among a million (bench/speed)
LEVELS = (
    -1.51,
    -0.453,
    0.453,
    1.51,
)  # in standard deviations; of a unit vector's numbers: dim**-.5
BLOCK = 65_536  # vectors added at a time
SHARD = 250_000  # vectors: searched in two milliseconds

faiss.omp_set_num_threads(1)  # one question is faster on one thread, and threads share the cores


def best(products: Vectors, limit: int, only: Runs | None = None) -> Ordinals:
    """The ordinals of the `limit` greatest products, best first, ties by ordinal.

    `products` is `(n,)`, a passage's ordinal its index; `only` are those that may be found.
    """
    ordinals = np.arange(len(products)) if only is None else only.numbers
    values = products[ordinals]
    if limit < len(ordinals):
        # every tie with the last one that fits is kept until they are sorted: no cut among equals
        least = np.partition(values, len(values) - limit)[len(values) - limit]
        kept = values >= least
        ordinals, values = ordinals[kept], values[kept]
    return ordinals[np.lexsort((ordinals, -values))][:limit]


def products(matrix: Vectors, question: Vectors) -> Vectors:
    """The inner product of the question, `(dim,)`, with every row of the matrix, `(n,)`.

    Every row is compared: exact, and one thread is fastest.
    """
    out = np.empty(len(matrix), np.float32)
    if len(matrix):
        faiss.fvec_inner_products_ny(  # type: ignore[attr-defined] # made by SWIG
            faiss.swig_ptr(out), faiss.swig_ptr(question), faiss.swig_ptr(matrix), *matrix.T.shape
        )
    return out


def mean(blocks: Iterable[Vectors], dim: int, count: int) -> Vectors:
    """The mean `(dim,)` of `count` quantised vectors, as one of unit vectors; further ones are zeros.

    They come in blocks `(n, dim)`. The sum is of integers, so it is exact: neither order nor block
    size changes a bit of it.
    """
    total = np.zeros(dim)
    for block in blocks:
        total += block.sum(axis=0, dtype=np.float64)
    return (total / (max(count, 1) * SCALE)).astype(np.float32)


class ApproximateIndex:
    """Very many vectors in two bits a number, to find those that may be nearest to a question.

    A product quantiser over pairs of numbers with a fixed grid of 16 centroids, searched in
    registers (André et al., Cache locality is not enough, 2015; faiss's fast scan), each shard of
    `SHARD` vectors in a thread of its own.
    """

    def __init__(self, shards: Sequence[faiss.Index]) -> None:
        self._shards = shards
        self._index = shards[0]
        if len(shards) > 1:
            threaded, successive_ids = True, True  # faiss takes them by place alone
            self._index = faiss.IndexShards(shards[0].d, threaded, successive_ids)  # type: ignore[call-arg]
            for shard in shards:
                self._index.add_shard(shard)

    @classmethod
    def of(cls, blocks: Iterable[Vectors], dim: int) -> "ApproximateIndex":
        """The index of quantised vectors that come in blocks `(n, dim)`, in the order of ordinals."""
        shards = [_empty_shard(dim)]
        for block in blocks:
            left = block
            while len(left):
                if shards[-1].ntotal == SHARD:
                    shards.append(_empty_shard(dim))
                room = SHARD - shards[-1].ntotal
                shards[-1].add(np.ascontiguousarray(left[:room]))
                left = left[room:]
        return cls(shards)

    @classmethod
    def load(cls, folder: Path, *, dim: int, count: int) -> "ApproximateIndex":
        """The index of `count` vectors in a folder that `save` wrote.

        Of faiss's files only the codes are taken, in the number that the file has room for: all
        else in them is what `_empty_shard` knows. Raises IndexDamaged when they are none.
        """
        with reading(folder):
            shards = [_shard(file, dim) for file in sorted(folder.glob("*.faiss"))]
        if not shards or sum(shard.ntotal for shard in shards) != count:
            raise damaged(folder, f"is not of {count} passages")
        return cls(shards)

    def save(self, folder: Path) -> None:
        """Writes the index, a file for each shard."""
        storage.new_folder(folder)
        for number, shard in enumerate(self._shards):
            faiss.write_index(shard, str(folder / f"{number:04}.faiss"))

    def nearest(self, question: Vectors, limit: int) -> Ordinals:
        """The ordinals of about the `limit` nearest to a quantised vector, in no order."""
        _, found = self._index.search(question[None], min(limit, self._index.ntotal))
        ordinals: Ordinals = found[0][found[0] >= 0]
        return ordinals


def _empty_shard(dim: int) -> faiss.Index:
    shard = faiss.IndexPQFastScan(dim, dim // 2, 4, faiss.METRIC_INNER_PRODUCT)
    grid = np.array([(low, high) for high in LEVELS for low in LEVELS], np.float32)
    centroids = np.tile(grid * np.float32(SCALE * dim**-0.5), (dim // 2, 1, 1))
    faiss.copy_array_to_vector(centroids.ravel(), shard.pq.centroids)
    shard.is_trained = True
    return shard


def _shard(file: Path, dim: int) -> faiss.Index:
    """A shard that `ApproximateIndex.save` wrote. Raises ValueError when it is none."""
    shard: Any = _empty_shard(dim)  # faiss's types do not know what it is made of
    data = file.read_bytes()
    count = int.from_bytes(data[8:16], "little")
    filled = -(-count // shard.bbs) * shard.bbs  # codes lie in full blocks
    size = filled * shard.M2 // 2
    if not 0 < size < len(data) or int.from_bytes(data[-size - 8 : -size], "little") != size:
        raise ValueError(f"{file.name} is not of {count} vectors")
    faiss.copy_array_to_AlignedTable(np.frombuffer(data[-size:], np.uint8), shard.codes)
    shard.ntotal, shard.ntotal2 = count, filled
    loaded: faiss.Index = shard
    return loaded
