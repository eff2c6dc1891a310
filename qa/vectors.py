"""Passages by their meaning: inner products of pooled vectors.

Vectors are kept as whole numbers in float32: unit length times `SCALE`, rounded. Products and their
sums then stay below 2**24, where float32 is exact, so that no order of summation, block size or
thread count changes a bit of a similarity. That is what makes an incremental index answer byte for
byte as a full one, whatever segments its vectors lie in.
"""

import faiss
import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Ordinals = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SCALE = 2048.0  # (SCALE * SCALE) < 2**24, with room for rounding

faiss.omp_set_num_threads(1)  # one question is faster on one thread, and threads share the cores


def whole(vectors: Vectors) -> Vectors:
    """Unit vectors as whole numbers in float32, `(..., dim)`."""
    scaled: Vectors = np.rint(vectors * np.float32(SCALE))
    return scaled


def similarity(products: Vectors) -> Vectors:
    """Inner products of whole vectors as cosines."""
    return products / np.float32(SCALE * SCALE)


def best(products: Vectors, limit: int, only: Mask | None = None) -> Ordinals:
    """The ordinals of the `limit` greatest products, best first, ties by ordinal.

    `products` is `(n,)`, a passage's ordinal its index; `only` marks those that may be found.
    """
    ordinals = np.arange(len(products)) if only is None else np.flatnonzero(only)
    values = products[ordinals]
    if limit < len(ordinals):
        # every tie with the last one that fits is kept until they are sorted: no cut among equals
        least = np.partition(values, len(values) - limit)[len(values) - limit]
        kept = values >= least
        ordinals, values = ordinals[kept], values[kept]
    return ordinals[np.lexsort((ordinals, -values))][:limit]


def products(matrix: Vectors, question: Vectors) -> Vectors:
    """The inner product of the question, `(dim,)`, with every row of the matrix, `(n,)`.

    Every row is looked at: exact, and in one thread faster than a second one would help.
    """
    out = np.empty(len(matrix), np.float32)
    if len(matrix):
        faiss.fvec_inner_products_ny(  # type: ignore[attr-defined] # made by SWIG
            faiss.swig_ptr(out), faiss.swig_ptr(question), faiss.swig_ptr(matrix), *matrix.T.shape
        )
    return out
