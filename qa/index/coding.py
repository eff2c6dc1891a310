"""A passage's ranking text as an index keeps it: one vector, and codes of its tokens."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from qa.encoding.codebook import Codebook, Codes
from qa.encoding.encoder import Encoded, Encoder
from qa.encoding.quantisation import Vectors, quantise
from qa.records import Passage
from qa.splitting import RankingText


class Coded(NamedTuple):
    """A passage's ranking text as an index keeps it."""

    vector: Vectors  # (dim,) quantised
    codes: Codes  # (tokens, code bytes)
    bounds: tuple[int, ...]  # tokens of the context, then where each sentence's tokens end


Row = tuple[Passage, RankingText, Coded]
"""a passage as it is added to an index"""


def encode_many(encoder: Encoder, book: Codebook, rankings: Sequence[RankingText]) -> list[Coded]:
    """The same of many ranking texts; see `Encoder.encode_many`."""
    some = [ranking for ranking in rankings if ranking.text.strip()]
    encoded = iter(encoder.encode_many([ranking.text for ranking in some]))
    return [
        _coded(next(encoded), book, ranking)
        if ranking.text.strip()
        else encode(encoder, book, ranking)
        for ranking in rankings
    ]


def encode(encoder: Encoder, book: Codebook, ranking: RankingText) -> Coded:
    """A ranking text's vector and codes, and where the tokens of its sentences end."""
    if not ranking.text.strip():
        empty = book.encode(encoder.encode("").tokens[:0])
        return Coded(quantise(encoder.encode("").pooled) * 0, empty, (0,) * len(ranking.ends))
    return _coded(encoder.encode(ranking.text), book, ranking)


def _coded(encoded: Encoded, book: Codebook, ranking: RankingText) -> Coded:
    bounds = encoded.ends.searchsorted(ranking.ends, side="right")
    return Coded(
        quantise(encoded.pooled), book.encode(encoded.tokens), tuple(int(at) for at in bounds)
    )


def input_hash(text: str, passage: Passage) -> bytes:
    """The 16-byte hash of a ranking text and of its division into sentences."""
    ends = ",".join(str(end - passage.start) for end in passage.sentences)
    return hashlib.blake2b(f"{text}\0{ends}".encode(), digest_size=16).digest()
