"""An encoding that is put together from sentences, for indexes too large to be encoded here.

Each sentence is encoded once, alone. A passage gets its sentences' token codes one after the other,
and as its vector the sum of theirs, weighed by their tokens, with a little noise that its text
decides. Times and sizes of an index made so are those of a real one; its vectors lie closer.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qa.encoding.codebook import Codebook, Codes
from qa.encoding.encoder import Encoder
from qa.encoding.quantisation import Vectors, quantise
from qa.index.coding import Coded, encode
from qa.splitting import RankingText

NOISE = 0.01  # standard deviation of each number of a vector of unit length
NOISES = 1 << 16  # noise is cut from this many numbers, at a place that the text decides


class Piece(NamedTuple):
    """A sentence's codes and its vector, as long as it has tokens."""

    codes: Codes
    vector: Vectors


class Recombination:
    """Stands in for `qa.building.encode`; what it does not know it encodes and keeps in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._noise = np.random.default_rng(1).normal(0, NOISE, NOISES).astype(np.float32)
        self._pieces = dict(_read(file)) if file.is_file() else {}
        self._kept = len(self._pieces)

    def __call__(self, encoder: Encoder, book: Codebook, ranking: RankingText) -> Coded:
        """The ranking text's vector and codes, and where the tokens of its sentences end."""
        limit = encoder.window - 2  # [CLS] and [SEP]
        result = [ranking.text[start:end] for start, end in pairwise([0, *ranking.ends])]
        pieces = [self._piece(encoder, book, text.strip()) for text in result]
        codes = np.concatenate([piece.codes for piece in pieces])[:limit]
        ends = np.cumsum([len(piece.codes) for piece in pieces])
        vector = np.sum([piece.vector for piece in pieces], axis=0)
        vector = vector / max(float(np.linalg.norm(vector)), 1e-12) + self._noise_of(
            ranking.text, encoder.dim
        )
        vector /= np.linalg.norm(vector)
        return Coded(quantise(vector), codes, tuple(np.minimum(ends, limit).tolist()))

    def save(self) -> bool:
        """Keeps every sentence that was encoded; whether there was a new one."""
        if len(self._pieces) == self._kept:
            return False
        pieces = list(self._pieces.values())
        np.savez(
            self._file,
            texts=np.array(list(self._pieces)),
            counts=np.array([len(piece.codes) for piece in pieces]),
            codes=np.concatenate([piece.codes for piece in pieces]),
            vectors=np.stack([piece.vector for piece in pieces]),
        )
        self._kept = len(self._pieces)
        return True

    def _piece(self, encoder: Encoder, book: Codebook, text: str) -> Piece:
        known = self._pieces.get(text)
        if known is None:
            coded = encode(encoder, book, RankingText(text, (len(text),)))
            known = Piece(coded.codes, coded.vector * np.float32(len(coded.codes)))
            self._pieces[text] = known
        return known

    def _noise_of(self, text: str, dim: int) -> Vectors:
        digest = blake2b(text.encode(), digest_size=8).digest()
        at = int.from_bytes(digest) % (NOISES - dim)
        return self._noise[at : at + dim]


def _read(file: Path) -> Iterator[tuple[str, Piece]]:
    """The kept sentences."""
    kept = np.load(file)
    codes, vectors = kept["codes"], kept["vectors"]
    bounds = pairwise(chain([0], np.cumsum(kept["counts"]).tolist()))
    for text, (first, last), vector in zip(kept["texts"].tolist(), bounds, vectors, strict=True):
        yield text, Piece(codes[first:last], vector)
