"""Codebook: the centroids of one encoder, by which token vectors are product-quantised.

A token's vector of `dim` numbers is cut into pieces of 4; each piece is named by one of 16
centroids, two names a byte: 384 numbers become 48 bytes. The centroids belong to the encoder, never
to the corpus (Jégou et al., Product quantization for nearest neighbor search, 2011). They are
integers in float32 (see `quantisation`).
"""

from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa.encoding.quantisation import SCALE, Vectors
from qa.settings import fingerprint

Codes = npt.NDArray[np.uint8]

PIECE = 4  # numbers in a piece of a vector
CENTROIDS = 16  # names for a piece: 4 bits
ROUNDS = 25  # of k-means


class Codebook:
    """The centroids of one encoder, `(dim / 4, 16, 4)` integers."""

    def __init__(self, centroids: npt.NDArray[np.int16]) -> None:
        self.centroids = centroids.astype(np.float32)
        self.pieces = len(centroids)
        self.code_bytes = self.pieces // 2
        self.fingerprint = fingerprint(centroids.shape, centroids.astype("<i2").tobytes().hex())

    @classmethod
    def trained(cls, tokens: Vectors) -> "Codebook":
        """The codebook of an encoder whose vectors of some text's tokens are these, `(n, dim)`.

        k-means on each piece (Lloyd, 1982), begun with tokens that a fixed seed draws.
        """
        begun = np.random.default_rng(1).choice(len(tokens), CENTROIDS, replace=False)
        pieces = (tokens * np.float32(SCALE)).reshape(len(tokens), -1, PIECE)
        return cls(np.stack([_means(part, begun) for part in pieces.transpose(1, 0, 2)]))

    @classmethod
    def load(cls, file: Path) -> "Codebook":
        """The codebook in a file that `save` wrote."""
        return cls(np.load(file, allow_pickle=False))

    def save(self, file: Path) -> None:
        """Writes the centroids as a .npy file of 16-bit integers."""
        np.save(file, self.centroids.astype(np.int16), allow_pickle=False)

    def encode(self, tokens: Vectors) -> Codes:
        """The codes `(n, dim / 8)` of token vectors `(n, dim)` of unit length."""
        pieces = (tokens * np.float32(SCALE)).reshape(len(tokens), self.pieces, PIECE)
        # |x - c|^2 without |x|^2, which is the same for every centroid
        products = np.matmul(pieces.transpose(1, 0, 2), self.centroids.transpose(0, 2, 1))
        distances = self._squares[:, None, :] - 2 * products
        names = distances.argmin(axis=2).T.astype(np.uint8)
        codes: Codes = names[:, 0::2] | (names[:, 1::2] << 4)
        return codes

    def decode(self, codes: Codes) -> Vectors:
        """The integer vectors `(n, dim)` that the codes `(n, dim / 8)` stand for."""
        pieces = self._pairs.take(codes + self._offsets, axis=0)
        decoded: Vectors = pieces.reshape(len(codes), self.pieces * PIECE)
        return decoded

    def products(self, question: Vectors) -> Vectors:
        """What each byte at each place adds to the inner products with m quantised vectors `(m, dim)`.

        `(dim / 8, 256, m)`.
        """
        pieces = question.reshape(len(question), self.code_bytes, 2 * PIECE)
        named = self._pairs.reshape(self.code_bytes, 256, 2 * PIECE)
        products: Vectors = np.matmul(named, pieces.transpose(1, 2, 0))
        return products

    @cached_property
    def _squares(self) -> Vectors:
        squares: Vectors = np.square(self.centroids).sum(axis=2)
        return squares

    @cached_property
    def _pairs(self) -> Vectors:
        """What each byte at each place stands for, `(places * 256, 8)`."""
        byte = np.arange(256)
        low, high = self.centroids[0::2, byte & 15], self.centroids[1::2, byte >> 4]
        return np.concatenate([low, high], axis=2).reshape(-1, 2 * PIECE).copy()

    @cached_property
    def _offsets(self) -> npt.NDArray[np.int64]:
        return np.arange(self.code_bytes, dtype=np.int64) * 256


def _means(points: Vectors, begun: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
    """The centroids `(16, 4)` of points `(n, 4)`; those of `begun` are the first ones."""
    points = np.ascontiguousarray(points)
    centroids = points[begun]
    for _ in range(ROUNDS):
        names = (2 * points @ centroids.T - np.square(centroids).sum(1)).argmax(axis=1)
        counts = np.bincount(names, minlength=CENTROIDS)
        sums = [np.bincount(names, column, minlength=CENTROIDS) for column in points.T]
        filled = counts > 0
        centroids[filled] = (np.stack(sums, axis=1)[filled] / counts[filled, None]).astype(
            np.float32
        )
    return np.rint(centroids).astype(np.int16)
