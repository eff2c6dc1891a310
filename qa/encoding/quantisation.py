"""Unit vectors quantised to integers, so that their products are exact.

Vectors are kept as integers in float32: unit length times `SCALE`, rounded. Products and their
sums then stay below 2**24, where float32 is exact, so that no order of summation, block size or
thread count changes a bit of a similarity. That is what makes an incremental index answer byte for
byte as a full one, whatever segments its vectors lie in.
"""

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

SCALE = 2048.0  # (SCALE * SCALE) < 2**24, with room for rounding


def quantise(vectors: Vectors) -> Vectors:
    """Unit vectors as integers in float32, `(..., dim)`."""
    scaled: Vectors = np.rint(vectors * np.float32(SCALE))
    return scaled


def cosines(products: Vectors) -> Vectors:
    """Inner products of quantised vectors as cosines."""
    return products / np.float32(SCALE * SCALE)


def unit(vectors: Vectors) -> Vectors:
    """The vectors with unit length."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    divided: Vectors = vectors / lengths
    return divided
