"""Takes away the parts of this project's ranking, one at a time, for `compare.py`.

Nothing in the product knows of it: names in its modules stand for something else for a while.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from qa.asking import excerpts, late_interaction, retrieval, scoring
from qa.asking.retrieval import CANDIDATES, Ranked, rank
from qa.asking.service import QA, open_encoder
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoded, Encoder
from qa.encoding.quantisation import Vectors, whole
from qa.index.dense import Mask
from qa.index.segment import Segment
from qa.index.snapshot import Ordinals, Snapshot

Part = tuple[str, AbstractContextManager[object]]
"""what is taken away, and the time for which it is"""

ALL = 1e6  # a weight beside which the other counts for nothing


def parts(qa: QA) -> Iterator[Part]:
    """Each part of the ranking, named by what is done without it."""
    yield "no MaxSim of the passage, its best sentence alone", without(SENTENCE_WEIGHT=ALL)
    yield "no best sentence, the passage's MaxSim alone", without(SENTENCE_WEIGHT=0.0)
    yield "no BM25 in the ranking", without(WORDS_WEIGHT=0.0)
    yield "no late interaction: cosine + BM25", without(rank=by_cosine)
    yield "candidates by words alone", without(candidates=by_words)
    yield "candidates by meaning alone", without(candidates=by_meaning)
    yield "no shortlist, all candidates weighed", without(SHORTLIST=2 * CANDIDATES)
    yield "what all passages have in common left in", without(scoring, without_common=untouched)
    yield "a word that stands everywhere counts in full", without(scoring, LEAST=1.0)
    yield "nothing carried over from the sentence before", without(scoring, CARRIED=0.0)
    yield "no share of the question's words", without(scoring, SHARE_WEIGHT=0, CONTEXT_WEIGHT=0)
    yield (
        "neighbours never joined in a highlight",
        without(excerpts, TOGETHER=ALL, NEEDED=(ALL, ALL)),
    )
    yield (
        "a highlight's passage counts for nothing in its rank",
        without(excerpts, RANK_WEIGHT=0.0),
    )
    yield "token vectors uncompressed", uncompressed(qa)


def without(where: ModuleType = retrieval, /, **changed: Any) -> AbstractContextManager[object]:
    """A module with other values for some of its names."""
    patched: AbstractContextManager[object] = patch.multiple(where, **changed)
    return patched


def untouched(tokens: Vectors, *_: object) -> Vectors:
    """The tokens as they are."""
    return tokens


def by_words(snapshot: Snapshot, terms: Sequence[str], _: Vectors, only: Mask | None) -> Ordinals:
    """The candidates of the word index."""
    allowed = None if only is None else np.flatnonzero(only).tolist()
    said = snapshot.words.search(terms, CANDIDATES, only=allowed)[0]
    return np.sort(said[snapshot.tokens(said) > 0])


def by_meaning(
    snapshot: Snapshot, _: Sequence[str], pooled: Vectors, only: Mask | None
) -> Ordinals:
    """The candidates of the pooled vectors."""
    near = snapshot.nearest(pooled, CANDIDATES, only)
    return np.sort(near[snapshot.tokens(near) > 0])


def by_cosine(
    snapshot: Snapshot,
    codebook: Codebook,
    question: str,
    encoded: Encoded,
    only: Mask | None,
) -> list[Ranked]:
    """The candidates by the sum of cosine and BM25, both as z-scores."""
    ranked = rank(snapshot, codebook, question, encoded, only)
    ordinals = np.array([candidate.ordinal for candidate in ranked], np.int64)
    cosine = snapshot.similarity(whole(encoded.pooled), ordinals)
    words = snapshot.words.relevance(snapshot.words.terms(question), ordinals.tolist())
    relevance = standard(cosine) + standard(words)
    return [
        ranked[at]._replace(relevance=float(relevance[at]))
        for at in np.lexsort((ordinals, -relevance)).tolist()
    ]


def standard(values: Vectors) -> Vectors:
    """The values as z-scores."""
    return (values - values.mean()) / (values.std() or 1) if len(values) else values


@contextmanager
def uncompressed(qa: QA) -> Iterator[None]:
    """Token vectors as the encoder gives them in place of their codes."""
    encoder = open_encoder(qa.index, qa.manifest)
    segments = qa.snapshot.segments
    codes = [segment.codes for segment in segments]
    for segment in segments:
        segment.codes = token_vectors(encoder, segment)
    try:
        with patch.object(late_interaction, "token_products", exact_products):
            yield
    finally:
        for segment, coded in zip(segments, codes, strict=True):
            segment.codes = coded


def token_vectors(encoder: Encoder, segment: Segment) -> Vectors:
    """The vectors `(tokens, dim)` of all passages of a segment, where their codes stand."""
    out = np.zeros((len(segment.codes), encoder.dim), np.float32)
    for row, record in enumerate(segment.records):
        first, tokens = int(record["first_token"]), int(record["tokens"])
        if tokens:
            out[first : first + tokens] = encoder.encode(segment.ranking_text(row)).tokens
    return out


def exact_products(_: Codebook, tokens: Vectors, question: Vectors) -> Vectors:
    """Cosines `(n, m)` of n tokens with the question's m tokens."""
    return tokens @ question.T
