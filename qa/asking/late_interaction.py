"""Late interaction (MaxSim) over token vectors that are stored as product-quantised codes.

The similarity of a text with a question is the mean, over the question's tokens, of the best cosine
with any token of the text (Khattab and Zaharia, ColBERT, 2020). Codes are those of a `Codebook`;
the sums are of integers of 16 bits, so a MaxSim is the same whatever the order of its
sums.
"""

import numpy as np
import numpy.typing as npt

from qa.encoding.codebook import Codebook, Codes
from qa.encoding.quantisation import SCALE, Vectors, quantise

STEP = 2.0**-14  # of a cosine: a sum of looked-up products fits in 16 bits, as none reaches 2
ROW = 16  # question tokens that are looked up at once: rows of 32 bytes are copied fastest


def token_products(codebook: Codebook, codes: Codes, question: Vectors) -> Vectors:
    """Cosines `(n, m)` of n coded tokens with the question's m tokens, `(m, dim)` unit length.

    What each byte at each place adds is computed once and looked up (asymmetric distance
    computation, Jégou et al.): nothing is decoded. It is rounded to `STEP`, so that the looked-up
    rows are short; a cosine is off by 1e-4 (.0015 at most), far less than by its codes.
    """
    names = np.ascontiguousarray(codes.T)
    parts = [_looked_up(codebook, names, part) for part in _padded(quantise(question))]
    return np.concatenate(parts, axis=1)[:, : len(question)] * np.float32(STEP)


def _padded(question: Vectors) -> list[Vectors]:
    """The question's tokens in parts of `ROW`, the last one filled up with zeros."""
    parts = np.zeros((max(-(-len(question) // ROW), 1) * ROW, question.shape[1]), np.float32)
    parts[: len(question)] = question
    return list(parts.reshape(-1, ROW, question.shape[1]))


def _looked_up(codebook: Codebook, names: Codes, question: Vectors) -> npt.NDArray[np.int16]:
    """The products, in steps, `(n, ROW)` of tokens named by `(dim / 8, n)` bytes."""
    steps = codebook.products(question) / np.float32(SCALE * SCALE * STEP)
    tables = np.rint(steps).astype(np.int16)
    products = np.zeros((names.shape[1], ROW), np.int16)
    added = np.empty_like(products)
    for table, places in zip(tables, names, strict=True):
        table.take(places, axis=0, out=added, mode="clip")  # skips a check; no name is out
        products += added
    return products


def maxima(products: Vectors, runs: npt.NDArray[np.int64]) -> Vectors:
    """For each run of tokens, the best match of every question token: `(runs, m)`.

    `runs` bounds the rows of `products`, `(runs + 1,)`. A run without rows matches with -1, the
    least that a cosine can be. A run's MaxSim is the mean of its row.
    """
    least = np.full((1, products.shape[1]), -1, np.float32)
    found: Vectors = np.maximum.reduceat(np.concatenate([products, least]), runs[:-1], axis=0)
    found[np.diff(runs) == 0] = -1  # reduceat gives the next row for an empty run
    return found
